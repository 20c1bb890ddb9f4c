"""One broadcast of a stream, as the journal remembers it between two runs of the process."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from transcoder.journal.broadcaster import BroadcasterJournal
from transcoder.journal.records import SegmentRecord, SegmentState

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Session:
    """A broadcast.

    Attributes:
        order: counts the broadcasts of this stream in this journal; part of its transactions' names.
        first_number: the sequence number of its first segment; playlists begin there.
        source: what is broadcast, as a fingerprint; another one continues the broadcast with a break.
        source_number: the sequence number that the source's first segment has.
        job_id: the chain's number, once it is known.
    """

    stream_id: str
    order: int
    first_number: int
    source: str
    source_number: int
    job_id: int | None = None
    is_over: bool = False

    @property
    def key(self) -> str:
        """What names the transactions of this broadcast."""
        return f"{self.stream_id}/{self.order}"


def load_session(journal: BroadcasterJournal, stream_id: str) -> Session | None:
    """The latest broadcast of a stream."""
    note = journal.note(f"session/{stream_id}")
    return None if note is None else Session(**json.loads(note))


def save_session(journal: BroadcasterJournal, session: Session) -> Session:
    """Remember a broadcast in place of the stream's earlier one."""
    journal.set_note(f"session/{session.stream_id}", json.dumps(asdict(session)).encode())
    return session


def begin_session(journal: BroadcasterJournal, stream_id: str, source: str, job_id: int | None) -> Session:
    """A new broadcast: its numbers follow those of the earlier ones, whose unanswered segments are given up."""
    with journal.transaction():
        for segment in segments_of(journal, stream_id, 0, (SegmentState.SIGNED, SegmentState.DELIVERED)):
            journal.move_segment(stream_id, segment.sequence_number, SegmentState.DROPPED)
        earlier, number = load_session(journal, stream_id), journal.next_sequence_number(stream_id)
        order = 1 if earlier is None else earlier.order + 1
        return save_session(journal, Session(stream_id, order, number, source, number, job_id))


def continue_session(journal: BroadcasterJournal, session: Session, source: str) -> Session:
    """The same broadcast after a restart; another source begins where the numbers are now."""
    if session.source == source:
        return session
    number = journal.next_sequence_number(session.stream_id)
    return save_session(journal, replace(session, source=source, source_number=number))


def segments_of(
    journal: BroadcasterJournal, stream_id: str, first: int, states: Iterable[SegmentState] = SegmentState
) -> list[SegmentRecord]:
    """All segments of a stream from a number on, in order."""
    found: list[SegmentRecord] = []
    wanted = tuple(states)
    while page := journal.segments(stream_id, wanted, first=first, limit=_PAGE):
        found += page
        first = page[-1].sequence_number + 1
    return found
