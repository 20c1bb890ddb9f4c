"""What is known of a transaction's bytes alone: its content and its sender.

Decoding and recovering a sender cost most of a transfer. CheckTx, its recheck, proposals and FinalizeBlock ask for the
same bytes, so that what they hold is kept. It is a pure function of the bytes; the cache has one owner, the thread of
consensus and mempool. Refused bytes are not kept: they would let anybody fill the memory for nothing.
"""

from app.messages.transaction import Tx, decode_tx, recover_sender
from app.primitives.address import Address

MAX_VERDICT_BYTES = 64 * 1024 * 1024
"""How many bytes of transactions are remembered: 300,000 transfers, more than a mempool holds."""


class Verdicts:
    """A bounded memory of verdicts; the oldest are forgotten first."""

    def __init__(self, max_bytes: int = MAX_VERDICT_BYTES) -> None:
        self._room = max_bytes
        self._known: dict[bytes, tuple[Tx, Address]] = {}

    def judge(self, raw: bytes) -> tuple[Tx, Address]:
        """The transaction and its sender.

        Raises:
            Rejection: the bytes are no transaction, or nobody has signed it.
        """
        return self._known.get(raw) or self.recover(raw, decode_tx(raw))

    def find(self, raw: bytes) -> tuple[Tx, Address] | None:
        """The same where it is remembered."""
        return self._known.get(raw)

    def recover(self, raw: bytes, tx: Tx) -> tuple[Tx, Address]:
        """The same of a transaction that is decoded already: a signature costs more than all other checks.

        Raises:
            Rejection: INVALID_SIGNATURE.
        """
        verdict = tx, recover_sender(tx)
        self._remember(raw, verdict)
        return verdict

    def forget(self, raw: bytes) -> None:
        """Drop what will not be asked for again."""
        if self._known.pop(raw, None) is not None:
            self._room += len(raw)

    def _remember(self, raw: bytes, verdict: tuple[Tx, Address]) -> None:
        self._known[raw] = verdict
        self._room -= len(raw)
        while self._room < 0:
            self.forget(next(iter(self._known)))
