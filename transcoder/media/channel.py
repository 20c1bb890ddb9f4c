"""A bounded queue between two threads that either side can break off, so that an error leaves nobody waiting."""

import threading
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class ChannelClosed(Exception):
    """The other side has broken off."""


class Channel(Generic[Item]):
    """One producer, one consumer, at most `capacity` items between them."""

    def __init__(self, capacity: int) -> None:
        self._items: deque[Item] = deque()
        self._capacity = capacity
        self._changed = threading.Condition()
        self._is_finished = False
        self._is_aborted = False

    def put(self, item: Item) -> None:
        """Add an item, waiting for room; ChannelClosed after `abort`."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_aborted or len(self._items) < self._capacity)
            if self._is_aborted:
                raise ChannelClosed
            self._items.append(item)
            self._changed.notify_all()

    def finish(self) -> None:
        """No more items follow; the consumer gets what is left and then the end."""
        with self._changed:
            self._is_finished = True
            self._changed.notify_all()

    def abort(self) -> None:
        """Break off: what is left is dropped, and both sides get ChannelClosed."""
        with self._changed:
            self._is_aborted = True
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Item]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_aborted or self._is_finished or bool(self._items))
                if self._is_aborted:
                    raise ChannelClosed
                if not self._items:
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            yield item
