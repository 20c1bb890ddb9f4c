"""Views of the chain for tests of the roles: sound records with the one field that matters changed."""

from app.messages import records
from app.messages.bodies import SegmentRange
from app.messages.options import Rendition, TranscodingOptions
from app.primitives.address import Address
from app.primitives.amounts import Height, Lpt, Round, Wei
from app.primitives.fractions import Fraction
from app.primitives.hashing import Hash32
from genesis.presets.registry import get_preset
from transcoder.roles.views import ChainMoment, ChallengeView, ClaimView, JobView

BROADCASTER = Address(b"\x01" * 20)
TRANSCODER = Address(b"\x02" * 20)
VERIFIER = Address(b"\x03" * 20)
ROOT = Hash32(b"\x11" * 32)
OPTIONS = TranscodingOptions("h264-verified-1", (Rendition("240p", 426, 240, 30, 1, 26),))
RATES = records.Rates(Wei(50), Fraction(0), Fraction(0))


def moment(height: int = 100, initialized: bool = True, number: int = 1) -> ChainMoment:
    """The localnet's parameters at a height."""
    round_state = records.RoundState(
        Round(number), Height(61), 60, initialized, Fraction(0), Lpt(0), Lpt(0), Lpt(0), Lpt(0), 0, 0, None
    )
    return ChainMoment(height, get_preset("localnet"), round_state)


def job(status: records.JobStatus = records.JobStatus.ASSIGNED, job_id: int = 1) -> JobView:
    """A job of BROADCASTER that TRANSCODER was drawn for."""
    return JobView(
        job_id,
        records.Job(
            broadcaster=BROADCASTER,
            stream_id="0x" + BROADCASTER.hex() + "-live",
            options=OPTIONS,
            price_per_segment=Wei(100),
            fee_per_segment=Wei(100),
            escrow=Wei(1000),
            status=status,
            transcoder=TRANSCODER,
            backups=(),
            created_height=Height(1),
            assigned_height=Height(2),
            ended_height=Height(0),
            next_claim_id=0,
            segments_claimed=0,
            segments_paid=0,
        ),
    )


def claim(status: records.ClaimStatus, claim_id: int = 0, slashing_end: int = 90, challenged=(3,)) -> ClaimView:
    """A claim of TRANSCODER with ROOT."""
    return ClaimView(
        1,
        claim_id,
        records.Claim(
            transcoder=TRANSCODER,
            height=Height(50),
            ranges=(SegmentRange(0, 9),),
            merkle_root=ROOT,
            segments=10,
            fee=Wei(900),
            verification_fee=Wei(100),
            status=status,
            challenged=tuple(challenged),
            open_challenges=1,
            challenge_fee=Wei(100),
            verify_deadline=Height(80),
            slashing_end=Height(slashing_end),
        ),
    )


def challenge(status: records.ChallengeStatus, deadline: int = 120, seats=()) -> ChallengeView:
    """Segment 3 of claim 0 of job 1."""
    return ChallengeView(1, 0, 3, records.Challenge(status, Height(deadline), committee=tuple(seats)))
