"""A heartbeat per block: services do their round of work when the chain moves on, and wait while it cannot be seen.

Any `Failure` of a beat is said and left to the next block: a node that is away or answers nonsense, a journal or a disk
that refuses. Whatever else it raises is our own mistake; it ends the service, so that its supervisor starts it afresh
from the journal.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from chain.failures import Failure
from chain.rpc.errors import RpcUnreachable
from transcoder.net.backoff import Backoff
from transcoder.net.health import Health
from transcoder.services.chain_reader import ChainReader

log = logging.getLogger(__name__)

STALE_SECONDS = 30.0


async def attempt(work: Awaitable[None], what: object) -> None:
    """Do one thing of a beat; where it fails, say so and leave it to the next block, so that the others are done."""
    try:
        await work
    except Failure as error:
        log.error("not done; the next block tries again", extra={"what": repr(what), "error": str(error)})


@dataclass
class BlockPulse:
    """Calls `beat(height)` once for each new height that is seen, in order, one at a time.

    Attributes:
        poll_seconds: how often the node is asked.
        height: the last height that was worked on.
        problem: what the last beat failed with; empty where it did not.
    """

    reader: ChainReader
    beat: Callable[[int], Awaitable[None]]
    poll_seconds: float = 0.3
    height: int = 0
    backoff: Backoff = field(default_factory=lambda: Backoff(limit_seconds=4.0))
    problem: str = ""
    _done_seconds: float = field(default_factory=time.monotonic)

    async def run(self) -> None:
        """Beat until cancelled."""
        failures = 0
        while True:
            try:
                await self._look()
                failures = 0
                await asyncio.sleep(self.poll_seconds)
            except RpcUnreachable as error:
                self.problem = str(error)
                log.warning("the node does not answer; trying again", extra={"error": self.problem})
                await asyncio.sleep(self.backoff.delay_seconds(failures, random.random()))  # noqa: S311
                failures += 1
            except Failure as error:
                self.problem = str(error)
                log.error("this block's work failed; the next one tries again", extra={"error": self.problem})
                await asyncio.sleep(self.poll_seconds)

    def health(self) -> Health:
        """Whether the chain moves and its blocks are worked on."""
        age = time.monotonic() - self._done_seconds
        details = {"height": self.height, "seconds_since": round(age, 1), "problem": self.problem}
        return Health(age < STALE_SECONDS, details)

    async def _look(self) -> None:
        height = await self.reader.height()
        if height <= self.height:
            return
        self.height = height
        await self.beat(height)
        self._done_seconds, self.problem = time.monotonic(), ""
