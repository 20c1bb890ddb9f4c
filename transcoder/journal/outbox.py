"""Transactions that must happen once: written down before they are sent, asked about before they are sent again.

The way of an entry: `enqueue` in the same transaction as the record that it belongs to; `mark_sent` with the signed
bytes, before they leave the process; then the chain's answer. After a crash, `unfinished` gives what is left in the
order of the intents: what was pending is signed now, what was sent is looked up by its hash and, where the chain does
not know it, sent again as it was.
"""

from app.primitives.hashing import Hash32
from transcoder.journal.database import Database
from transcoder.journal.failures import Conflict
from transcoder.journal.records import OUTBOX_STEPS, Intent, OutboxEntry, OutboxState
from transcoder.journal.table import Table, in_states

_OUTBOX: Table[OutboxEntry] = Table("outbox", ("key",), OutboxEntry, OUTBOX_STEPS)


class Outbox:
    """The outbox of one journal, of one key on the chain."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def enqueue(self, intent: Intent) -> bool:
        """Write an intent down; False where it is there already.

        Raises:
            Conflict: another message has the same key.
        """
        return _OUTBOX.add(self._database, OutboxEntry(intent.key, intent.message))

    def get(self, key: str) -> OutboxEntry | None:
        """The entry of an intent."""
        return _OUTBOX.get(self._database, key)

    def unfinished(self) -> list[OutboxEntry]:
        """Entries that are pending or sent, in the order of the intents."""
        wanted = in_states([OutboxState.PENDING, OutboxState.SENT])
        return _OUTBOX.select(self._database, wanted, tail="ORDER BY position")

    def highest_nonce(self) -> int | None:
        """The highest nonce of what was sent or included: the next one must be above it and the chain's."""
        used = in_states([OutboxState.SENT, OutboxState.INCLUDED])
        highest: int | None = self._database.value(f"SELECT MAX(nonce) FROM outbox WHERE {used}")  # noqa: S608
        return highest

    def mark_sent(self, key: str, nonce: int, transaction_bytes: bytes, transaction_hash: Hash32) -> OutboxEntry:
        """Note the signed transaction, before it is sent for the first time.

        Raises:
            Conflict: another transaction was noted for this intent, or another intent has this nonce on its way.
        """
        with self._database.transaction():
            sql = "SELECT key FROM outbox WHERE nonce = ? AND key <> ? AND state = ?"
            other = self._database.value(sql, nonce, key, OutboxState.SENT)
            if other is not None:
                raise Conflict(f"nonce {nonce} is on its way for {other}; {key} needs another")
            return _OUTBOX.move(
                self._database,
                (key,),
                OutboxState.SENT,
                nonce=nonce,
                transaction_bytes=transaction_bytes,
                transaction_hash=transaction_hash,
                problem=None,
            )

    def mark_included(self, key: str, height: int) -> OutboxEntry:
        """Note that a block holds the transaction and that it was accepted."""
        return _OUTBOX.move(self._database, (key,), OutboxState.INCLUDED, height=height)

    def mark_failed(self, key: str, problem: str) -> OutboxEntry:
        """Note that it will not happen: the chain rejected it, or it has become pointless."""
        return _OUTBOX.move(self._database, (key,), OutboxState.FAILED, problem=problem)

    def retry(self, key: str) -> OutboxEntry:
        """Make it pending again, to be signed anew.

        Only for a transaction that can no longer be included (its nonce is used, or it has expired): otherwise it
        would happen twice.
        """
        return _OUTBOX.move(
            self._database, (key,), OutboxState.PENDING, nonce=None, transaction_bytes=None, transaction_hash=None
        )
