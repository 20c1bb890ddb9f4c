"""The ABCI server: one process, one application, one CometBFT node with its four connections.

Exit codes. 0: told to stop by SIGTERM or SIGINT; the call under way was finished and answered first. 4: a block needs
a later version of the application. 1: everything else, each with one line that says what happened: a protocol error,
an application failure, an address that cannot be used, a node that is half gone.

When the node leaves. CometBFT opens four connections and closes all of them when it ends, by a signal or by a crash,
and may leave answers unread. Where all close at a frame boundary, the server tells the application and waits for the
next node, which begins with Info. Where one closes and another stays open for NODE_GRACE_SECONDS, or one ends inside a
frame, the server fails, so that a supervisor starts both anew. A fifth connection is refused: it could only disturb.
One that comes while the four are closing is the next node's, and what is left of the old one is cut off.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

from app.abci.address import bound_address, close_listener, open_listener, parse_address
from app.abci.application import Application, describe
from app.abci.errors import AbciError, ApplicationFailure, ListenError, NodeLost, UpgradeRequired
from app.abci.framing import MAX_FRAME_BYTES
from app.abci.handler import ConnectionHandler
from app.params import UPGRADE_EXIT_CODE

EXIT_STOPPED: Final = 0
EXIT_FAILED: Final = 1
NODE_CONNECTIONS: Final = 4
NODE_GRACE_SECONDS: Final = 10
UPGRADE_GRACE_SECONDS: Final = 5
"""How long the node is left alive, without an answer, where a block needs a later version: it goes on telling others of
that block. Where enough validators fell silent as soon as they had it, the rest could never decide it, and would wait
instead of stopping."""
CLOSE_SECONDS: Final = 3
"""How long a stop waits for a query that runs and for answers that are being read."""

_SWITCHES_PER_SECOND: Final = 2000
"""How often a query that computes lets the event loop in. At Python's own 200, each CheckTx beside such a query takes
5.2 ms; at 2000 it takes 0.6 ms (measured; 0.03 ms without a query)."""

_log = logging.getLogger(__name__)


def serve(application: Application, listen: str, on_listening: Callable[[str], None] | None = None) -> int:
    """Serve `application` on `listen` (`unix://PATH`, `tcp://HOST:PORT`) until a signal or a failure; the exit code.

    To be called from the main thread, whose event loop and signals it takes. `on_listening` gets the address once a
    node may connect, with the port that the system chose where the port was 0.
    """
    try:
        address = parse_address(listen)
        listener = open_listener(address)
    except ListenError as error:
        _log.critical("%s", error)
        return EXIT_FAILED
    try:
        announced = bound_address(listener, address)
        with _prompt_switches(application.concurrent_queries):
            return asyncio.run(_serve_until_signal(application, listener, announced, on_listening))
    finally:
        close_listener(listener, address)


@contextlib.contextmanager
def _prompt_switches(wanted: bool) -> Iterator[None]:
    before = sys.getswitchinterval()
    if wanted:
        sys.setswitchinterval(1 / _SWITCHES_PER_SECOND)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


async def _serve_until_signal(
    application: Application, listener: socket.socket, announced: str, on_listening: Callable[[str], None] | None
) -> int:
    server = Server(application)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop, signal.Signals(number).name)
    await server.start(listener)
    _log.info("listening on %s", announced)
    if on_listening is not None:
        on_listening(announced)
    return await server.wait()


class Server:
    """The connections of one node, and the reason to end."""

    def __init__(
        self,
        application: Application,
        max_frame_bytes: int = MAX_FRAME_BYTES,
        node_grace_seconds: int = NODE_GRACE_SECONDS,
        upgrade_grace_seconds: int = UPGRADE_GRACE_SECONDS,
    ) -> None:
        self._application = application
        self._max_frame_bytes = max_frame_bytes
        self._node_grace_seconds = node_grace_seconds
        self._handlers: list[ConnectionHandler] = []
        self._upgrade_grace_seconds = upgrade_grace_seconds
        self._is_leaving = False
        self._node_has_spoken = False
        self._grace: asyncio.TimerHandle | None = None
        self._listener: asyncio.Server
        self._loop: asyncio.AbstractEventLoop
        self._ended: asyncio.Future[int]
        self._all_closed: asyncio.Future[None] | None = None

    async def start(self, listener: socket.socket) -> None:
        """Accept connections on `listener`, which already listens."""
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._loop.set_exception_handler(self._on_loop_exception)
        self._listener = await self._loop.create_server(self._new_handler, sock=listener)

    async def wait(self) -> int:
        """The exit code, once everything has ended and every connection is closed."""
        exit_code = await self._ended
        self._listener.close()
        if self._handlers:
            self._all_closed = self._loop.create_future()
            for handler in tuple(self._handlers):
                handler.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_closed, CLOSE_SECONDS)
        for handler in tuple(self._handlers):
            handler.abort()
        return exit_code

    def stop(self, reason: str) -> None:
        """End in order, with exit code 0."""
        if not self._ended.done():
            _log.info("stopping: %s", reason)
            self._ended.set_result(EXIT_STOPPED)

    def fail(self, error: BaseException) -> None:
        """End with exit code 1, or 4 for an upgrade; the node hears why, and ends as well.

        The first reason is the one that is told.
        """
        if self._ended.done() or self._is_leaving:
            return
        if isinstance(error, UpgradeRequired):
            self._is_leaving = True
            _log.warning(
                "%s; stopping in %d s, when others have heard of the block", error, self._upgrade_grace_seconds
            )
            self._loop.call_later(self._upgrade_grace_seconds, self._end, UPGRADE_EXIT_CODE, error)
        else:
            self._end(EXIT_FAILED, error)

    def _end(self, code: int, error: BaseException) -> None:
        if self._ended.done():
            return
        _log.critical("stopping with exit code %d: %s", code, error, exc_info=_traceback_worth_showing(error))
        self._ended.set_result(code)
        for handler in tuple(self._handlers):
            handler.close_with(describe(error))

    # ---- what the connections tell

    def opened(self, handler: ConnectionHandler) -> bool:
        """A connection: one of the node's four, or one too many."""
        if self._grace is not None or any(other.is_ending and other.has_spoken for other in self._handlers):
            self._replace_node()
        if len(self._handlers) >= NODE_CONNECTIONS:
            _log.warning("a connection beyond the node's %d is refused", NODE_CONNECTIONS)
            return False
        self._handlers.append(handler)
        return True

    def closed(self, handler: ConnectionHandler) -> None:
        """A connection is gone: with the last one the node is; with another one it should be soon."""
        if handler not in self._handlers:
            return  # it was refused, or its node replaced
        self._handlers.remove(handler)
        self._node_has_spoken |= handler.has_spoken
        if self._ended.done():
            if not self._handlers and self._all_closed is not None and not self._all_closed.done():
                self._all_closed.set_result(None)
        elif not self._handlers:
            self._node_left()
        elif handler.has_spoken and self._grace is None:
            remaining = tuple(self._handlers)
            self._grace = self._loop.call_later(self._node_grace_seconds, self._check_half_gone, remaining)

    def _replace_node(self) -> None:
        """A new node is here before all of the old one's connections have ended (a query of it may still run)."""
        old, self._handlers = self._handlers, []
        for handler in old:
            handler.abort()
        self._node_has_spoken = True
        self._node_left()

    def _node_left(self) -> None:
        if self._grace is not None:
            self._grace.cancel()
            self._grace = None
        if not self._node_has_spoken:
            return
        self._node_has_spoken = False
        _log.info("the node has closed its connections; waiting for the next one")
        try:
            self._application.node_disconnected()
        except Exception as error:
            self.fail(error)

    def _check_half_gone(self, remaining: tuple[ConnectionHandler, ...]) -> None:
        self._grace = None
        left = sum(handler in self._handlers for handler in remaining)
        if left:
            self.fail(
                NodeLost(
                    f"the node closed a connection and kept {left} open for {self._node_grace_seconds} s: "
                    "restart application and CometBFT together"
                )
            )

    # ---- wiring

    def _new_handler(self) -> ConnectionHandler:
        return ConnectionHandler(self._application, self, self._max_frame_bytes)

    def _on_loop_exception(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A mistake of this package's own: it must not leave a connection dead and the process alive."""
        self.fail(context.get("exception") or AbciError(str(context.get("message"))))


def _traceback_worth_showing(error: BaseException) -> BaseException | None:
    """The traceback of what the application raised or of a mistake of ours; a peer's error needs none."""
    return None if isinstance(error, AbciError) and not isinstance(error, ApplicationFailure) else error
