"""The backend that keeps everything in memory: for tests, simulations and throwaway chains."""

import threading
import weakref
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator

from app.store.backend import ReadView
from app.store.errors import StoreClosed
from app.store.merging import merge_changes, select_changes

_MANY_NEW_KEYS = 64


class MemoryBackend:
    """A dictionary with its keys kept in order, and snapshots that copy on write."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._keys: list[bytes] = []
        self._snapshots: list[weakref.ref[_MemorySnapshot]] = []
        self._keys_lock = threading.Lock()
        self._closed = False

    def get(self, key: bytes) -> bytes | None:
        """The value of `key`, None where it has none."""
        if self._closed:
            raise StoreClosed("the memory backend is closed")
        return self._values.get(key)

    def iterate(self, start: bytes, stop: bytes | None, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """The pairs with start ≤ key < stop as they are now."""
        return self.snapshot().iterate(start, stop, reverse)

    def snapshot(self) -> ReadView:
        """A view that stays as the backend is now."""
        if self._closed:
            raise StoreClosed("the memory backend is closed")
        view = _MemorySnapshot(self)
        self._snapshots.append(weakref.ref(view))
        return view

    def write(self, batch: Iterable[tuple[bytes, bytes | None]], sync: bool) -> None:
        """Set the keys, delete those with None; nothing outlives the process, so `sync` has no effect."""
        if self._closed:
            raise StoreClosed("the memory backend is closed")
        changes = dict(batch)
        # Old values reach the snapshots before the new ones are visible, so that a reader in another thread never
        # sees a new value through an old snapshot.
        self._save_for_snapshots(changes)
        added = [key for key, value in changes.items() if value is not None and key not in self._values]
        with self._keys_lock:
            for key, value in changes.items():
                self._put(key, value)
            self._add_keys(added)

    def close(self) -> None:
        """Refuse all later calls; the content stays with snapshots that are still referenced."""
        self._closed = True

    def live_get(self, key: bytes) -> bytes | None:
        """The value now; snapshots read through this."""
        return self._values.get(key)

    def live_keys(self, start: bytes, stop: bytes | None) -> list[bytes]:
        """The keys now with start ≤ key < stop, in order; snapshots read through this."""
        with self._keys_lock:
            end = len(self._keys) if stop is None else bisect_left(self._keys, stop)
            return self._keys[bisect_left(self._keys, start) : end]

    def _put(self, key: bytes, value: bytes | None) -> None:
        if value is not None:
            self._values[key] = value
        elif self._values.pop(key, None) is not None:
            del self._keys[bisect_left(self._keys, key)]

    def _add_keys(self, added: list[bytes]) -> None:
        if len(added) > _MANY_NEW_KEYS:
            self._keys.extend(added)
            self._keys.sort()
            return
        for key in added:
            insort(self._keys, key)

    def _save_for_snapshots(self, changes: dict[bytes, bytes | None]) -> None:
        self._snapshots = [reference for reference in self._snapshots if reference() is not None]
        for reference in self._snapshots:
            view = reference()
            if view is not None:
                view.save({key: self._values.get(key) for key in changes})


class _MemorySnapshot:
    """The backend as it was, given by the old values of everything that changed since."""

    def __init__(self, backend: MemoryBackend) -> None:
        self._backend = backend
        self._saved: dict[bytes, bytes | None] = {}

    def save(self, values: dict[bytes, bytes | None]) -> None:
        """Keep the values that are about to change, unless an older one is kept already."""
        self._saved = values | self._saved

    def get(self, key: bytes) -> bytes | None:
        """The value that `key` had."""
        value = self._backend.live_get(key)  # read first: a write saves the old value before it sets the new one
        return self._saved.get(key, value)

    def iterate(self, start: bytes, stop: bytes | None, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """The pairs as they were."""
        keys = self._backend.live_keys(start, stop)
        saved = select_changes(self._saved, start, stop)
        return merge_changes(self._read(reversed(keys) if reverse else iter(keys)), saved, reverse)

    def _read(self, keys: Iterator[bytes]) -> Iterator[tuple[bytes, bytes]]:
        for key in keys:
            value = self.get(key)
            if value is not None:
                yield key, value
