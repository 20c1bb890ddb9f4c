"""Token distribution: a million rows into a tree, and ten thousand holders who claim.

Run: python -m tests.benchmarks.bench_allocations

The table has addresses with checksums, as people's tables do, and amounts with a unit. Claims are executed and
committed in blocks of a thousand, on LevelDB, signatures recovered; the baseline is as many transfers in the same
blocks of the same chain.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from app.execution.engine import Engine
from app.messages.bodies import Body, ClaimAllocation, Denom, Transfer
from app.messages.genesis_state import GenesisAccount
from app.messages.record import to_json
from app.messages.transaction import TxBody, sign_body
from app.primitives.address import Address, to_checksum
from app.primitives.amounts import Amount, Lpt, Wei
from app.primitives.hashing import sha256
from app.store.leveldb import LevelDbBackend
from app.store.state_store import StateStore
from genesis.allocation_rows import read_rows
from genesis.allocations import AllocationFile, build_file, pack_row
from genesis.presets.test import TEST
from tests.support.chain_driver import CHAIN_ID, ETH, LPT, VERA, Party, make_genesis

BLOCK_TXS = 1000
FEE = Wei(10**12)


def make_table(path: Path, count: int) -> None:
    """A table of so many holders."""
    with path.open("w") as file:
        file.write("address,amount\n")
        for number in range(count):
            holder = to_checksum(sha256(number.to_bytes(8, "big"))[:20])
            file.write(f"{holder},{number % 1000 + 1}.{number % 97:02}LPT\n")


def measure_build(folder: Path, count: int) -> tuple[float, float, float]:
    """CPU seconds and seconds of building, and of making one proof from the file."""
    table, out = folder / "holders.csv", folder / "allocations.bin"
    make_table(table, count)
    cpu, started = time.process_time(), time.perf_counter()
    with table.open(newline="") as lines:
        rows = read_rows(lines, lambda _: None)
    _, content = build_file(rows, lambda _: None)
    out.write_bytes(content)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - started
    started = time.perf_counter()
    with AllocationFile(out) as file:
        file.read(count // 2)
    return cpu, wall, time.perf_counter() - started


def make_claims(folder: Path, parties: Sequence[Party], others: int) -> tuple[list[ClaimAllocation], AllocationFile]:
    """The claims of the parties, out of a file in which others stand as well; in the order of parties."""
    amounts = {party.address: LPT + place for place, party in enumerate(parties)}
    strangers = [Address(sha256(b"other" + number.to_bytes(8, "big"))[:20]) for number in range(others)]
    rows = sorted(pack_row(holder, amounts.get(holder, LPT)) for holder in [*amounts, *strangers])
    path = folder / "claims.bin"
    path.write_bytes(build_file(rows, lambda _: None)[1])
    file = AllocationFile(path)
    claims = []
    for party in parties:
        index = file.find(party.address)
        assert index is not None, "every party stands in the file"
        found = file.read(index)
        claims.append(ClaimAllocation(found.index, found.amount, found.proof))
    return claims, file


def blocks_of(parties: Sequence[Party], messages: Sequence[Body], nonce: int) -> Iterator[list[bytes]]:
    """One transaction of each party, in blocks."""
    txs = [
        sign_body(TxBody(CHAIN_ID, nonce, FEE, 0, (message,)), party.key)
        for party, message in zip(parties, messages, strict=True)
    ]
    for first in range(0, len(txs), BLOCK_TXS):
        yield txs[first : first + BLOCK_TXS]


def run_blocks(engine: Engine, blocks: Sequence[list[bytes]]) -> tuple[float, float]:
    """Seconds, and CPU seconds, of executing and committing; every transaction has to be accepted."""
    cpu, started = time.process_time(), time.perf_counter()
    for txs in blocks:
        height = engine.height + 1
        result = engine.finalize_block(height, bytes(sha256(b"block %d" % height)), bytes(20), txs)
        engine.commit()
        assert all(tx.code == 0 for tx in result.tx_results), next(tx.log for tx in result.tx_results if tx.code)
    return time.perf_counter() - started, time.process_time() - cpu


def measure_claims(folder: Path, claims: int, others: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Seconds, and CPU seconds, of so many claims, and of as many transfers."""
    parties = [Party(f"holder {number}") for number in range(claims)]
    messages, file = make_claims(folder, parties, others)
    accounts = tuple(GenesisAccount(party.address, Lpt(0), Wei(ETH)) for party in parties)
    genesis = make_genesis(replace(TEST, allocation_expiry=10_000), [], [VERA])
    genesis = replace(genesis, accounts=genesis.accounts + accounts, allocations=file.summary)
    engine = Engine(StateStore(LevelDbBackend(folder / "state")))
    engine.init_chain(CHAIN_ID, 1, json.dumps(to_json(genesis)).encode())
    run_blocks(engine, [[]])
    claimed = run_blocks(engine, list(blocks_of(parties, messages, 0)))
    transfer = Transfer(VERA.address, Denom.LPT, Amount(1))
    moved = run_blocks(engine, list(blocks_of(parties, [transfer] * claims, 1)))
    engine.close()
    return claimed, moved


def row(what: str, value: str, target: str, more: str) -> str:
    """One line of the table."""
    return f"| {what:<58} | {value:>12} | {target:>10} | {more:>30} |"


def main() -> int:
    """Print the table; the exit code says nothing about speed."""
    parser = argparse.ArgumentParser(description="Building and claiming allocations.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the table (%(default)s)")
    parser.add_argument("--claims", type=int, default=10_000, help="that are executed (%(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        cpu, wall, proof = measure_build(Path(name), options.rows)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        claimed, moved = measure_claims(Path(name), options.claims, options.rows // 10)
    print(row("what", "measured", "target", "beside"))
    print(row(f"{options.rows:,} rows read, hashed, written", f"{wall:.1f} s", "< 60 s", f"{cpu:.1f} s of one core"))
    print(row("memory of the process at its peak", f"{peak:,.0f} MB", "", ""))
    print(row("one holder's proof out of the file", f"{proof * 1000:.1f} ms", "", ""))
    for what, (seconds, of_core), target in (("claims", claimed, ">= 1,000/s"), ("transfers", moved, "")):
        rates = f"{options.claims / seconds:,.0f}/s", f"{options.claims / of_core:,.0f}/s of one core's time"
        print(row(f"{options.claims:,} {what}", rates[0], target, rates[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
