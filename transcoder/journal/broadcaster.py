"""The broadcaster's journal: segments it has signed, receipts it was given."""

from collections.abc import Iterable
from pathlib import Path

from transcoder.journal.core import Journal
from transcoder.journal.failures import Conflict
from transcoder.journal.receipts import RECEIPTS
from transcoder.journal.records import SEGMENT_STEPS, ReceiptRecord, SegmentRecord, SegmentState
from transcoder.journal.table import Table, in_states

_SEGMENTS: Table[SegmentRecord] = Table("segment", ("stream_id", "sequence_number"), SegmentRecord, SEGMENT_STEPS)


class BroadcasterJournal(Journal):
    """A journal of segments. A sequence number is signed for one payload only, ever."""

    def __init__(self, path: Path, address: str) -> None:
        super().__init__(path, f"broadcaster {address}")

    def next_sequence_number(self, stream_id: str) -> int:
        """The number of the stream's next segment, from 0; numbers of forgotten segments do not come back."""
        return int(self.note(f"next/{stream_id}") or 0)

    def add_segment(self, segment: SegmentRecord) -> bool:
        """Keep a signed segment, before it is sent to anyone; False where it is kept already.

        Raises:
            Conflict: its number was used for another payload, or for one that is forgotten.
        """
        with self.transaction():
            following = self.next_sequence_number(segment.stream_id)
            added = _SEGMENTS.add(self.database, segment)
            if added and segment.sequence_number < following:
                raise Conflict(
                    f"segment {segment.stream_id}/{segment.sequence_number} comes before {following}, the next number"
                )
            if added:
                self.set_note(f"next/{segment.stream_id}", str(segment.sequence_number + 1).encode())
            return added

    def segment(self, stream_id: str, sequence_number: int) -> SegmentRecord | None:
        """One segment."""
        return _SEGMENTS.get(self.database, stream_id, sequence_number)

    def segments(
        self, stream_id: str, states: Iterable[SegmentState] = SegmentState, *, first: int = 0, limit: int = 1000
    ) -> list[SegmentRecord]:
        """The segments of a stream in these states, by number from `first`."""
        where = f"stream_id = ? AND sequence_number >= ? AND {in_states(states)}"
        return _SEGMENTS.select(self.database, where, stream_id, first, limit, tail="ORDER BY sequence_number LIMIT ?")

    def move_segment(self, stream_id: str, sequence_number: int, state: SegmentState) -> SegmentRecord:
        """Note how far a segment has come.

        Raises:
            Conflict: it is not kept, or the step leads back.
        """
        return _SEGMENTS.move(self.database, (stream_id, sequence_number), state)

    def add_receipt(self, stream_id: str, receipt: ReceiptRecord) -> bool:
        """Keep the transcoder's receipt of a segment, and note that the segment has one; False if kept already.

        Raises:
            Conflict: another receipt of the same job and segment is kept, which proves a double claim; or no segment.
        """
        with self.transaction():
            added = RECEIPTS.add(self.database, receipt)
            self.move_segment(stream_id, receipt.sequence_number, SegmentState.RECEIPTED)
            return added

    def receipt(self, job_id: int, sequence_number: int) -> ReceiptRecord | None:
        """One receipt."""
        return RECEIPTS.get(self.database, job_id, sequence_number)

    def receipts(self, job_id: int, *, first: int = 0, limit: int = 1000) -> list[ReceiptRecord]:
        """The receipts of a job, by number from `first`."""
        where, tail = "job_id = ? AND sequence_number >= ?", "ORDER BY sequence_number LIMIT ?"
        return RECEIPTS.select(self.database, where, job_id, first, limit, tail=tail)

    def forget_segments(self, stream_id: str, before: int) -> int:
        """Remove the segments below a number; returns how many. Receipts stay."""
        sql = "DELETE FROM segment WHERE stream_id = ? AND sequence_number < ?"
        return self.database.execute(sql, stream_id, before)
