"""Sends many signed transactions to one node and says what became of them.

Together, in bundles, where the node takes bundles (the application's mempool); else as JSON-RPC batches. What the node
puts off is sent again in its order, and so is what it has lost: the chain is asked for each sender's nonce, and what
was accepted and does not get into a block is sent again from that nonce on. So is a run that was interrupted: what the
chain has used the nonce of already is only counted.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from app.messages.bundle import bundle_size, split_into_bundles
from app.messages.limits import MAX_BUNDLE_BYTES
from app.messages.rejections import RETRY_CODES, Reason
from app.messages.transaction import decode_tx, recover_sender
from app.primitives.address import Address
from chain.failures import EXIT_UNREACHABLE, Failure
from chain.rpc.client import RpcClient
from chain.rpc.errors import AlreadyInMempool, RpcError, RpcUnreachable
from chain.tx.errors import reason_of
from chain.tx.queries import Queries

SINGLES_PER_CALL = 10
"""CometBFT takes no more in one JSON-RPC batch (`rpc.max_request_batch_size`)."""

HEAD_ROOM_BYTES = 64


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How much is under way, and how long.

    Attributes:
        outstanding: transactions that were sent and have not been seen in a block.
        poll_seconds: between two questions for the senders' nonces.
        resend_seconds: how long a sender may stand still before its transactions are sent again.
        stall_seconds: how long all of them may.
    """

    outstanding: int = 10_000
    poll_seconds: float = 0.5
    resend_seconds: float = 10.0
    stall_seconds: float = 60.0


class BatchStalled(Failure):
    """Nothing got into a block for a long time. The same command goes on where this one has stopped."""

    exit_code = EXIT_UNREACHABLE


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed transaction, and which of its source it is, from 1."""

    raw: bytes
    sender: Address
    nonce: int
    place: int


@dataclass(slots=True)
class Report:
    """What has become of a batch so far.

    Attributes:
        included: their nonces are used on the chain, by them or, if somebody signed others with the same, by those.
        accepted: the node keeps them for a block.
        resent: how often a transaction was sent again.
        refused: place, reason and text of what the chain will not take.
    """

    read: int = 0
    included: int = 0
    accepted: int = 0
    resent: int = 0
    refused: list[tuple[int, str, str]] = field(default_factory=list)

    @property
    def settled(self) -> int:
        """Of how many the fate is known."""
        return self.included + len(self.refused)


@dataclass(slots=True)
class _Account:
    """One sender: what of it is under way by nonce, what the node has put off, and when its nonce moved last."""

    waiting: dict[int, Signed] = field(default_factory=dict)
    put_off: list[int] = field(default_factory=list)
    nonce: int = 0
    moved: float = 0.0


def read_signed(lines: Iterable[str]) -> Iterator[Signed]:
    """Signed transactions from lines of hexadecimal digits; empty lines are passed over.

    Raises:
        ValueError, Rejection: a line is none.
    """
    for place, line in enumerate(lines, 1):
        text = line.strip().removeprefix("0x")
        if text:
            raw = bytes.fromhex(text)
            tx = decode_tx(raw)
            yield Signed(raw, recover_sender(tx), tx.body.nonce, place)


class Batch:
    """One run over a source of signed transactions. `observer` is called whenever the report has changed."""

    def __init__(
        self, rpc: RpcClient, limits: BatchLimits | None = None, observer: Callable[[Report], None] | None = None
    ) -> None:
        self._rpc = rpc
        self._limits = limits or BatchLimits()
        self._observer = observer or (lambda report: None)
        self._accounts: dict[Address, _Account] = {}
        self._takes_bundles = False
        self.report = Report()

    async def run(self, source: Iterable[Signed]) -> Report:
        """Send everything and wait until the chain has it.

        Raises:
            BatchStalled: nothing moves, or the node does not answer.
            RpcFailure: the node answers something else.
        """
        self._takes_bundles = await self._ask_for_bundles()
        items, is_over = iter(source), False
        last_move = _now()
        while not is_over or self._outstanding:
            before = self.report.settled, self.report.read
            try:
                fresh = list(islice(items, self._limits.outstanding - self._outstanding))
                is_over = is_over or (not fresh and self._outstanding < self._limits.outstanding)
                await self._take(fresh)
                await self._look()
            except RpcUnreachable as error:
                cause = str(error)
            else:
                cause = "nothing gets into a block"
            self._observer(self.report)
            if before != (self.report.settled, self.report.read):
                last_move = _now()
            elif _now() > last_move + self._limits.stall_seconds:
                raise BatchStalled(
                    f"{self.report.settled} of {self.report.read} are done, and {cause}: try again later"
                )
            if self._outstanding:
                await asyncio.sleep(self._limits.poll_seconds)
        return self.report

    @property
    def _outstanding(self) -> int:
        return sum(len(account.waiting) for account in self._accounts.values())

    async def _ask_for_bundles(self) -> bool:
        answer = await self._rpc.abci_query("mempool")
        try:
            described = json.loads(answer.value)
        except ValueError:
            return False
        return answer.code == 0 and isinstance(described, dict) and "bundle_bytes" in described

    async def _take(self, fresh: Sequence[Signed]) -> None:
        """Note what is new, and send of it what the chain has not got yet."""
        for signed in fresh:
            self._accounts.setdefault(signed.sender, _Account(moved=_now())).waiting[signed.nonce] = signed
        self.report.read += len(fresh)
        await self._look(of=list(dict.fromkeys(signed.sender for signed in fresh)))
        await self._send([each for each in fresh if self._accounts[each.sender].waiting.get(each.nonce) is each])

    async def _send(self, transactions: Sequence[Signed]) -> None:
        by_raw = {signed.raw: signed for signed in transactions}
        for group in split_into_bundles(by_raw):
            for raw, code, text in await self._send_group(group):
                self._judge(by_raw[raw], code, text)
            self._observer(self.report)

    async def _send_group(self, group: list[bytes]) -> list[tuple[bytes, int, str]]:
        """Code and text for each."""
        if self._takes_bundles and bundle_size(group[0]) < MAX_BUNDLE_BYTES - HEAD_ROOM_BYTES:
            answer = await self._rpc.broadcast_bundle(group)
            return [(raw, code, answer.log) for raw, code in zip(group, answer.codes, strict=True)]
        found = []
        for at in range(0, len(group), SINGLES_PER_CALL):
            part = group[at : at + SINGLES_PER_CALL]
            for raw, single in zip(part, await self._rpc.broadcast_many_sync(part), strict=True):
                found.append((raw, *_judge_single(single)))
        return found

    def _judge(self, signed: Signed, code: int, text: str) -> None:
        reason = reason_of(code)
        if code == 0 or reason in (Reason.ALREADY_KNOWN, Reason.NONCE_TOO_LOW):
            self.report.accepted += code == 0
        elif code < RETRY_CODES and reason not in (Reason.MEMPOOL_FULL, Reason.NONCE_TOO_HIGH):
            self._accounts[signed.sender].waiting.pop(signed.nonce, None)
            name = reason.name if reason else f"code {code}"
            self.report.refused.append((signed.place, name, text))
        else:
            self._accounts[signed.sender].put_off.append(signed.nonce)

    async def _look(self, of: Sequence[Address] = ()) -> None:
        """Ask for the nonces on the chain: what is done, and what has to be sent again."""
        queries = Queries(self._rpc)
        for sender in of or [sender for sender, account in self._accounts.items() if account.waiting]:
            account = self._accounts[sender]
            nonce = int((await queries.account(sender))["nonce"])
            for done in [each for each in account.waiting if each < nonce]:
                del account.waiting[done]
                self.report.included += 1
            if nonce != account.nonce:
                account.nonce, account.moved = nonce, _now()
            if not of:
                await self._send_again(account)

    async def _send_again(self, account: _Account) -> None:
        """What was put off, and everything of a sender that stands still."""
        nonces, account.put_off = account.put_off, []
        if _now() > account.moved + self._limits.resend_seconds:
            nonces, account.moved = list(account.waiting), _now()
        again = [account.waiting[nonce] for nonce in sorted(nonces) if nonce in account.waiting]
        self.report.resent += len(again)
        await self._send(again)


def _judge_single(answer: object) -> tuple[int, str]:
    """Code and text of one answer in a JSON-RPC batch."""
    if isinstance(answer, AlreadyInMempool):
        return int(Reason.ALREADY_KNOWN), ""
    if isinstance(answer, RpcError):
        if "mempool is full" in str(answer) or "already seen" in str(answer):
            return int(Reason.MEMPOOL_FULL), str(answer)
        return int(Reason.UNDECODABLE), str(answer)
    return int(getattr(answer, "code", 0)), str(getattr(answer, "log", ""))


def _now() -> float:
    return asyncio.get_running_loop().time()
