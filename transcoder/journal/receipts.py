"""The table of receipts, which the broadcaster's and the transcoder's journal both have."""

from transcoder.journal.records import RECEIPT_STEPS, ReceiptRecord
from transcoder.journal.table import Table

RECEIPTS: Table[ReceiptRecord] = Table("receipt", ("job_id", "sequence_number"), ReceiptRecord, RECEIPT_STEPS)
