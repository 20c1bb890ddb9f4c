"""A client that loads nodes over RPC and costs little itself: websockets on raw transports, frames made ahead of time.

CometBFT answers the requests of one websocket one after the other and in order, so that a connection needs to look at
nothing but the code of an answer. A connection keeps WINDOW requests on their way; transactions that are refused
because the mempool is full, or early, are sent again in their order.
"""

import asyncio
import base64
import json
import os
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from app.messages.bundle import decode_codes, encode_bundle
from app.messages.rejections import RETRY_CODES, Reason

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
    def sent(self) -> int:
        """How many groups have been sent, from the first on."""
        return sum(at > 0 for at in self.sent_at)

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
            self.sent_at[place[0]] = self.sent_at[place[0]] or now
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


class BundleConnection(Connection):
    """The same with many transactions in each frame, and an answer with a code for each.

    Members that are put off are sent again in front of all later ones, so that no nonce is left out.
    """

    def __init__(self, host: str, groups: Sequence[Sequence[bytes]], tally: Tally, rate_per_second: float = 0) -> None:
        frames = [encode_broadcast(encode_bundle(group, place)) for place, group in enumerate(groups)]
        super().__init__(host, frames, tally, rate_per_second)
        self._members = dict(enumerate(groups))
        self._salt = len(frames)

    def _settle(self, answers: list[bytes]) -> None:
        for answer in answers:
            place, _ = self._on_way.popleft()
            self._settle_bundle(place, answer)
        if not self._rate:
            self._send_more()
        self._finish_when_empty()

    def _settle_bundle(self, place: int, answer: bytes) -> None:
        result = json.loads(answer).get("result")
        if not result or result["code"]:
            self._tally.refused.append(answer.decode(errors="replace"))
            return
        members = self._members[place]
        codes = decode_codes(bytes.fromhex(result["data"]), len(members))
        again = [raw for raw, code in zip(members, codes, strict=True) if code >= RETRY_CODES]
        self._tally.accepted += sum(code in (0, Reason.ALREADY_KNOWN) for code in codes)
        self._tally.refused += [result["log"] for code in codes if code not in (0, Reason.ALREADY_KNOWN)][len(again) :]
        if again:
            self._tally.repeated += len(again)
            self._members[place] = again
            self._salt += 1
            self._waiting.append((place, encode_broadcast(encode_bundle(again, self._salt))))
            self._waiting = deque(sorted(self._waiting))


async def connect(url: str, groups: Sequence[Sequence[bytes]], tally: Tally, rate_per_second: float = 0) -> Connection:
    """Open one connection and begin to send; groups of more than one go as bundles. The rate is of groups."""
    parts = urlsplit(url)

    def make() -> Connection:
        if any(len(group) > 1 for group in groups):
            return BundleConnection(parts.netloc, groups, tally, rate_per_second)
        return Connection(parts.netloc, [encode_broadcast(raw) for (raw,) in groups], tally, rate_per_second)

    _, connection = await asyncio.get_running_loop().create_connection(make, parts.hostname, parts.port)
    return connection
