"""A heartbeat per block: services do their round of work when the chain moves on, and wait while it cannot be seen."""

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


@dataclass
class BlockPulse:
    """Calls `beat(height)` once for each new height that is seen, in order, one at a time.

    Attributes:
        poll_seconds: how often the node is asked.
        height: the last height that was worked on.
    """

    reader: ChainReader
    beat: Callable[[int], Awaitable[None]]
    poll_seconds: float = 0.3
    height: int = 0
    backoff: Backoff = field(default_factory=Backoff)
    _seen_seconds: float = field(default_factory=time.monotonic)

    async def run(self) -> None:
        """Beat until cancelled."""
        failures = 0
        while True:
            try:
                await self._look()
                failures = 0
                await asyncio.sleep(self.poll_seconds)
            except RpcUnreachable as error:
                log.warning("the node does not answer; trying again", extra={"error": str(error)})
                await asyncio.sleep(self.backoff.delay_seconds(failures, random.random()))  # noqa: S311
                failures += 1
            except Failure as error:
                log.error("this block's work failed; the next one tries again", extra={"error": str(error)})
                await asyncio.sleep(self.poll_seconds)

    def health(self) -> Health:
        """Whether the chain was seen moving lately."""
        age = time.monotonic() - self._seen_seconds
        return Health(age < STALE_SECONDS, {"height": self.height, "seconds_since": round(age, 1)})

    async def _look(self) -> None:
        height = await self.reader.height()
        if height <= self.height:
            return
        self._seen_seconds = time.monotonic()
        self.height = height
        await self.beat(height)
