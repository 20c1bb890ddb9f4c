"""A localnet from outside: start it detached, stop it, ask how it is."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from chain.failures import Failure, UsageFailure
from chain.localnet.layout import Localnet, LocalnetNode
from chain.node.lock import HomeInUse, holder
from chain.node.probe import PROBE_LIMITS, observe
from chain.node.process import tail
from chain.rpc.client import RpcClient

UP_LIMIT_SECONDS = 120.0
STOP_LIMIT_SECONDS = 30.0
POLL_SECONDS = 0.1
CODE_ROOT = Path(__file__).resolve().parents[2]

_detached: list[subprocess.Popen[bytes]] = []
"""Supervisors that this process started and left alone; kept so that `stop` can reap them."""


class LocalnetDidNotStart(Failure):
    """The detached supervisor ended, or no block came in time."""


@dataclass(frozen=True, slots=True)
class NodeState:
    """How one node of a localnet is; heights are None when it does not answer."""

    name: str
    home: str
    rpc_url: str
    running: bool
    block_height: int | None
    app_height: int | None
    catching_up: bool


async def node_states(localnet: Localnet) -> list[NodeState]:
    """Ask every node at once; those that do not answer are told as such."""
    return list(await asyncio.gather(*(_node_state(node) for node in localnet.nodes)))


async def _node_state(node: LocalnetNode) -> NodeState:
    async with RpcClient(node.rpc_url, PROBE_LIMITS) as client:
        seen = await observe(client)
    return NodeState(
        name=node.name,
        home=str(node.home.root),
        rpc_url=node.rpc_url,
        running=holder(node.home.lock_file) is not None,
        block_height=seen.block_height,
        app_height=seen.app_height,
        catching_up=seen.catching_up,
    )


def start_detached(localnet: Localnet, arguments: tuple[str, ...] = ()) -> int:
    """Start a supervisor that outlives us, and return its process id once every node has its first block.

    Raises HomeInUse, or LocalnetDidNotStart with the end of its log; a supervisor that did not get there is ended.
    """
    running = holder(localnet.lock_file)
    if running is not None:
        raise HomeInUse(f"{localnet.root} is running already (process {running})")
    path = os.pathsep.join(filter(None, (str(CODE_ROOT), os.environ.get("PYTHONPATH"))))
    with localnet.log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "chain.localnet", str(localnet.root.resolve()), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
        )
    try:
        _wait_until_up(localnet, process)
    except BaseException:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_LIMIT_SECONDS)
        process.kill()
        process.wait()
        raise
    _detached.append(process)
    return process.pid


def _wait_until_up(localnet: Localnet, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + UP_LIMIT_SECONDS
    while "the localnet is up" not in tail(localnet.log_file, 200):
        if process.poll() is not None:
            raise LocalnetDidNotStart(f"the localnet did not start:\n{tail(localnet.log_file, 30)}")
        if time.monotonic() > deadline:
            raise LocalnetDidNotStart(
                f"no first block on every node within {UP_LIMIT_SECONDS:g} s:\n{tail(localnet.log_file, 30)}"
            )
        time.sleep(POLL_SECONDS)


def stop(localnet: Localnet) -> bool:
    """End a running localnet and all its processes; False when it was not running.

    The supervisor ends its children; should it not manage, it is killed, and the kernel ends them (leash.py).
    """
    process_id = holder(localnet.lock_file)
    if process_id is None:
        return False
    if not process_id:
        raise UsageFailure(f"{localnet.lock_file} is held by an unknown process; end it by hand")
    _signal(process_id, signal.SIGTERM)
    if not _released(localnet, STOP_LIMIT_SECONDS):
        _signal(process_id, signal.SIGKILL)
        _released(localnet, STOP_LIMIT_SECONDS)
    _detached[:] = [process for process in _detached if process.poll() is None]
    return True


def _signal(process_id: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process_id, number)


def _released(localnet: Localnet, limit_seconds: float) -> bool:
    deadline = time.monotonic() + limit_seconds
    while holder(localnet.lock_file) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
