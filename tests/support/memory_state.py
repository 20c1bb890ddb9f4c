"""State in a dictionary, for tests of one chapter at a time."""

from bisect import bisect_left, insort
from collections.abc import Iterator


class MemoryState:
    """Satisfies `app.state.tables.State`; what it iterates over is as it was at the call."""

    def __init__(self, pairs: dict[bytes, bytes] | None = None) -> None:
        self.pairs = dict(pairs or {})
        self._keys = sorted(self.pairs)

    def get(self, key: bytes) -> bytes | None:
        return self.pairs.get(key)

    def iterate(self, start: bytes, stop: bytes | None, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        end = len(self._keys) if stop is None else bisect_left(self._keys, stop)
        found = [(key, self.pairs[key]) for key in self._keys[bisect_left(self._keys, start) : end]]
        return iter(found[::-1] if reverse else found)

    def set(self, key: bytes, value: bytes) -> None:
        if key not in self.pairs:
            insort(self._keys, key)
        self.pairs[key] = value

    def delete(self, key: bytes) -> None:
        if self.pairs.pop(key, None) is not None:
            del self._keys[bisect_left(self._keys, key)]
