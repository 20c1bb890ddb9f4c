"""The verifier's journal: what it found, and the salts of its commitments."""

from collections.abc import Iterable
from pathlib import Path

from transcoder.journal.core import Journal
from transcoder.journal.records import VERDICT_STEPS, Intent, VerdictRecord, VerdictState
from transcoder.journal.table import Table, in_states

_VERDICTS: Table[VerdictRecord] = Table("verdict", ("job_id", "claim_id", "segment"), VerdictRecord, VERDICT_STEPS)


class VerifierJournal(Journal):
    """A journal of verdicts. A challenged segment is judged, committed and revealed once."""

    def __init__(self, path: Path, address: str) -> None:
        super().__init__(path, f"verifier {address}")

    def add_verdict(self, verdict: VerdictRecord, commit: Intent) -> bool:
        """Keep a verdict with its salt and put its commitment into the outbox, in one step; False if kept already.

        Raises:
            Conflict: another verdict on this segment is kept; the chain takes the first commitment only.
        """
        with self.transaction():
            self.outbox.enqueue(commit)
            return _VERDICTS.add(self.database, verdict)

    def verdict(self, job_id: int, claim_id: int, segment: int) -> VerdictRecord | None:
        """One verdict."""
        return _VERDICTS.get(self.database, job_id, claim_id, segment)

    def verdicts(self, states: Iterable[VerdictState] = VerdictState) -> list[VerdictRecord]:
        """The verdicts in these states, by job, claim and segment."""
        return _VERDICTS.select(self.database, in_states(states), tail="ORDER BY job_id, claim_id, segment")

    def move_verdict(
        self, job_id: int, claim_id: int, segment: int, state: VerdictState, then: Intent | None = None
    ) -> VerdictRecord:
        """Note how far a verdict has come and, in the same step, what is to be sent next (the reveal).

        Raises:
            Conflict: it is not kept, or the step leads back.
        """
        with self.transaction():
            if then is not None:
                self.outbox.enqueue(then)
            return _VERDICTS.move(self.database, (job_id, claim_id, segment), state)

    def forget_job(self, job_id: int) -> int:
        """Remove the verdicts of a job that is over; returns how many."""
        return self.database.execute("DELETE FROM verdict WHERE job_id = ?", job_id)
