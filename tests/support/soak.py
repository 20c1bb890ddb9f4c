"""Random histories that are long: millions of operations over several seeds, everything accounted for to the unit.

`python -m tests.support.soak --seeds 1,2,3,4 --operations 1000000` plays the operations, divided among the seeds, in as
many processes as there are cores. Money is counted after every block; all invariants of protocol.md, section 12, and
the state root recomputed from the flat pairs, are checked each so many blocks and at the end.

A history is a pure function of its seed. What fails names it, and plays it again from the last block at which all was
well, looking after every block, so that the first bad one is told.
"""

import os
import sys
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from app.execution.invariants import find_broken, find_unconserved
from app.messages.rejections import Rejection
from app.messages.transaction import decode_tx
from app.state.tables import SUPPLY
from tests.support.histories import History

CHECKS = 20
"""How often in a run everything is checked."""


class SoakHistory(History):
    """A history with large blocks, made and executed as fast as it goes."""

    sizes = (5, 30, 80)


@dataclass(frozen=True, slots=True)
class Soaked:
    """What a seed came to."""

    seed: int
    operations: int
    accepted: int
    heights: int
    seconds: float
    failure: str = ""

    def __str__(self) -> str:
        told = f"seed {self.seed}: {self.operations} operations, {self.accepted} accepted, {self.heights} blocks"
        if not self.failure:
            return f"{told}, {self.seconds:.0f} s, all invariants hold"
        replay = f"make soak SEEDS={self.seed} OPERATIONS={self.operations}"
        return f"{told}\n  FAILED {self.failure}\n  play it again with: {replay}"


class Soak:
    """One seed's history and what is counted on the way."""

    def __init__(self, seed: int, kind: type[History] = SoakHistory) -> None:
        self.history = kind(seed)
        self.operations = self.accepted = self.good_height = 0

    @property
    def height(self) -> int:
        """The last height."""
        return self.history.chain.engine.height

    def block(self) -> str:
        """Play one block; returns what is wrong with it, of what is seen without walking the state."""
        chain = self.history.chain
        before = SUPPLY.get(chain.state)
        txs, said = self.history.block()
        result = chain.finalize(*txs, **said)
        chain.engine.commit()
        for raw, told in zip(txs, result.tx_results, strict=True):
            count = count_messages(raw)
            self.operations += count
            self.accepted += count * (told.code == 0)
        return "" if before is None else find_unconserved(before, SUPPLY.read(chain.state))

    def check(self) -> str:
        """Look at everything; returns what is wrong."""
        state = self.history.chain.state
        broken = find_broken(state)
        if state.recompute_root() != state.root:
            broken.append("the state root is not that of the flat pairs")
        return "; ".join(broken)

    def run(self, operations: int, every: int, quiet_until: int = 0) -> str:
        """Play so many operations, and check each time that so many are done; returns the first failure.

        Args:
            quiet_until: the height up to which nothing is checked, because it has been before.
        """
        due = every
        while self.operations < operations:
            try:
                failure = self.block()
                if not failure and self.height > quiet_until and self.operations >= due:
                    failure, due = self.check(), self.operations + every
                    self.good_height = self.good_height if failure else self.height
            except AssertionError as error:
                failure = f"{error}"
            if failure:
                return f"at height {self.height}: {failure}"
        return self.check()


def count_messages(raw: bytes) -> int:
    """The messages of a transaction; what is none counts as one operation."""
    try:
        return len(decode_tx(raw).body.messages)
    except Rejection:
        return 1


def soak(seed: int, operations: int, kind: type[History] = SoakHistory) -> Soaked:
    """Play a seed; where it fails, play it again to find the first block that is bad."""
    began, run = time.monotonic(), Soak(seed, kind)
    every = max(1, operations // CHECKS)
    failure = run.run(operations, every)
    if failure:
        closer = Soak(seed, kind)
        failure = closer.run(run.operations, 1, quiet_until=run.good_height) or failure
    return Soaked(seed, run.operations, run.accepted, run.height, time.monotonic() - began, failure)


def main(arguments: Sequence[str]) -> int:
    """Soak what the command line says; 1 where a seed has failed."""
    parser = ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--seeds", default="1,2,3,4", help="as in 1,2,3")
    parser.add_argument("--operations", type=int, default=10**6, help="of all seeds together")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args(arguments)
    seeds = [int(seed) for seed in options.seeds.split(",")]
    began, failed, done = time.monotonic(), 0, 0
    with ProcessPoolExecutor(min(options.processes, len(seeds))) as pool:
        for soaked in pool.map(soak, seeds, [options.operations // len(seeds)] * len(seeds)):
            print(soaked, flush=True)
            failed, done = failed + bool(soaked.failure), done + soaked.operations
    print(f"{done} operations in {time.monotonic() - began:.0f} s; {failed} of {len(seeds)} seeds failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
