"""What journals keep: the records, their states, and which state may follow which."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Annotated, Any

from app.messages.bodies import SegmentRange
from app.primitives.hashing import Hash32
from transcoder.journal.table import Column


@unique
class SegmentState(StrEnum):
    """Of a broadcaster's segment."""

    SIGNED = "signed"
    DELIVERED = "delivered"
    RECEIPTED = "receipted"
    DROPPED = "dropped"


SEGMENT_STEPS: Mapping[SegmentState, tuple[SegmentState, ...]] = {
    SegmentState.SIGNED: (SegmentState.DELIVERED, SegmentState.RECEIPTED, SegmentState.DROPPED),
    SegmentState.DELIVERED: (SegmentState.RECEIPTED, SegmentState.DROPPED),
    SegmentState.RECEIPTED: (),
    SegmentState.DROPPED: (),
}


@unique
class ReceiptState(StrEnum):
    """Of a receipt: kept, part of a claim, or part of a claim that is over."""

    KEPT = "kept"
    CLAIMED = "claimed"
    SETTLED = "settled"


RECEIPT_STEPS: Mapping[ReceiptState, tuple[ReceiptState, ...]] = {
    ReceiptState.KEPT: (ReceiptState.CLAIMED,),
    ReceiptState.CLAIMED: (ReceiptState.KEPT, ReceiptState.SETTLED),
    ReceiptState.SETTLED: (),
}


@unique
class ClaimState(StrEnum):
    """Of a transcoder's claim: made here, refused or accepted by the chain, and what became of it there."""

    PREPARED = "prepared"
    REFUSED = "refused"
    INCLUDED = "included"
    VERIFYING = "verifying"
    DISPUTED = "disputed"
    PAID = "paid"
    LOST = "lost"


CLAIM_STEPS: Mapping[ClaimState, tuple[ClaimState, ...]] = {
    ClaimState.PREPARED: (ClaimState.INCLUDED, ClaimState.REFUSED),
    ClaimState.REFUSED: (),
    ClaimState.INCLUDED: (ClaimState.VERIFYING, ClaimState.DISPUTED, ClaimState.PAID, ClaimState.LOST),
    ClaimState.VERIFYING: (ClaimState.DISPUTED, ClaimState.PAID, ClaimState.LOST),
    ClaimState.DISPUTED: (ClaimState.VERIFYING, ClaimState.PAID, ClaimState.LOST),
    ClaimState.PAID: (),
    ClaimState.LOST: (),
}


@unique
class VerdictState(StrEnum):
    """Of a verifier's verdict."""

    COMPUTED = "computed"
    COMMITTED = "committed"
    REVEALED = "revealed"
    EXPIRED = "expired"


VERDICT_STEPS: Mapping[VerdictState, tuple[VerdictState, ...]] = {
    VerdictState.COMPUTED: (VerdictState.COMMITTED, VerdictState.EXPIRED),
    VerdictState.COMMITTED: (VerdictState.REVEALED, VerdictState.EXPIRED),
    VerdictState.REVEALED: (),
    VerdictState.EXPIRED: (),
}


@unique
class OutboxState(StrEnum):
    """Of an intention to have the chain do something."""

    PENDING = "pending"
    SENT = "sent"
    INCLUDED = "included"
    FAILED = "failed"


OUTBOX_STEPS: Mapping[OutboxState, tuple[OutboxState, ...]] = {
    OutboxState.PENDING: (OutboxState.SENT, OutboxState.FAILED),
    OutboxState.SENT: (OutboxState.INCLUDED, OutboxState.FAILED, OutboxState.PENDING),
    OutboxState.INCLUDED: (),
    OutboxState.FAILED: (OutboxState.PENDING,),
}


def _read_ranges(text: str) -> tuple[SegmentRange, ...]:
    return tuple(SegmentRange(first, last) for first, last in json.loads(text))


def _write_ranges(ranges: tuple[SegmentRange, ...]) -> str:
    return json.dumps([[each.first, each.last] for each in ranges])


_LATER = Column(settled=False)
Meta = Annotated[Mapping[str, Any], Column(read=json.loads, write=json.dumps, settled=False)]
"""What a role wants to know again: JSON values."""


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """A segment that the broadcaster has signed."""

    stream_id: str
    sequence_number: int
    data_hash: Hash32
    signature: bytes
    meta: Meta = field(default_factory=dict)
    state: SegmentState = SegmentState.SIGNED


@dataclass(frozen=True, slots=True)
class ReceiptRecord:
    """A receipt in its encoded form; `claim_number` is the claim of this journal that holds it."""

    job_id: int
    sequence_number: int
    receipt: bytes
    meta: Meta = field(default_factory=dict)
    state: ReceiptState = ReceiptState.KEPT
    claim_number: Annotated[int | None, _LATER] = None


@dataclass(frozen=True, slots=True)
class ClaimRecord:
    """A claim; `number` counts them per job in this journal, `claim_id` is the chain's, known once it is included."""

    job_id: int
    number: int
    ranges: Annotated[tuple[SegmentRange, ...], Column(read=_read_ranges, write=_write_ranges)]
    merkle_root: Hash32
    intent_key: str
    state: ClaimState = ClaimState.PREPARED
    claim_id: Annotated[int | None, _LATER] = None


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """What a verifier found, with the salt without which its commitment can never be opened."""

    job_id: int
    claim_id: int
    segment: int
    salt: Hash32
    result: Hash32
    keyed_digest: Hash32
    finding: int
    rendition: int
    commitment: Hash32
    state: VerdictState = VerdictState.COMPUTED


@dataclass(frozen=True, slots=True)
class Intent:
    """Something that the chain shall be asked for exactly once: a name, and the encoded message."""

    key: str
    message: bytes


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """An intent and how far it has come.

    Attributes:
        nonce, transaction_bytes, transaction_hash: of the signed transaction, written before it is first sent, so that
            the same one is sent again after a crash; the chain takes a nonce once.
        signed_height: the chain's height when it was signed; blocks above it may hold the transaction.
        height: of the block that holds it.
        problem: why it failed, or why it waits.
        attempts, wait_height: how often the chain has put it off, and the height at which it is tried again.
    """

    key: str
    message: bytes
    state: OutboxState = OutboxState.PENDING
    nonce: Annotated[int | None, _LATER] = None
    transaction_bytes: Annotated[bytes | None, _LATER] = None
    transaction_hash: Annotated[Hash32 | None, _LATER] = None
    height: Annotated[int | None, _LATER] = None
    problem: Annotated[str | None, _LATER] = None
    signed_height: Annotated[int | None, _LATER] = None
    attempts: Annotated[int, _LATER] = 0
    wait_height: Annotated[int, _LATER] = 0
