"""Sends transactions of one key to one node, in order, and says what became of them.

    client = TxClient(rpc, signer, chain_id)
    result = await client.send((Transfer(to, Denom.LPT, amount),))

Many tasks may send at once: one after the other gets the next nonce, so that the node sees them in order; they wait
for their blocks together. The nonce is asked for once, counted here, and asked for again when the chain disagrees.
The same bytes are sent again after a lost connection, never others in their place, so nothing happens twice.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from app.messages.bodies import Body
from app.messages.rejections import Reason
from app.messages.transaction import decode_tx, hash_tx, recover_sender
from app.params import Params
from app.primitives.amounts import Wei
from app.primitives.hashing import Hash32
from chain.failures import Failure
from chain.keys.keyring import Signer
from chain.rpc.client import RpcClient
from chain.rpc.errors import RpcError, RpcUnreachable
from chain.rpc.verified import QueryRefused
from chain.tx.blocks import find_in_blocks
from chain.tx.errors import NodeUnreachable, TxRejected, TxTimeout, reason_of
from chain.tx.offering import offer
from chain.tx.queries import Queries
from chain.tx.result import TxResult, result_of
from chain.tx.signing import SignedTx, make_body, sign, with_estimated_fee

_NONCE_REASONS = (Reason.NONCE_TOO_LOW, Reason.NONCE_TOO_HIGH)


@dataclass(frozen=True, slots=True)
class TxLimits:
    """How long and how often.

    Attributes:
        inclusion_seconds: how long to wait for a block.
        reconnect_seconds: for how long a submission is tried again when the node does not answer.
        first_poll_seconds, longest_poll_seconds: pauses between two looks, doubled in between.
        rebroadcast_seconds: how long the same bytes wait before they are sent again, in case the node has lost them.
        attempts: how often a transaction is signed anew because its nonce or its fee was refused.
    """

    inclusion_seconds: float = 30.0
    reconnect_seconds: float = 15.0
    first_poll_seconds: float = 0.1
    longest_poll_seconds: float = 0.8
    rebroadcast_seconds: float = 5.0
    attempts: int = 4


@dataclass(frozen=True, slots=True)
class TxOptions:
    """What a sender may fix; None and 0 leave it to the client.

    Attributes:
        valid_for_blocks: after so many blocks the chain refuses it; 0 for no end.
    """

    fee_wei: Wei | None = None
    nonce: int | None = None
    memo: str = ""
    valid_for_blocks: int = 0


class Fate(Enum):
    """What became of a transaction whose nonce is taken, where no block holds it."""

    REPLACED = "replaced"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Pace:
    """Pauses between looks, doubled up to the longest."""

    seconds: float
    longest_seconds: float

    async def pause(self) -> None:
        """Let the time of one pause pass."""
        await asyncio.sleep(self.seconds)
        self.seconds = min(2 * self.seconds, self.longest_seconds)


class IndexDisabled(Failure):
    """The node does not index transactions, so it cannot say what became of one."""


@dataclass(slots=True)
class TxClient:
    """Sends for one key. All uses of a key in one process should share one client."""

    rpc: RpcClient
    signer: Signer
    chain_id: str
    limits: TxLimits = field(default_factory=TxLimits)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _next_nonce: int | None = None
    _params: Params | None = None

    async def send(self, messages: Sequence[Body], options: TxOptions | None = None) -> TxResult:
        """Submit messages as one atomic transaction and wait for its block.

        Raises:
            TxRejected: refused at the door or in the block.
            TxTimeout: accepted, but in no block in time.
            RpcUnreachable, NodeUnreachable, Rejection: as `submit`.
        """
        return (await self.wait(await self.submit(messages, options))).require_accepted()

    async def submit(self, messages: Sequence[Body], options: TxOptions | None = None) -> SignedTx:
        """Bring a transaction into the node's mempool.

        Raises:
            TxRejected: the node refused it; nothing was paid.
            RpcUnreachable: no node answered, and nothing was sent.
            NodeUnreachable: it may have arrived; `broadcast` the same bytes again.
            Rejection: it is too large or malformed, and was not sent.
        """
        wanted = options or TxOptions()
        async with self._lock:
            for _ in range(self.limits.attempts - 1):
                try:
                    return await self._submit_once(messages, wanted)
                except TxRejected as rejected:
                    if not self._may_try_again(rejected, wanted):
                        raise
            return await self._submit_once(messages, wanted)

    async def prepare(self, messages: Sequence[Body], options: TxOptions | None = None) -> SignedTx:
        """Sign without sending: what `submit` would send now.

        Raises:
            RpcFailure: nonce or parameters could not be asked for.
            Rejection: it is too large or malformed.
        """
        wanted = options or TxOptions()
        nonce = wanted.nonce if wanted.nonce is not None else await self._nonce()
        valid_until = 0
        if wanted.valid_for_blocks:
            valid_until = (await self.rpc.status()).height + wanted.valid_for_blocks
        body = make_body(self.chain_id, nonce, tuple(messages), wanted.memo, valid_until)
        if wanted.fee_wei is not None:
            return sign(replace(body, fee_wei=wanted.fee_wei), self.signer)
        return sign(with_estimated_fee(body, await self._current_params()), self.signer)

    async def broadcast(self, raw: bytes, is_new: bool = False) -> Hash32:
        """Send these bytes until the node has answered; sending them twice changes nothing.

        Signatures are deterministic, so an equal message with an equal nonce gives equal bytes. `is_new` says that
        these were never sent: then a node that knows them has them from somebody else with this key, and a nonce.

        Raises:
            TxRejected: refused, and no earlier copy has arrived.
            NodeUnreachable: no answer for `reconnect_seconds`, or none that says whether an earlier copy arrived.
        """
        tx_hash, doubt = hash_tx(raw), ""
        deadline, pace = _now() + self.limits.reconnect_seconds, self._pace()
        while True:
            try:
                if await self._broadcast_once(raw, tx_hash) or doubt or not is_new:
                    return tx_hash
                raise TxRejected(Reason.NONCE_TOO_LOW, "the same transaction was sent before", tx_hash)
            except RpcUnreachable as error:
                doubt = str(error)
            except TxRejected as rejected:
                if rejected.reason is not Reason.NONCE_TOO_LOW or (is_new and not doubt):
                    raise
                fate = await self._fate(raw, tx_hash)
                if isinstance(fate, TxResult):
                    return tx_hash
                if fate is Fate.REPLACED:
                    raise
            if _now() >= deadline:
                raise NodeUnreachable(raw, tx_hash, doubt)
            await pace.pause()

    async def wait(self, signed: SignedTx) -> TxResult:
        """The outcome, whatever it is, once a block holds the transaction.

        The bytes are sent again from time to time, because a node that was restarted has forgotten its mempool.

        Raises:
            TxRejected: it never will be included: it has expired, or another one has used its nonce.
            TxTimeout, NodeUnreachable: `inclusion_seconds` are over.
        """
        deadline, pace = _now() + self.limits.inclusion_seconds, self._pace()
        resend = _now() + self.limits.rebroadcast_seconds
        while True:
            try:
                found = await self.find(signed.tx_hash)
                if found is None and _now() >= resend:
                    resend = _now() + self.limits.rebroadcast_seconds
                    found = await self._send_again(signed)
                if found is not None:
                    return found
                failure: Failure = TxTimeout(signed.tx_hash, self.limits.inclusion_seconds)
            except RpcUnreachable as error:
                failure = NodeUnreachable(signed.raw, signed.tx_hash, str(error))
            if _now() >= deadline:
                self._next_nonce = None
                raise failure
            await pace.pause()

    async def find(self, tx_hash: Hash32) -> TxResult | None:
        """The outcome of a transaction, or None while no block holds it."""
        try:
            found = await self.rpc.tx(tx_hash)
        except RpcError as error:
            if "indexing is disabled" in str(error):
                raise IndexDisabled(f"{self.rpc.url} keeps no index of transactions; ask another --node") from error
            raise
        return None if found is None else result_of(found)

    async def _submit_once(self, messages: Sequence[Body], wanted: TxOptions) -> SignedTx:
        signed = await self._prepare_patiently(messages, wanted)
        try:
            await self.broadcast(signed.raw, is_new=wanted.nonce is None)
        except Failure:
            self._next_nonce = None
            raise
        self._next_nonce = signed.body.nonce + 1
        return signed

    async def _prepare_patiently(self, messages: Sequence[Body], wanted: TxOptions) -> SignedTx:
        """`prepare`, tried again while the node does not answer: nothing has been sent yet."""
        deadline, pace = _now() + self.limits.reconnect_seconds, self._pace()
        while True:
            try:
                return await self.prepare(messages, wanted)
            except RpcUnreachable:
                if _now() >= deadline:
                    raise
            await pace.pause()

    def _may_try_again(self, rejected: TxRejected, wanted: TxOptions) -> bool:
        if rejected.reason is Reason.FEE_TOO_LOW and wanted.fee_wei is None:
            self._params = None
            return True
        return rejected.reason in _NONCE_REASONS and wanted.nonce is None

    async def _broadcast_once(self, raw: bytes, tx_hash: Hash32) -> bool:
        """Send; whether the node took it now (True) or knew it before (False)."""
        answer = await offer(self.rpc, raw)
        if reason_of(answer.code, answer.codespace) is Reason.ALREADY_KNOWN:
            return False
        if answer.code:
            raise TxRejected(answer.code, answer.log, tx_hash, codespace=answer.codespace)
        return True

    async def _send_again(self, signed: SignedTx) -> TxResult | None:
        """Remind the node of a transaction; its outcome, where that shows that a block has it.

        Raises:
            TxRejected: that shows that it never will be included.
        """
        try:
            await self._broadcast_once(signed.raw, signed.tx_hash)
        except TxRejected as rejected:
            if rejected.reason not in (Reason.EXPIRED, Reason.NONCE_TOO_LOW):
                return None
            fate = await self._fate(signed.raw, signed.tx_hash)
            if isinstance(fate, TxResult):
                return fate
            if fate is Fate.REPLACED or rejected.reason is Reason.EXPIRED:
                self._next_nonce = None
                raise
        return None

    async def _fate(self, raw: bytes, tx_hash: Hash32) -> TxResult | Fate:
        """What became of a transaction whose nonce is taken: by itself, by another one, or only in the mempool yet."""
        tx = decode_tx(raw)
        account = await Queries(self.rpc).account(recover_sender(tx))
        if int(account["nonce"]) <= tx.body.nonce:
            return Fate.UNKNOWN
        try:
            found = await find_in_blocks(self.rpc, raw)
        except (QueryRefused, RpcError):  # long ago: the index must have it by now
            found = await self.find(tx_hash)
        return found or Fate.REPLACED

    async def _nonce(self) -> int:
        if self._next_nonce is None:
            self._next_nonce = await Queries(self.rpc).nonce(self.signer.address)
        return self._next_nonce

    async def _current_params(self) -> Params:
        if self._params is None:
            self._params = await Queries(self.rpc).params()
        return self._params

    def _pace(self) -> Pace:
        return Pace(self.limits.first_poll_seconds, self.limits.longest_poll_seconds)


def _now() -> float:
    return asyncio.get_running_loop().time()
