"""States with very many delegators or candidates, written record by record instead of by as many transactions.

The chain starts from a genesis document as always. Then the records of the crowd are put through the typed tables, a
batch of accounts to a height: for each delegator the account and the bond, once for each batch the candidate's pool,
its place in the order by stake, the shares that its round began with, the supply and the totals. The shares are those
that the pool itself sells. What comes out is a state that transactions could have led to: small crowds are checked
against all invariants (`require_sound`).
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.execution.engine import Engine
from app.messages.bodies import SegmentRange
from app.messages.options import Rendition, TranscodingOptions
from app.messages.record import to_json
from app.messages.records import Account, Claim, ClaimStatus, Delegator, Job, JobStatus, Rates, Transcoder
from app.params import Params
from app.primitives.address import Address
from app.primitives.amounts import Height, Lpt, Round, Wei
from app.primitives.fractions import Fraction
from app.primitives.hashing import Hash32, sha256
from app.protocol.stake import compute_shares, index_candidate
from app.protocol.transcoders import register
from app.state.tables import ACCOUNTS, ACTIVE, CLAIMS, DELEGATORS, JOBS, POOLS, SUPPLY, TOTALS, State
from app.store.leveldb import LevelDbBackend
from app.store.overlay import Overlay
from app.store.state_store import StateStore
from tests.support.chain_driver import CHAIN_ID, ETH, LPT, Party, make_genesis

BATCH = 200_000
STAKE, CANDIDATE_STAKE, VALIDATOR_STAKE = Lpt(10 * LPT), Lpt(1000 * LPT), Lpt(100_000 * LPT)
BALANCE_LPT, BALANCE_WEI = Lpt(100 * LPT), Wei(ETH)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who is there: `actors` are those delegators of the first transcoder whose keys are known, the first ones."""

    transcoders: tuple[Party, ...]
    actors: tuple[Party, ...]


def make_crowd(transcoders: int, actors: int) -> Crowd:
    """Parties with keys, the same at every call."""
    return Crowd(
        tuple(Party(f"transcoder {number}") for number in range(transcoders)),
        tuple(Party(f"actor {number}") for number in range(actors)),
    )


def open_engine(folder: Path) -> Engine:
    """The application over the state in a folder, as a node opens it."""
    return Engine(StateStore(LevelDbBackend(folder)))


def begin(folder: Path, params: Params, crowd: Crowd) -> None:
    """A chain of the crowd's transcoders, validators all, after its first block."""
    engine = open_engine(folder)
    genesis = make_genesis(params, (), crowd.transcoders, VALIDATOR_STAKE)
    engine.init_chain(CHAIN_ID, 1, json.dumps(to_json(genesis)).encode())
    engine.finalize_block(1, bytes(32), bytes(20), [])
    engine.commit()
    engine.close()


def write(folder: Path, batches: Iterator[Overlay], store: StateStore) -> None:
    """Commit each batch as a height."""
    for overlay in batches:
        store.commit(store.height + 1, store.prepare(overlay.changes()))
    store.close()


def add_delegators(folder: Path, crowd: Crowd, count: int) -> None:
    """Bond so many delegators to the first transcoder, the crowd's actors first."""
    store = StateStore(LevelDbBackend(folder), history_heights=1)
    addresses = [actor.address for actor in crowd.actors]
    addresses += [_stranger(b"delegator", number) for number in range(len(addresses), count)]
    candidate = crowd.transcoders[0].address

    def batches() -> Iterator[Overlay]:
        for first in range(0, count, BATCH):
            overlay = Overlay(store)
            _bond_all(overlay, candidate, addresses[first : first + BATCH])
            yield overlay

    write(folder, batches(), store)


def add_candidates(folder: Path, count: int) -> None:
    """Register so many transcoders without consensus keys, with stakes that grow by their number."""
    store = StateStore(LevelDbBackend(folder), history_heights=1)

    def batches() -> Iterator[Overlay]:
        overlay = Overlay(store)
        for number in range(count):
            address, stake = _stranger(b"candidate", number), Lpt(CANDIDATE_STAKE + number * LPT)
            _bond_all(overlay, address, [address], stake)
            rates = Rates(Wei(1000 + number), Fraction(10**8), Fraction(5 * 10**8))
            uri = f"http://127.0.0.1:{number}"
            register(overlay, Height(0), address, Transcoder(rates, rates, Round(0), uri, b"", 0, Height(0), False, 0))
        yield overlay

    write(folder, batches(), store)


def add_claims(folder: Path, crowd: Crowd, count: int, fee: int) -> None:
    """One closed job of the first transcoder with so many claims that can be paid, numbered from 0."""
    store = StateStore(LevelDbBackend(folder), history_heights=1)
    transcoder = crowd.transcoders[0].address
    overlay = Overlay(store)
    options = TranscodingOptions("h264-crf-1", (Rendition("240p", 426, 240, 30, 1, 23),))
    parties = Address(bytes(19) + b"\x01"), "stream", options, Wei(1), Wei(1), Wei(0), JobStatus.CLOSED, transcoder
    JOBS.put(overlay, Job(*parties, (), Height(1), Height(1), Height(1), count, count, 0), 1)
    TOTALS.put(overlay, replace(TOTALS.read(overlay), next_job_id=2))
    for number in range(count):
        ranges, root = (SegmentRange(number, number),), Hash32(bytes(32))
        judged = ClaimStatus.VERIFIED, (), 0, Wei(0), Height(1), Height(1)
        CLAIMS.put(overlay, Claim(transcoder, Height(1), ranges, root, 1, Wei(fee), Wei(0), *judged), 1, number)
    supply = SUPPLY.read(overlay)
    SUPPLY.put(overlay, replace(supply, wei=Wei(supply.wei + count * fee)))
    write(folder, iter((overlay,)), store)


def _stranger(kind: bytes, number: int) -> Address:
    return Address(sha256(kind + b" %d" % number)[:20])


def _bond_all(state: State, candidate: Address, delegators: Sequence[Address], stake: Lpt = STAKE) -> None:
    pool, supply, totals = POOLS.read(state, candidate), SUPPLY.read(state), TOTALS.read(state)
    shares, added = compute_shares(pool, stake), stake * len(delegators)
    account = Account(0, BALANCE_LPT, BALANCE_WEI)
    bond = Delegator(candidate, shares, pool.fee_factor, Round(0), 0, Wei(0), pool.era)
    for address in delegators:
        ACCOUNTS.put(state, account, address)
        DELEGATORS.put(state, bond, address)
    grown = replace(pool, stake=Lpt(pool.stake + added), shares=pool.shares + shares * len(delegators))
    POOLS.put(state, grown, candidate)
    active = ACTIVE.get(state, candidate)
    if active is not None:
        ACTIVE.put(state, replace(active, shares=grown.shares), candidate)
    if candidate != delegators[0]:
        index_candidate(state, candidate, pool.stake, grown.stake)
    TOTALS.put(state, replace(totals, bonded=Lpt(totals.bonded + added)))
    lpt, wei = (each * len(delegators) for each in (BALANCE_LPT, BALANCE_WEI))
    SUPPLY.put(state, replace(supply, lpt=Lpt(supply.lpt + lpt + added), wei=Wei(supply.wei + wei)))
