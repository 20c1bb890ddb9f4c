"""What a transcoder does next (whitepaper, *The Job* and *End Job*).

`decide` compares what the chain says with what the journal holds; every action it returns has a name, so that doing it
twice is doing it once. Nothing is remembered here: a transcoder that was killed decides the same again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.messages import bodies
from app.messages.records import ActiveTranscoder, ChallengeStatus, ClaimStatus, JobStatus, Rates, Transcoder
from app.messages.transaction import encode_message
from app.params import Params
from app.primitives.hashing import Hash32, sha256
from transcoder.journal.records import ClaimState
from transcoder.roles.views import ChainMoment, ChallengeView, ClaimView, JobView

NO_MORE_CLAIMS = (JobStatus.CLOSED,)
OFFER_PREFIX = "offer/"
_MADE_ANEW = ("INSUFFICIENT_DEPOSIT", "LIMIT_EXCEEDED", "RANGES_INVALID")
"""Refusals of a claim that another one with fewer segments need not meet; the rest would meet the same again."""


@dataclass(frozen=True, slots=True)
class ClaimPolicy:
    """When to claim: so many segments at once, or what there is when none has come for so long."""

    claim_every: int = 10
    idle_seconds: float = 6.0


@dataclass(frozen=True, slots=True)
class KeptClaim:
    """A claim of the journal; `problem` says why the chain will not have it."""

    job_id: int
    number: int
    claim_id: int | None
    merkle_root: Hash32
    state: ClaimState
    problem: str | None


@dataclass(frozen=True, slots=True)
class JobWork:
    """What the journal holds of one job: unclaimed receipts in order, its open claims, and when a segment last came.

    Attributes:
        affordable: for how many segments the job's escrow and its broadcaster's deposit hold the fee.
    """

    job: JobView
    unclaimed: Sequence[int]
    claims: Sequence[KeptClaim]
    last_segment_seconds: float
    affordable: int


@dataclass(frozen=True, slots=True)
class Registration:
    """How this transcoder wants to stand on the chain, and how it does.

    Attributes:
        wanted: the rates and the address to publish.
        slots: how many jobs at a time to offer, once.
        registered: its record, or none.
        own_stake: what it has bonded to itself, in base units of LPT.
        has_offered: whether the slots have been offered, or were refused in this round.
    """

    wanted: bodies.Transcoder
    slots: int
    registered: Transcoder | None
    own_stake: int
    has_offered: bool


@dataclass(frozen=True, slots=True)
class TranscoderView:
    """Everything that a decision depends on; claims and challenges are those of ours that are still open."""

    moment: ChainMoment
    active: ActiveTranscoder | None
    work: Sequence[JobWork]
    claims: Sequence[ClaimView]
    challenges: Sequence[ChallengeView]
    calls_reward: bool
    registration: Registration


@dataclass(frozen=True, slots=True)
class MakeClaim:
    """Claim these segments of a job."""

    job_id: int
    segments: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NoteIncluded:
    """The chain has this claim of the journal under that id."""

    job_id: int
    number: int
    claim_id: int


@dataclass(frozen=True, slots=True)
class NoteRefused:
    """The chain will not have this claim; where that is final, none of its segments in another claim either."""

    job_id: int
    number: int
    is_final: bool


@dataclass(frozen=True, slots=True)
class NoteState:
    """This is what has become of a claim."""

    job_id: int
    number: int
    state: ClaimState


@dataclass(frozen=True, slots=True)
class ShowReceipt:
    """Answer a challenge with the receipt and its proof."""

    job_id: int
    claim_id: int
    segment: int


@dataclass(frozen=True, slots=True)
class Send:
    """Have the chain do something, once under this name."""

    key: str
    message: bodies.Body


Action = MakeClaim | NoteIncluded | NoteRefused | NoteState | ShowReceipt | Send


def decide(view: TranscoderView, policy: ClaimPolicy, now_seconds: float) -> list[Action]:
    """The actions that the view asks for, in the order in which they should be done."""
    actions: list[Action] = []
    for work in view.work:
        actions += _follow_claims(work, view.claims)
        actions += _claim(view, work, policy, now_seconds)
    actions += _answer_challenges(view)
    actions += _distribute(view)
    return actions + _reward(view) + _register(view)


def ranges_of(segments: Sequence[int]) -> tuple[bodies.SegmentRange, ...]:
    """Sorted sequence numbers as the fewest ranges."""
    ranges: list[bodies.SegmentRange] = []
    for number in segments:
        if ranges and ranges[-1].last == number - 1:
            ranges[-1] = bodies.SegmentRange(ranges[-1].first, number)
        else:
            ranges.append(bodies.SegmentRange(number, number))
    return tuple(ranges)


def _claim(view: TranscoderView, work: JobWork, policy: ClaimPolicy, now_seconds: float) -> list[Action]:
    waiting = any(claim.state is ClaimState.PREPARED for claim in work.claims)
    job = work.job.job
    if not work.unclaimed or waiting or job.status in NO_MORE_CLAIMS:
        return []
    idle = now_seconds - work.last_segment_seconds >= policy.idle_seconds
    if len(work.unclaimed) < policy.claim_every and not (idle or job.status is JobStatus.ENDED):
        return []
    segments = _within_limits(work.unclaimed[: work.affordable], view.moment.params)
    return [MakeClaim(work.job.job_id, segments)] if segments else []


def _within_limits(segments: Sequence[int], params: Params) -> tuple[int, ...]:
    chosen = list(segments[: params.max_segments_per_claim])
    while len(ranges_of(chosen)) > params.max_ranges_per_claim:
        chosen.pop()
    return tuple(chosen)


def _follow_claims(work: JobWork, on_chain: Iterable[ClaimView]) -> list[Action]:
    by_root = {claim.claim.merkle_root: claim for claim in on_chain if claim.job_id == work.job.job_id}
    actions: list[Action] = []
    for kept in work.claims:
        found = by_root.get(kept.merkle_root)
        if kept.state is ClaimState.PREPARED:
            if found is not None:
                actions.append(NoteIncluded(kept.job_id, kept.number, found.claim_id))
            elif kept.problem is not None:
                actions.append(NoteRefused(kept.job_id, kept.number, not kept.problem.startswith(_MADE_ANEW)))
        elif found is not None:
            actions += _advance(kept, found.claim.status)
    return actions


_STATES = {
    ClaimStatus.CHALLENGED: ClaimState.VERIFYING,
    ClaimStatus.DISPUTED: ClaimState.DISPUTED,
    ClaimStatus.MISSED: ClaimState.LOST,
    ClaimStatus.FAILED: ClaimState.LOST,
    ClaimStatus.PAID: ClaimState.PAID,
}


def _advance(kept: KeptClaim, status: ClaimStatus) -> list[Action]:
    state = _STATES.get(status)
    if state is None or state is kept.state:
        return []
    return [NoteState(kept.job_id, kept.number, state)]


def _answer_challenges(view: TranscoderView) -> list[Action]:
    due = [c for c in view.challenges if c.challenge.status is ChallengeStatus.AWAITING_RECEIPT]
    return [ShowReceipt(*c.place) for c in due if c.challenge.deadline > view.moment.height]


def _distribute(view: TranscoderView) -> list[Action]:
    actions: list[Action] = []
    for claim in view.claims:
        due = not claim.claim.challenged or view.moment.height > claim.claim.slashing_end
        if claim.claim.status is ClaimStatus.VERIFIED and due:
            message = bodies.DistributeFees(claim.job_id, claim.claim_id)
            actions.append(Send(f"distribute/{claim.job_id}/{claim.claim_id}", message))
    return actions


def _reward(view: TranscoderView) -> list[Action]:
    if (
        not view.calls_reward
        or view.active is None
        or view.active.rewarded
        or view.active.left
        or not view.moment.round.initialized
    ):
        return []
    return [Send(f"reward/{view.moment.round.number}", bodies.Reward())]


def is_bonded_enough(view: TranscoderView) -> bool:
    """Whether the transcoder may register: its own stake reaches the minimum."""
    return view.registration.own_stake >= view.moment.params.min_self_bond


def _register(view: TranscoderView) -> list[Action]:
    """Register where the chain does not show what is wanted; each wish once per round, which may be locked."""
    want, record, now = view.registration.wanted, view.registration.registered, view.moment.round
    if not now.initialized or not is_bonded_enough(view):
        return []
    if record is None or not _says(record, want):
        return [Send(f"register/{now.number}/{sha256(encode_message(want)).hex()[:8]}", want)]
    if view.registration.slots and not view.registration.has_offered:
        return [Send(f"{OFFER_PREFIX}{now.number}", bodies.TranscodeAvailability(view.registration.slots))]
    return []


def _says(record: Transcoder, want: bodies.Transcoder) -> bool:
    rates = Rates(want.price_per_segment, want.block_reward_cut, want.fee_share)
    return record.service_uri == want.service_uri and record.next_rates == rates
