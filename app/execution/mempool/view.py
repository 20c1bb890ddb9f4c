"""What CheckTx knows beyond the committed state: which nonces and fees of a sender are already promised.

Consecutive nonces of one sender are accepted for one block. A few that arrive early, because gossip has reordered
them, are held in a short queue instead of being refused: a refusal would stay in CometBFT's cache and lose them.
After each block the view starts afresh from the new state, and CometBFT's recheck fills it again.
"""

from dataclasses import dataclass, field
from typing import Any

from app.execution.mempool.door import Door
from app.execution.process_transaction import check_balance
from app.execution.verdicts import Verdicts
from app.messages.rejections import Reason, Rejection
from app.messages.transaction import Tx
from app.primitives.address import Address
from app.state.tables import ACCOUNTS, ReadState

MAX_AHEAD = 64
"""How far a nonce may be ahead of the next one of its sender."""

MAX_WAIT_BLOCKS = 20
"""For how many blocks a nonce may wait for those before it."""


@dataclass(slots=True)
class Sender:
    """One sender's promises: the next nonce, what is left for fees, and which later nonces wait."""

    next_nonce: int
    wei: int
    waiting: set[int] = field(default_factory=set)


class MempoolView:
    """The mempool as CheckTx sees it, over the state of the last commit."""

    def __init__(self, verdicts: Verdicts) -> None:
        self._verdicts = verdicts
        self._senders: dict[Address, Sender] = {}
        self._waiting_since: dict[bytes, int] = {}

    def next_nonce(self, state: ReadState, sender: Address) -> int:
        """The nonce that a sender's next transaction should have."""
        known = self._senders.get(sender)
        return ACCOUNTS.read(state, sender).nonce if known is None else known.next_nonce

    def check(self, door: Door, raw: bytes) -> Tx:
        """Accept a transaction into the next blocks.

        Raises:
            Rejection: why not.
        """
        tx, address = self._verdicts.judge(raw)
        door.check(tx)
        sender = self._senders.get(address) or self._open(door.state, address)
        self._check_nonce(tx, sender, raw, door.height)
        check_balance(address, sender.wei, tx.body.fee_wei)
        _promise(sender, tx)
        return tx

    def describe(self) -> dict[str, Any]:
        """Which mempool it is, for queries."""
        return {"type": "flood"}

    def reset(self, height: int) -> None:
        """Begin afresh over the state of a new commit; how long a nonce has waited is kept."""
        self._senders.clear()
        late = height - 2 * MAX_WAIT_BLOCKS  # a recheck may come blocks later, and must still find its time to be over
        self._waiting_since = {raw: since for raw, since in self._waiting_since.items() if since >= late}

    def _open(self, state: ReadState, address: Address) -> Sender:
        account = ACCOUNTS.read(state, address)
        sender = Sender(account.nonce, account.wei)
        self._senders[address] = sender
        return sender

    def _check_nonce(self, tx: Tx, sender: Sender, raw: bytes, height: int) -> None:
        nonce = tx.body.nonce
        if nonce < sender.next_nonce:
            raise Rejection(Reason.NONCE_TOO_LOW, f"nonce {nonce} is taken; {sender.next_nonce} is next")
        if nonce == sender.next_nonce:
            return
        since = self._waiting_since.setdefault(raw, height)
        if nonce > sender.next_nonce + MAX_AHEAD or nonce in sender.waiting or height > since + MAX_WAIT_BLOCKS:
            del self._waiting_since[raw]
            raise Rejection(
                Reason.NONCE_TOO_HIGH,
                f"nonce {nonce} waits for {sender.next_nonce}; at most {MAX_AHEAD} may wait, "
                f"each once and for {MAX_WAIT_BLOCKS} blocks",
            )


def _promise(sender: Sender, tx: Tx) -> None:
    sender.wei -= tx.body.fee_wei
    if tx.body.nonce > sender.next_nonce:
        sender.waiting.add(tx.body.nonce)
        return
    sender.next_nonce += 1
    while sender.next_nonce in sender.waiting:
        sender.waiting.discard(sender.next_nonce)
        sender.next_nonce += 1
