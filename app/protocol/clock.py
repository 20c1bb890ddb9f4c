"""The rounds' clock, and what falls due at which height.

Rounds follow from heights, never from time: validators can move header time within bounds. Work that a later block must
do is written down under that height, and each block takes what is due, in the order of kind and ids. Nothing is ever
searched for.
"""

from collections.abc import Iterator
from enum import IntEnum, unique

from app.messages.records import Empty, RoundState
from app.messages.rejections import Reason, Rejection
from app.primitives.amounts import Height
from app.state.tables import DUE, ROUND, ReadState, State


@unique
class DueKind(IntEnum):
    """Kinds of due work, in the order in which one block does them."""

    CHOOSE_CHALLENGES = 1
    MISS_RECEIPT = 2
    DRAW_COMMITTEE = 3
    CLOSE_COMMITS = 4
    CLOSE_REVEALS = 5
    CLOSE_JOB = 6
    CLOSE_COURT = 10
    CLOSE_VOTING = 20


# --- the rounds' clock


def require_initialized(state: ReadState) -> RoundState:
    """The running round.

    Raises:
        Rejection: ROUND_NOT_INITIALIZED.
    """
    now = ROUND.read(state)
    if not now.initialized:
        raise Rejection(
            Reason.ROUND_NOT_INITIALIZED,
            f"round {now.number} ended at height {now.start_height + now.length}; the next one waits for "
            "InitializeRound, from anybody",
        )
    return now


def is_over(now: RoundState, height: Height) -> bool:
    """Whether a round's blocks have all been."""
    return height >= now.start_height + now.length


def is_locked(now: RoundState, height: Height, lock_length: int) -> bool:
    """Whether rates are locked at a height: in the last blocks of the round."""
    return height >= now.start_height + now.length - lock_length


# --- due work


def schedule(state: State, height: int, kind: DueKind, job_id: int, claim_id: int = 0, segment: int = 0) -> None:
    """Make a block do this work; scheduling the same twice is scheduling it once."""
    DUE.put(state, Empty(), height, kind, job_id, claim_id, segment)


def cancel(state: State, height: int, kind: DueKind, job_id: int, claim_id: int = 0, segment: int = 0) -> None:
    """Take back what `schedule` has written down."""
    DUE.drop(state, height, kind, job_id, claim_id, segment)


def take_due(state: State, height: Height) -> Iterator[tuple[DueKind, tuple[int, int, int]]]:
    """The work due at a height with its job, claim and segment; what is taken is removed."""
    due = list(DUE.keys(state, height))
    for _, kind, job_id, claim_id, segment in due:
        DUE.drop(state, height, kind, job_id, claim_id, segment)
        yield DueKind(kind), (job_id, claim_id, segment)
