"""The records that the chain keeps; what a proof proves is the canonical bytes of one of these.

They stand here and not in `app/state` because light clients read them. Which table holds which record under which key
is one page: `app.messages.keyspace`. Terms and rules are those of the chapter that is named.
"""

from dataclasses import dataclass
from enum import IntEnum, unique

from app.messages.bodies import Propose, SegmentRange, VoteOption
from app.messages.options import TranscodingOptions
from app.messages.stake_records import (
    AllocationBits,
    Allocations,
    DelegationPool,
    Delegator,
    EndedEra,
    Holding,
    JoinedBucket,
    Lock,
    LockBatch,
)
from app.primitives.address import Address
from app.primitives.amounts import Height, Lpt, Round, Wei
from app.primitives.fractions import Fraction
from app.primitives.hashing import Hash32

__all__ = [
    "AllocationBits",
    "Allocations",
    "DelegationPool",
    "Delegator",
    "EndedEra",
    "Holding",
    "JoinedBucket",
    "Lock",
    "LockBatch",
]
"""Those of stake, which have a module of their own; all others stand here."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account's next nonce and its two balances (ledger)."""

    nonce: int
    lpt: Lpt
    wei: Wei


@dataclass(frozen=True, slots=True)
class Supply:
    """All LPT and wei in existence, and what was minted and burned since genesis (ledger)."""

    lpt: Lpt
    wei: Wei
    minted: Lpt
    burned: Lpt


@dataclass(frozen=True, slots=True)
class CommonPool:
    """Slashed LPT and ownerless remainders, at governance's disposal (ledger)."""

    lpt: Lpt
    wei: Wei


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over tables that are too large to walk: LPT bonded, unbonding, of verifiers, deposited with proposals, of
    challengers; the next ids (ledger, jobs, governance, verification).

    `draw_cursor` is the waiting job whose turn to be drawn comes first, where not all fit in a block.
    """

    bonded: Lpt
    verifier_bonds: Lpt
    next_job_id: int
    next_dispute_id: int
    draw_cursor: int = 0
    unbonding: Lpt = Lpt(0)
    proposal_deposits: Lpt = Lpt(0)
    next_proposal_id: int = 1
    challenge_bonds: Lpt = Lpt(0)


@dataclass(frozen=True, slots=True)
class Rates:
    """What a transcoder asks and shares (transcoders)."""

    price_per_segment: Wei
    block_reward_cut: Fraction
    fee_share: Fraction


@dataclass(frozen=True, slots=True)
class Transcoder:
    """A registered candidate (transcoders).

    Attributes:
        rates, next_rates, next_rates_round: what holds, and what holds from that round on.
        slots: how many more jobs it takes now.
        missed_rewards: rounds in a row without a reward.
        jobs_accepted, jobs_dropped, segments_claimed, segments_paid: its public record.
        segments_verified, segments_disputed, segments_missed: what became of the segments that were challenged.
        segments_failed: of the disputed ones, those that the court found wrong.
        jailed_until: from which height on Unjail ends its time outside; 0 when it is not jailed.
        withdrawn_height: when it last withdrew its offer; jobs of before then give no slot back.
        missed_blocks: of the last `signed_blocks_window`, as of the last miss.
        resigned_height: when it left the candidates, by its own wish or for want of own stake; 0 for who is one.
    """

    rates: Rates
    next_rates: Rates
    next_rates_round: Round
    service_uri: str
    consensus_pubkey: bytes
    slots: int
    jailed_until: Height
    tombstoned: bool
    missed_rewards: int
    jobs_accepted: int = 0
    jobs_dropped: int = 0
    segments_claimed: int = 0
    segments_verified: int = 0
    segments_disputed: int = 0
    segments_missed: int = 0
    segments_paid: int = 0
    withdrawn_height: Height = Height(0)
    resigned_height: Height = Height(0)
    missed_blocks: int = 0
    segments_failed: int = 0


@dataclass(frozen=True, slots=True)
class RoundState:
    """The running round (rounds).

    Attributes:
        length: blocks of this round, fixed when it began.
        lowest_price: the lowest price of any candidate when the lock began; none before.
        work, previous_work: work claimed in this round and in the one before, in pixel rate × segments.
        previous_active_stake: what `active_stake` was in the round before.
    """

    number: Round
    start_height: Height
    length: int
    initialized: bool
    inflation_rate: Fraction
    mintable: Lpt
    minted: Lpt
    active_stake: Lpt
    previous_active_stake: Lpt
    work: int
    previous_work: int
    lowest_price: Wei | None


@dataclass(frozen=True, slots=True)
class ActiveTranscoder:
    """A transcoder elected for the running round, with what was locked in; it may have left since (rounds).

    `shares` and `era` are its pool's as the round began.
    """

    stake: Lpt
    rates: Rates
    from_waitlist: bool
    rewarded: bool
    work: int
    previous_stake: Lpt
    previous_work: int
    left: bool = False
    shares: int = 0
    era: int = 0


@dataclass(frozen=True, slots=True)
class Validator:
    """A consensus validator as CometBFT was last told (validators)."""

    operator: Address
    power: int


@dataclass(frozen=True, slots=True)
class ConsensusKeyOwner:
    """Whose key a consensus address was, kept as long as evidence against it is admissible (validators).

    Attributes:
        removed_height: when it left the validators; 0 while it is one, and before it ever was.
        published_height: when its operator last named it; it has power from an election after that.
    """

    operator: Address
    pubkey: bytes
    removed_height: Height
    published_height: Height = Height(0)


@unique
class JobStatus(IntEnum):
    """Where a job stands (jobs)."""

    WAITING = 0
    ASSIGNED = 1
    ENDED = 2
    CLOSED = 3


@dataclass(frozen=True, slots=True)
class Job:
    """A transcoding job (jobs).

    Attributes:
        fee_per_segment: for all renditions of one segment.
        escrow: what is left of the job's escrow; claims draw on it before they draw on the deposit.
        transcoder: who works; 20 zero bytes while none is drawn.
        backups: who would follow, in order.
        assigned_height: since when it has its transcoder, or, while it waits again, since when it has none.
    """

    broadcaster: Address
    stream_id: str
    options: TranscodingOptions
    price_per_segment: Wei
    fee_per_segment: Wei
    escrow: Wei
    status: JobStatus
    transcoder: Address
    backups: tuple[Address, ...]
    created_height: Height
    assigned_height: Height
    ended_height: Height
    next_claim_id: int
    segments_claimed: int
    segments_paid: int


@dataclass(frozen=True, slots=True)
class FormerTranscoder:
    """When a job was passed on from the transcoder in the key, for the last time (jobs)."""

    until_height: Height


@unique
class ClaimStatus(IntEnum):
    """Where a claim stands (claims)."""

    PENDING = 0
    """Its challenges are chosen in the next block."""
    CHALLENGED = 1
    VERIFIED = 2
    DISPUTED = 3
    MISSED = 4
    """Not all of its work was shown: its fee returns to the broadcaster."""
    PAID = 5
    FAILED = 6
    """Some of its work was found wrong, or is unproven: its fee returns to the broadcaster."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of work (claims).

    Attributes:
        fee: in escrow, without the part for verifiers; 0 once paid or returned.
        verification_fee: in escrow for verifiers; what they do not get goes to the transcoder.
        challenged: the segments that were drawn, stored because block hashes are pruned.
        open_challenges, open_disputes: how many of them have no verdict yet, and how many of those the court has.
        challenge_fee: the part of `verification_fee` that pays the committee of each of them.
        slashed: whether its transcoder has been slashed for it.
    """

    transcoder: Address
    height: Height
    ranges: tuple[SegmentRange, ...]
    merkle_root: Hash32
    segments: int
    fee: Wei
    verification_fee: Wei
    status: ClaimStatus
    challenged: tuple[int, ...]
    open_challenges: int
    challenge_fee: Wei
    verify_deadline: Height
    slashing_end: Height
    slashed: bool = False
    open_disputes: int = 0


@unique
class ChallengeStatus(IntEnum):
    """Where a challenged segment stands (verification)."""

    AWAITING_RECEIPT = 0
    AWAITING_COMMITTEE = 1
    COMMITTING = 2
    REVEALING = 3
    VERIFIED = 4
    DISPUTED = 5
    MISSED = 6
    FAILED = 7
    VOID = 8
    UNPROVEN = 9
    """No verifier agreed, and too few validators looked: lost without a judgement."""


@dataclass(frozen=True, slots=True)
class Seat:
    """One drawn verifier, its commitment, and its verdict once revealed (verification)."""

    verifier: Address
    commitment: Hash32 | None = None
    result: Hash32 | None = None
    keyed_digest: Hash32 | None = None
    finding: int = 0
    rendition: int = 0


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenged segment on its way to a verdict (verification).

    Attributes:
        deadline: of the step that it waits for.
        transcoded_hash: what the receipt says; the verdicts are compared with it.
    """

    status: ChallengeStatus
    deadline: Height
    data_hash: Hash32 | None = None
    transcoded_hash: Hash32 | None = None
    input_cid: Hash32 | None = None
    output_cid: Hash32 | None = None
    toolchain: str = ""
    committee: tuple[Seat, ...] = ()


@unique
class DisputeReason(IntEnum):
    """Why a segment is before the court: most often because a committee could not agree (verification)."""

    VERDICTS_DIFFER = 0
    TOO_FEW_REVEALS = 1
    NO_COMMITTEE = 2
    CHALLENGED = 3
    """Nothing of that: somebody sent it to the court with a bond."""


@unique
class CourtOutcome(IntEnum):
    """What the court of validators found (verification)."""

    OPEN = 0
    UPHELD = 1
    """More than two thirds got the transcoder's result."""
    OVERTURNED = 2
    """More than two thirds got one other result."""
    UNAVAILABLE = 3
    """More than two thirds could not fetch what the receipt promises."""
    UNEXECUTABLE = 4
    """More than two thirds could not execute what the broadcaster has signed."""
    VOID = 5
    """No two thirds for anything."""


@dataclass(frozen=True, slots=True)
class Dispute:
    """A segment before the court of validators (verification).

    Attributes:
        closes_height: the last block that can bring attestations.
        outcome, result, decided_height: what was found, and when; the result is the court's, where it has one.
        challenger, bond, source_uri: of who sent it there with a bond, and says who has the input; else empty.
    """

    job_id: int
    claim_id: int
    segment: int
    reason: DisputeReason
    opened_height: Height
    closes_height: Height
    outcome: CourtOutcome = CourtOutcome.OPEN
    result: Hash32 | None = None
    decided_height: Height = Height(0)
    challenger: Address = Address(bytes(20))
    bond: Lpt = Lpt(0)
    source_uri: str = ""


@dataclass(frozen=True, slots=True)
class Verifier:
    """A registered verifier and its public record (verification)."""

    bond: Lpt
    service_uri: str
    drawn: int = 0
    revealed: int = 0
    silent: int = 0
    fees_earned: Wei = Wei(0)


@dataclass(frozen=True, slots=True)
class Profile:
    """How a job may be encoded: the engine's parameters in one canonical text, and how much its work weighs (jobs)."""

    codec: str
    codec_weight: int
    parameters: str
    frozen: bool


@dataclass(frozen=True, slots=True)
class Empty:
    """The value of an index entry, whose key says it all; one byte, because light clients cannot verify none."""

    present: bool = True


@dataclass(frozen=True, slots=True)
class AmountRecord:
    """An amount of wei that belongs to the account in the key (deposits)."""

    amount: Wei


@dataclass(frozen=True, slots=True)
class RangeEnd:
    """The last segment of a claimed range whose first is in the key (claims)."""

    last: int
    claim_id: int


@unique
class ProposalStatus(IntEnum):
    """Where a proposal stands (governance)."""

    VOTING = 0
    QUORUM_MISSED = 1
    REJECTED = 2
    ADOPTED = 3
    """It takes effect as the next round begins, or at its upgrade's height."""
    EXECUTED = 4
    DROPPED = 5
    """Adopted, but what it asks for could not be done any more."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal (governance).

    Attributes:
        content: what was proposed.
        proposal_deposit: held until the voting ends; 0 then.
        voting_round, active_stake: the votes are the stakes as this round began, so much of it active.
        end_height: the first block in which no vote counts any more.
        yes, no, abstain: the tally at the end; 0 before.
        outcome: why it was dropped.
    """

    proposer: Address
    content: Propose
    proposal_deposit: Lpt
    voting_round: Round
    active_stake: Lpt
    created_height: Height
    end_height: Height
    status: ProposalStatus = ProposalStatus.VOTING
    yes: Lpt = Lpt(0)
    no: Lpt = Lpt(0)
    abstain: Lpt = Lpt(0)
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Vote:
    """One account's vote: its own stake, which counts with the transcoder that it was bonded to (governance)."""

    option: VoteOption
    transcoder: Address
    stake: Lpt


@dataclass(frozen=True, slots=True)
class Ballot:
    """How the stake behind one transcoder votes on a proposal (governance).

    Attributes:
        mandate: the transcoder's own vote, which all stake follows that has not voted itself; none before it votes.
        yes, no, abstain: stake that has voted itself, the transcoder's own included.
    """

    mandate: VoteOption | None
    yes: Lpt
    no: Lpt
    abstain: Lpt


@dataclass(frozen=True, slots=True)
class VotingRound:
    """How many proposals are open that are voted on with the stakes of a round (governance)."""

    open_proposals: int


@dataclass(frozen=True, slots=True)
class Elector:
    """A transcoder of a round's active set, and its pool as that round began (governance)."""

    stake: Lpt
    shares: int
    era: int


@dataclass(frozen=True, slots=True)
class AppVersion:
    """The version of the application that executes blocks, and the planned one, where there is one (governance)."""

    version: int
    next_version: int
    next_height: Height
    proposal_id: int


@unique
class SlashReason(IntEnum):
    """For what stake was slashed (slashing)."""

    FAILED_VERIFICATION = 0
    MISSED_VERIFICATION = 1
    MISSED_REWARD = 2
    DOUBLE_CLAIM = 3
    DOUBLE_SIGN = 4


@unique
class LeaveReason(IntEnum):
    """Why a transcoder is no candidate any more (candidacy)."""

    RESIGNED = 0
    SELF_BOND_TOO_LOW = 1
    TOMBSTONED = 2
