"""What became of a transaction that is in a block."""

from dataclasses import dataclass
from typing import Any

from app.messages.rejections import Reason
from app.primitives.hashing import Hash32
from chain.rpc.types import CommittedTransaction
from chain.tx.errors import TxRejected, reason_of
from chain.tx.events import decode_events, event_json


@dataclass(frozen=True, slots=True)
class TxResult:
    """The outcome.

    Attributes:
        code: 0, or the number of `reason`.
        log: empty, or the rejection's text.
        events: instances of the classes in `app.messages.events`; of a rejected one only that its fee was paid.
        gas: a pure function of the transaction's size and messages.
    """

    tx_hash: Hash32
    height: int
    code: int
    reason: Reason | None
    log: str
    events: tuple[Any, ...]
    gas: int

    def require_accepted(self) -> "TxResult":
        """Itself.

        Raises:
            TxRejected: the block holds it, but it was refused there.
        """
        if self.code:
            raise TxRejected(self.code, self.log, self.tx_hash, self.height)
        return self

    def to_json(self) -> dict[str, Any]:
        """For `-o json`."""
        return {
            "hash": self.tx_hash.hex().upper(),
            "height": self.height,
            "code": self.code,
            "reason": self.reason.name if self.reason else None,
            "log": self.log,
            "gas": self.gas,
            "events": [event_json(event) for event in self.events],
        }


def result_of(found: CommittedTransaction) -> TxResult:
    """The outcome that a node's index holds."""
    result = found.result
    return TxResult(
        Hash32(found.hash),
        found.height,
        result.code,
        reason_of(result.code, result.codespace),
        result.log,
        decode_events(result.events),
        result.gas_used,
    )
