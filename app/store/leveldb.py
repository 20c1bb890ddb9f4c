"""The backend on disk. The only module that imports plyvel.

plyvel has no wheel for Python 3.13 and later; plyvel-next, its continuation with the same interface, has none for 3.11.
"""

from collections.abc import Iterable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

try:
    import plyvel
except ModuleNotFoundError:
    import plyvel_next as plyvel

from app.store.backend import ReadView
from app.store.errors import StoreClosed, StoreCorrupt, StoreError, StoreInUse

_WRITE_BUFFER_BYTES = 32 << 20
_BLOCK_CACHE_BYTES = 64 << 20
_BLOOM_FILTER_BITS = 10
_TABLE_FILE_BYTES = 8 << 20


class LevelDbBackend:
    """One LevelDB folder, opened by one process at a time; checksums are verified on every read."""

    def __init__(self, path: Path) -> None:
        """Open the folder, creating it where it is missing.

        Raises:
            StoreInUse: another opener holds it.
            StoreCorrupt: LevelDB finds it damaged.
            StoreError: the path cannot be used for another reason.
        """
        self._path = path
        self._db = _open(path)

    def get(self, key: bytes) -> bytes | None:
        """The value of `key`, None where it has none."""
        try:
            value: bytes | None = self._db.get(key, verify_checksums=True)
        except (plyvel.Error, RuntimeError) as error:
            raise _translate(error, self._path) from error
        return value

    def iterate(self, start: bytes, stop: bytes | None, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """The pairs with start ≤ key < stop as they are now."""
        return _iterate(self._db, self._path, start, stop, reverse)

    def snapshot(self) -> ReadView:
        """A view that stays as the backend is now."""
        try:
            return _LevelDbSnapshot(self._db.snapshot(), self._path)
        except (plyvel.Error, RuntimeError) as error:
            raise _translate(error, self._path) from error

    def write(self, batch: Iterable[tuple[bytes, bytes | None]], sync: bool) -> None:
        """Set the keys, delete those with None, as one record of LevelDB's log."""
        try:
            with self._db.write_batch(transaction=True, sync=sync) as writes:
                _fill(writes, batch)
        except (plyvel.Error, RuntimeError) as error:
            raise _translate(error, self._path) from error

    def close(self) -> None:
        """Release the folder; open snapshots and iterators end."""
        self._db.close()


class _LevelDbSnapshot:
    def __init__(self, snapshot: Any, path: Path) -> None:
        self._snapshot = snapshot
        self._path = path

    def get(self, key: bytes) -> bytes | None:
        """The value that `key` had."""
        try:
            value: bytes | None = self._snapshot.get(key, verify_checksums=True)
        except (plyvel.Error, RuntimeError) as error:
            raise _translate(error, self._path) from error
        return value

    def iterate(self, start: bytes, stop: bytes | None, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """The pairs as they were."""
        return _iterate(self._snapshot, self._path, start, stop, reverse)


def _open(path: Path) -> Any:
    try:
        path.mkdir(parents=True, exist_ok=True)
        return plyvel.DB(
            str(path),
            create_if_missing=True,
            paranoid_checks=True,
            write_buffer_size=_WRITE_BUFFER_BYTES,
            lru_cache_size=_BLOCK_CACHE_BYTES,
            bloom_filter_bits=_BLOOM_FILTER_BITS,
            max_file_size=_TABLE_FILE_BYTES,
        )
    except (plyvel.Error, OSError) as error:
        raise _translate(error, path) from error


def _fill(writes: Any, batch: Iterable[tuple[bytes, bytes | None]]) -> None:
    put, delete = writes.put, writes.delete
    for key, value in batch:
        if value is None:
            delete(key)
        else:
            put(key, value)


def _iterate(
    source: Any,
    path: Path,
    start: bytes,
    stop: bytes | None,
    reverse: bool,
) -> Iterator[tuple[bytes, bytes]]:
    try:
        # plyvel 1.5.1 yields nothing backward where a range holds one key and that key is `start`: end it ourselves.
        lower = None if reverse else start
        pairs = source.iterator(start=lower, stop=stop, reverse=reverse, verify_checksums=True)
    except (plyvel.Error, RuntimeError) as error:
        raise _translate(error, path) from error
    return _guard(takewhile(lambda pair: pair[0] >= start, pairs) if reverse else pairs, path)


def _guard(pairs: Iterator[tuple[bytes, bytes]], path: Path) -> Iterator[tuple[bytes, bytes]]:
    try:
        yield from pairs
    except (plyvel.Error, RuntimeError) as error:
        raise _translate(error, path) from error


def _translate(error: Exception, path: Path) -> StoreError:
    reason = error.args[0] if error.args else ""
    text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(error)
    if isinstance(error, RuntimeError):
        return StoreClosed(f"the state in {path} was closed: {text}")
    if isinstance(error, plyvel.CorruptionError):
        return StoreCorrupt(
            f"the state in {path} is damaged ({text}); remove that folder and let the node rebuild it from its blocks"
        )
    if text.startswith("IO error: lock "):
        return StoreInUse(f"the state in {path} is in use by another process; stop that one first")
    return StoreError(f"cannot use {path} for the state: {text}")
