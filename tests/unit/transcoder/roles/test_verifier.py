"""What a verifier decides: from views alone, without a chain and without a clock."""

from app.messages.records import ChallengeStatus, Seat
from app.primitives.hashing import Hash32
from tests.support import off_chain_views as given
from transcoder.journal.records import VerdictState
from transcoder.roles import verifier as role

PLACE = (1, 0, 3)
OURS = Seat(given.VERIFIER)
COMMITTED = Seat(given.VERIFIER, Hash32(b"c" * 32))
REVEALED = Seat(given.VERIFIER, Hash32(b"c" * 32), Hash32(b"r" * 32))
OTHERS = Seat(given.BROADCASTER)


def decide(challenges, verdicts=None) -> list[role.Action]:
    return role.decide(role.VerifierView(given.moment(), given.VERIFIER, challenges, verdicts or {}))


def test_a_seat_is_judged_once() -> None:
    drawn = given.challenge(ChallengeStatus.COMMITTING, seats=[OTHERS, OURS])
    assert decide([drawn]) == [role.Judge(drawn, deadline=120, last_call=116)]
    assert decide([drawn], {PLACE: VerdictState.COMPUTED}) == []


def test_other_verifiers_seats_are_none_of_our_business() -> None:
    assert decide([given.challenge(ChallengeStatus.COMMITTING, seats=[OTHERS])]) == []


def test_the_most_urgent_judgement_comes_first() -> None:
    late = given.challenge(ChallengeStatus.COMMITTING, deadline=130, seats=[OURS])
    soon = given.challenge(ChallengeStatus.COMMITTING, deadline=110, seats=[OURS])
    assert [action.deadline for action in decide([late, soon])] == [110, 130]


def test_a_commitment_on_the_chain_is_noted() -> None:
    drawn = given.challenge(ChallengeStatus.COMMITTING, seats=[COMMITTED])
    assert decide([drawn], {PLACE: VerdictState.COMPUTED}) == [role.NoteCommitted(PLACE)]


def test_a_verdict_is_revealed_only_in_its_time() -> None:
    early = given.challenge(ChallengeStatus.COMMITTING, seats=[COMMITTED])
    assert decide([early], {PLACE: VerdictState.COMMITTED}) == []
    now = given.challenge(ChallengeStatus.REVEALING, seats=[COMMITTED])
    assert decide([now], {PLACE: VerdictState.COMMITTED}) == [role.Reveal(PLACE)]


def test_a_verdict_that_was_not_noted_as_committed_is_still_revealed() -> None:
    now = given.challenge(ChallengeStatus.REVEALING, seats=[COMMITTED])
    assert decide([now], {PLACE: VerdictState.COMPUTED}) == [role.NoteCommitted(PLACE), role.Reveal(PLACE)]


def test_a_revealed_verdict_is_over() -> None:
    done = given.challenge(ChallengeStatus.REVEALING, seats=[REVEALED])
    assert decide([done], {PLACE: VerdictState.COMMITTED}) == [role.NoteOver(PLACE, True)]


def test_a_verdict_that_came_too_late_expires() -> None:
    judged = given.challenge(ChallengeStatus.DISPUTED, seats=[OURS])
    assert decide([judged], {PLACE: VerdictState.COMPUTED}) == [role.NoteOver(PLACE, False)]


def test_a_commitment_made_with_a_lost_journal_is_not_made_again() -> None:
    assert decide([given.challenge(ChallengeStatus.COMMITTING, seats=[COMMITTED])]) == []
