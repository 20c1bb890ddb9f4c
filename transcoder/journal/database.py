"""SQLite the way a journal needs it: every commit synced, a schema with versions, damage said clearly.

One connection, used by one thread at a time. A transaction is `with database.transaction():`; inside another one it
is a part of that one, so that small steps can be put together into one that happens wholly or not at all.
"""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from transcoder.journal.failures import DatabaseDamaged, DatabaseTooNew

Row = tuple[Any, ...]

_LOCK_WAIT_SECONDS = 30.0


class Database:
    """An open database whose schema is brought up to date by `migrations`.

    Args:
        path: its file, created with mode 0600 where it is missing, with its folders.
        migrations: SQL scripts; number n takes the schema from version n to n+1. Old ones are never edited.

    Raises:
        DatabaseTooNew: the file has more versions than `migrations`.
        DatabaseDamaged: the file is not a healthy database.
    """

    def __init__(self, path: Path, migrations: Sequence[str]) -> None:
        self.path = path
        self._mutex = threading.RLock()
        self._depth = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self._connection = sqlite3.connect(
            path, timeout=_LOCK_WAIT_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            with self._damage_said():
                self._prepare(migrations)
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self, migrations: Sequence[str]) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        finding = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if finding != "ok":
            raise sqlite3.DatabaseError(finding)
        with self.transaction():
            self._migrate(migrations)

    def _migrate(self, migrations: Sequence[str]) -> None:
        version = self.value("PRAGMA user_version")
        if version > len(migrations):
            raise DatabaseTooNew(
                f"{self.path} has schema version {version}, this Headwater knows {len(migrations)}; "
                "run the newer version that wrote it"
            )
        for script in migrations[version:]:
            for statement in _statements(script):
                self._connection.execute(statement)
        self._connection.execute(f"PRAGMA user_version = {len(migrations)}")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes inside happen, durably once the outermost block has ended, or none does where it raises."""
        with self._mutex, self._damage_said():
            name = f"level_{self._depth}"
            self._connection.execute(f"SAVEPOINT {name}" if self._depth else "BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
                self._connection.execute(f"RELEASE {name}" if self._depth > 1 else "COMMIT")
            except BaseException:
                self._undo(name)
                raise
            finally:
                self._depth -= 1

    def _undo(self, name: str) -> None:
        # After some errors SQLite has rolled back by itself; then there is nothing to undo.
        with contextlib.suppress(sqlite3.Error):
            if self._depth > 1:
                self._connection.execute(f"ROLLBACK TO {name}")
                self._connection.execute(f"RELEASE {name}")
            else:
                self._connection.execute("ROLLBACK")

    def execute(self, sql: str, *values: Any) -> int:
        """Run a change in a transaction of its own or the one around it; returns the number of rows changed."""
        with self.transaction():
            return self._connection.execute(sql, values).rowcount

    def rows(self, sql: str, *values: Any) -> list[Row]:
        """All rows of a query."""
        with self._mutex, self._damage_said():
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> Row | None:
        """The first row of a query, or None."""
        found = self.rows(sql, *values)
        return found[0] if found else None

    def value(self, sql: str, *values: Any) -> Any:
        """The first column of the first row of a query, or None."""
        found = self.row(sql, *values)
        return found[0] if found else None

    def close(self) -> None:
        """Close; the write-ahead log is folded into the file."""
        with self._mutex:
            self._connection.close()

    @contextlib.contextmanager
    def _damage_said(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise  # a broken rule of the schema, or a closed connection: our own mistake
        except sqlite3.DatabaseError as error:
            raise DatabaseDamaged(
                f"{self.path} cannot be used: {error}. Check the disk (space, rights, health); if the file itself is "
                "damaged, restore it from a backup or move it away and start anew, which forgets what it held"
            ) from error


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: `executescript` would commit the transaction around them."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        raise ValueError(f"the migration ends inside a statement: {statement.strip()!r}")
