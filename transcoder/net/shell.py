"""The shell around a service: an HTTP server with `/healthz` and `/metrics`, background tasks, and a clean stop.

A service adds its routes, tasks and checks, then runs. SIGTERM and SIGINT end it: tasks are cancelled and awaited, then
the server closes, then what was opened is closed in reverse order. A background task that dies ends the service with a
failure, because a service that only looks alive is worse than one that its supervisor restarts.
"""

import asyncio
import errno
import logging
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, ProcessCollector, generate_latest

from chain.failures import Failure, UsageFailure
from transcoder.net.health import Health, HealthCheck, health_report, run_checks

log = logging.getLogger(__name__)

STOP_LIMIT_SECONDS = 10.0
REQUEST_LIMIT_BYTES = 32 << 20

Background = Callable[[], Coroutine[Any, Any, None]]
Cleanup = Callable[[], Awaitable[None]]


class ServiceFailed(Failure):
    """A part of the service ended that should have gone on; the text names it."""


class ServiceShell:
    """One service.

    Attributes:
        app: the aiohttp application to add routes to before `run`.
        registry: the service's own Prometheus registry.
        ready: set once the server listens; `port` and `url` are valid from then on.
    """

    def __init__(
        self, name: str, *, host: str = "127.0.0.1", port: int = 0, request_limit_bytes: int = REQUEST_LIMIT_BYTES
    ) -> None:
        self.name = name
        self.host = host
        self.port = port
        self.ready = asyncio.Event()
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "headwater_http_requests", "HTTP requests answered", ["route", "status"], registry=self.registry
        )
        self.app = web.Application(client_max_size=request_limit_bytes, middlewares=[self._count_requests])
        self.app.router.add_get("/healthz", self._answer_health)
        self.app.router.add_get("/metrics", self._answer_metrics)
        self._checks: dict[str, HealthCheck] = {}
        self._background: dict[str, Background] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._cleanups: list[Cleanup] = []
        self._stop = asyncio.Event()
        self._next_signal: Callable[[], None] = self.stop

    @property
    def url(self) -> str:
        """Where the service answers, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def add_health_check(self, name: str, check: HealthCheck) -> None:
        """Have `/healthz` ask `check` each time; it must not block."""
        self._checks[name] = check

    def add_background(self, name: str, run: Background) -> None:
        """Run a coroutine for as long as the service lives.

        It ends by cancellation, or calls `stop` before it returns; any other end is a failure of the service.
        """
        self._background[name] = run
        self.add_health_check(name, lambda: self._task_health(name))

    def add_cleanup(self, close: Cleanup) -> None:
        """Call `close` at the end, after everything that was added later."""
        self._cleanups.append(close)

    def stop(self) -> None:
        """Ask the service to end; `run` returns when it has."""
        self._stop.set()

    def on_first_signal(self, finish: Callable[[], None]) -> None:
        """Have the first SIGTERM or SIGINT call `finish`, for work to be brought to an end; the second one stops."""
        self._next_signal = finish

    async def run(self) -> None:
        """Serve until a signal or `stop`.

        Raises:
            UsageFailure: the address cannot be listened on.
            ServiceFailed: a background task ended by itself, or did not end when it was asked to.
        """
        self._catch_signals()
        runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=STOP_LIMIT_SECONDS)
        try:
            await self._listen(runner)
            self._tasks = {name: asyncio.create_task(run(), name=name) for name, run in self._background.items()}
            self.ready.set()
            log.info("service started", extra={"url": self.url})
            await self._until_stopped()
        finally:
            await self._close(runner)
            self._release_signals()
            log.info("service stopped")

    async def _listen(self, runner: web.AppRunner) -> None:
        await runner.setup()
        try:
            await web.TCPSite(runner, self.host, self.port).start()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                text = f"port {self.port} of {self.host} is in use; choose another one, or 0 for any that is free"
            else:
                text = f"cannot listen on {self.host} port {self.port}: {error.strerror or error}"
            raise UsageFailure(text) from error
        self.port = runner.addresses[0][1]

    async def _until_stopped(self) -> None:
        stopping = asyncio.create_task(self._stop.wait())
        try:
            done, _ = await asyncio.wait([stopping, *self._tasks.values()], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        for name, task in self._tasks.items():
            if task in done and not self._stop.is_set():
                raise ServiceFailed(f"{self.name}: the task {name!r} ended by itself") from _error_of(task)

    async def _close(self, runner: web.AppRunner) -> None:
        self._stop.set()
        stuck: set[asyncio.Task[None]] = set()
        for task in self._tasks.values():
            task.cancel()
        if self._tasks:
            _, stuck = await asyncio.wait(self._tasks.values(), timeout=STOP_LIMIT_SECONDS)
        self._log_late_errors()
        await runner.cleanup()
        for close in reversed(self._cleanups):
            try:
                await close()
            except Exception:
                log.exception("could not close a part of the service")
        if stuck:
            names = sorted(task.get_name() for task in stuck)
            raise ServiceFailed(f"{self.name}: {names} did not end within {STOP_LIMIT_SECONDS:g} s")

    def _log_late_errors(self) -> None:
        for name, task in self._tasks.items():
            error = _error_of(task)
            if error is not None:
                log.error("a task ended with an error", extra={"task": name}, exc_info=error)

    def _catch_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._signalled)

    def _signalled(self) -> None:
        act, self._next_signal = self._next_signal, self.stop
        act()

    def _release_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)

    def _task_health(self, name: str) -> Health:
        task = self._tasks.get(name)
        return Health(task is not None and not task.done())

    async def _answer_health(self, _request: web.Request) -> web.Response:
        status, body = health_report(self.name, run_checks(self._checks), stopping=self._stop.is_set())
        return web.json_response(body, status=status)

    async def _answer_metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    @web.middleware
    async def _count_requests(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        # The route, not the path: a label with a value per segment would fill the memory of whoever collects it.
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else "none"
        status = 500
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as answer:
            status = answer.status
            raise
        finally:
            self._requests.labels(route, str(status)).inc()
        return response


def _error_of(task: asyncio.Task[None]) -> BaseException | None:
    return task.exception() if task.done() and not task.cancelled() else None
