"""Rows of the bench side by side: each is mostly waiting, so one machine carries several networks at a time.

A row is a test that is a coroutine. The first that is called begins all of them, as lanes of a loop in another thread
become free; every call waits for its own row.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

LANES = 4
"""As many as two cores carry. More cores make them faster, and leave a whole run as long as its longest row."""
ROW_SECONDS = 1800.0
"""No row takes as long; one that hangs ends here."""
END_SECONDS = 120.0
"""For what is cancelled to remove its containers."""


@dataclass(frozen=True)
class Row:
    """One test: its name, what it does, how many lanes it takes, by the work that it makes, and for about how long."""

    name: str
    play: Callable[[], Awaitable[Sequence[str]]]
    lanes: int = 1
    seconds: float = 60.0


class Lanes:
    """Plays rows as lanes become free."""

    def __init__(self, lanes: int = LANES) -> None:
        self._lanes, self._free, self._turn = lanes, asyncio.Semaphore(lanes), asyncio.Lock()
        self._results: dict[str, Future[list[str]]] = {}
        self._left: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="rows", daemon=True)
        self._thread.start()

    def begin(self, rows: Sequence[Row]) -> None:
        """Begin what has not begun, the largest first: last, it would leave lanes empty beside it."""
        for row in sorted(rows, key=lambda row: -row.lanes * row.seconds):
            if row.name not in self._results:
                self._results[row.name] = asyncio.run_coroutine_threadsafe(self._take_lanes(row), self._loop)

    def wait_for(self, name: str) -> list[str]:
        """The lines that a row tells, or what it raised."""
        return self._results[name].result()

    def close(self) -> list[str]:
        """Cancel what has not ended, wait until it has removed its containers, and tell what it has left."""
        asyncio.run_coroutine_threadsafe(_cancel_all(), self._loop).result(END_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        return self._left

    async def _take_lanes(self, row: Row) -> list[str]:
        taken = 0
        try:
            async with self._turn:  # whoever waits for several lanes is not overtaken
                while taken < min(row.lanes, self._lanes):
                    await self._free.acquire()
                    taken += 1
            began = time.monotonic()
            async with asyncio.timeout(ROW_SECONDS):
                told = [*await row.play()]
            return [*told, f"{row.name} took {time.monotonic() - began:.0f} s"]
        except asyncio.CancelledError as interrupted:
            self._left += getattr(interrupted, "__notes__", ())
            raise
        finally:
            for _ in range(taken):
                self._free.release()


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
