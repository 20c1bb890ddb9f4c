"""Sends what a journal's outbox holds: each intent once, in order, through crashes of either side.

A transaction is signed and written down before it is first sent, and the same bytes are sent again until a block holds
them. Where its nonce has been used, the blocks since it was signed say by what: the node's index of transactions is
only the quick way, because it trails the state, and a crash of the node can leave holes in it.

What the chain refuses is noted as failed with the reason; whether to try again is the role's decision. Reasons that
the role has called passing are not failures: such an intent is put off, each time for twice as many blocks.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from app.messages.rejections import Reason, Rejection
from app.messages.transaction import decode_message, decode_tx, hash_tx, recover_sender
from app.primitives.hashing import Hash32
from chain.keys.keyring import Signer
from chain.rpc.client import RpcClient
from chain.rpc.errors import RpcError
from chain.rpc.types import TransactionResult
from chain.tx.errors import reason_of
from chain.tx.offering import offer
from chain.tx.queries import Queries
from chain.tx.signing import SignedTx, make_body, sign, with_estimated_fee
from transcoder.journal.core import Journal
from transcoder.journal.records import OutboxEntry, OutboxState

log = logging.getLogger(__name__)

PASSING_REASONS = frozenset({Reason.ROUND_NOT_INITIALIZED, Reason.INSUFFICIENT_FUNDS})
"""What a service waits out that runs unattended: a round that begins late, an account that is filled up again."""

MAX_IN_FLIGHT = 32
LONGEST_WAIT_BLOCKS = 256
_WAITS_AT_THE_DOOR = (Reason.NONCE_TOO_LOW, Reason.NONCE_TOO_HIGH, Reason.MEMPOOL_FULL)


@dataclass(frozen=True, slots=True)
class _Account:
    """The sender's account as the state of a height has it."""

    height: int
    nonce: int


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a block made of a transaction."""

    height: int
    result: TransactionResult

    @property
    def used_the_nonce(self) -> bool:
        """False where its envelope was refused, which changes nothing: only then is no gas counted."""
        return self.result.code == 0 or self.result.gas_used > 0


class OutboxSender:
    """The sender of one journal with one key.

    Args:
        passing: reasons of the chain that time cures.
    """

    def __init__(
        self, journal: Journal, rpc: RpcClient, signer: Signer, chain_id: str, passing: frozenset[Reason] = frozenset()
    ) -> None:
        self._journal = journal
        self._outbox = journal.outbox
        self._rpc = rpc
        self._queries = Queries(rpc)
        self._signer = signer
        self._chain_id = chain_id
        self._passing = passing
        self._one_at_a_time = asyncio.Lock()

    async def step(self) -> int:
        """Bring every unfinished entry one step on; returns how many are left. Call it once per block.

        Raises:
            RpcFailure, QueryRefused: the node does not answer, or not usefully; what was done so far is in the journal.
        """
        async with self._one_at_a_time:
            return await self._step()

    async def _step(self) -> int:
        entries = await self._journal.call(self._outbox.unfinished)
        if not entries:
            return 0
        answer = await self._queries.account(self._signer.address)
        account = _Account(int(answer["height"]), int(answer["nonce"]))
        sent = [entry for entry in entries if entry.state is OutboxState.SENT]
        for entry in sorted(sent, key=lambda each: each.nonce or 0):
            await self._follow(entry, account)
        entries = await self._journal.call(self._outbox.unfinished)
        await self._send_pending(entries, account)
        return len(await self._journal.call(self._outbox.unfinished))

    # --- what was sent

    async def _follow(self, entry: OutboxEntry, account: _Account) -> None:
        assert entry.transaction_hash is not None and entry.transaction_bytes is not None and entry.nonce is not None
        outcome = await self._look_up(entry.transaction_hash)
        if outcome is None or not outcome.used_the_nonce:
            if entry.nonce >= account.nonce:
                await self._broadcast(entry, entry.transaction_bytes, account)
                return
            outcome = await self._search(entry, account)
        if outcome is None:
            log.info("the nonce was used by another transaction; signing again", extra={"intent": entry.key})
            await self._journal.call(self._outbox.retry, entry.key)
        elif outcome.result.code == 0:
            await self._journal.call(self._outbox.mark_included, entry.key, outcome.height)
            log.info("included", extra={"intent": entry.key, "height": outcome.height})
        else:
            await self._refuse_in_block(entry, outcome)

    async def _look_up(self, transaction_hash: Hash32) -> _Outcome | None:
        try:
            found = await self._rpc.tx(transaction_hash)
        except RpcError as error:
            if "indexing is disabled" not in str(error):
                raise
            found = None
        return None if found is None else _Outcome(found.height, found.result)

    async def _search(self, entry: OutboxEntry, account: _Account) -> _Outcome | None:
        """What has used the nonce, in the blocks since the entry was signed; None where it was something else.

        Raises:
            RpcFailure: the node cannot show these blocks; nothing may be sent before that is known.
        """
        for height in range((entry.signed_height or 0) + 1, account.height + 1):
            transactions = (await self._rpc.block(height)).transactions
            places = [place for place, raw in enumerate(transactions) if self._has_nonce(raw, entry.nonce)]
            if not places:
                continue
            results = (await self._rpc.block_results(height)).transactions
            for place in places:
                outcome = _Outcome(height, results[place])
                if outcome.used_the_nonce:
                    return outcome if _says_the_same(transactions[place], entry) else None
        raise RpcError(0, f"the node shows no block that used nonce {entry.nonce}", f"{entry.key} stays open")

    def _has_nonce(self, raw: bytes, nonce: int | None) -> bool:
        try:
            tx = decode_tx(raw)
            return tx.body.nonce == nonce and recover_sender(tx) == self._signer.address
        except Rejection:
            return False

    async def _refuse_in_block(self, entry: OutboxEntry, outcome: _Outcome) -> None:
        result = outcome.result
        problem = _problem(result.code, result.log)
        if reason_of(result.code) not in self._passing:
            await self._fail(entry, problem)
            return
        wait = min(2 ** min(entry.attempts + 1, 30), LONGEST_WAIT_BLOCKS)
        await self._journal.call(self._outbox.put_off, entry.key, problem, outcome.height + wait)
        log.warning("put off", extra={"intent": entry.key, "problem": problem, "blocks": wait})

    async def _fail(self, entry: OutboxEntry, problem: str) -> None:
        await self._journal.call(self._outbox.mark_failed, entry.key, problem)
        log.warning("rejected by the chain", extra={"intent": entry.key, "problem": problem})

    # --- what is to be sent

    async def _send_pending(self, entries: Sequence[OutboxEntry], account: _Account) -> None:
        sent = sum(entry.state is OutboxState.SENT for entry in entries)
        due = [e for e in entries if e.state is OutboxState.PENDING and e.wait_height <= account.height]
        for entry in due[: max(0, MAX_IN_FLIGHT - sent)]:
            nonce = await self._journal.call(self._outbox.free_nonce, account.nonce)
            signed = await self._sign(entry, nonce)
            if signed is None:
                continue
            await self._journal.call(
                self._outbox.mark_sent, entry.key, nonce, signed.raw, signed.tx_hash, account.height
            )
            if not await self._broadcast(entry, signed.raw, account):
                return

    async def _sign(self, entry: OutboxEntry, nonce: int) -> SignedTx | None:
        """The transaction of an intent, or none where no node could ever read it; then the intent has failed."""
        params = await self._queries.params()
        try:
            body = make_body(self._chain_id, nonce, (decode_message(entry.message),))
            return sign(with_estimated_fee(body, params), self._signer)
        except Rejection as rejection:
            await self._fail(entry, str(rejection))
            return None

    async def _broadcast(self, entry: OutboxEntry, raw: bytes, account: _Account) -> bool:
        """Send; whether the node has it now."""
        answer = await offer(self._rpc, raw)
        reason = reason_of(answer.code, answer.codespace)
        if reason is Reason.ALREADY_KNOWN:
            return True
        if reason is Reason.MEMPOOL_FULL:
            log.info("the mempool is full", extra={"intent": entry.key})
            return False
        if answer.code == 0:
            log.info("sent", extra={"intent": entry.key, "hash": answer.hash.hex()})
            return True
        await self._refuse_at_the_door(entry.key, answer.code, answer.codespace, answer.log)
        return False

    async def _refuse_at_the_door(self, key: str, code: int, codespace: str, text: str) -> None:
        """A refusal that has used no nonce: the same nonce must be used by this intent, or by none that has it."""
        entry = await self._journal.call(self._outbox.get, key)
        assert entry is not None and entry.nonce is not None, "it was just sent"
        reason = reason_of(code, codespace)
        if reason is Reason.FEE_TOO_LOW:
            await self._sign_again(entry, entry.nonce)
        elif reason is None or reason in _WAITS_AT_THE_DOOR or reason in self._passing:
            level = logging.WARNING if reason is Reason.INSUFFICIENT_FUNDS else logging.INFO  # one waits for its owner
            log.log(level, "not taken yet", extra={"intent": key, "problem": _problem(code, text)})
        elif await self._journal.call(self._outbox.has_later, entry.nonce):
            log.warning("not taken, and others wait behind it", extra={"intent": key, "problem": _problem(code, text)})
        else:
            await self._fail(entry, _problem(code, text))

    async def _sign_again(self, entry: OutboxEntry, nonce: int) -> None:
        signed = await self._sign(entry, nonce)
        if signed is None:
            return
        await self._journal.call(
            self._outbox.sign_again, entry.key, nonce, signed.raw, signed.tx_hash, entry.signed_height
        )
        log.info("signed again for another fee; the next block sends it", extra={"intent": entry.key})


def _says_the_same(raw: bytes, entry: OutboxEntry) -> bool:
    """Whether a transaction does what the entry wants: it may have been signed again for another fee."""
    return hash_tx(raw) == entry.transaction_hash or decode_tx(raw).body.messages == (decode_message(entry.message),)


def _problem(code: int, text: str) -> str:
    reason = reason_of(code)
    return f"{reason.name if reason else code}: {text}"
