"""What is known of a transaction's bytes alone: its content and its sender, or why it is none.

Decoding and recovering a sender cost most of a transfer. CheckTx, its recheck, proposals and FinalizeBlock ask for the
same bytes, so that the verdict is kept. It is a pure function of the bytes; the cache has one owner, the thread of
consensus and mempool.
"""

from app.messages.rejections import Rejection
from app.messages.transaction import Tx, decode_tx, recover_sender
from app.primitives.address import Address

MAX_VERDICTS = 200_000


class Verdicts:
    """A bounded memory of verdicts; the oldest are forgotten first."""

    def __init__(self, limit: int = MAX_VERDICTS) -> None:
        self._limit = limit
        self._known: dict[bytes, tuple[Tx, Address] | Rejection] = {}

    def judge(self, raw: bytes) -> tuple[Tx, Address]:
        """The transaction and its sender.

        Raises:
            Rejection: the bytes are no transaction, or nobody has signed it.
        """
        verdict = self._known.get(raw)
        if verdict is None:
            verdict = _judge(raw)
            self._remember(raw, verdict)
        if isinstance(verdict, Rejection):
            raise verdict
        return verdict

    def forget(self, raw: bytes) -> None:
        """Drop what will not be asked for again."""
        self._known.pop(raw, None)

    def _remember(self, raw: bytes, verdict: tuple[Tx, Address] | Rejection) -> None:
        if len(self._known) >= self._limit:
            del self._known[next(iter(self._known))]
        self._known[raw] = verdict


def _judge(raw: bytes) -> tuple[Tx, Address] | Rejection:
    try:
        tx = decode_tx(raw)
        return tx, recover_sender(tx)
    except Rejection as rejection:
        return rejection
