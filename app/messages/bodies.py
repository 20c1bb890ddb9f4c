"""The messages that a transaction can hold, in the whitepaper's order, then ours (protocol.md, section 2).

Each class has the fields of its protobuf message of the same name. Amounts are in base units; fractions in parts per
billion. Who may send a message, and when, is said by the chapter of `app/protocol` that processes it.
"""

from dataclasses import dataclass
from enum import IntEnum, unique
from typing import Annotated

from app.messages.limits import (
    MAX_LOCKS,
    MAX_PARAMETER_CHANGES,
    MAX_PARAMETER_NAME_LENGTH,
    MAX_PROOF_LENGTH,
    MAX_PROPOSAL_TEXT_LENGTH,
    MAX_RANGES,
    MAX_STREAM_ID_LENGTH,
    MAX_TITLE_LENGTH,
    MAX_URI_LENGTH,
    Limit,
)
from app.messages.options import TranscodingOptions
from app.messages.receipt import Receipt
from app.primitives.address import Address
from app.primitives.amounts import Amount, Lpt, Wei
from app.primitives.fractions import Fraction
from app.primitives.hashing import Hash32


@unique
class Denom(IntEnum):
    """The two native balances of an account."""

    LPT = 1
    ETH = 2


@dataclass(frozen=True, slots=True)
class Bond:
    """Bond `amount` of LPT towards candidate `to`; a bonded account that names another moves its whole stake there."""

    amount: Lpt
    to: Address


@dataclass(frozen=True, slots=True)
class Unbond:
    """Take `amount` out of the sender's stake, into a lock that can be withdrawn after the unbonding period."""

    amount: Lpt


@dataclass(frozen=True, slots=True)
class Rebond:
    """Bond what is left of a lock again: towards the sender's candidate, or, when it is not bonded, any other."""

    lock_id: int
    to: Address


@dataclass(frozen=True, slots=True)
class Transcoder:
    """Declare or change the rates of a transcoder; `consensus_pubkey` is an ed25519 key of 32 bytes, or empty."""

    price_per_segment: Wei
    block_reward_cut: Fraction
    fee_share: Fraction
    service_uri: Annotated[str, Limit(MAX_URI_LENGTH)]
    consensus_pubkey: Annotated[bytes, Limit(32)]


@dataclass(frozen=True, slots=True)
class ResignAsTranscoder:
    """Leave the candidates and the active set; jobs under way can be finished."""


@dataclass(frozen=True, slots=True)
class TranscodeAvailability:
    """Offer `slots` more jobs at a time; 0 withdraws the offer."""

    slots: int


@dataclass(frozen=True, slots=True)
class Job:
    """Order the transcoding of a stream; the offer is per unit of work, the escrow for `escrow_segments` segments."""

    stream_id: Annotated[str, Limit(MAX_STREAM_ID_LENGTH)]
    options: TranscodingOptions
    price_per_segment: Wei
    escrow_segments: int


@dataclass(frozen=True, slots=True)
class EndJob:
    """End a job, from either side."""

    job_id: int


@unique
class DropReason(IntEnum):
    """Why a broadcaster passes a job on; for the record, nothing follows from it."""

    SILENT = 1
    SLOW = 2
    REFUSED = 3
    WRONG = 4


@dataclass(frozen=True, slots=True)
class ReassignJob:
    """Pass a job on to its next backup, or have another transcoder drawn."""

    job_id: int
    reason: DropReason


@dataclass(frozen=True, slots=True)
class Deposit:
    """Add to the sender's deposit, which pays for its jobs."""

    amount_wei: Wei


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Take from the sender's deposit, from the fees that its stake has earned, and from released locks, each whole."""

    deposit_wei: Wei
    fees_wei: Wei
    lock_ids: Annotated[tuple[int, ...], Limit(MAX_LOCKS)] = ()


@dataclass(frozen=True, slots=True)
class SegmentRange:
    """Sequence numbers `first` to `last`, both included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class ClaimWork:
    """Claim the work on the segments of these ranges, with the Merkle root over their receipts in order."""

    job_id: int
    ranges: Annotated[tuple[SegmentRange, ...], Limit(MAX_RANGES)]
    merkle_root: Hash32


@dataclass(frozen=True, slots=True)
class Verify:
    """Show the receipt of a challenged segment, its Merkle path, and where input and output can be fetched."""

    job_id: int
    claim_id: int
    segment: int
    receipt: Receipt
    proof: Annotated[tuple[Hash32, ...], Limit(MAX_PROOF_LENGTH)]
    input_cid: Hash32
    output_cid: Hash32


@dataclass(frozen=True, slots=True)
class CommitVerdict:
    """A drawn verifier's commitment to its verdict (`app.messages.verdict`)."""

    job_id: int
    claim_id: int
    segment: int
    commitment: Hash32


@dataclass(frozen=True, slots=True)
class RevealVerdict:
    """The verdict behind a commitment: the transcoded hash of the verifier's own re-execution, and what it saw."""

    job_id: int
    claim_id: int
    segment: int
    result: Hash32
    keyed_digest: Hash32
    salt: Hash32
    finding: int
    rendition: int


@dataclass(frozen=True, slots=True)
class Challenge:
    """Send a segment of a claim to the court, with a bond: its receipt, its Merkle path, and who else has the input."""

    job_id: int
    claim_id: int
    segment: int
    receipt: Receipt
    proof: Annotated[tuple[Hash32, ...], Limit(MAX_PROOF_LENGTH)]
    source_uri: Annotated[str, Limit(MAX_URI_LENGTH)]
    bond: Lpt


@dataclass(frozen=True, slots=True)
class DistributeFees:
    """Pay out a claim whose challenges have passed and whose slashing period is over."""

    job_id: int
    claim_id: int


@dataclass(frozen=True, slots=True)
class Reward:
    """Mint the sender's share of the round's new LPT; once per round, active transcoders only."""


@dataclass(frozen=True, slots=True)
class InitializeRound:
    """Initialise the round that has begun; once per round, from anyone."""


@dataclass(frozen=True, slots=True)
class UpdateDelegatorStake:
    """Bring an account's record up to date: joined bonds become shares, fees are collected. Changes nobody's wealth."""

    delegator: Address


@unique
class ProposalKind(IntEnum):
    """What a proposal does when it is adopted."""

    TEXT = 1
    """Nothing: it is an opinion."""
    PARAMETERS = 2
    SPEND = 3
    """Pays out of the CommonPool."""
    BURN = 4
    """Burns LPT of the CommonPool."""
    UPGRADE = 5
    """Plans the height from which on nodes need another version."""


@unique
class VoteOption(IntEnum):
    """What a vote says; abstaining counts for the quorum alone."""

    YES = 1
    NO = 2
    ABSTAIN = 3


@dataclass(frozen=True, slots=True)
class ParameterChange:
    """A parameter's name and its value from then on, in its own unit; 0 and 1 are off and on."""

    name: Annotated[str, Limit(MAX_PARAMETER_NAME_LENGTH)]
    new_value: Amount


@dataclass(frozen=True, slots=True)
class Propose:
    """Put something to the vote, with a deposit of `proposal_deposit`; fields of other kinds stay empty.

    Attributes:
        title, text: for people.
        changes: for PARAMETERS, all of them together or none.
        recipient, lpt, wei: for SPEND; BURN has `lpt` alone.
        upgrade_height, app_version: for UPGRADE, the first block that needs this version of the application.
    """

    kind: ProposalKind
    title: Annotated[str, Limit(MAX_TITLE_LENGTH)]
    text: Annotated[str, Limit(MAX_PROPOSAL_TEXT_LENGTH)]
    changes: Annotated[tuple[ParameterChange, ...], Limit(MAX_PARAMETER_CHANGES)] = ()
    recipient: Address = Address(bytes(20))
    lpt: Lpt = Lpt(0)
    wei: Wei = Wei(0)
    upgrade_height: int = 0
    app_version: int = 0


@dataclass(frozen=True, slots=True)
class Vote:
    """Vote on a proposal, or change one's vote."""

    proposal_id: int
    option: VoteOption


@dataclass(frozen=True, slots=True)
class SlashMissedVerification:
    """Report that the receipt of a challenged segment was not shown in time; the finder earns its fee."""

    job_id: int
    claim_id: int
    segment: int


@dataclass(frozen=True, slots=True)
class SlashDoubleClaim:
    """Report two receipts of one transcoder for one segment of one job with different outputs."""

    first: Receipt
    second: Receipt


@dataclass(frozen=True, slots=True)
class Transfer:
    """Send LPT or ETH to another account."""

    to: Address
    denom: Denom
    amount: Amount


@dataclass(frozen=True, slots=True)
class Unjail:
    """Return to the candidates after having been jailed for not signing blocks."""


@dataclass(frozen=True, slots=True)
class RotateConsensusKey:
    """Sign blocks with another ed25519 key from now on."""

    consensus_pubkey: Annotated[bytes, Limit(32)]


@dataclass(frozen=True, slots=True)
class RegisterVerifier:
    """Bond LPT as a verifier, who is drawn by that bond, and say where it can be reached (or nothing)."""

    bond: Lpt
    service_uri: Annotated[str, Limit(MAX_URI_LENGTH)]


@dataclass(frozen=True, slots=True)
class ClaimAllocation:
    """Take the LPT that the genesis document allocates to the sender: its leaf, and the siblings on the leaf's path."""

    index: int
    amount: Lpt
    proof: Annotated[tuple[Hash32, ...], Limit(MAX_PROOF_LENGTH)]


Body = (
    Bond
    | Unbond
    | Rebond
    | Transcoder
    | ResignAsTranscoder
    | TranscodeAvailability
    | Job
    | EndJob
    | ReassignJob
    | Deposit
    | Withdraw
    | ClaimWork
    | Verify
    | CommitVerdict
    | RevealVerdict
    | Challenge
    | DistributeFees
    | Reward
    | InitializeRound
    | UpdateDelegatorStake
    | SlashMissedVerification
    | SlashDoubleClaim
    | Propose
    | Vote
    | Transfer
    | Unjail
    | RotateConsensusKey
    | RegisterVerifier
    | ClaimAllocation
)
