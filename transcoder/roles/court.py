"""What a validator's court worker does next: re-execute open disputes, and say so when it cannot.

The oldest comes first, but those of claims that are lost already come last: what is still to be decided about money is
decided in time, however many segments of one claim are disputed.

Content that cannot be fetched is looked for again in each block. Only from the middle of the window on is it called
unavailable: a transcoder that is being restarted is not one that withholds. It may still turn up afterwards; a
validator's last word counts.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from app.messages.attestation import Attestation, Attested
from app.messages.records import Dispute


@dataclass(frozen=True, slots=True)
class DisputeView:
    """One open dispute."""

    dispute_id: int
    dispute: Dispute

    @property
    def claim(self) -> tuple[int, int]:
        """Job id and claim id."""
        return self.dispute.job_id, self.dispute.claim_id

    @property
    def last_call(self) -> int:
        """From this height on, what cannot be fetched is called unavailable."""
        return (self.dispute.opened_height + self.dispute.closes_height) // 2


@dataclass(frozen=True, slots=True)
class CourtView:
    """What a decision depends on: open disputes, what we attest, what is being executed, which claims are lost."""

    disputes: Sequence[DisputeView]
    attested: Mapping[int, Attestation]
    under_way: Collection[int]
    lost: Collection[tuple[int, int]] = ()


def choose_cases(view: CourtView) -> list[DisputeView]:
    """The disputes to look into now, in their order; what was called unavailable is tried again."""
    return [
        each
        for each in sorted(view.disputes, key=lambda each: (each.claim in view.lost, each.dispute_id))
        if each.dispute_id not in view.under_way and not _is_settled(view.attested.get(each.dispute_id))
    ]


def keep_open(view: CourtView) -> dict[int, Attestation]:
    """What is worth handing to the node: attestations of disputes that are open still."""
    waiting = [each.dispute_id for each in view.disputes]
    return {dispute_id: view.attested[dispute_id] for dispute_id in sorted(waiting) if dispute_id in view.attested}


def _is_settled(said: Attestation | None) -> bool:
    return said is not None and said.attested is not Attested.UNAVAILABLE
