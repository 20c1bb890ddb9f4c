"""The newest pages of the tree, kept in memory up to a number of bytes."""

from collections.abc import Iterable

_OVERHEAD_BYTES = 200
"""What a cached page costs beside its content: objects and the dictionary's entry."""


class PageCache:
    """Pages by number; the least recently used go first. A page never changes, but a rollback frees its number."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._pages: dict[int, bytes] = {}
        self.size_bytes = 0

    def get(self, number: int) -> bytes | None:
        """A page, or None where it is not in memory."""
        page = self._pages.pop(number, None)
        if page is not None:
            self._pages[number] = page
        return page

    def add(self, pages: Iterable[tuple[int, bytes]]) -> None:
        """Keep these pages, and let older ones go where they do not fit."""
        for number, page in pages:
            self.remove((number,))
            self._pages[number] = page
            self.size_bytes += len(page) + _OVERHEAD_BYTES
        while self.size_bytes > self._limit_bytes:
            self.remove((next(iter(self._pages)),))

    def remove(self, numbers: Iterable[int]) -> None:
        """Forget these pages where they are in memory."""
        for number in numbers:
            page = self._pages.pop(number, None)
            if page is not None:
                self.size_bytes -= len(page) + _OVERHEAD_BYTES
