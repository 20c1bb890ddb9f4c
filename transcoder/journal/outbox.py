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

    def named(self, prefix: str) -> list[OutboxEntry]:
        """The entries of all intents whose keys begin so."""
        return _OUTBOX.select(self._database, "substr(key, 1, ?) = ?", len(prefix), prefix, tail="ORDER BY position")

    def unfinished(self) -> list[OutboxEntry]:
        """Entries that are pending or sent, in the order of the intents."""
        wanted = in_states([OutboxState.PENDING, OutboxState.SENT])
        return _OUTBOX.select(self._database, wanted, tail="ORDER BY position")

    def free_nonce(self, chain_nonce: int) -> int:
        """The lowest nonce that nothing here has used or is on its way with, for an account that is at `chain_nonce`.

        The lowest and not the next, so that a gap is filled: what was sent with later nonces waits for it.
        """
        included = self._database.value("SELECT MAX(nonce) FROM outbox WHERE state = ?", OutboxState.INCLUDED)
        nonce = max(chain_nonce, -1 if included is None else included + 1)
        sql = "SELECT nonce FROM outbox WHERE state = ? AND nonce >= ? ORDER BY nonce"
        for (taken,) in self._database.rows(sql, OutboxState.SENT, nonce):
            if taken > nonce:
                break
            nonce = taken + 1
        return nonce

    def has_later(self, nonce: int) -> bool:
        """Whether something with a later nonce is on its way; it waits for this one."""
        sql = "SELECT 1 FROM outbox WHERE state = ? AND nonce > ? LIMIT 1"
        return self._database.row(sql, OutboxState.SENT, nonce) is not None

    def mark_sent(
        self, key: str, nonce: int, transaction_bytes: bytes, transaction_hash: Hash32, signed_height: int | None = None
    ) -> OutboxEntry:
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
                signed_height=signed_height,
                problem=None,
            )

    def sign_again(
        self, key: str, nonce: int, transaction_bytes: bytes, transaction_hash: Hash32, signed_height: int | None
    ) -> OutboxEntry:
        """Note another transaction in place of the one that was sent, with the same nonce: the chain takes only one.

        `signed_height` is that of the first, because the first may be the one that is taken.
        """
        with self._database.transaction():
            self.retry(key)
            return self.mark_sent(key, nonce, transaction_bytes, transaction_hash, signed_height)

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
        return self._make_pending(key)

    def put_off(self, key: str, problem: str, wait_height: int) -> OutboxEntry:
        """Make it pending again, to be signed anew at a height: a block has refused it for a reason that passes."""
        with self._database.transaction():
            kept = self.get(key)
            attempts = 1 if kept is None else kept.attempts + 1
            return self._make_pending(key, problem=problem, attempts=attempts, wait_height=wait_height)

    def _make_pending(self, key: str, **changes: object) -> OutboxEntry:
        unsigned = {"nonce": None, "transaction_bytes": None, "transaction_hash": None, "signed_height": None}
        return _OUTBOX.move(self._database, (key,), OutboxState.PENDING, **unsigned, **changes)
