"""What the store needs from the place that keeps its bytes."""

from collections.abc import Iterable, Iterator
from typing import Protocol


class ReadView(Protocol):
    """Ordered bytes that can be read."""

    def get(self, key: bytes) -> bytes | None:
        """The value of `key`, None where it has none."""
        ...

    def iterate(self, start: bytes, stop: bytes | None, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """The pairs with start ≤ key < stop in the order of their keys (bytewise), or against it.

        `stop` None means to the end. The iterator shows the state at the moment of this call, whatever is written
        later.
        """
        ...


class Backend(ReadView, Protocol):
    """Ordered bytes that can be written, each batch wholly or not at all."""

    def snapshot(self) -> ReadView:
        """A view that stays as the backend is now; it is released when it is no longer referenced."""
        ...

    def write(self, batch: Iterable[tuple[bytes, bytes | None]], sync: bool) -> None:
        """Set the keys, delete those with None. With `sync`, the batch is on disk when this returns."""
        ...

    def close(self) -> None:
        """Release what the backend holds. Closing twice is harmless."""
        ...
