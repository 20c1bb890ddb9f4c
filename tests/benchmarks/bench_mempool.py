"""The application's mempool under load, transactions sent in bundles: `python -m tests.benchmarks.bench_mempool`.

Each row is one load on a new network of this machine, the client included: so many transfers a second are offered for
so long over a few connections, in bundles of BUNDLE, whatever the answers; what a node puts off is sent again. Rates
are of what blocks held during the load, latencies from a bundle's first sending to the news of the block.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from chain.cometbft.config import APP
from tests.benchmarks.load_network import HEADWATER, network
from tests.benchmarks.load_phase import Figures, run_phase
from tests.support.transfers import Sender

CONNECTIONS = 4
BUNDLE = 200
SENDERS_PER_CONNECTION = 64


@dataclass(frozen=True, slots=True)
class Load:
    """What is offered, and what should become of it."""

    validators: int
    offered: int
    target: str


LOADS = (
    Load(1, 16_000, ">= 15,000/s, mean <= 0.7 s"),
    Load(1, 28_000, ">= 22,000/s"),
    Load(4, 4_000, "all, p50 <= 1.0 s"),
    Load(4, 5_000, ">= 4,800/s"),
    Load(4, 20_000, "blocks <= 2x as long, drained soon"),
)


def sign_for(arguments: tuple[int, int]) -> list[bytes]:
    """The transfers of one connection's senders, who take turns."""
    number, each = arguments
    own = [Sender(CONNECTIONS * place + number).transfers(each) for place in range(SENDERS_PER_CONNECTION)]
    return [raw for turn in zip(*own, strict=True) for raw in turn]


def presign(count: int) -> list[list[bytes]]:
    """A queue per connection, `count` in all."""
    each = -(-count // (CONNECTIONS * SENDERS_PER_CONNECTION))
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(sign_for, [(number, each) for number in range(CONNECTIONS)]))


def measure(load: Load, seconds: float) -> Figures:
    """One load on a network of its own."""
    queues = presign(int(load.offered * (seconds + 1)))
    accounts = [Sender(number).funded for number in range(CONNECTIONS * SENDERS_PER_CONNECTION)]
    with (
        tempfile.TemporaryDirectory() as folder,
        network(Path(folder) / "net", HEADWATER, load.validators, accounts, APP) as (net, supervisor),
    ):
        return asyncio.run(run_phase(net, supervisor, queues, seconds, load.offered, BUNDLE))


def make_table(rows: Sequence[tuple[Load, Figures]], seconds: float) -> Table:
    """One row per load."""
    title = f"transfers in bundles of {BUNDLE} over {CONNECTIONS} connections, {seconds:g} s, {os.cpu_count()} cores"
    table = Table(title=title, caption="CPU is per committed transfer, of all nodes together")
    for heading in (
        "validators",
        "offered/s",
        "committed/s",
        "target",
        "mean",
        "p50",
        "blocks of",
        "longest",
        "drained",
    ):
        table.add_column(heading, justify="left" if heading == "target" else "right")
    for heading in ("CPU of app", "CometBFT", "client", "put off", "refused"):
        table.add_column(heading, justify="right")
    for load, figures in rows:
        table.add_row(
            *(str(load.validators), f"{load.offered:,}", f"{figures.committed_per_second:,.0f}", load.target),
            *(f"{figures.latency_mean:.2f} s", f"{figures.latency_p50:.2f} s", f"{figures.block_seconds:.2f} s"),
            *(f"{figures.longest_block_seconds:.2f} s", f"{figures.drain_seconds:.1f} s"),
            *(f"{figures.cpu_us[name]:.0f} us" for name in ("application", "cometbft", "client")),
            *(f"{figures.repeated:,}", f"{figures.refused:,}"),
        )
    return table


def main() -> int:
    """Print the table; the exit code says nothing about speed."""
    parser = argparse.ArgumentParser(description="The application's mempool under load, in bundles.")
    parser.add_argument("--seconds", type=float, default=10, help="length of a load (%(default)s)")
    parser.add_argument("--rows", type=int, nargs="*", help="only these, from 0")
    options = parser.parse_args()
    chosen = LOADS if options.rows is None else [LOADS[number] for number in options.rows]
    rows = []
    for load in chosen:
        try:
            rows.append((load, measure(load, options.seconds)))
        except (RuntimeError, ValueError, OSError, AssertionError) as error:
            print(f"{load}: {error!r}", file=sys.stderr, flush=True)  # the other rows are worth having
    Console(width=180).print(make_table(rows, options.seconds))
    return 0 if len(rows) == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
