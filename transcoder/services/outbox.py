"""Sends what a journal's outbox holds: each intent once, in order, through crashes of either side.

A transaction is signed and written down before it is first sent, and the same bytes are sent again until a block holds
them or its nonce is used by something else. Whatever the chain refuses is noted as failed with the reason; whether to
try again is the role's decision.
"""

import asyncio
import logging

from app.messages.rejections import Reason
from app.messages.transaction import decode_message, hash_tx
from app.params import Params
from app.primitives.address import to_checksum
from chain.keys.keyring import Signer
from chain.rpc.client import RpcClient
from chain.rpc.errors import AlreadyInMempool
from chain.tx.signing import make_body, sign, with_estimated_fee
from transcoder.journal.core import Journal
from transcoder.journal.records import OutboxEntry, OutboxState
from transcoder.services.chain_reader import ChainReader, pick

log = logging.getLogger(__name__)

MAX_IN_FLIGHT = 32
_TRY_AGAIN = (Reason.NONCE_TOO_LOW, Reason.NONCE_TOO_HIGH, Reason.MEMPOOL_FULL)


class OutboxSender:
    """The sender of one journal with one key."""

    def __init__(self, journal: Journal, rpc: RpcClient, signer: Signer, chain_id: str) -> None:
        self._journal = journal
        self._rpc = rpc
        self._reader = ChainReader(rpc)
        self._signer = signer
        self._chain_id = chain_id
        self._one_at_a_time = asyncio.Lock()

    async def step(self) -> int:
        """Bring every unfinished entry one step on; returns how many are left. Call it once per block."""
        async with self._one_at_a_time:
            return await self._step()

    async def _step(self) -> int:
        entries = (await self._journal.call(self._journal.outbox.unfinished))[:MAX_IN_FLIGHT]
        if not entries:
            return 0
        account = await self._reader.ask(f"/account/{to_checksum(self._signer.address)}")
        sent = [entry for entry in entries if entry.state is OutboxState.SENT]
        for entry in sent:
            await self._follow(entry, account["nonce"])
        entries = (await self._journal.call(self._journal.outbox.unfinished))[:MAX_IN_FLIGHT]
        await self._send_pending([e for e in entries if e.state is OutboxState.PENDING], account["nonce"])
        return len(await self._journal.call(self._journal.outbox.unfinished))

    async def _follow(self, entry: OutboxEntry, chain_nonce: int) -> None:
        assert entry.transaction_hash is not None and entry.transaction_bytes is not None and entry.nonce is not None
        found = await self._rpc.tx(entry.transaction_hash)
        outbox = self._journal.outbox
        if found is None and entry.nonce < chain_nonce:
            found = await self._rpc.tx(entry.transaction_hash)  # the index trails the state by a moment
            if found is None:
                log.info("the nonce was used by another transaction; signing again", extra={"intent": entry.key})
                await self._journal.call(outbox.retry, entry.key)
        elif found is None:
            await self._broadcast(entry, entry.transaction_bytes)
        elif found.result.code == 0:
            await self._journal.call(outbox.mark_included, entry.key, found.height)
            log.info("included", extra={"intent": entry.key, "height": found.height})
        else:
            await self._fail(entry, found.result.code, found.result.log)

    async def _send_pending(self, entries: list[OutboxEntry], chain_nonce: int) -> None:
        if not entries:
            return
        params = pick(Params, await self._reader.ask("/params"))
        in_flight = await self._journal.call(self._journal.outbox.highest_nonce)
        nonce = max(chain_nonce, -1 if in_flight is None else in_flight + 1)
        for entry in entries:
            raw = self._sign(entry, nonce, params)
            await self._journal.call(self._journal.outbox.mark_sent, entry.key, nonce, raw, hash_tx(raw))
            if not await self._broadcast(entry, raw):
                return
            nonce += 1

    def _sign(self, entry: OutboxEntry, nonce: int, params: Params) -> bytes:
        body = make_body(self._chain_id, nonce, (decode_message(entry.message),))
        return sign(with_estimated_fee(body, params), self._signer).raw

    async def _broadcast(self, entry: OutboxEntry, raw: bytes) -> bool:
        try:
            answer = await self._rpc.broadcast_tx_sync(raw)
        except AlreadyInMempool:
            return True
        if answer.code == 0:
            log.info("sent", extra={"intent": entry.key, "hash": answer.hash.hex()})
            return True
        if answer.codespace == "headwater" and answer.code not in _TRY_AGAIN:
            await self._fail(entry, answer.code, answer.log)
            return False
        log.info("not taken yet", extra={"intent": entry.key, "log": answer.log})
        return False

    async def _fail(self, entry: OutboxEntry, code: int, text: str) -> None:
        name = Reason(code).name if code in Reason._value2member_map_ else str(code)
        await self._journal.call(self._journal.outbox.mark_failed, entry.key, f"{name}: {text}")
        log.warning("rejected by the chain", extra={"intent": entry.key, "reason": name, "text": text})
