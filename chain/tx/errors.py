"""What can become of a transaction other than success.

TxRejected        the chain refused it: at the door (height 0) or in a block (then its fee is paid and its nonce used)
TxTimeout         it was accepted, but no block holds it yet: it may still come
NodeUnreachable   no node answered; the transaction may or may not have arrived, sending the same bytes again is safe
"""

from typing import Any

from app.messages.rejections import RETRY_CODES, Reason
from app.primitives.hashing import Hash32
from chain.failures import EXIT_REJECTED, EXIT_UNREACHABLE, Failure
from chain.rpc.errors import RpcUnreachable

CODESPACE = "headwater"


def reason_of(code: int, codespace: str = CODESPACE) -> Reason | None:
    """The reason behind an ABCI code; None for 0 and for numbers that this version does not know.

    Codes from `RETRY_CODES` on have the same reasons: the node has put the transaction off.
    """
    if codespace not in {"", CODESPACE}:
        return None
    try:
        return Reason(code - RETRY_CODES if code >= RETRY_CODES else code)
    except ValueError:
        return None


class TxRejected(Failure):
    """The chain refused the transaction.

    Attributes:
        reason: why, or None where this version does not know the code.
        code: the ABCI code, which is the reason's number.
        text: the chain's own words, with the numbers that made it fail.
        tx_hash: which transaction.
        height: the block that holds it; 0 when it was refused at the door, at no cost.
    """

    exit_code = EXIT_REJECTED

    def __init__(self, code: int, text: str, tx_hash: Hash32, height: int = 0, codespace: str = CODESPACE) -> None:
        self.reason = reason_of(code, codespace)
        self.code, self.text, self.tx_hash, self.height = code, text, tx_hash, height
        where = f" (in block {height}; the fee is paid)" if height else ""
        super().__init__(f"{self.name}: {text}{where}")

    @property
    def name(self) -> str:
        """The reason's name, as documented."""
        return self.reason.name if self.reason else f"code {self.code}"

    def details(self) -> dict[str, Any]:
        """For `-o json`."""
        return {
            "reason": self.name,
            "code": self.code,
            "text": self.text,
            "hash": self.tx_hash.hex().upper(),
            "height": self.height,
        }


class TxTimeout(Failure):
    """The transaction was accepted, but is in no block yet. It may still come: ask for its hash."""

    exit_code = EXIT_UNREACHABLE

    def __init__(self, tx_hash: Hash32, waited_seconds: float) -> None:
        self.tx_hash = tx_hash
        name = tx_hash.hex().upper()
        super().__init__(
            f"no block held the transaction within {waited_seconds:g} s; it may still come, ask with: "
            f"headwater query tx {name}"
        )

    def details(self) -> dict[str, Any]:
        """For `-o json`."""
        return {"hash": self.tx_hash.hex().upper()}


class NodeUnreachable(RpcUnreachable):
    """No node answered. `raw` may have arrived: broadcast the same bytes again, never new ones in their place."""

    def __init__(self, raw: bytes, tx_hash: Hash32, cause: str) -> None:
        super().__init__(f"{cause}; whether transaction {tx_hash.hex().upper()} arrived is unknown")
        self.raw, self.tx_hash = raw, tx_hash

    def details(self) -> dict[str, Any]:
        """For `-o json`: with the bytes, which `headwater tx broadcast` sends again."""
        return {"hash": self.tx_hash.hex().upper(), "transaction": self.raw.hex()}
