"""Pending changes over a view that stays as it is: the state during a block, and during a transaction in it."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Final

from app.store.backend import ReadView
from app.store.merging import merge_changes

_UNCHANGED: Final = object()


class Overlay:
    """Reads through to its base, keeps writes to itself.

    An overlay over an overlay is how a transaction is all or nothing: `apply_to_parent` on success, dropping it on
    failure. While a child is in use its base must not be written.
    """

    __slots__ = ("_base", "_base_get", "_changes", "_sorted_keys")

    def __init__(self, base: ReadView) -> None:
        self._base = base
        self._base_get = base.get
        self._changes: dict[bytes, bytes | None] = {}
        self._sorted_keys: list[bytes] | None = None  # kept from the first iteration on

    def get(self, key: bytes) -> bytes | None:
        """The value of `key` with the pending changes, None where it has none."""
        value = self._changes.get(key, _UNCHANGED)
        return self._base_get(key) if value is _UNCHANGED else value  # type: ignore[return-value]

    def set(self, key: bytes, value: bytes) -> None:
        """Give `key` a value."""
        self._change(key, value)

    def delete(self, key: bytes) -> None:
        """Take the value of `key` away; harmless where it has none."""
        self._change(key, None)

    def iterate(self, start: bytes, stop: bytes | None, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """The pairs with start ≤ key < stop in the order of their keys, or against it.

        They are those of the moment of this call: changing them while iterating is allowed and not seen.
        """
        if not self._changes:
            return self._base.iterate(start, stop, reverse)
        if self._sorted_keys is None:
            self._sorted_keys = sorted(self._changes)
        keys = self._sorted_keys
        end = len(keys) if stop is None else bisect_left(keys, stop)
        changes = [(key, self._changes[key]) for key in keys[bisect_left(keys, start) : end]]
        return merge_changes(self._base.iterate(start, stop, reverse), changes, reverse)

    def changes(self) -> dict[bytes, bytes | None]:
        """A copy of the pending changes; None means deleted."""
        return dict(self._changes)

    def clear(self) -> None:
        """Forget the pending changes."""
        self._changes.clear()
        self._sorted_keys = None

    def apply_to_parent(self) -> None:
        """Move the pending changes into the overlay below, which must be the base."""
        parent = self._base
        assert isinstance(parent, Overlay), "only an overlay over an overlay has a parent to apply to"
        for key, value in self._changes.items():
            parent._change(key, value)
        self.clear()

    def _change(self, key: bytes, value: bytes | None) -> None:
        if self._sorted_keys is not None and key not in self._changes:
            insort(self._sorted_keys, key)
        self._changes[key] = value
