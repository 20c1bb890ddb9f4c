"""Events of a node over a websocket that reconnects, and that says where events may be missing.

    async with client.subscribe("tm.event = 'NewBlockHeader'") as events:
        async for item in events:
            match item:
                case EventMessage(): ...
                case SubscriptionGap(last_height=height): ...   # read blocks from `height` on over RPC

CometBFT neither keeps events for those who were away nor fires them again on replay, so a gap can only be filled from
blocks and block_results.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp

from chain.rpc.errors import RpcFailure, RpcMalformed, RpcUnreachable, error_from_answer
from chain.rpc.transport import Transport

LARGEST_MESSAGE_BYTES = 128 * 2**20
HEARTBEAT_SECONDS = 20.0
SUBSCRIPTION_ID = 1


@dataclass(frozen=True, slots=True)
class EventMessage:
    """One event: CometBFT's `type` (tendermint/event/NewBlock), its JSON `value`, indexed attributes in `events`."""

    type: str
    value: Any
    events: dict[str, list[str]]
    height: int | None


@dataclass(frozen=True, slots=True)
class SubscriptionGap:
    """The connection was lost and is back: events after (and some of) `last_height` may be missing.

    `last_height` is None when no event with a height had come before; `reason` is what broke the connection.
    """

    last_height: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses between attempts to reconnect: doubled from `first_seconds` up to `longest_seconds`."""

    first_seconds: float = 0.2
    longest_seconds: float = 10.0

    def pause(self, attempt: int) -> float:
        """Seconds to wait before attempt number `attempt` (0 is the first)."""
        return float(min(self.longest_seconds, self.first_seconds * 2 ** min(attempt, 30)))


def event_height(value: Any) -> int | None:
    """The height that an event's JSON speaks of, whichever of CometBFT's forms it has."""
    candidates: tuple[Callable[[], Any], ...] = (
        lambda: value["TxResult"]["height"],
        lambda: value["block"]["header"]["height"],
        lambda: value["header"]["height"],
        lambda: value["height"],
    )
    for read in candidates:
        try:
            return int(read())
        except (KeyError, TypeError, ValueError):
            continue
    return None


class Subscription:
    """One query at one node. Entering it subscribes (RpcFailure if that fails); from then on it reconnects for ever."""

    def __init__(self, transport: Transport, query: str, backoff: Backoff | None = None) -> None:
        self._transport = transport
        self._query = query
        self._backoff = backoff or Backoff()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._last_height: int | None = None

    async def __aenter__(self) -> Self:
        await self._connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._disconnect()

    async def __aiter__(self) -> AsyncIterator[EventMessage | SubscriptionGap]:
        while True:
            try:
                yield self._decode(await self._receive())
            except RpcFailure as failure:
                await self._reconnect()
                yield SubscriptionGap(self._last_height, str(failure))

    async def _connect(self) -> None:
        url = self._transport.url + "/websocket"
        try:
            self._socket = await self._transport.session.ws_connect(
                url, heartbeat=HEARTBEAT_SECONDS, max_msg_size=LARGEST_MESSAGE_BYTES
            )
            request = {"jsonrpc": "2.0", "id": SUBSCRIPTION_ID, "method": "subscribe", "params": {"query": self._query}}
            await self._socket.send_str(json.dumps(request))
            async with asyncio.timeout(self._transport.limits.timeout_seconds):
                await self._receive()
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            await self._disconnect()
            raise RpcUnreachable(f"cannot subscribe at {url}: {error or 'no answer in time'}") from error
        except RpcFailure:
            await self._disconnect()
            raise

    async def _disconnect(self) -> None:
        if self._socket is not None:
            socket, self._socket = self._socket, None
            await socket.close()

    async def _reconnect(self) -> None:
        attempt = 0
        while True:
            await self._disconnect()
            await asyncio.sleep(self._backoff.pause(attempt))
            try:
                return await self._connect()
            except RpcFailure:
                attempt += 1

    async def _receive(self) -> Any:
        assert self._socket is not None, "iterate inside `async with`"
        message = await self._socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise RpcUnreachable(f"the node closed the subscription ({message.type.name.lower()})")
        try:
            answer = json.loads(message.data)
        except ValueError as error:
            raise RpcMalformed("the node sent an event that is not JSON") from error
        if not isinstance(answer, dict) or answer.get("error") is not None:
            raise error_from_answer(answer.get("error") if isinstance(answer, dict) else answer)
        return answer.get("result")

    def _decode(self, result: Any) -> EventMessage:
        try:
            data = result["data"]
            message = EventMessage(
                str(data["type"]), data["value"], dict(result.get("events") or {}), event_height(data["value"])
            )
        except (KeyError, TypeError, ValueError) as error:
            raise RpcMalformed(f"the node sent an event in a form we do not know: {error!r}") from error
        self._last_height = message.height or self._last_height
        return message
