"""A thread that answers one connection's queries, so that a slow one holds up nothing but that connection."""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any


class QueryThread:
    """Runs jobs one after the other, away from the event loop.

    A daemon thread: a query that hangs cannot keep the process from ending.
    """

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[tuple[Callable[[], Any], Callable[[Any], None]] | None] = SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def submit(self, job: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Run `job` soon; hand what it returns, or the exception that it raised, to `done` in this thread."""
        self._jobs.put((job, done))

    def close(self) -> None:
        """End the thread once its jobs are done. Does not wait."""
        self._jobs.put(None)

    def _run(self) -> None:
        while (entry := self._jobs.get()) is not None:
            job, done = entry
            try:
                outcome = job()
            except BaseException as error:
                outcome = error
            done(outcome)
