"""Typed access to the tables of `app.messages.keyspace`, over whatever holds the bytes.

A table holds no data and no reference to a store; every call is given the state it works on, so that one table serves
committed state, a block, and a transaction inside it.
"""

from collections.abc import Iterator
from typing import Any, Generic, Protocol, TypeVar

from app.messages import keyspace, records
from app.messages.attestation import Attestation
from app.messages.keyspace import KeyPart, Layout
from app.messages.record import decode, encode
from app.params import Params
from app.primitives.amounts import Height, Lpt, Round, Wei

R = TypeVar("R")


class ReadState(Protocol):
    """State that can be read: keys and values are bytes, keys in order."""

    def get(self, key: bytes) -> bytes | None:
        """The value under a key, or none."""

    def iterate(self, start: bytes, stop: bytes | None, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """All pairs from `start` up to but without `stop`."""


class State(ReadState, Protocol):
    """State that a transition may change."""

    def set(self, key: bytes, value: bytes) -> None:
        """Put a value under a key."""

    def delete(self, key: bytes) -> None:
        """Remove a key, which need not be there."""


class Table(Generic[R]):
    """One table of records of type `R`."""

    def __init__(self, layout: Layout, default: R | None = None) -> None:
        self.layout = layout
        self._default = default

    def get(self, state: ReadState, *key: KeyPart) -> R | None:
        """The record under a key, or none."""
        data = state.get(self.layout.key(*key))
        return None if data is None else decode(self.layout.record, data)

    def read(self, state: ReadState, *key: KeyPart) -> R:
        """The record under a key, which is there or has a default; anything else is our own mistake."""
        found = self.get(state, *key)
        if found is not None:
            return found
        assert self._default is not None, f"{self.layout.name}: no record under {key!r}"
        return self._default

    def parse(self, data: bytes) -> R:
        """The record whose bytes were read from the state itself."""
        record: R = decode(self.layout.record, data)
        return record

    def has(self, state: ReadState, *key: KeyPart) -> bool:
        """Whether there is a record under a key."""
        return state.get(self.layout.key(*key)) is not None

    def put(self, state: State, record: R, *key: KeyPart) -> None:
        """Write the record under a key."""
        state.set(self.layout.key(*key), encode(record))

    def drop(self, state: State, *key: KeyPart) -> None:
        """Remove the record under a key."""
        state.delete(self.layout.key(*key))

    def items(self, state: ReadState, *leading: KeyPart, reverse: bool = False) -> Iterator[tuple[tuple[Any, ...], R]]:
        """Key parts and records, in key order, of all entries whose key begins with these parts."""
        start = self.layout.key(*leading)
        for key, data in state.iterate(start, end_of_prefix(start), reverse):
            yield self.layout.split(key), decode(self.layout.record, data)

    def items_from(self, state: ReadState, start: bytes, end_of: bytes) -> Iterator[tuple[tuple[Any, ...], R]]:
        """Key parts and records from a raw key on, up to the last whose key begins with `end_of`."""
        for key, data in state.iterate(start, end_of_prefix(end_of)):
            yield self.layout.split(key), decode(self.layout.record, data)

    def keys(self, state: ReadState, *leading: KeyPart) -> Iterator[tuple[Any, ...]]:
        """Key parts, in key order, of all entries whose key begins with these parts."""
        start = self.layout.key(*leading)
        for key, _ in state.iterate(start, end_of_prefix(start)):
            yield self.layout.split(key)

    def last_before(self, state: ReadState, *key: KeyPart) -> tuple[tuple[Any, ...], R] | None:
        """The entry with the greatest key below this one that shares all but its last part, or none."""
        start, stop = self.layout.key(*key[:-1]), self.layout.key(*key)
        for found, data in state.iterate(start, stop, reverse=True):
            return self.layout.split(found), decode(self.layout.record, data)
        return None


def end_of_prefix(prefix: bytes) -> bytes:
    """The first key after all that begin with `prefix`."""

    stem = prefix.rstrip(b"\xff")
    return stem[:-1] + bytes([stem[-1] + 1])


NO_ONE = records.Account(0, Lpt(0), Wei(0))

ACCOUNTS: Table[records.Account] = Table(keyspace.ACCOUNTS, NO_ONE)
SUPPLY: Table[records.Supply] = Table(keyspace.SUPPLY)
COMMON_POOL: Table[records.CommonPool] = Table(keyspace.COMMON_POOL)
TOTALS: Table[records.Totals] = Table(keyspace.TOTALS)
ALLOCATIONS: Table[records.Allocations] = Table(keyspace.ALLOCATIONS)
CLAIMED_ALLOCATIONS: Table[records.AllocationBits] = Table(keyspace.CLAIMED_ALLOCATIONS, records.AllocationBits(0))
PARAMS: Table[Params] = Table(keyspace.PARAMS)
POOLS: Table[records.DelegationPool] = Table(
    keyspace.POOLS, records.DelegationPool(Lpt(0), 0, 0, Wei(0), Round(0), Lpt(0), 0)
)
JOINED: Table[records.JoinedBucket] = Table(keyspace.JOINED)
ENDED_ERAS: Table[records.EndedEra] = Table(keyspace.ENDED_ERAS)
DELEGATORS: Table[records.Delegator] = Table(keyspace.DELEGATORS)
HOLDINGS: Table[records.Holding] = Table(keyspace.HOLDINGS)
LOCKS: Table[records.Lock] = Table(keyspace.LOCKS)
LOCK_BATCHES: Table[records.LockBatch] = Table(keyspace.LOCK_BATCHES)
TRANSCODERS: Table[records.Transcoder] = Table(keyspace.TRANSCODERS)
CANDIDATES_BY_STAKE: Table[records.Empty] = Table(keyspace.CANDIDATES_BY_STAKE)
CANDIDATES_BY_PRICE: Table[records.Empty] = Table(keyspace.CANDIDATES_BY_PRICE)
ROUND: Table[records.RoundState] = Table(keyspace.ROUND)
ACTIVE: Table[records.ActiveTranscoder] = Table(keyspace.ACTIVE)
VALIDATORS: Table[records.Validator] = Table(keyspace.VALIDATORS)
CONSENSUS_KEYS: Table[records.ConsensusKeyOwner] = Table(keyspace.CONSENSUS_KEYS)
MISSED_BLOCKS: Table[records.Empty] = Table(keyspace.MISSED_BLOCKS)
DEPOSITS: Table[records.AmountRecord] = Table(keyspace.DEPOSITS, records.AmountRecord(Wei(0)))
PROFILES: Table[records.Profile] = Table(keyspace.PROFILES)
JOBS: Table[records.Job] = Table(keyspace.JOBS)
WAITING_JOBS: Table[records.Empty] = Table(keyspace.WAITING_JOBS)
FORMER_TRANSCODERS: Table[records.FormerTranscoder] = Table(keyspace.FORMER_TRANSCODERS)
OPEN_JOBS: Table[records.Empty] = Table(keyspace.OPEN_JOBS)
CLAIMS: Table[records.Claim] = Table(keyspace.CLAIMS)
CLAIMED_RANGES: Table[records.RangeEnd] = Table(keyspace.CLAIMED_RANGES)
CHALLENGES: Table[records.Challenge] = Table(keyspace.CHALLENGES)
DISPUTES: Table[records.Dispute] = Table(keyspace.DISPUTES)
OPEN_DISPUTES: Table[records.Empty] = Table(keyspace.OPEN_DISPUTES)
OPEN_CHALLENGES: Table[records.Empty] = Table(keyspace.OPEN_CHALLENGES)
ATTESTATIONS: Table[Attestation] = Table(keyspace.ATTESTATIONS)
DOUBLE_CLAIMS: Table[records.Empty] = Table(keyspace.DOUBLE_CLAIMS)
VERIFIERS: Table[records.Verifier] = Table(keyspace.VERIFIERS)
PROPOSALS: Table[records.Proposal] = Table(keyspace.PROPOSALS)
VOTES: Table[records.Vote] = Table(keyspace.VOTES)
BALLOTS: Table[records.Ballot] = Table(keyspace.BALLOTS, records.Ballot(None, Lpt(0), Lpt(0), Lpt(0)))
VOTING_ROUNDS: Table[records.VotingRound] = Table(keyspace.VOTING_ROUNDS, records.VotingRound(0))
ELECTORS: Table[records.Elector] = Table(keyspace.ELECTORS)
ADOPTED_CHANGES: Table[records.Empty] = Table(keyspace.ADOPTED_CHANGES)
APP_VERSIONS: Table[records.AppVersion] = Table(keyspace.APP_VERSION, records.AppVersion(1, 0, Height(0), 0))
DUE: Table[records.Empty] = Table(keyspace.DUE)
