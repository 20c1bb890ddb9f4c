"""Runs one node: the application and CometBFT as a pair that lives and ends together.

Beside them a court worker re-executes disputed work while there is any (`chain.node.court`); it is no part of the pair.

CometBFT does not reconnect to an application that went away: it ends, with exit code 0, and in rare cases hangs. A
hanging application it never notices. So: when either process ends, or the node stalls (chain/node/health.py), both are
ended, by force after `stop_seconds`, and NodeFailed says which one, how, and the last lines it wrote.
"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from app.params import UPGRADE_EXIT_CODE
from chain.cometbft.config import ConfigInvalid, EffectiveConfig
from chain.cometbft.home import NodeHome
from chain.failures import Failure
from chain.node import court
from chain.node.disk import why_full
from chain.node.health import Health, HealthWatch
from chain.node.lock import hold
from chain.node.ports import check_free
from chain.node.probe import PROBE_LIMITS, observe
from chain.node.process import Child, ChildSpec
from chain.rpc.client import RpcClient

CODE_ROOT = Path(__file__).resolve().parents[2]
APPLICATION, COMETBFT = "application", "CometBFT"
POLL_SECONDS = 0.05
_UPGRADE_MARK = f"stopping with exit code {UPGRADE_EXIT_CODE}: "
SETTLE_SECONDS = 0.3


class NodeFailed(Failure):
    """One process of the pair ended or hung, and both are ended."""


class UpgradeNeeded(NodeFailed):
    """A planned upgrade's height has come, and this build does not have its version; nothing is wrong with the node."""


class DiskFull(NodeFailed):
    """There is too little room left to go on; nothing is wrong with the node."""


@dataclass(frozen=True, slots=True)
class SupervisorLimits:
    """Seconds: until a node that does not move counts as hung, for a process to end when asked, for the application to
    listen after its start, and between two looks at the node. And what must be free on the disk."""

    stall_seconds: float = 30.0
    stop_seconds: float = 5.0
    app_start_seconds: float = 60.0
    probe_seconds: float = 1.0
    least_free_mib: int = 32


@dataclass(frozen=True, slots=True)
class NodePlan:
    """What to run. `app_command` replaces the application's command (the address to listen on is appended).

    `court` says whether to re-execute disputed work beside the node, where this machine can.
    """

    home: NodeHome
    cometbft: Path
    app_command: tuple[str, ...] | None = None
    limits: SupervisorLimits = field(default_factory=SupervisorLimits)
    court: bool = True


@dataclass(frozen=True, slots=True)
class NodeReport:
    """What an observer is told: how the node is, and its newest block."""

    health: Health
    height: int


Observer = Callable[[NodeReport], None]


def application_address(home: NodeHome, config: EffectiveConfig) -> str | None:
    """Where the application has to listen; None when config.toml names one that is built into CometBFT (kvstore).

    A unix socket is placed anew at each start, so that a home can be moved.
    """
    if config.proxy_app.startswith("unix://"):
        return f"unix://{home.socket_path()}"
    return config.proxy_app if "://" in config.proxy_app else None


def application_command(home: NodeHome, config: EffectiveConfig) -> tuple[str, ...]:
    """How the application is started; its address follows. -P: a directory `app` where we stand must not hide ours."""
    mempool = ("--mempool", config.mempool, *(() if config.relays else ("--no-relay",)))
    return (sys.executable, "-P", "-m", "app.abci", "--home", str(home.app_folder.resolve()), *mempool, "--listen")


class NodeSupervisor:
    """One run of one node. `observer` is called after each look at it."""

    def __init__(self, plan: NodePlan, observer: Observer | None = None) -> None:
        self._plan = plan
        self._home = plan.home
        self._limits = plan.limits
        self._observer = observer or (lambda report: None)

    @property
    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join(filter(None, (str(CODE_ROOT), os.environ.get("PYTHONPATH"))))
        return {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}

    async def run(self, stop: asyncio.Event) -> None:
        """Run both until `stop` is set, then end both cleanly.

        Raises HomeIncomplete, ConfigInvalid, HomeInUse or PortInUse before anything is started, NodeFailed after, and
        DiskFull at any time.
        """
        config = self._home.check_startable()
        self._require_room()
        with hold(self._home.lock_file):
            check_free({"RPC": config.rpc_address, "p2p": config.p2p_address})
            address = application_address(self._home, config)
            async with self._application(config, address, stop) as application:
                arguments = ("--proxy_app", address) if address else ()
                async with self._cometbft(arguments) as cometbft, self._court(config):
                    try:
                        await self._watch(config, cometbft, application, stop)
                    except NodeFailed:
                        self._require_room()  # without any, whatever else was said is only a consequence
                        raise

    def _require_room(self) -> None:
        full = why_full(self._home.root, self._limits.least_free_mib)
        if full:
            raise DiskFull(full)

    async def run_application(self, stop: asyncio.Event) -> None:
        """Run the application alone, at the address in config.toml: for operators who run CometBFT themselves."""
        config = self._home.config()
        if "://" not in config.proxy_app:
            raise ConfigInvalid(f"{self._home.config_file}: proxy_app is not an address: there is nothing to run")
        with hold(self._home.lock_file):
            async with self._application(config, config.proxy_app, stop) as application:
                assert application is not None, "an address means an application"
                await self._until_end([application], [stop])

    @contextlib.asynccontextmanager
    async def _application(
        self, config: EffectiveConfig, address: str | None, stop: asyncio.Event
    ) -> AsyncIterator[Child | None]:
        if address is None:
            yield None
            return
        socket = Path(address.removeprefix("unix://")) if address.startswith("unix://") else None
        if socket:
            socket.unlink(missing_ok=True)
        command = self._plan.app_command or application_command(self._home, config)
        async with self._child(APPLICATION, (*command, address), "app.log") as child:
            if socket:
                await self._until_listening(child, socket, stop)
            yield child
        if socket:
            socket.unlink(missing_ok=True)

    def _cometbft(self, arguments: tuple[str, ...]) -> contextlib.AbstractAsyncContextManager[Child]:
        command = (str(self._plan.cometbft), "start", "--home", str(self._home.root), *arguments)
        return self._child(COMETBFT, command, "cometbft.log")

    @contextlib.asynccontextmanager
    async def _court(self, config: EffectiveConfig) -> AsyncIterator[None]:
        """Re-execute disputed work beside the node, where this machine can; nothing of it can end the node."""
        if not self._plan.court or self._plan.app_command is not None or not court.is_installed():
            yield
            return
        attendant = court.CourtAttendant(self._home, config.rpc_address, self._environment)
        watching = asyncio.create_task(attendant.run())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def _child(self, name: str, command: tuple[str, ...], log: str) -> AsyncIterator[Child]:
        child = await Child.start(ChildSpec(name, command, self._home.log_folder / log, self._environment))
        try:
            yield child
        finally:
            await child.stop(self._limits.stop_seconds)

    async def _until_listening(self, application: Child, socket: Path, stop: asyncio.Event) -> None:
        """Wait for the socket: CometBFT, were it started earlier, would try, fail, and sleep three seconds."""
        deadline = time.monotonic() + self._limits.app_start_seconds
        while not _exists(socket) and not stop.is_set():
            if not application.running:
                raise NodeFailed(_ended_text([application]))
            if time.monotonic() > deadline:
                limit = self._limits.app_start_seconds
                raise NodeFailed(f"the application did not listen within {limit:g} s\n{_log_text(application)}")
            await asyncio.sleep(POLL_SECONDS)

    async def _watch(
        self, config: EffectiveConfig, cometbft: Child, application: Child | None, stop: asyncio.Event
    ) -> None:
        stalled = asyncio.Event()
        children = [child for child in (application, cometbft) if child]
        probing = asyncio.create_task(self._probe(config.rpc_address, children, stalled))
        try:
            await self._until_end(children, [stop, stalled])
            if probing.done():
                probing.result()
        finally:
            probing.cancel()
            await asyncio.gather(probing, return_exceptions=True)
        if stalled.is_set() and not stop.is_set():
            raise NodeFailed(self._stalled_text(children))

    async def _until_end(self, children: list[Child], events: list[asyncio.Event]) -> None:
        """Return when an event is set; NodeFailed when a child ends first."""
        ends = {asyncio.create_task(child.wait()): child for child in children}
        waits = {asyncio.create_task(event.wait()) for event in events}
        try:
            done, _ = await asyncio.wait({*ends, *waits}, return_when=asyncio.FIRST_COMPLETED)
            if done & waits:
                return
            await asyncio.wait(ends, timeout=SETTLE_SECONDS)
            raise _failure(children)
        finally:
            for task in (*ends, *waits):
                task.cancel()
            await asyncio.gather(*ends, *waits, return_exceptions=True)

    async def _probe(self, rpc_address: str, children: list[Child], stalled: asyncio.Event) -> None:
        watch = HealthWatch(self._limits.stall_seconds, time.monotonic())
        try:
            async with RpcClient(rpc_address, PROBE_LIMITS) as client:
                while watch.health is not Health.STALLED:
                    await asyncio.sleep(self._limits.probe_seconds)
                    self._require_room()
                    seen = await observe(client, sum(_size(child.spec.log_file) for child in children))
                    self._observer(NodeReport(watch.observe(seen, time.monotonic()), watch.highest_block))
        finally:
            stalled.set()

    def _stalled_text(self, children: list[Child]) -> str:
        logs = "\n".join(_log_text(child) for child in children)
        return f"the node hangs: nothing moved for {self._limits.stall_seconds:g} s, both processes were ended\n{logs}"


def _exists(path: Path) -> bool:
    return path.exists()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _failure(children: list[Child]) -> NodeFailed:
    """Why a pair has ended. The application says that a block needs a later version before CometBFT hears of it, as its
    last word; which of the two ends first is chance."""
    for child in children:
        last = child.last_lines(1)
        if child.spec.name == APPLICATION and _UPGRADE_MARK in last:
            return UpgradeNeeded(f"stopped for an upgrade: {last.partition(_UPGRADE_MARK)[2]}")
    return NodeFailed(_ended_text([child for child in children if not child.running]))


def _ended_text(ended: list[Child]) -> str:
    """Who ended and why the others followed: the likely cause first, each with its last words."""
    cause, *others = sorted(ended, key=_innocence)
    followed = "".join(f"; then {other.spec.name} {other.ending()}" for other in others)
    logs = "\n".join(_log_text(child) for child in (cause, *others))
    return f"{cause.spec.name} {cause.ending()}{followed}\n{logs}"


def _innocence(child: Child) -> int:
    """Both end within moments of each other, so their order says little. Killed from outside comes first; then the
    application with an error, because CometBFT ends itself, with SIGTERM or any code, when its application fails."""
    code = child.process.returncode or 0
    if code < 0 and code != -signal.SIGTERM:
        return 0
    return 1 if code > 0 and child.spec.name == APPLICATION else 2


def _log_text(child: Child) -> str:
    lines = child.last_lines() or "(nothing)"
    indented = "\n".join(f"  {line}" for line in lines.splitlines())
    return f"last lines of {child.spec.log_file}:\n{indented}"
