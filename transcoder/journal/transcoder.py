"""The transcoder's journal: receipts it has given, claims it has made of them."""

from collections.abc import Iterable
from pathlib import Path

from transcoder.journal.core import Journal
from transcoder.journal.failures import Conflict
from transcoder.journal.receipts import RECEIPTS
from transcoder.journal.records import CLAIM_STEPS, ClaimRecord, ClaimState, Intent, ReceiptRecord, ReceiptState
from transcoder.journal.table import Table, in_states

_CLAIMS: Table[ClaimRecord] = Table("claim", ("job_id", "number"), ClaimRecord, CLAIM_STEPS)
_OVER = (ClaimState.REFUSED, ClaimState.PAID, ClaimState.LOST)


class TranscoderJournal(Journal):
    """A journal of receipts. One segment of a job has one receipt, and is in one claim at most."""

    def __init__(self, path: Path, address: str) -> None:
        super().__init__(path, f"transcoder {address}")

    def add_receipt(self, receipt: ReceiptRecord) -> bool:
        """Keep a receipt, before it is given to anyone; False where it is kept already.

        Raises:
            Conflict: another one of this job and segment is kept; handing out both would be slashed.
        """
        return RECEIPTS.add(self.database, receipt)

    def receipt(self, job_id: int, sequence_number: int) -> ReceiptRecord | None:
        """One receipt."""
        return RECEIPTS.get(self.database, job_id, sequence_number)

    def receipts(
        self, job_id: int, states: Iterable[ReceiptState] = ReceiptState, *, first: int = 0, limit: int = 1000
    ) -> list[ReceiptRecord]:
        """The receipts of a job in these states, by number from `first`."""
        where = f"job_id = ? AND sequence_number >= ? AND {in_states(states)}"
        return RECEIPTS.select(self.database, where, job_id, first, limit, tail="ORDER BY sequence_number LIMIT ?")

    def jobs(self, states: Iterable[ReceiptState] = ReceiptState) -> list[int]:
        """The jobs that have receipts in these states."""
        sql = f"SELECT DISTINCT job_id FROM receipt WHERE {in_states(states)} ORDER BY job_id"  # noqa: S608
        return [job_id for (job_id,) in self.database.rows(sql)]

    def count_unpaid(self, job_id: int) -> int:
        """How many receipts of a job no claim on the chain has asked a fee for yet."""
        sql = (
            "SELECT COUNT(*) FROM receipt LEFT JOIN claim "
            "ON claim.job_id = receipt.job_id AND claim.number = receipt.claim_number "
            "WHERE receipt.job_id = ? AND (receipt.state = ? OR claim.state = ?)"
        )
        return int(self.database.value(sql, job_id, ReceiptState.KEPT, ClaimState.PREPARED))

    def count_claims(self) -> dict[ClaimState, int]:
        """How many claims there are in each state."""
        rows = self.database.rows("SELECT state, COUNT(*) FROM claim GROUP BY state")
        return {ClaimState(state): count for state, count in rows}

    def last_claim_id(self, job_id: int) -> int:
        """The highest id that the chain has given to a claim of the job; 0 for none."""
        return int(self.database.value("SELECT COALESCE(MAX(claim_id), 0) FROM claim WHERE job_id = ?", job_id))

    def next_claim_number(self, job_id: int) -> int:
        """The number of the job's next claim, from 0."""
        return int(self.database.value("SELECT COALESCE(MAX(number) + 1, 0) FROM claim WHERE job_id = ?", job_id))

    def add_claim(self, claim: ClaimRecord, message: bytes) -> bool:
        """Keep a claim, bind its receipts and put its message into the outbox, in one step; False if kept already.

        Raises:
            Conflict: a segment of it has no receipt or is in another claim, or the number stands for another claim.
        """
        with self.transaction():
            self.outbox.enqueue(Intent(claim.intent_key, message))
            if not _CLAIMS.add(self.database, claim):
                return False
            for each in claim.ranges:
                for sequence_number in range(each.first, each.last + 1):
                    self._bind(claim, sequence_number)
            return True

    def _bind(self, claim: ClaimRecord, sequence_number: int) -> None:
        key = (claim.job_id, sequence_number)
        receipt = RECEIPTS.get(self.database, *key)
        if receipt is not None and receipt.claim_number is not None:
            raise Conflict(
                f"segment {sequence_number} of job {claim.job_id} is in claim {receipt.claim_number} already"
            )
        RECEIPTS.move(self.database, key, ReceiptState.CLAIMED, claim_number=claim.number)

    def claim(self, job_id: int, number: int) -> ClaimRecord | None:
        """A claim by its number in this journal."""
        return _CLAIMS.get(self.database, job_id, number)

    def claim_with_id(self, job_id: int, claim_id: int) -> ClaimRecord | None:
        """A claim by the chain's number."""
        found = _CLAIMS.select(self.database, "job_id = ? AND claim_id = ?", job_id, claim_id)
        return found[0] if found else None

    def claims(self, states: Iterable[ClaimState] = ClaimState) -> list[ClaimRecord]:
        """The claims of all jobs in these states, by job and number."""
        return _CLAIMS.select(self.database, in_states(states), tail="ORDER BY job_id, number")

    def receipts_of_claim(self, job_id: int, number: int) -> list[ReceiptRecord]:
        """The receipts that a claim's Merkle root is over, in their order."""
        where = "job_id = ? AND claim_number = ?"
        return RECEIPTS.select(self.database, where, job_id, number, tail="ORDER BY sequence_number")

    def claim_included(self, job_id: int, number: int, claim_id: int) -> ClaimRecord:
        """Note that the chain has accepted a claim, and its number there."""
        return _CLAIMS.move(self.database, (job_id, number), ClaimState.INCLUDED, claim_id=claim_id)

    def claim_refused(self, job_id: int, number: int, is_final: bool = False) -> ClaimRecord:
        """Note that the chain will not have it; its receipts are free to be claimed again, unless that is final."""
        with self.transaction():
            if is_final:
                self._move_receipts(job_id, number, ReceiptState.SETTLED)
            else:
                self._move_receipts(job_id, number, ReceiptState.KEPT, claim_number=None)
            return _CLAIMS.move(self.database, (job_id, number), ClaimState.REFUSED)

    def move_claim(self, job_id: int, number: int, state: ClaimState) -> ClaimRecord:
        """Note what became of an included claim; one that is paid or lost settles its receipts.

        Raises:
            Conflict: the claim is not kept, or the step leads back.
        """
        with self.transaction():
            if state in (ClaimState.PAID, ClaimState.LOST):
                self._move_receipts(job_id, number, ReceiptState.SETTLED)
            return _CLAIMS.move(self.database, (job_id, number), state)

    def _move_receipts(self, job_id: int, number: int, state: ReceiptState, **changes: None) -> None:
        for receipt in self.receipts_of_claim(job_id, number):
            RECEIPTS.move(self.database, (job_id, receipt.sequence_number), state, **changes)

    def forget_job(self, job_id: int) -> None:
        """Remove a job that is over, with its receipts and claims.

        Raises:
            Conflict: one of its claims is still open.
        """
        with self.transaction():
            claims = _CLAIMS.select(self.database, "job_id = ?", job_id)
            waiting = [each.number for each in claims if each.state not in _OVER]
            if waiting:
                raise Conflict(f"job {job_id} cannot be forgotten: its claims {waiting} are open")
            self.database.execute("DELETE FROM receipt WHERE job_id = ?", job_id)
            self.database.execute("DELETE FROM claim WHERE job_id = ?", job_id)
