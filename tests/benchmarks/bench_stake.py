"""What the staking economy costs with a million delegators, and an election with ten thousand candidates.

Run: python -m tests.benchmarks.bench_stake

All of it on LevelDB, with states that `tests.support.crowds` writes. A message is measured as its handler, from the
committed state to the changes that it makes, because signature and fee are the same for all; beside that stands what a
whole block of a hundred of them takes, from its execution to the synced commit. The baseline is the same with a
thousand delegators. Where the machine has other work to do the processor's time says more than the clock's.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import plyvel

from app.execution.dispatch import HANDLERS
from app.execution.invariants import require_sound
from app.messages import bodies
from app.messages.bodies import Body
from app.messages.records import SlashReason
from app.messages.transaction import TxBody, sign_body
from app.primitives.amounts import Height, Lpt, Wei
from app.primitives.fractions import Fraction
from app.primitives.hashing import Hash32
from app.protocol.environment import NOBODY, BlockEnv, TxEnv
from app.protocol.slashing import slash
from app.state.tables import ACCOUNTS, PARAMS, ROUND
from app.store.overlay import Overlay
from genesis.presets.registry import get_preset
from tests.benchmarks.bench_store import measure_private_megabytes
from tests.support import crowds
from tests.support.abci_client import client
from tests.support.chain_driver import CHAIN_ID, LPT, Party

LONG = replace(get_preset("localnet"), n=144, round_length=10**6, unbonding_period=10**6, evidence_max_age=10**6)
"""No round ends while something else is measured."""
SHORT = replace(LONG, round_length=10)
TRANSCODERS, ACTORS, FEW = 100, 1_000, 1_000
SAMPLES = 300
BLOCK = 100
FEE = Wei(10**15)
CLAIMS = 2_000
MIX = (
    ("bond", 250), ("move", 150), ("unbond", 200), ("rebond", 100), ("withdraw", 100), ("update", 100),
    ("transcoder", 50), ("reward", 50),
)  # fmt: skip
"""The block of a thousand messages, each a transaction of another sender."""


class Cost(NamedTuple):
    """Seconds by the clock, and of them the processor's for this thread: LevelDB compacts in another one."""

    wall: float
    processor: float


def measure(work: Callable[[], Any]) -> Cost:
    """What a piece of work costs."""
    wall, processor = time.perf_counter(), time.thread_time()
    work()
    return Cost(time.perf_counter() - wall, time.thread_time() - processor)


def median(costs: Iterable[Cost]) -> Cost:
    """The medians of both."""
    return Cost(*(statistics.median(each) for each in zip(*costs, strict=True)))


class World:
    """One chain on disk and its parties."""

    def __init__(self, folder: Path, crowd: crowds.Crowd) -> None:
        self.engine = crowds.open_engine(folder)
        self.crowd = crowd

    @property
    def state(self) -> Any:
        """The committed state."""
        return self.engine._store

    def env(self) -> BlockEnv:
        """The block that comes next."""
        height = Height(self.engine.height + 1)
        return BlockEnv(CHAIN_ID, height, Hash32(bytes(32)), NOBODY, PARAMS.read(self.state))

    def sign(self, party: Party, message: Body) -> bytes:
        """A transaction with the party's next nonce in the committed state."""
        nonce = ACCOUNTS.read(self.state, party.address).nonce
        return sign_body(TxBody(CHAIN_ID, nonce, FEE, 0, (message,)), party.key)

    def block(self, txs: Sequence[bytes]) -> Cost:
        """Execute and commit a block, all of whose transactions are accepted; what that cost."""
        height, results = self.engine.height + 1, []

        def make() -> None:
            results.append(self.engine.finalize_block(height, height.to_bytes(32, "big"), bytes(20), txs))
            self.engine.commit()

        cost = measure(make)
        refused = [each.log for each in results[0].tx_results if each.code]
        assert not refused, refused[0]
        return cost


def build(folder: Path, delegators: int) -> crowds.Crowd:
    """A chain with so many delegators."""
    crowd = crowds.make_crowd(TRANSCODERS, ACTORS)
    crowds.begin(folder, LONG, crowd)
    crowds.add_delegators(folder, crowd, delegators)
    crowds.add_claims(folder, crowd, CLAIMS, 10**12)
    with closing(plyvel.DB(str(folder))) as database:
        database.compact_range()  # a chain that has grown over years has long done this
    return crowd


# --- one message at a time


def messages_of(crowd: crowds.Crowd, kind: str, number: int) -> tuple[Party, Body]:
    """The sender and the message of one kind; other numbers have other senders."""
    first, second = crowd.transcoders[:2]
    actor, transcoder = crowd.actors[number % ACTORS], crowd.transcoders[number % TRANSCODERS]
    rates = Wei(2000 + number), Fraction(10**8), Fraction(5 * 10**8), "http://127.0.0.1:2", b""
    made: dict[str, tuple[Party, Body]] = {
        "bond": (actor, bodies.Bond(Lpt(LPT), first.address)),
        "move": (actor, bodies.Bond(Lpt(LPT), second.address)),
        "unbond": (actor, bodies.Unbond(Lpt(LPT))),
        "rebond": (actor, bodies.Rebond(1, first.address)),
        "withdraw": (actor, bodies.Withdraw(Wei(0), Wei(1))),
        "update": (actor, bodies.UpdateDelegatorStake(actor.address)),
        "transcoder": (transcoder, bodies.Transcoder(*rates)),
        "reward": (transcoder, bodies.Reward()),
        "first reward": (first, bodies.Reward()),
        "distribute": (actor, bodies.DistributeFees(1, number)),
    }
    return made[kind]


def measure_message(world: World, kind: str) -> Cost:
    """One message in its handler, the median over many senders, each on the committed state."""
    costs = []
    for number in range(SAMPLES):
        party, message = messages_of(world.crowd, kind, number)
        overlay, env = Overlay(world.state), TxEnv(world.env(), party.address)
        costs.append(measure(partial(HANDLERS[type(message)], overlay, env, message)))
    return median(costs)


def measure_slash(world: World) -> Cost:
    """A slash of the transcoder that all delegators are bonded to; the median."""
    costs, transcoder = [], world.crowd.transcoders[0].address
    offence = Fraction(10**7), SlashReason.DOUBLE_SIGN, Height(1)
    for _ in range(SAMPLES):
        costs.append(measure(partial(slash, Overlay(world.state), world.env(), transcoder, *offence)))
    return median(costs)


def measure_blocks(world: World, kind: str, rounds: int = 5) -> Cost:
    """A block of a hundred messages of one kind, executed and committed; the median."""
    costs = []
    for turn in range(rounds):
        numbers = range(turn * BLOCK, (turn + 1) * BLOCK)
        costs.append(world.block([world.sign(*messages_of(world.crowd, kind, number)) for number in numbers]))
    return median(costs)


MESSAGES = (("Bond", "bond"), ("Unbond", "unbond"), ("Reward", "first reward"), ("DistributeFees", "distribute"))


def compare(large: World, small: World, count: int) -> Iterator[str]:
    """The rows of messages, each beside its baseline; both worlds take turns."""
    measures: list[tuple[str, Callable[[World], Cost]]] = [
        (name, partial(measure_message, kind=kind)) for name, kind in MESSAGES
    ]
    measures.append(("slash", measure_slash))
    for name, ask in measures:
        ask(small), ask(large)  # the first look at a record is the disk's
        base, found = ask(small), ask(large)
        yield cost_row(f"{name}, {count:,} delegators", found, "≤ 1.5x", base)
    for name, kind in (("Bond", "bond"), ("DistributeFees", "distribute")):
        base, found = measure_blocks(small, kind), measure_blocks(large, kind)
        yield cost_row(f"a block of {BLOCK} {name}, with commit", found, "", base)


# --- a block of a thousand messages


def measure_mixed(world: World) -> Cost:
    """The block of mixed messages, no signature of which was seen before."""
    ends = list(accumulate(count for _, count in MIX))
    numbers = {kind: range(end - count, end) for (kind, count), end in zip(MIX, ends, strict=True)}
    world.block([world.sign(*messages_of(world.crowd, "unbond", number)) for number in numbers["rebond"]])
    return world.block(
        [world.sign(*messages_of(world.crowd, kind, each)) for kind in numbers for each in numbers[kind]]
    )


# --- memory and start


def measure_start(folder: Path) -> tuple[float, float]:
    """Seconds until the application process answers Info, and its own megabytes then."""
    home = folder / "home"
    home.mkdir()
    (home / "state").symlink_to(folder / "large")
    address = f"unix://{folder}/app.sock"
    command = [sys.executable, "-m", "app.abci", "--home", str(home), "--listen", address, "--log-level", "error"]
    started = time.perf_counter()
    process = subprocess.Popen(command)
    try:
        while True:
            try:
                with client(address) as connection:
                    assert connection.ask("info").info.last_block_height > 0
                    break
            except OSError:
                assert process.poll() is None, "the application has ended"
                time.sleep(0.005)
        seconds = time.perf_counter() - started
        return seconds, private_megabytes(process.pid)
    finally:
        process.terminate()
        process.wait()


def private_megabytes(process_id: int) -> float:
    """A process's own memory, without LevelDB's mapped files."""
    for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this kernel does not tell a process's own memory")


# --- rounds


def measure_rounds(folder: Path, candidates: int, rounds: int) -> tuple[Cost, Cost]:
    """The first block of a round, executed and committed, and a block in it; medians."""
    crowd = crowds.make_crowd(TRANSCODERS, 0)
    crowds.begin(folder, SHORT, crowd)
    crowds.add_candidates(folder, candidates)
    world = World(folder, crowd)
    starts: list[Cost] = []
    others: list[Cost] = []
    with closing(world.engine):
        while len(starts) < rounds:
            now = ROUND.read(world.state)
            is_first = world.engine.height + 1 == now.start_height + now.length
            (starts if is_first else others).append(world.block(()))
        assert ROUND.read(world.state).number == rounds
    return median(starts), median(others)


# --- the table


def row(what: str, clock: str, processor: str, target: str, ratio: str) -> str:
    """One line of the table."""
    return f"| {what:<58} | {clock:>9} | {processor:>9} | {target:>8} | {ratio:>18} |"


def cost_row(what: str, found: Cost, target: str, base: Cost) -> str:
    """A line with its ratio to the baseline, by the processor's time."""
    factor, unit = (1e6, "us") if base.wall < 1e-3 else (1e3, "ms")
    ratio = f"{found.processor / base.processor:.2f}x of {base.processor * factor:.0f} {unit}"
    return row(what, *(f"{each * factor:.0f} {unit}" for each in found), target, ratio)


def report(folder: Path, delegators: int, candidates: int) -> Iterator[str]:
    """Every row."""
    yield row("what", "clock", "processor", "target", "ratio to baseline")
    yield row("-" * 58, "-" * 9, "-" * 9, "-" * 8, "-" * 18)
    seconds, megabytes = measure_start(folder)
    yield row(f"start of the application, {delegators:,} delegators", f"{seconds:.2f} s", "", "≤ 5 s", "")
    yield row("its own memory then", f"{megabytes:.0f} MB", "", "≤ 600 MB", "")
    crowd = crowds.make_crowd(TRANSCODERS, ACTORS)
    large, small = World(folder / "large", crowd), World(folder / "small", crowd)
    with closing(large.engine), closing(small.engine):
        require_sound(small.state)
        yield from compare(large, small, delegators)
        base, found = measure_mixed(small), measure_mixed(large)
        yield cost_row(f"a block of {sum(dict(MIX).values()):,} mixed messages, with commit", found, "≤ 1 s", base)
        require_sound(small.state)
    memory = measure_private_megabytes()
    yield row("memory of the process that made these blocks", f"{memory:.0f} MB", "", "≤ 600 MB", "")
    first, other = measure_rounds(folder / "rounds", candidates, 5)
    yield cost_row(f"round begun, {candidates:,} candidates, N = {SHORT.n}, with commit", first, "≤ 300 ms", first)
    yield cost_row("the baseline of that: an empty block within a round", other, "", other)


def main() -> None:
    """Build in this process, measure in a fresh one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delegators", type=int, default=1_000_000)
    parser.add_argument("--candidates", type=int, default=10_000)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure is not None:
        for line in report(arguments.measure, arguments.delegators, arguments.candidates):
            print(line, flush=True)
        return
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        build(Path(folder) / "small", FEW)
        build(Path(folder) / "large", arguments.delegators)
        print(f"built in {time.perf_counter() - started:.1f} s", flush=True)
        sizes = ["--delegators", str(arguments.delegators), "--candidates", str(arguments.candidates)]
        command = [sys.executable, "-m", "tests.benchmarks.bench_stake", "--measure", folder, *sizes]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
