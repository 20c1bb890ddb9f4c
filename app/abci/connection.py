"""One connection without I/O: bytes in, calls for the application out, answers in, bytes out, always in request order.

    connection.receive(data)
    while (call := connection.next_call()) is not None:
        connection.answer(frames of the call)
        transport.write(connection.take_output())

At most one call is out at any time, which is all that keeps the order. Flush is answered here. CheckTx requests that
wait one behind the other come as one call, also across the Flush requests that CometBFT's throttle timer strews in.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.abci.codec import FLUSH_FRAME, FLUSH_PAYLOAD, Frame, decode_request
from app.abci.framing import MAX_FRAME_BYTES, FrameReader

CHECK_TX: Final = "check_tx"


@dataclass(slots=True)
class Call:
    """What the application has to do next: `method` with one request, or CheckTx with as many as have come."""

    method: str
    requests: list[Any]
    slots: list[Frame | None] = field(default_factory=lambda: [None])
    """The answers in order: None for each of `requests`, and the frames that are known already."""


class Connection:
    """The state of one connection: frames not yet looked at, the call that is out, frames ready to send."""

    def __init__(self, max_frame_bytes: int = MAX_FRAME_BYTES, check_tx_batch_limit: int = 512) -> None:
        self._reader = FrameReader(max_frame_bytes)
        self._payloads: deque[bytes] = deque()
        self._ahead: tuple[str, Any] | None = None  # a request decoded too early, before the payloads
        self._batch_limit = check_tx_batch_limit
        self._out: Call | None = None
        self._output: list[bytes] = []

    @property
    def has_waiting(self) -> bool:
        """Whether whole requests wait behind the call that is out."""
        return bool(self._payloads) or self._ahead is not None

    def receive(self, data: bytes) -> None:
        """Take bytes from the socket. Raises a ProtocolError of the framing."""
        self._payloads.extend(self._reader.feed(data))

    def receive_eof(self) -> None:
        """The other side will send no more. Raises TruncatedFrame inside a frame."""
        self._reader.feed_eof()

    def next_call(self) -> Call | None:
        """The next thing to do; None when nothing waits or a call is out. Raises MalformedMessage, UnknownRequest."""
        if self._out is not None:
            return None
        while (decoded := self._next_request()) is not None:
            method, request = decoded
            if method == CHECK_TX:
                self._out = self._gather(request)
                return self._out
            if method != "flush":
                self._out = Call(method, [request])
                return self._out
            self._output.append(FLUSH_FRAME)
        return None

    def answer(self, frames: Sequence[Frame]) -> None:
        """The answers to the call that is out, one per request of it."""
        call, self._out = self._out, None
        assert call is not None and len(frames) == len(call.requests), "as many answers as requests, once"
        if len(call.slots) == len(frames):
            self._output.extend(frames)
        else:
            self._output.extend(_filled(call.slots, frames))

    def take_output(self) -> bytes:
        """The bytes to send now."""
        output = b"".join(self._output)
        self._output.clear()
        return output

    def _next_request(self) -> tuple[str, Any] | None:
        if self._ahead is not None:
            decoded, self._ahead = self._ahead, None
            return decoded
        return decode_request(self._payloads.popleft()) if self._payloads else None

    def _gather(self, first: Any) -> Call:
        """`first` and the CheckTx requests behind it, up to the limit or the first request of another kind."""
        payloads = self._payloads
        requests, slots = [first], list[Frame | None]([None])
        while payloads and len(requests) < self._batch_limit:
            payload = payloads.popleft()
            if payload == FLUSH_PAYLOAD:
                slots.append(FLUSH_FRAME)
                continue
            method, request = decoded = decode_request(payload)
            if method != CHECK_TX:
                self._ahead = decoded
                break
            requests.append(request)
            slots.append(None)
        return Call(CHECK_TX, requests, slots)


def _filled(slots: Sequence[Frame | None], frames: Iterable[Frame]) -> Iterable[Frame]:
    answers = iter(frames)
    return (next(answers) if slot is None else slot for slot in slots)
