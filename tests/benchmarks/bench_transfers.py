"""Transfers per second committed by a real network, against CometBFT's own kvstore over a socket in the same run.

Run with `python -m tests.benchmarks.bench_transfers`. Ours keeps its own mempool, kvstore has CometBFT's. Both
applications get the same network, block times, number of connections and length of transactions, one after the other:
first all the load that is taken, then half of what was committed of ours. Transactions are signed in advance; a sender
stays with one node; `broadcast_tx_sync` over websockets; nothing is indexed. All of it, the client too, shares this
machine, so that CPU per transfer is shown as well: it hardly depends on what else the machine does.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from chain.cometbft.config import APP
from tests.benchmarks.load import WINDOW
from tests.benchmarks.load_network import HEADWATER, KVSTORE, network
from tests.benchmarks.load_phase import Figures, run_phase
from tests.support.transfers import Sender

TARGET_RATIOS = {1: 1.5, 4: 1.2}
"""Of what kvstore commits, by the number of validators."""
SATURATED = "all that is taken"
CONNECTIONS = 64
SENDERS_PER_CONNECTION = 4
PRESIGNED_PER_SECOND = {HEADWATER: 18_000, KVSTORE: 30_000}
"""How many transactions to make for each second of load: more than one machine commits."""

Queues = list[list[bytes]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same phase of both."""

    validators: int
    load: str
    ours: Figures
    theirs: Figures


def make_senders() -> list[Sender]:
    """All of them, at their first nonce."""
    return [Sender(number) for number in range(CONNECTIONS * SENDERS_PER_CONNECTION)]


def presign(count: int) -> Queues:
    """A queue of transfers per connection, `count` in all; the senders of a connection take turns."""
    senders = make_senders()
    each = count // len(senders)
    queues = []
    for number in range(CONNECTIONS):
        own = [sender.transfers(each) for sender in senders[number::CONNECTIONS]]
        queues.append([raw for turn in zip(*own, strict=True) for raw in turn])
    return queues


def make_pairs(count: int, length: int) -> Queues:
    """As much for kvstore: one `key=value` each, as long as a transfer."""
    each = count // CONNECTIONS
    return [
        [f"{number:04}{place:08}=".encode().ljust(length, b"v") for place in range(each)]
        for number in range(CONNECTIONS)
    ]


def measure(application: str, validators: int, queues: Queues, seconds: float, rate: float = 0) -> list[Figures]:
    """Two phases on one network: as fast as it goes, then at `rate`, or at half of what it has committed."""

    async def phases() -> list[Figures]:
        full = await run_phase(net, supervisor, queues, seconds)
        return [full, await run_phase(net, supervisor, queues, seconds, rate or full.committed_per_second / 2)]

    accounts = [sender.funded for sender in make_senders()]
    with (
        tempfile.TemporaryDirectory() as folder,
        network(Path(folder) / "net", application, validators, accounts, APP) as (net, supervisor),
    ):
        return asyncio.run(phases())


def compare(validators: int, seconds: float, rounds: int) -> list[Comparison]:
    """Both applications in turns, each at saturation and at half of what ours committed there; the best round of each.

    Whatever else the machine does only slows a round down, hence the best.
    """
    transfers = presign(int(PRESIGNED_PER_SECOND[HEADWATER] * seconds))
    pairs = make_pairs(int(PRESIGNED_PER_SECOND[KVSTORE] * seconds), len(transfers[0][0]))
    ours, theirs, half = [], [], 0.0
    for _ in range(rounds):
        ours.append(measure(HEADWATER, validators, [list(queue) for queue in transfers], seconds, half))
        half = half or ours[0][0].committed_per_second / 2
        theirs.append(measure(KVSTORE, validators, [list(queue) for queue in pairs], seconds, half))
    loads = SATURATED, f"{half:,.0f}/s offered"
    return [Comparison(validators, load, _best(ours, phase), _best(theirs, phase)) for phase, load in enumerate(loads)]


def _best(rounds: Sequence[Sequence[Figures]], phase: int) -> Figures:
    return max((figures[phase] for figures in rounds), key=lambda figures: figures.committed_per_second)


def make_table(comparisons: Sequence[Comparison], seconds: float) -> Table:
    """One row per phase and application."""
    title = f"transfers over RPC, {CONNECTIONS} connections with {WINDOW} requests each on their way, {seconds:g} s"
    table = Table(
        title=f"{title}, {os.cpu_count()} cores", caption="CPU is per committed transfer, of all nodes together"
    )
    headings = ("validators, load", "application", "committed/s", "of kvstore", "target", "mean", "p50", "blocks of")
    for heading in (*headings, "CPU of app", "CometBFT", "client", "in all", "refused"):
        table.add_column(heading, justify="left" if heading in headings[:2] else "right")
    for each in comparisons:
        ratio = each.ours.committed_per_second / each.theirs.committed_per_second
        wanted = TARGET_RATIOS.get(each.validators) if each.load == SATURATED else None
        target = f">= {wanted}" if wanted else ""
        table.add_row(f"{each.validators}, {each.load}", KVSTORE, *_cells(each.theirs, "", ""))
        table.add_row("", HEADWATER, *_cells(each.ours, f"{ratio:.2f}x", target), end_section=True)
    return table


def _cells(figures: Figures, ratio: str, target: str) -> list[str]:
    cpu = [f"{figures.cpu_us[name]:.0f} us" for name in ("application", "cometbft", "client")]
    waits = f"{figures.latency_mean:.2f} s", f"{figures.latency_p50:.2f} s"
    blocks = f"{figures.block_seconds:.2f} s"
    together = f"{sum(figures.cpu_us.values()):.0f} us"
    return [f"{figures.committed_per_second:,.0f}", ratio, target, *waits, blocks, *cpu, together, str(figures.refused)]


def main() -> int:
    """Print the table; the exit code says nothing about speed."""
    parser = argparse.ArgumentParser(description="Transfers per second against CometBFT's kvstore.")
    parser.add_argument("--seconds", type=float, default=10, help="length of a phase (%(default)s)")
    parser.add_argument("--validators", type=int, nargs="*", default=[1, 4], help="networks to measure (%(default)s)")
    parser.add_argument("--rounds", type=int, default=2, help="how often each is measured (%(default)s)")
    options = parser.parse_args()
    comparisons = [row for count in options.validators for row in compare(count, options.seconds, options.rounds)]
    Console(width=160).print(make_table(comparisons, options.seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
