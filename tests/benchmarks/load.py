"""A client that loads nodes over RPC and costs little itself: websockets on raw transports, frames made ahead of time.

CometBFT answers the requests of one websocket one after the other and in order, so that a connection needs to look at
nothing but the code of an answer. A connection keeps WINDOW requests on their way; transactions that are refused
because the mempool is full, or early, are sent again in their order.
"""

import asyncio
import base64
import os
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

WINDOW = 4
RETRY_SECONDS = 0.05
PACE_SECONDS = 0.02
_TEXT, _PING = 0x1, 0x9
_ACCEPTED = b'"code":0,'
_MEMPOOL_FULL = b"mempool is full"


def encode_frame(opcode: int, payload: bytes) -> bytes:
    """One client's websocket frame; a mask of zeros is allowed and leaves the payload as it is (RFC 6455, 5.3)."""
    length = len(payload)
    head = bytes((0x80 | opcode,))
    size = bytes((0x80 | length,)) if length < 126 else b"\xfe" + length.to_bytes(2, "big")
    return head + size + bytes(4) + payload


def encode_broadcast(transaction: bytes) -> bytes:
    """The frame of a `broadcast_tx_sync`."""
    text = base64.b64encode(transaction)
    return encode_frame(_TEXT, b'{"jsonrpc":"2.0","id":1,"method":"broadcast_tx_sync","params":{"tx":"' + text + b'"}}')


@dataclass
class Tally:
    """What became of the load: send times by place in the queue of each connection, and answers."""

    sent: int = 0
    accepted: int = 0
    repeated: int = 0
    refused: list[str] = field(default_factory=list)


class Connection(asyncio.Protocol):
    """One websocket with its own queue of transactions; `rate_per_second` 0 sends as fast as answers come."""

    def __init__(self, host: str, frames: Sequence[bytes], tally: Tally, rate_per_second: float = 0) -> None:
        self._host = host
        self._waiting = deque(enumerate(frames))
        self._on_way: deque[tuple[int, bytes]] = deque()
        self._tally = tally
        self._rate = rate_per_second
        self._buffer = b""
        self._is_open = False
        self._began = 0.0
        self._offered = 0
        self._is_stopped = False
        self._loop = asyncio.get_running_loop()
        self.sent_at: list[float] = [0.0] * len(frames)
        self.done = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET /websocket HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if not self._is_open and not self._open():
            return
        answers = self._read_answers()
        if answers:
            self._settle(answers)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError(f"{self._host} closed a connection under load"))

    @property
    def unsent(self) -> list[bytes]:
        """The frames that have not been sent, in order."""
        return [frame for _, frame in self._waiting]

    def stop(self) -> None:
        """Send nothing more; `done` is set when what is on its way has been answered."""
        self._is_stopped = True
        self._finish_when_empty()

    def close(self) -> None:
        """Leave."""
        self._transport.abort()

    def _open(self) -> bool:
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return False
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(f"{self._host} is not a node's RPC: {head[:80]!r}")
        self._buffer, self._is_open, self._began = rest, True, time.monotonic()
        self._send_more()
        return True

    def _read_answers(self) -> list[bytes]:
        """The payloads of whole text frames; pings are answered."""
        answers, buffer, at, end = [], self._buffer, 0, len(self._buffer)
        while at + 2 <= end:
            length, start = buffer[at + 1], at + 2
            if length >= 126:
                start = at + (4 if length == 126 else 10)
                length = int.from_bytes(buffer[at + 2 : start], "big")
            if start + length > end:
                break
            payload, opcode, at = buffer[start : start + length], buffer[at] & 0xF, start + length
            if opcode == _TEXT:
                answers.append(payload)
            elif opcode == _PING:
                self._transport.write(encode_frame(0xA, payload))
        self._buffer = buffer[at:]
        return answers

    def _settle(self, answers: list[bytes]) -> None:
        pause = False
        for answer in answers:
            place = self._on_way.popleft()
            if _ACCEPTED in answer:
                self._tally.accepted += 1
            elif _MEMPOOL_FULL in answer:
                self._tally.repeated += 1
                self._waiting.append(place)
                pause = True
            else:
                self._tally.refused.append(answer.decode(errors="replace"))
        if pause:
            self._waiting = deque(sorted(self._waiting))
        if pause and not self._rate:
            self._loop.call_later(RETRY_SECONDS, self._send_more)
        elif not self._rate:
            self._send_more()
        self._finish_when_empty()

    def _send_more(self) -> None:
        """As many as the window has room for, or, at a rate, as many as are due by now."""
        if self._is_stopped:
            return
        now = time.monotonic()
        if self._rate:
            self._send(int((now - self._began) * self._rate) - self._offered, now)
            self._loop.call_later(PACE_SECONDS, self._send_more)
        else:
            self._send(WINDOW - len(self._on_way), now)

    def _send(self, count: int, now: float) -> None:
        frames = []
        while self._waiting and len(frames) < count:
            place = self._waiting.popleft()
            self.sent_at[place[0]] = now
            self._on_way.append(place)
            frames.append(place[1])
        self._offered += len(frames)
        self._tally.sent += len(frames)
        if frames:
            self._transport.write(b"".join(frames))

    def _finish_when_empty(self) -> None:
        is_over = self._is_stopped or not self._waiting
        if is_over and not self._on_way and not self.done.done():
            self.done.set_result(None)


async def connect(url: str, frames: Sequence[bytes], tally: Tally, rate_per_second: float = 0) -> Connection:
    """Open one connection and begin to send."""
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(
        lambda: Connection(parts.netloc, frames, tally, rate_per_second), parts.hostname, parts.port
    )
    return connection
