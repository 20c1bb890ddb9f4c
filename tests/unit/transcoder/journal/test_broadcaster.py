from dataclasses import replace

import pytest

from app.primitives.hashing import sha256
from transcoder.journal.broadcaster import BroadcasterJournal
from transcoder.journal.failures import Conflict
from transcoder.journal.records import ReceiptRecord, SegmentRecord, SegmentState

STREAM = "0xab-live"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path):
    journal = BroadcasterJournal(path, "0xab")
    yield journal
    journal.close()


def segment(number, payload=b"payload", stream_id=STREAM):
    return SegmentRecord(stream_id, number, sha256(payload), b"s" * 65, {"start": "1/90000", "key_frames": [0, 60]})


def numbers(records):
    return [each.sequence_number for each in records]


def test_a_segment_comes_back_as_it_was_kept(journal):
    assert journal.add_segment(segment(0))
    assert journal.segment(STREAM, 0) == segment(0)
    assert journal.segment(STREAM, 1) is None


def test_keeping_the_same_segment_again_changes_nothing_even_after_it_has_moved_on(journal):
    journal.add_segment(segment(0))
    journal.move_segment(STREAM, 0, SegmentState.DELIVERED)
    assert not journal.add_segment(segment(0))
    assert journal.segment(STREAM, 0).state is SegmentState.DELIVERED


def test_a_number_is_never_signed_for_two_payloads(journal):
    journal.add_segment(segment(0))
    with pytest.raises(Conflict, match="segment 0xab-live/0 is kept already with another data_hash"):
        journal.add_segment(segment(0, b"other"))


def test_numbers_continue_per_stream_across_restarts_and_after_forgetting(journal, path):
    assert journal.next_sequence_number(STREAM) == 0
    for number in (0, 1, 4):
        journal.add_segment(segment(number))
    journal.add_segment(segment(0, stream_id="0xab-other"))
    assert journal.forget_segments(STREAM, before=5) == 3
    journal.close()
    again = BroadcasterJournal(path, "0xab")
    assert (again.next_sequence_number(STREAM), again.next_sequence_number("0xab-other")) == (5, 1)
    with pytest.raises(Conflict, match="0xab-live/4 comes before 5, the next number"):
        again.add_segment(segment(4, b"other"))
    assert again.segment(STREAM, 4) is None
    again.close()


def test_segments_are_listed_by_state_in_their_order_and_in_pages(journal):
    for number in range(5):
        journal.add_segment(segment(number))
    journal.move_segment(STREAM, 1, SegmentState.DROPPED)
    waiting = [SegmentState.SIGNED, SegmentState.DELIVERED]
    assert numbers(journal.segments(STREAM, waiting)) == [0, 2, 3, 4]
    assert numbers(journal.segments(STREAM, waiting, first=1, limit=2)) == [2, 3]
    assert numbers(journal.segments(STREAM)) == [0, 1, 2, 3, 4]


def test_a_segment_never_goes_back(journal):
    journal.add_segment(segment(0))
    journal.move_segment(STREAM, 0, SegmentState.DELIVERED)
    with pytest.raises(Conflict, match="segment 0xab-live/0 is delivered and cannot become signed"):
        journal.move_segment(STREAM, 0, SegmentState.SIGNED)
    with pytest.raises(Conflict, match="segment 0xab-live/1 is not in the journal"):
        journal.move_segment(STREAM, 1, SegmentState.DELIVERED)


def test_a_receipt_and_the_state_of_its_segment_change_together(journal):
    journal.add_segment(segment(0))
    receipt = ReceiptRecord(7, 0, b"receipt", {"outputs": ["ab"]})
    assert journal.add_receipt(STREAM, receipt)
    assert not journal.add_receipt(STREAM, receipt)
    assert journal.segment(STREAM, 0).state is SegmentState.RECEIPTED
    assert journal.receipts(7) == [receipt] == [journal.receipt(7, 0)]


def test_a_receipt_without_its_segment_is_not_kept(journal):
    with pytest.raises(Conflict, match="is not in the journal"):
        journal.add_receipt(STREAM, ReceiptRecord(7, 0, b"receipt"))
    assert journal.receipts(7) == []


def test_a_second_receipt_for_a_segment_is_a_conflict_and_the_first_one_stays(journal):
    journal.add_segment(segment(0))
    first = ReceiptRecord(7, 0, b"receipt")
    journal.add_receipt(STREAM, first)
    with pytest.raises(Conflict, match="receipt 7/0 is kept already with another receipt"):
        journal.add_receipt(STREAM, replace(first, receipt=b"other"))
    assert journal.receipt(7, 0) == first
