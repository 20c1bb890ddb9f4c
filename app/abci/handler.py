"""One CometBFT connection on asyncio: bytes to the sans-IO `Connection`, its calls to the application.

It makes one call at a time and lets the other connections have a turn between two calls. While requests wait it reads
on only up to MAX_WAITING_BYTES: a node that sends faster than the application answers, or that does not read its
answers, costs no memory, and one that dies behind a slow query is noticed.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol

from app.abci.application import Application
from app.abci.codec import Frame, encode_response
from app.abci.connection import CHECK_TX, Call, Connection
from app.abci.dispatch import call_check_tx, call_method, refuse_all
from app.abci.errors import AbciError
from app.abci.proto import abci_pb2 as pb
from app.abci.query_thread import QueryThread

MAX_WAITING_BYTES: Final = 1024 * 1024
"""How much is read ahead of the call that is out."""


class Host(Protocol):
    """What a connection tells the server."""

    def opened(self, handler: "ConnectionHandler") -> bool:
        """A connection is there; False refuses it."""

    def closed(self, handler: "ConnectionHandler") -> None:
        """The connection is gone."""

    def fail(self, error: BaseException) -> None:
        """The server must end."""


class ConnectionHandler(asyncio.Protocol):
    """The life of one connection, from accept to close."""

    def __init__(self, application: Application, host: Host, max_frame_bytes: int) -> None:
        self._application = application
        self._host = host
        self._connection = Connection(max_frame_bytes, application.check_tx_batch_limit)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._thread: QueryThread | None = None
        self._is_working = False
        self._can_write = True
        self._is_scheduled = False
        self._is_aborted = False
        self._waiting_bytes = 0  # read since last nothing waited
        self.has_spoken = False
        """Whether a byte has ever come."""
        self.is_ending = False
        """Whether no more requests are taken: the other side sends none, or the server stops."""

    # ---- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accepted: ask the server whether to keep it."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if not self._host.opened(self):
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes came: answer what they complete."""
        self.has_spoken = True
        self._waiting_bytes += len(data)
        try:
            self._connection.receive(data)
        except AbciError as error:
            self._fail(error)
            return
        if self._is_scheduled:
            self._plan()
        else:
            self._advance()

    def eof_received(self) -> bool:
        """The other side sends no more: close, after the answers to what has come."""
        self.is_ending = True
        return self._is_busy

    def connection_lost(self, error: Exception | None) -> None:
        """Closed or reset. An end inside a frame is a protocol error; a reset at a boundary is how CometBFT leaves."""
        if self._thread is not None:
            self._thread.close()
        if not self._is_aborted:
            self._check_boundary()
        self._host.closed(self)

    def pause_writing(self) -> None:
        """The node does not read its answers: make no more of them."""
        self._can_write = False

    def resume_writing(self) -> None:
        """The node reads again."""
        self._can_write = True
        self._plan()

    # ---- what the server calls

    def close(self) -> None:
        """Send what is answered, wait for what runs in a thread, close."""
        self.is_ending = True
        if not self._is_working:
            self._transport.close()

    def close_with(self, text: str) -> None:
        """Tell the node why this process ends (an Exception answer, which ends the node as well), and close."""
        self._transport.write(encode_response("exception", pb.ResponseException(error=text)))
        self._transport.close()

    def abort(self) -> None:
        """Close at once, whatever was under way."""
        self._is_aborted = True
        self._transport.abort()

    # ---- one call after the other

    @property
    def _is_busy(self) -> bool:
        return self._is_working or not self._can_write or self._connection.has_waiting

    def _advance(self) -> None:
        """Make the next call, where one waits and may be made, and send what is answered."""
        if self._is_working or not self._can_write or self._transport.is_closing():
            return
        try:
            call = self._connection.next_call()
            if call is not None:
                self._perform(call)
        except AbciError as error:
            self._fail(error)
            return
        self._send()
        self._plan()

    def _perform(self, call: Call) -> None:
        if call.method == CHECK_TX:
            self._check(call.requests)
        elif call.method == "query" and self._application.concurrent_queries:
            self._start_query(call.requests[0])
        else:
            self._connection.answer([call_method(self._application, call.method, call.requests[0])])

    def _plan(self) -> None:
        """Go on: close, read, or come back for the next call after the other connections had their turn."""
        if not self._is_busy:
            self._waiting_bytes = 0
            if self.is_ending:
                self._transport.close()
            self._transport.resume_reading()
            return
        if self._waiting_bytes > MAX_WAITING_BYTES:
            self._transport.pause_reading()
        if self._can_write and not self._is_working and not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._is_scheduled = False
        self._advance()

    def _send(self) -> None:
        output = self._connection.take_output()
        if output:
            self._transport.write(output)

    def _check_boundary(self) -> None:
        try:
            self._connection.receive_eof()
        except AbciError as truncated:
            self._host.fail(truncated)

    def _fail(self, error: BaseException) -> None:
        self._send()  # the answers before the failure still count
        self._host.fail(error)

    # ---- what takes long: in a thread of this connection's own

    def _check(self, requests: list[Any]) -> None:
        """Answer a batch of CheckTx, at once or when what has to come before has been done."""
        frames = call_check_tx(self._application, requests)
        try:
            before = self._application.before_answers()
        except Exception as error:
            self._connection.answer(refuse_all(error, len(requests)))
            return
        if before is None:
            self._connection.answer(frames)
            return

        def work() -> list[Frame]:
            try:
                before()
            except Exception as error:
                return refuse_all(error, len(requests))
            return frames

        self._work(work)

    def _start_query(self, request: Any) -> None:
        self._work(lambda: [call_method(self._application, "query", request)])

    def _work(self, job: Callable[[], list[Frame]]) -> None:
        if self._thread is None:
            self._thread = QueryThread("abci-work")
        self._is_working = True
        self._thread.submit(job, self._done_in_thread)

    def _done_in_thread(self, outcome: Any) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._done, outcome)

    def _done(self, outcome: list[Frame] | BaseException) -> None:
        self._is_working = False
        if isinstance(outcome, BaseException):
            self._fail(outcome)
            return
        self._connection.answer(outcome)
        self._send()
        self._plan()
