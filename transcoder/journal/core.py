"""What the journals of all roles have in common: one process, one owner, notes, the outbox, a thread for asyncio."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ParamSpec, TypeVar

from transcoder.journal.database import Database
from transcoder.journal.failures import WrongOwner
from transcoder.journal.lock import FileLock
from transcoder.journal.outbox import Outbox
from transcoder.journal.schema import MIGRATIONS

P = ParamSpec("P")
T = TypeVar("T")


class Journal:
    """A durable journal in one file. Every method has taken effect on disk when it returns.

    Methods may be called from any thread; they block for one disk sync. A coroutine uses `await journal.call(method,
    arguments)`, which runs them in the journal's own thread, one after the other.

    Args:
        path: the file; `path.lock` beside it keeps a second process out.
        owner: role and address, so that no role reads another's journal or continues with another key.

    Raises:
        InUse: another process has it open.
        WrongOwner: it belongs to someone else.
        DatabaseDamaged, DatabaseTooNew: the file cannot be used.
    """

    def __init__(self, path: Path, owner: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(path.with_name(path.name + ".lock"))
        try:
            self.database = Database(path, MIGRATIONS)
            self._check_owner(owner)
        except BaseException:
            self._lock.close()
            raise
        self.outbox = Outbox(self.database)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")

    def _check_owner(self, owner: str) -> None:
        with self.database.transaction():
            kept = self.note("owner")
            if kept is None:
                self.set_note("owner", owner.encode())
            elif kept.decode() != owner:
                self.database.close()
                raise WrongOwner(
                    f"{self.database.path} is the journal of {kept.decode()}, not of {owner}; use another home or key"
                )

    def transaction(self) -> AbstractContextManager[None]:
        """Put several calls together: all of them take effect when the block ends, or none where it raises."""
        return self.database.transaction()

    def note(self, name: str) -> bytes | None:
        """What was noted under a name: cursors and other single values."""
        value: bytes | None = self.database.value("SELECT value FROM note WHERE name = ?", name)
        return value

    def set_note(self, name: str, value: bytes) -> None:
        """Note a value in place of the earlier one."""
        self.database.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", name, value)

    def keep_to_chain(self, chain_id: str) -> None:
        """Note the chain that this journal is about, the first time; another one's work would be lost on it.

        Raises:
            WrongOwner: it is another chain's.
        """
        with self.database.transaction():
            kept = self.note("chain")
            if kept is not None and kept.decode() != chain_id:
                raise WrongOwner(
                    f"this home has worked on chain {kept.decode()}, not on {chain_id}; use another --home"
                )
            self.set_note("chain", chain_id.encode())

    async def call(self, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a method of this journal in its thread. It is finished even where the waiting coroutine is cancelled."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: method(*args, **kwargs))

    def close(self) -> None:
        """Finish the calls under way, then close the file and let others use it."""
        self._thread.shutdown()
        self.database.close()
        self._lock.close()
