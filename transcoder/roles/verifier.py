"""What a verifier does next (media.md, section 3): judge what it was drawn for, commit, and reveal in time.

A verdict is computed once and kept with its salt; commit and reveal have names, so that doing them twice is doing them
once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.messages.records import ChallengeStatus, Seat
from app.primitives.address import Address
from transcoder.journal.records import VerdictState
from transcoder.roles.views import ChainMoment, ChallengeView

Place = tuple[int, int, int]

LAST_CALL_BLOCKS = 4
"""So many blocks are enough for a commitment to get onto the chain; a third of the period, where that is shorter."""


@dataclass(frozen=True, slots=True)
class VerifierView:
    """Everything that a decision depends on: the challenges with a seat of ours, and the verdicts in the journal."""

    moment: ChainMoment
    address: Address
    challenges: Sequence[ChallengeView]
    verdicts: Mapping[Place, VerdictState]


@dataclass(frozen=True, slots=True)
class Judge:
    """Fetch and re-execute this segment.

    Attributes:
        deadline: the last height that may hold the commitment.
        last_call: from this height on, what cannot be fetched is called unavailable.
    """

    challenge: ChallengeView
    deadline: int
    last_call: int


@dataclass(frozen=True, slots=True)
class NoteCommitted:
    """The chain has our commitment."""

    place: Place


@dataclass(frozen=True, slots=True)
class Reveal:
    """The time to reveal has come."""

    place: Place


@dataclass(frozen=True, slots=True)
class NoteOver:
    """Nothing is left to do: our verdict is on the chain, or it is too late for it."""

    place: Place
    revealed: bool


Action = Judge | NoteCommitted | Reveal | NoteOver


def decide(view: VerifierView) -> list[Action]:
    """The actions that the view asks for, the most urgent judgement first."""
    actions: list[Action] = []
    for challenge in sorted(view.challenges, key=lambda each: (each.challenge.deadline, each.place)):
        seat = find_seat(challenge, view.address)
        if seat is not None:
            actions += _decide_one(view, challenge, seat)
    return actions


def find_seat(challenge: ChallengeView, address: Address) -> Seat | None:
    """Our seat on a committee, or none."""
    return next((seat for seat in challenge.challenge.committee if seat.verifier == address), None)


def _decide_one(view: VerifierView, challenge: ChallengeView, seat: Seat) -> list[Action]:
    status, place = challenge.challenge.status, challenge.place
    kept = view.verdicts.get(place)
    if status is ChallengeStatus.COMMITTING and kept is None and seat.commitment is None:
        deadline = challenge.challenge.deadline
        reserve = min(LAST_CALL_BLOCKS, view.moment.params.commit_period // 3)
        return [Judge(challenge, deadline, deadline - reserve)]
    actions: list[Action] = []
    if kept is VerdictState.COMPUTED and seat.commitment is not None:
        actions.append(NoteCommitted(place))
        kept = VerdictState.COMMITTED
    if kept is VerdictState.COMMITTED and status is ChallengeStatus.REVEALING and seat.result is None:
        return [*actions, Reveal(place)]
    over = status not in (ChallengeStatus.COMMITTING, ChallengeStatus.REVEALING) or seat.result is not None
    if over and kept in (VerdictState.COMPUTED, VerdictState.COMMITTED):
        actions.append(NoteOver(place, seat.result is not None))
    return actions
