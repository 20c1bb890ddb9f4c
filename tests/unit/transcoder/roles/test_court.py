"""What a court worker takes up: open disputes, the oldest first, until it knows."""

from app.messages.attestation import Attestation, Attested
from app.messages.records import Dispute, DisputeReason
from app.primitives.hashing import ZERO_HASH, sha256
from transcoder.roles.court import CourtView, DisputeView, choose_cases, keep_open

RESULT = sha256(b"result")


def dispute(number, opened=10):
    return DisputeView(number, Dispute(1, 1, number, DisputeReason.VERDICTS_DIFFER, opened, opened + 30))


def executed(number):
    return Attestation(number, Attested.EXECUTED, RESULT)


def test_the_oldest_dispute_comes_first():
    view = CourtView([dispute(3), dispute(1), dispute(2)], {}, ())
    assert [each.dispute_id for each in choose_cases(view)] == [1, 2, 3]


def test_what_can_change_nothing_about_money_any_more_comes_last():
    other = DisputeView(3, Dispute(1, 2, 0, DisputeReason.VERDICTS_DIFFER, 12, 42))
    view = CourtView([dispute(1), dispute(2), other], {}, (), [(1, 1)])
    assert [each.dispute_id for each in choose_cases(view)] == [3, 1, 2]


def test_what_is_known_or_under_way_is_not_taken_up_again():
    view = CourtView([dispute(1), dispute(2), dispute(3)], {1: executed(1)}, {2})
    assert [each.dispute_id for each in choose_cases(view)] == [3]


def test_what_was_unavailable_is_tried_again_and_what_breaks_the_limits_is_not():
    attested = {1: Attestation(1, Attested.UNAVAILABLE, ZERO_HASH), 2: Attestation(2, Attested.UNEXECUTABLE, ZERO_HASH)}
    view = CourtView([dispute(1), dispute(2)], attested, ())
    assert [each.dispute_id for each in choose_cases(view)] == [1]


def test_what_is_over_is_forgotten():
    view = CourtView([dispute(2)], {1: executed(1), 2: executed(2)}, ())
    assert keep_open(view) == {2: executed(2)}


def test_content_is_called_unavailable_from_the_middle_of_the_window_on():
    assert dispute(1, opened=10).last_call == 25
