"""The court worker beside a node: started while there are disputes, so that it costs nothing while there are none.

The worker is a command of an upper layer, found by its name among the installed ones; it ends by itself when nothing
has been disputed for a while. Where it is not installed, or the video engine is not, the node abstains and says so.
Whatever becomes of it, the node goes on.
"""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Awaitable, Callable
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any

from chain.cometbft.home import NodeHome
from chain.node.probe import PROBE_LIMITS
from chain.node.process import Child, ChildSpec
from chain.rpc.client import RpcClient
from chain.rpc.errors import RpcFailure
from chain.rpc.verified import QueryRefused
from chain.tx.queries import Queries

COMMAND_GROUP, COMMAND, ENGINE = "headwater.commands", "court", "av"
LOOK_SECONDS = 2.0
REST_SECONDS = 10.0
"""After a worker has ended with an error, before the next one is started."""

log = logging.getLogger(__name__)
StartChild = Callable[[ChildSpec], Awaitable[Child]]


def is_installed() -> bool:
    """Whether this machine can re-execute work."""
    return bool(entry_points(group=COMMAND_GROUP, name=COMMAND)) and find_spec(ENGINE) is not None


class CourtAttendant:
    """Watches one node for disputes, and runs the worker while there are any."""

    def __init__(self, home: NodeHome, rpc_url: str, environment: dict[str, str]) -> None:
        self._home = home
        self._url = rpc_url
        self._environment = environment
        self._child: Child | None = None

    async def run(self) -> None:
        """Watch until cancelled; the worker ends with it."""
        try:
            async with RpcClient(self._url, PROBE_LIMITS) as client:
                wait = LOOK_SECONDS
                while True:
                    await asyncio.sleep(wait)
                    wait = await self._look(client)
        finally:
            if self._child is not None:
                await self._child.kill()

    async def _look(self, client: RpcClient) -> float:
        """Start the worker where one is needed; how many seconds to wait until the next look."""
        if self._child is not None and self._child.running:
            return LOOK_SECONDS
        ended, self._child = self._child, None
        if ended is not None and ended.process.returncode:
            return REST_SECONDS
        with contextlib.suppress(RpcFailure, QueryRefused, OSError):
            if await self._is_anything_disputed(client):
                self._child = await Child.start(self._spec())
        return LOOK_SECONDS

    async def _is_anything_disputed(self, client: RpcClient) -> bool:
        answer: dict[str, Any] = await Queries(client).ask("/disputes", outcome="open", limit=1)
        return bool(answer["items"])

    def _spec(self) -> ChildSpec:
        command = (sys.executable, "-P", "-m", "chain.cli.main", COMMAND, "start", "--until-idle")
        where = ("--home", str(self._home.root.resolve()), "--node", self._url)
        return ChildSpec("court", (*command, *where), self._home.log_folder / "court.log", self._environment)
