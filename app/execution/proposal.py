"""What a proposer puts into its block, and what the others accept as one.

A proposal holds transactions that decode, are signed, and stand in the order of their nonces. Others are checked by
syntax and signature alone: an honest proposal is always accepted, whatever the checker's mempool holds (ABCI 2.0,
requirements R3 and R4). Executing it tells what each transaction is worth.
"""

from collections.abc import Iterable, Sequence

from app.execution.process_transaction import check_balance, check_envelope
from app.execution.verdicts import Verdicts
from app.messages.rejections import Rejection
from app.messages.transaction import Tx
from app.params import Params
from app.primitives.address import Address
from app.state.tables import ACCOUNTS, ReadState

MAX_PROPOSAL_TXS = 10_000
"""How many transactions we put into one block: executing so many transfers takes a third of a second, more would
stretch the block interval."""


class _Builder:
    """A block that grows transaction by transaction while it has room."""

    def __init__(self, state: ReadState, max_bytes: int) -> None:
        self._state = state
        self._room = max_bytes
        self._open: dict[Address, tuple[int, int]] = {}
        self._parked: dict[Address, dict[int, tuple[bytes, Tx]]] = {}
        self.chosen: list[bytes] = []

    def offer(self, raw: bytes, tx: Tx, sender: Address) -> None:
        """Take a transaction whose turn it is, and those that had waited for it; park one that is early."""
        nonce, _ = self._account(sender)
        if tx.body.nonce > nonce:
            self._parked.setdefault(sender, {})[tx.body.nonce] = (raw, tx)
        waiting: tuple[bytes, Tx] | None = (raw, tx) if tx.body.nonce == nonce else None
        while waiting is not None and self._take(*waiting, sender):
            waiting = self._parked.get(sender, {}).pop(self._account(sender)[0], None)

    def _take(self, raw: bytes, tx: Tx, sender: Address) -> bool:
        nonce, wei = self._account(sender)
        size = proposal_size_bytes(raw)
        if size > self._room or len(self.chosen) >= MAX_PROPOSAL_TXS:
            return False
        check_balance(sender, wei, tx.body.fee_wei)
        self._room -= size
        self._open[sender] = (nonce + 1, wei - tx.body.fee_wei)
        self.chosen.append(raw)
        return True

    def _account(self, sender: Address) -> tuple[int, int]:
        known = self._open.get(sender)
        if known is None:
            account = ACCOUNTS.read(self._state, sender)
            known = self._open[sender] = (account.nonce, account.wei)
        return known


def prepare_proposal(
    state: ReadState,
    txs: Iterable[bytes],
    max_bytes: int,
    verdicts: Verdicts,
    chain_id: str,
    height: int,
    params: Params,
) -> list[bytes]:
    """The transactions of our block, in the mempool's order as far as nonces allow, within the byte limit."""
    builder = _Builder(state, max_bytes)
    for raw in txs:
        try:
            tx, sender = verdicts.judge(raw)
            check_envelope(tx, chain_id, height, params)
            builder.offer(raw, tx, sender)
        except Rejection:
            continue
        if len(builder.chosen) >= MAX_PROPOSAL_TXS:
            break
    return builder.chosen


def is_acceptable(txs: Sequence[bytes], verdicts: Verdicts) -> bool:
    """Whether every transaction of a proposal decodes and is signed."""
    try:
        for raw in txs:
            verdicts.judge(raw)
    except Rejection:
        return False
    return True


def proposal_size_bytes(raw: bytes) -> int:
    """What a transaction takes of a block, as CometBFT counts it: its bytes, its length as a varint, one tag."""
    return 1 + max(1, (len(raw).bit_length() + 6) // 7) + len(raw)
