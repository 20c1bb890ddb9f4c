"""A small world for the chapters of work: accounts, transcoders and verifiers over a state in memory.

Messages go straight to their chapter, without transactions, so that a test reads as what happens on the chain. Every
refusal is checked to leave the state as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from app.execution.dispatch import HANDLERS
from app.execution.invariants import find_broken
from app.execution.process_block import begin_block
from app.messages import bodies
from app.messages.attestation import Attestation, Attested
from app.messages.bodies import ClaimWork, Deposit, Job, SegmentRange, TranscodeAvailability, Verify
from app.messages.options import Rendition, TranscodingOptions
from app.messages.receipt import Receipt, sign_receipt
from app.messages.record import encode
from app.messages.records import (
    ActiveTranscoder,
    Challenge,
    Claim,
    CommonPool,
    Profile,
    Rates,
    RoundState,
    Supply,
    Totals,
    Transcoder,
    Validator,
    Verifier,
)
from app.messages.records import Job as JobRecord
from app.messages.rejections import Reason, Rejection
from app.messages.segment import Segment, make_stream_id, sign_segment
from app.messages.verdict import Finding, verdict_commitment
from app.params import Params
from app.primitives.address import Address
from app.primitives.amounts import Height, Lpt, Round, Wei
from app.primitives.fractions import Fraction
from app.primitives.hashing import ZERO_HASH, Hash32, keccak256, sha256
from app.primitives.merkle import merkle_path, merkle_root
from app.primitives.secp256k1 import private_key_to_address
from app.protocol import deposits, stake, transcoders
from app.protocol.environment import NOBODY, BlockEnv, TxEnv
from app.protocol.verification.court import attest
from app.state import tables
from genesis.presets.test import TEST
from tests.support.memory_state import MemoryState

LPT = 10**18
ETH = 10**18
PROFILE_ID = "h264-verified-1"

EVERY_SEGMENT = replace(TEST, verification_rate=1)
"""Parameters under which every claimed segment is challenged."""
NO_SEGMENT = replace(TEST, verification_rate=10**9)
"""Parameters under which, with the hashes of these tests, none is."""


class Party:
    """Somebody with a key, which follows from the name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.key = bytes(sha256(b"party " + name.encode()))
        self.address = private_key_to_address(self.key)

    def __repr__(self) -> str:
        return self.name


def ladder(*sides: tuple[int, int]) -> TranscodingOptions:
    """Options with a rendition of 30 frames per second for each size."""
    sides = sides or ((426, 240),)
    return TranscodingOptions(
        PROFILE_ID, tuple(Rendition(f"{height}p", width, height, 30, 1, 23) for width, height in sides)
    )


@dataclass(frozen=True)
class Work:
    """Receipts of a transcoder for segments of one job, in the order of its claim."""

    job_id: int
    ranges: tuple[SegmentRange, ...]
    receipts: tuple[Receipt, ...]

    @property
    def leaves(self) -> list[bytes]:
        return [encode(receipt) for receipt in self.receipts]

    @property
    def claim(self) -> ClaimWork:
        return ClaimWork(self.job_id, self.ranges, merkle_root(self.leaves))

    def verify(self, claim_id: int, segment: int) -> Verify:
        index = [receipt.sequence_number for receipt in self.receipts].index(segment)
        receipt = self.receipts[index]
        return Verify(
            self.job_id,
            claim_id,
            segment,
            receipt,
            merkle_path(self.leaves, index),
            receipt.data_hash,
            output_of(segment),
        )


def input_of(segment: int) -> Hash32:
    return sha256(b"input %d" % segment)


def output_of(segment: int) -> Hash32:
    return sha256(b"output %d" % segment)


def make_work(job_id: int, broadcaster: Party, transcoder: Party, *ranges: tuple[int, int], stream: str = "s") -> Work:
    """Honest receipts for these ranges of segments."""
    named = tuple(SegmentRange(first, last) for first, last in ranges)
    numbers = [number for first, last in ranges for number in range(first, last + 1)]
    return Work(job_id, named, tuple(make_receipt(job_id, broadcaster, transcoder, n, stream) for n in numbers))


def signed_again(receipt: Receipt, transcoder: Party, **changes: Any) -> Receipt:
    """The receipt with these fields changed, signed by this transcoder."""
    return sign_receipt(replace(receipt, **changes), transcoder.key)


def make_receipt(job_id: int, broadcaster: Party, transcoder: Party, number: int, stream: str = "s") -> Receipt:
    segment = Segment(make_stream_id(broadcaster.address, stream), number, input_of(number))
    signature = sign_segment(segment, broadcaster.key)
    unsigned = Receipt(
        job_id, segment.stream_id, number, segment.data_hash, output_of(number), signature, "x264 build", b""
    )
    return sign_receipt(unsigned, transcoder.key)


@dataclass(frozen=True)
class Verdict:
    """What a verifier commits to and reveals; by default it agrees with honest receipts."""

    verifier: Party
    place: tuple[int, int, int]
    result: Hash32
    finding: Finding = Finding.AGREES
    rendition: int = 0

    @property
    def secret(self) -> tuple[Hash32, Hash32]:
        return keccak256(b"keyed" + self.verifier.address), keccak256(b"salt" + self.verifier.address)

    @property
    def commit(self) -> bodies.CommitVerdict:
        digest, salt = self.secret
        finding = (int(self.finding), self.rendition)
        made = verdict_commitment(self.verifier.address, self.place, self.result, digest, finding, salt)
        return bodies.CommitVerdict(*self.place, made)

    @property
    def reveal(self) -> bodies.RevealVerdict:
        digest, salt = self.secret
        return bodies.RevealVerdict(*self.place, self.result, digest, salt, int(self.finding), self.rendition)


class World:
    """One chain's state for these chapters, at a height that tests move on."""

    def __init__(self, params: Params = TEST) -> None:
        self.state = MemoryState()
        # A round that waits to be initialised shall wait until the test says so.
        self.params = replace(params, auto_initialize_round=False)
        self.height = Height(1)
        self.randomness_seed = b""
        self.parties: dict[Address, Party] = {}
        tables.PARAMS.put(self.state, self.params)
        tables.TOTALS.put(self.state, Totals(Lpt(0), Lpt(0), 1, 1))
        tables.SUPPLY.put(self.state, Supply(Lpt(0), Wei(0), Lpt(0), Lpt(0)))
        tables.COMMON_POOL.put(self.state, CommonPool(Lpt(0), Wei(0)))
        tables.PROFILES.put(self.state, Profile("h264", 1000, "parameters", False), PROFILE_ID)
        self.set_round(initialized=True)

    # --- who there is

    def set_round(self, initialized: bool) -> None:
        stakes = Lpt(sum(active.stake for _, active in tables.ACTIVE.items(self.state)))
        begun = RoundState(
            Round(0), Height(1), 10**6, initialized, Fraction(0), Lpt(0), Lpt(0), stakes, Lpt(0), 0, 0, None
        )
        tables.ROUND.put(self.state, begun)

    def account(self, name: str, wei: int = 10 * ETH, lpt: int = 100 * LPT) -> Party:
        party = Party(name)
        self.parties[party.address] = party
        tables.ACCOUNTS.put(self.state, tables.ACCOUNTS.read(self.state, party.address), party.address)
        self._give(party, wei, lpt)
        return party

    def broadcaster(self, name: str = "broadcaster", deposit: int = ETH) -> Party:
        party = self.account(name)
        if deposit:
            self.send(party, Deposit(Wei(deposit)))
        return party

    def transcoder(self, name: str = "transcoder", locked: int = 10 * LPT, price: int = 1000, slots: int = 4) -> Party:
        """A registered, active transcoder that shares half its fees."""
        party = self.account(name)
        rates = Rates(Wei(price), Fraction(0), Fraction(5 * 10**8))
        stake.add_to_pool(self.state, self._block_env(), party.address, party.address, locked)
        record = Transcoder(rates, rates, Round(0), "http://127.0.0.1:1", b"", 0, Height(0), False, 0)
        transcoders.register(self.state, Height(0), party.address, record)
        pool = tables.POOLS.read(self.state, party.address)
        active = ActiveTranscoder(Lpt(locked), rates, False, False, 0, Lpt(0), 0, shares=pool.shares, era=pool.era)
        tables.ACTIVE.put(self.state, active, party.address)
        now = tables.ROUND.read(self.state)
        tables.ROUND.put(self.state, replace(now, active_stake=Lpt(now.active_stake + locked)))
        self._count(0, locked)
        if slots:
            self.send(party, TranscodeAvailability(slots))
        return party

    def verifier(self, name: str, bond: int = 2 * LPT) -> Party:
        party = self.account(name)
        self.send(party, bodies.RegisterVerifier(Lpt(bond), ""))
        return party

    def validator(self, name: str, power: int = 10) -> Party:
        """Somebody whose node has a part of the consensus power."""
        party = self.account(name)
        tables.VALIDATORS.put(self.state, Validator(party.address, power), sha256(b"consensus " + name.encode()))
        return party

    def _give(self, party: Party, wei: int, lpt: int) -> None:
        account = tables.ACCOUNTS.read(self.state, party.address)
        given = replace(account, wei=Wei(account.wei + wei), lpt=Lpt(account.lpt + lpt))
        tables.ACCOUNTS.put(self.state, given, party.address)
        self._count(wei, lpt)

    def _count(self, wei: int, lpt: int) -> None:
        supply = tables.SUPPLY.read(self.state)
        counted = replace(supply, wei=Wei(supply.wei + wei), lpt=Lpt(supply.lpt + lpt))
        tables.SUPPLY.put(self.state, counted)

    # --- what happens

    @property
    def randomness(self) -> Hash32:
        return keccak256(b"randomness" + self.randomness_seed + self.height.to_bytes(8, "big"))

    def send(self, sender: Party, message: Any) -> list[Any]:
        """Process a message in the current block; returns its events."""
        env = TxEnv(self._block_env(), sender.address)
        before = dict(self.state.pairs)
        try:
            HANDLERS[type(message)](self.state, env, message)
        except Rejection:
            assert self.state.pairs == before, "a refused message has left a trace"
            raise
        return env.events

    def refused(self, sender: Party, message: Any, reason: Reason) -> str:
        """Expect a refusal for this reason; returns its text."""
        with pytest.raises(Rejection) as caught:
            self.send(sender, message)
        assert caught.value.reason is reason, str(caught.value)
        return caught.value.text

    def attest(self, validator: Party, dispute_id: int, result: Hash32 | Attested) -> list[Any]:
        """Bring a validator's word on a dispute, as a proposer does; returns its events."""
        env = TxEnv(self._block_env(), NOBODY)
        said = (
            Attestation(dispute_id, result, ZERO_HASH)
            if isinstance(result, Attested)
            else Attestation(dispute_id, Attested.EXECUTED, result)
        )
        attest(self.state, env, validator.address, [said])
        return env.events

    def next_block(self) -> list[Any]:
        """Begin the next block; returns the events of what fell due."""
        self.height = Height(self.height + 1)
        env = self._block_env()
        begin_block(self.state, env)
        return env.events

    def advance(self, blocks: int) -> list[Any]:
        return [event for _ in range(blocks) for event in self.next_block()]

    def advance_to(self, height: int) -> list[Any]:
        """Begin blocks until this one is begun."""
        return self.advance(height - self.height)

    def _block_env(self) -> BlockEnv:
        return BlockEnv("test", self.height, self.randomness, NOBODY, self.params)

    # --- whole steps

    def open_job(self, broadcaster: Party, escrow_segments: int = 10, price: int = 1000, stream: str = "s") -> int:
        """Order a job; returns its id."""
        stream_id = make_stream_id(broadcaster.address, stream)
        events = self.send(broadcaster, Job(stream_id, ladder(), Wei(price), escrow_segments))
        return events[-1].job_id

    def assigned_job(self, broadcaster: Party, **options: Any) -> int:
        """Order a job and let the next block draw its transcoder."""
        job_id = self.open_job(broadcaster, **options)
        self.next_block()
        assert self.job(job_id).transcoder != NOBODY
        return job_id

    def claim_work(self, transcoder: Party, work: Work) -> int:
        """Claim work and let the next block choose challenges; returns the claim's id."""
        claim_id = self.send(transcoder, work.claim)[-1].claim_id
        self.next_block()
        return claim_id

    def show_receipt(self, transcoder: Party, work: Work, claim_id: int, segment: int) -> None:
        """Verify a segment and let the next block draw its committee."""
        self.send(transcoder, work.verify(claim_id, segment))
        self.next_block()

    def committee(self, place: tuple[int, int, int]) -> list[Party]:
        return [self.parties[seat.verifier] for seat in self.challenge(place).committee]

    def judge(self, place: tuple[int, int, int], results: Sequence[Hash32] | None = None) -> list[Any]:
        """Let the whole committee commit and reveal; by default it agrees. Returns the events of the last reveal."""
        committee = self.committee(place)
        results = results or [output_of(place[2])] * len(committee)
        verdicts = [Verdict(party, place, result) for party, result in zip(committee, results, strict=True)]
        for verdict in verdicts:
            self.send(verdict.verifier, verdict.commit)
        return [self.send(verdict.verifier, verdict.reveal) for verdict in verdicts][-1]

    # --- what is so

    def wei(self, party: Party) -> int:
        return tables.ACCOUNTS.read(self.state, party.address).wei

    def lpt(self, party: Party) -> int:
        return tables.ACCOUNTS.read(self.state, party.address).lpt

    def deposit(self, party: Party) -> int:
        return deposits.get_deposit(self.state, party.address)

    def fees(self, party: Party) -> int:
        return stake.get_pending_fees(self.state, party.address)

    def job(self, job_id: int) -> JobRecord:
        return tables.JOBS.read(self.state, job_id)

    def claim(self, job_id: int, claim_id: int = 1) -> Claim:
        return tables.CLAIMS.read(self.state, job_id, claim_id)

    def challenge(self, place: tuple[int, int, int]) -> Challenge:
        return tables.CHALLENGES.read(self.state, *place)

    def record(self, transcoder: Party) -> Transcoder:
        return tables.TRANSCODERS.read(self.state, transcoder.address)

    def verifier_record(self, verifier: Party) -> Verifier:
        return tables.VERIFIERS.read(self.state, verifier.address)

    def require_sound(self) -> None:
        """Check every invariant of the chain but those about consensus, which this world does not run."""
        broken = [text for text in find_broken(self.state) if not text.startswith("validator power")]
        assert not broken, "; ".join(broken)


def events_of(events: Sequence[Any], kind: type) -> list[Any]:
    """The events of one type."""
    return [event for event in events if isinstance(event, kind)]
