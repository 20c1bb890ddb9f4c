import contextlib

import pytest

from app.primitives.hashing import sha256
from transcoder.journal.broadcaster import BroadcasterJournal
from transcoder.journal.records import SegmentRecord, SegmentState
from transcoder.services.broadcast.session import begin_session, continue_session, load_session, segments_of

STREAM = "0x01-s"


@pytest.fixture
def journal(tmp_path):
    with contextlib.closing(BroadcasterJournal(tmp_path / "journal.sqlite", "0x01")) as made:
        yield made


def add(journal, *numbers):
    for number in numbers:
        journal.add_segment(SegmentRecord(STREAM, number, sha256(b"%d" % number), b"signature"))


def test_a_stream_that_was_never_broadcast_has_no_session(journal):
    assert load_session(journal, STREAM) is None


def test_a_session_is_remembered(journal):
    session = begin_session(journal, STREAM, "source", None)
    assert (session.order, session.first_number, session.key) == (1, 0, "0x01-s/1")
    assert load_session(journal, STREAM) == session


def test_the_next_session_counts_on_and_gives_up_what_the_last_one_left(journal):
    begin_session(journal, STREAM, "source", None)
    add(journal, 0, 1)
    session = begin_session(journal, STREAM, "source", 7)
    assert (session.order, session.first_number, session.source_number, session.job_id) == (2, 2, 2, 7)
    assert [segment.state for segment in journal.segments(STREAM)] == [SegmentState.DROPPED] * 2


def test_the_same_source_goes_on_where_it_was(journal):
    session = begin_session(journal, STREAM, "source", None)
    add(journal, 0, 1)
    assert continue_session(journal, session, "source") == session


def test_another_source_begins_where_the_numbers_are_now(journal):
    session = begin_session(journal, STREAM, "source", None)
    add(journal, 0, 1)
    changed = continue_session(journal, session, "other")
    assert (changed.order, changed.first_number, changed.source_number) == (1, 0, 2)
    assert load_session(journal, STREAM) == changed


def test_streams_of_one_journal_have_sessions_of_their_own(journal):
    begin_session(journal, STREAM, "source", None)
    assert load_session(journal, "0x01-t") is None


def test_all_segments_are_found_over_many_pages(journal, monkeypatch):
    monkeypatch.setattr("transcoder.services.broadcast.session._PAGE", 2)
    add(journal, *range(5))
    journal.move_segment(STREAM, 3, SegmentState.DROPPED)
    assert [segment.sequence_number for segment in segments_of(journal, STREAM, 1)] == [1, 2, 3, 4]
    assert [segment.sequence_number for segment in segments_of(journal, STREAM, 0, [SegmentState.DROPPED])] == [3]
