"""What a block tells the world: events with stable names and typed attributes.

Every change of money is told: who has the genesis document, which says what everybody begins with, and all events has
every balance, to the unit. In a block its own events come first, then those of its transactions.

Each class is one event type; its name in CometBFT's index is the class name in snake case, its attributes are the
fields. Amounts and numbers are decimal, addresses and bytes hexadecimal with `0x` before addresses.
"""

import re
from dataclasses import dataclass, fields
from enum import IntEnum
from functools import cache
from typing import Any, get_type_hints

from app.messages.attestation import Attested
from app.messages.bodies import DropReason, ProposalKind, VoteOption
from app.messages.records import CourtOutcome, DisputeReason, ProposalStatus
from app.messages.stake_events import (
    AvailabilityChanged,
    Bonded,
    BondMoved,
    ConsensusKeyRotated,
    FeePaid,
    FeesCollected,
    FeesCredited,
    FeesLeftOver,
    FinderPaid,
    LockBatchSlashed,
    LockWithdrawn,
    Rebonded,
    RewardMissed,
    RewardPaid,
    RewardWithheld,
    RoundInitialized,
    StakeSlashed,
    StakeUpdated,
    TranscoderJailed,
    TranscoderLeft,
    TranscoderUnjailed,
    TranscoderUpdated,
    TransferEvent,
    Unbonded,
    ValidatorChanged,
)
from app.primitives.address import Address
from app.primitives.amounts import Height, Lpt, Wei
from app.primitives.hashing import Hash32

__all__ = [
    "AvailabilityChanged",
    "BondMoved",
    "Bonded",
    "ConsensusKeyRotated",
    "FeePaid",
    "FeesCollected",
    "FeesCredited",
    "FeesLeftOver",
    "FinderPaid",
    "LockBatchSlashed",
    "LockWithdrawn",
    "Rebonded",
    "RewardMissed",
    "RewardPaid",
    "RewardWithheld",
    "RoundInitialized",
    "StakeSlashed",
    "StakeUpdated",
    "TranscoderJailed",
    "TranscoderLeft",
    "TranscoderUnjailed",
    "TranscoderUpdated",
    "TransferEvent",
    "Unbonded",
    "ValidatorChanged",
]
"""Those of stake, which have a module of their own; all others stand here."""


@dataclass(frozen=True, slots=True)
class Deposited:
    """A broadcaster's deposit grew."""

    account: Address
    amount: Wei


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """An account took from its deposit and from its fees."""

    account: Address
    deposit: Wei
    fees: Wei


@dataclass(frozen=True, slots=True)
class JobCreated:
    """A job was ordered and its escrow taken from the deposit."""

    job_id: int
    broadcaster: Address
    stream_id: str
    fee_per_segment: Wei
    escrow: Wei


@dataclass(frozen=True, slots=True)
class JobAssigned:
    """A transcoder was drawn for a job; the job's record names those who were drawn behind it."""

    job_id: int
    transcoder: Address


@dataclass(frozen=True, slots=True)
class JobReassigned:
    """A broadcaster passed its job on; `to_transcoder` is zero where it waits for another draw."""

    job_id: int
    from_transcoder: Address
    to_transcoder: Address
    reason: DropReason


@dataclass(frozen=True, slots=True)
class JobEnded:
    """A job ended: `by` is the side that ended it, or zero where no transcoder was found in time."""

    job_id: int
    by: Address


@dataclass(frozen=True, slots=True)
class JobClosed:
    """The time to claim is over; what was left of the escrow went back to the deposit."""

    job_id: int
    returned: Wei


@dataclass(frozen=True, slots=True)
class WorkClaimed:
    """Work was claimed and its fee put in escrow."""

    job_id: int
    claim_id: int
    transcoder: Address
    segments: int
    fee: Wei
    from_escrow: Wei
    from_deposit: Wei


@dataclass(frozen=True, slots=True)
class ChallengesChosen:
    """So many segments of a claim were drawn for verification."""

    job_id: int
    claim_id: int
    challenged: int


@dataclass(frozen=True, slots=True)
class ReceiptShown:
    """The receipt of a challenged segment was shown with a valid proof."""

    job_id: int
    claim_id: int
    segment: int
    input_cid: Hash32
    output_cid: Hash32


@dataclass(frozen=True, slots=True)
class CommitteeDrawn:
    """A verifier was drawn for a challenged segment."""

    job_id: int
    claim_id: int
    segment: int
    verifier: Address


@dataclass(frozen=True, slots=True)
class VerdictCommitted:
    """A verifier committed to its verdict."""

    job_id: int
    claim_id: int
    segment: int
    verifier: Address


@dataclass(frozen=True, slots=True)
class VerdictRevealed:
    """A verifier revealed its verdict."""

    job_id: int
    claim_id: int
    segment: int
    verifier: Address
    agrees: bool
    finding: int
    rendition: int


@dataclass(frozen=True, slots=True)
class SegmentVerified:
    """A committee agreed with the receipt."""

    job_id: int
    claim_id: int
    segment: int


@dataclass(frozen=True, slots=True)
class SegmentDisputed:
    """A committee did not agree; the segment waits for the court."""

    job_id: int
    claim_id: int
    segment: int
    dispute_id: int
    reason: DisputeReason


@dataclass(frozen=True, slots=True)
class DisputeAttested:
    """A validator attested what its own re-execution of a disputed segment gave."""

    dispute_id: int
    validator: Address
    attested: Attested
    result: Hash32


@dataclass(frozen=True, slots=True)
class SegmentChallenged:
    """Somebody sent a segment to the court with a bond."""

    dispute_id: int
    challenger: Address
    bond: Lpt


@dataclass(frozen=True, slots=True)
class ChallengeSettled:
    """The bond of who sent a segment to the court was returned to it, or went to the CommonPool."""

    dispute_id: int
    challenger: Address
    bond: Lpt
    returned: bool


@dataclass(frozen=True, slots=True)
class CourtDecided:
    """The court closed a dispute: `power` of `total_power` stand behind the outcome."""

    dispute_id: int
    job_id: int
    claim_id: int
    segment: int
    outcome: CourtOutcome
    power: int
    total_power: int


@dataclass(frozen=True, slots=True)
class SegmentFailed:
    """The court found a segment wrong; so many of the transcoder's segments have failed, so many were verified."""

    job_id: int
    claim_id: int
    segment: int
    transcoder: Address
    failed: int
    verified: int


@dataclass(frozen=True, slots=True)
class ProfileFrozen:
    """Validators could not agree on a result of this profile: it takes no new jobs until governance looks at it."""

    profile_id: str
    dispute_id: int


@dataclass(frozen=True, slots=True)
class VerificationMissed:
    """The receipt of a challenged segment was not shown in time; its claim will not be paid."""

    job_id: int
    claim_id: int
    segment: int


@dataclass(frozen=True, slots=True)
class MissedVerificationReported:
    """Somebody reported that the receipt of a challenged segment was not shown in time; its transcoder was slashed."""

    job_id: int
    claim_id: int
    segment: int
    transcoder: Address
    finder: Address


@dataclass(frozen=True, slots=True)
class DoubleClaimReported:
    """Somebody reported two receipts of one segment with different outputs; their transcoder was slashed."""

    job_id: int
    segment: int
    transcoder: Address
    finder: Address


@dataclass(frozen=True, slots=True)
class VerifierRegistered:
    """An account bonded as a verifier."""

    verifier: Address
    bond: Lpt


@dataclass(frozen=True, slots=True)
class VerifierPaid:
    """A verifier got its share of a claim's verification fee, into its balance."""

    verifier: Address
    amount: Wei
    job_id: int
    claim_id: int


@dataclass(frozen=True, slots=True)
class VerifierSlashed:
    """A drawn verifier was silent, or revealed what the court found untrue; a part of its bond is in the CommonPool."""

    verifier: Address
    amount: Lpt


@dataclass(frozen=True, slots=True)
class ClaimVerified:
    """All challenged segments of a claim passed, or none was challenged; it can be paid from `due_height` on."""

    job_id: int
    claim_id: int
    due_height: Height


@dataclass(frozen=True, slots=True)
class ClaimPaid:
    """A claim's fee was distributed."""

    job_id: int
    claim_id: int
    transcoder: Address
    amount: Wei


@dataclass(frozen=True, slots=True)
class ClaimRefunded:
    """A claim missed or failed its verification; its fee went back to the broadcaster's deposit."""

    job_id: int
    claim_id: int
    broadcaster: Address
    amount: Wei


@dataclass(frozen=True, slots=True)
class ProposalMade:
    """A proposal can be voted on until before `end_height`; its deposit was taken from the proposer's balance."""

    proposal_id: int
    proposer: Address
    kind: ProposalKind
    deposit: Lpt
    end_height: Height


@dataclass(frozen=True, slots=True)
class VoteCast:
    """An account voted, or changed its vote; `stake` is its own, `mandate` whether those follow that do not vote."""

    proposal_id: int
    voter: Address
    transcoder: Address
    option: VoteOption
    stake: Lpt
    mandate: bool


@dataclass(frozen=True, slots=True)
class VotingEnded:
    """A proposal's voting is over; so much stake said what, of the active stake that it is measured by."""

    proposal_id: int
    status: ProposalStatus
    yes: Lpt
    no: Lpt
    abstain: Lpt
    active_stake: Lpt


@dataclass(frozen=True, slots=True)
class ProposalDepositReturned:
    """A proposal's deposit went back into the proposer's balance."""

    proposal_id: int
    proposer: Address
    amount: Lpt


@dataclass(frozen=True, slots=True)
class ProposalDepositLost:
    """A proposal missed its quorum, and its deposit went to the CommonPool."""

    proposal_id: int
    amount: Lpt


@dataclass(frozen=True, slots=True)
class ProposalDropped:
    """An adopted proposal could not take effect any more; nothing of it did."""

    proposal_id: int
    why: str


@dataclass(frozen=True, slots=True)
class CommonPoolSpent:
    """An adopted proposal paid out of the CommonPool."""

    proposal_id: int
    recipient: Address
    lpt: Lpt
    wei: Wei


@dataclass(frozen=True, slots=True)
class CommonPoolBurned:
    """An adopted proposal burned LPT of the CommonPool; the supply is smaller by it."""

    proposal_id: int
    amount: Lpt


@dataclass(frozen=True, slots=True)
class UpgradePlanned:
    """From this height on nodes need this version of the application."""

    proposal_id: int
    upgrade_height: Height
    app_version: int


@dataclass(frozen=True, slots=True)
class UpgradeApplied:
    """From this block on the chain runs this version of the application."""

    proposal_id: int
    app_version: int


@dataclass(frozen=True, slots=True)
class ParameterChanged:
    """A parameter has another value from this block on, in its own unit."""

    proposal_id: int
    name: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class AllocationClaimed:
    """An account took what the genesis document allocates to it, into its balance."""

    account: Address
    index: int
    amount: Lpt


@dataclass(frozen=True, slots=True)
class AllocationsExpired:
    """The time to claim allocations is over; what nobody has claimed went to the CommonPool."""

    amount: Lpt


def event_name(event: Any) -> str:
    """The name of an event in CometBFT's index, as in `round_initialized`."""
    cls: Any = type(event)
    return _class_name(cls)


def event_attributes(event: Any) -> list[tuple[str, str]]:
    """Names and texts of an event's attributes, in the order of its fields."""
    cls: Any = type(event)
    return [(name, show(getattr(event, name))) for name, show in _attributes(cls)]


@cache
def _class_name(cls: Any) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower().removesuffix("_event")


@cache
def _attributes(cls: Any) -> tuple[tuple[str, Any], ...]:
    hints = get_type_hints(cls)
    return tuple((field.name, _presenter(hints[field.name])) for field in fields(cls))


def _presenter(hint: Any) -> Any:
    if hint is Address:
        return lambda value: "0x" + value.hex()
    if hint in (bytes, Hash32):
        return bytes.hex
    if hint is bool:
        return lambda value: "true" if value else "false"
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return lambda value: value.name.lower()
    return str
