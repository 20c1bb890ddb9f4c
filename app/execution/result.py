"""What comes out of a transaction and of a block, before ABCI puts it into its own messages."""

from dataclasses import dataclass, field
from typing import Any

from app.execution.consensus_updates import ConsensusUpdates
from app.messages.rejections import Rejection


@dataclass(slots=True)
class TxResult:
    """The outcome of a transaction.

    Attributes:
        code: 0, or the number of the rejection's `Reason`.
        log: empty, or the rejection's text; not hashed by CometBFT.
        gas: wanted and used alike, a pure function of the transaction.
        events: of `app.messages.events`.
    """

    code: int = 0
    log: str = ""
    gas: int = 0
    events: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class BlockResult:
    """The outcome of a block: one result per transaction, the block's own events, and what CometBFT must change.

    Attributes:
        validator_updates: pairs of ed25519 key and power, sorted by key; 0 removes.
        consensus_updates: what of CometBFT's own parameters is different from the next block on.
    """

    tx_results: list[TxResult]
    events: list[Any]
    validator_updates: list[tuple[bytes, int]]
    app_hash: bytes = b""
    consensus_updates: ConsensusUpdates = ConsensusUpdates()


def rejected(rejection: Rejection, gas: int = 0, events: list[Any] | None = None) -> TxResult:
    """The result of a refused transaction."""
    return TxResult(int(rejection.reason), rejection.text, gas, events or [])
