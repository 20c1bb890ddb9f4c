"""The state as it was at one commit, or at a height before it that is still kept."""

from collections.abc import Iterator

from app.primitives.state_proof import AbsenceProof, ExistenceProof, Neighbour, StateProof
from app.store.backend import ReadView
from app.store.errors import HistoryUnavailable, StoreCorrupt
from app.store.layout import (
    HEAD_KEY,
    META_PREFIX,
    STATE_PREFIX,
    UNDO_PREFIX,
    Head,
    decode_previous,
    decode_undo_head,
    end_of_prefix,
    flat_key_of,
    page_key,
    undo_height,
    undo_key,
)
from app.store.merging import merge_changes, select_changes
from app.store.tree import find_leaf


class StateView:
    """Values and proofs of one height. It reads from a snapshot, so later commits neither change nor delay it."""

    def __init__(self, snapshot: ReadView, newest: Head, head: Head) -> None:
        self._snapshot = snapshot
        self._newest = newest
        self._head = head

    @property
    def height(self) -> int:
        """The height after whose block this is the state; 0 is the state before the first."""
        return self._head.height

    @property
    def root(self) -> bytes:
        """The root of the tree."""
        return self._head.root[0]

    @property
    def app_hash(self) -> bytes:
        """The app hash that proofs from this view lead to; CometBFT has it in the header of the next height."""
        return self._head.app_hash

    def get(self, key: bytes) -> bytes | None:
        """The value of `key` at this height, None where it had none."""
        return self._get_flat(STATE_PREFIX + key)

    def get_meta(self, key: bytes) -> bytes | None:
        """The value beside the state under `key` at this height."""
        return self._get_flat(META_PREFIX + key)

    def iterate(self, start: bytes, stop: bytes | None, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """The pairs with start ≤ key < stop at this height, in the order of their keys, or against it."""
        first, end = flat_range(start, stop)
        changes = select_changes(self._collect_previous(first, end), first, end)
        return strip_prefix(merge_changes(self._snapshot.iterate(first, end, reverse), changes, reverse))

    def at(self, height: int) -> "StateView":
        """The state of another height that is still kept.

        Raises:
            HistoryUnavailable: it is not.
        """
        if height == self._newest.height:
            return StateView(self._snapshot, self._newest, self._newest)
        head = self._read_head_before(height + 1) if 0 <= height < self._newest.height else None
        if head is None or head.height != height:
            raise HistoryUnavailable(
                f"the state of height {height} is not kept here; kept are {self.oldest_height} to {self._newest.height}"
            )
        return StateView(self._snapshot, self._newest, head)

    @property
    def oldest_height(self) -> int:
        """The lowest height that `at` knows."""
        head = self._read_head_before(1)
        return self._newest.height if head is None else head.height

    def prove(self, key: bytes) -> StateProof:
        """The proof of the key's value at this height, or of its absence."""
        leaf, aunts = find_leaf(self._load_page, self._head.root, key)
        if leaf is None:
            return AbsenceProof(key, None, tuple(aunts))
        if leaf[1] == key:
            return ExistenceProof(key, leaf[2], tuple(aunts))
        return AbsenceProof(key, self._describe_neighbour(leaf[1]), tuple(aunts))

    def _describe_neighbour(self, key: bytes) -> Neighbour:
        value = self.get(key)
        if value is None:
            raise StoreCorrupt(f"the tree has key {key.hex()}, but its value is missing; rebuild the state")
        return Neighbour.of(key, value)

    def _get_flat(self, flat_key: bytes) -> bytes | None:
        # The oldest change after this height tells what was there at this height.
        for height in range(self._head.height + 1, self._newest.height + 1):
            record = self._snapshot.get(undo_key(height, flat_key))
            if record is not None:
                return decode_previous(record)
        return self._snapshot.get(flat_key)

    def _collect_previous(self, first: bytes, end: bytes) -> dict[bytes, bytes | None]:
        """What the keys in a flat range that changed after this height held at it."""
        previous: dict[bytes, bytes | None] = {}
        for height in range(self._newest.height, self._head.height, -1):
            for key, record in self._snapshot.iterate(undo_key(height, first), undo_key(height, end)):
                previous[flat_key_of(key)] = decode_previous(record)
        return previous

    def _read_head_before(self, height: int) -> Head | None:
        """The head before the first kept undo record of this height or a later one, None if there is none."""
        entries = self._snapshot.iterate(undo_key(height, b""), end_of_prefix(UNDO_PREFIX))
        key, record = next(entries, (b"", b""))
        if not key:
            return None
        if key != undo_key(undo_height(key), HEAD_KEY):
            raise StoreCorrupt(f"the undo record of height {undo_height(key)} is damaged; rebuild the state")
        return decode_undo_head(record)[0]

    def _load_page(self, number: int) -> bytes:
        page = self._snapshot.get(page_key(number))
        if page is None:
            raise StoreCorrupt(f"page {number} of the state tree is missing; rebuild the state")
        return page


def flat_range(start: bytes, stop: bytes | None) -> tuple[bytes, bytes]:
    """Where the state's keys with start ≤ key < stop lie in the backend."""
    return STATE_PREFIX + start, end_of_prefix(STATE_PREFIX) if stop is None else STATE_PREFIX + stop


def strip_prefix(pairs: Iterator[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    """The pairs with the first byte of their keys, the prefix, taken off."""
    return ((key[1:], value) for key, value in pairs)
