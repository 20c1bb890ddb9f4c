"""What the roles see of the chain: records as the state holds them, with the ids of their keys."""

from dataclasses import dataclass

from app.messages import records
from app.params import Params


@dataclass(frozen=True, slots=True)
class ChainMoment:
    """The chain at a height."""

    height: int
    params: Params
    round: records.RoundState


@dataclass(frozen=True, slots=True)
class JobView:
    """A job with its id."""

    job_id: int
    job: records.Job


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A claim with its ids."""

    job_id: int
    claim_id: int
    claim: records.Claim


@dataclass(frozen=True, slots=True)
class ChallengeView:
    """A challenged segment with its ids."""

    job_id: int
    claim_id: int
    segment: int
    challenge: records.Challenge

    @property
    def place(self) -> tuple[int, int, int]:
        """Job, claim and segment."""
        return self.job_id, self.claim_id, self.segment
