"""Ordered pairs with pending changes laid over them."""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter

Change = tuple[bytes, bytes | None]
"""A key and its new value, None where it is deleted."""


def is_within(key: bytes, start: bytes, stop: bytes | None) -> bool:
    """Whether start ≤ key < stop, with no upper end where `stop` is None."""
    return start <= key and (stop is None or key < stop)


def select_changes(changes: Mapping[bytes, bytes | None], start: bytes, stop: bytes | None) -> list[Change]:
    """The changes with start ≤ key < stop, in the order of their keys."""
    return sorted((change for change in changes.items() if is_within(change[0], start, stop)), key=itemgetter(0))


def merge_changes(
    base: Iterator[tuple[bytes, bytes]], changes: Sequence[Change], reverse: bool
) -> Iterator[tuple[bytes, bytes]]:
    """The pairs of `base` with `changes` laid over them; both run forward, and with `reverse` `base` runs backward."""
    if not changes:
        return base
    return _merge(base, reversed(changes) if reverse else iter(changes), reverse)


def _merge(
    base: Iterator[tuple[bytes, bytes]], changes: Iterator[Change], reverse: bool
) -> Iterator[tuple[bytes, bytes]]:
    last = None
    # heapq.merge is stable: of two entries with one key the change comes first.
    for key, value in heapq.merge(changes, base, key=itemgetter(0), reverse=reverse):
        if value is not None and key != last:
            yield key, value
        last = key
