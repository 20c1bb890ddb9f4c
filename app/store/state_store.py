"""The committed state of the chain: values, tree, history and the last height, written together or not at all."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.primitives.state_proof import compute_app_hash
from app.store.backend import Backend
from app.store.errors import HistoryUnavailable, StoreCorrupt
from app.store.layout import (
    EMPTY_HEAD,
    HEAD_KEY,
    META_PREFIX,
    STATE_PREFIX,
    Head,
    decode_head,
    decode_previous,
    decode_undo_head,
    encode_previous,
    encode_undo_head,
    end_of_prefix,
    flat_key_of,
    page_key,
    undo_key,
)
from app.store.merging import Change
from app.store.page_cache import PageCache
from app.store.pages import Leaf, Node
from app.store.state_view import StateView, flat_range, strip_prefix
from app.store.tree import TreeUpdate, compute_root, make_leaf

HISTORY_HEIGHTS = 100
"""How many heights can be undone, and how far back values and proofs reach."""
PAGE_CACHE_BYTES = 96 << 20
MAX_KEY_BYTES = 1024

_UNDO_HEAD = HEAD_KEY


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch of changes with the root it leads to, not yet written.

    `changes` and `previous` hold only the keys whose value really changes; `previous` has their values before.
    """

    base: Head
    root_node: Node
    next_page: int
    changes: dict[bytes, bytes | None]
    previous: dict[bytes, bytes | None]
    pages: dict[int, bytes]
    dropped_pages: list[int]

    @property
    def root(self) -> bytes:
        """The root of the tree after the changes."""
        return self.root_node[0]

    @property
    def app_hash(self) -> bytes:
        """The app hash after the changes."""
        return compute_app_hash(self.root)


class StateStore:
    """The state after the last commit, and the only way to change it.

    Every commit is one synced batch of the backend, so that after a crash the store is at one height or the other, with
    everything that belongs to it. Reads here show the last commit and belong to one thread; `view` serves others.
    """

    def __init__(
        self, backend: Backend, history_heights: int = HISTORY_HEIGHTS, page_cache_bytes: int = PAGE_CACHE_BYTES
    ) -> None:
        """Open the state that the backend holds, or an empty one of height 0.

        Raises:
            StoreError: the backend holds something else.
        """
        self._backend = backend
        self._history_heights = history_heights
        self._cache = PageCache(page_cache_bytes)
        record = backend.get(HEAD_KEY)
        self._head = EMPTY_HEAD if record is None else decode_head(record)
        self._view = self._make_view()

    @property
    def height(self) -> int:
        """The height of the last commit, 0 before the first."""
        return self._head.height

    @property
    def root(self) -> bytes:
        """The root of the tree, 32 zero bytes while the state is empty."""
        return self._head.root[0]

    @property
    def app_hash(self) -> bytes:
        """The app hash of the last commit."""
        return self._head.app_hash

    def get(self, key: bytes) -> bytes | None:
        """The committed value of `key`, None where it has none."""
        return self._backend.get(b"s" + key)

    def get_meta(self, key: bytes) -> bytes | None:
        """The committed value beside the state under `key`, None where it has none."""
        return self._backend.get(META_PREFIX + key)

    def iterate(self, start: bytes, stop: bytes | None, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """The committed pairs with start ≤ key < stop in the order of their keys, or against it."""
        return strip_prefix(self._backend.iterate(*flat_range(start, stop), reverse))

    def view(self) -> StateView:
        """The state of the last commit, frozen, for readers in any thread; the same object until the next commit."""
        return self._view

    def prepare(self, changes: Mapping[bytes, bytes | None]) -> Prepared:
        """Compute the root that these changes lead to (None deletes); nothing is written, and nothing here changes.

        Keys are 1 to 1024 bytes. An empty value is a value, but the stock light client cannot verify one.
        """
        previous = {key: self.get(key) for key in changes}
        effective = {key: value for key, value in changes.items() if value != previous[key]}
        for key in effective:
            assert 0 < len(key) <= MAX_KEY_BYTES, f"a key of {len(key)} bytes"
        update = TreeUpdate(self._load_page, self._head.next_page)
        root = update.apply(self._head.root, sorted(make_leaf(key, value) for key, value in effective.items()))
        return Prepared(
            base=self._head,
            root_node=root,
            next_page=update.next_page,
            changes=effective,
            previous={key: previous[key] for key in effective},
            pages=update.written,
            dropped_pages=update.dropped,
        )

    def commit(self, height: int, prepared: Prepared, meta: Mapping[bytes, bytes | None] | None = None) -> None:
        """Write what was prepared as the state of `height`, together with `meta`, in one synced batch.

        Heights follow each other by one; the first may be any. `meta` (None deletes) lies beside the tree and is
        undone with it.
        """
        assert prepared.base is self._head, "prepared from another state than the last commit"
        assert height == self._head.height + 1 or (self._head.height == 0 and height > 0), f"height {height}"
        head = Head(height, prepared.root_node, prepared.next_page)
        batch = self._list_values(height, prepared, meta or {})
        batch.extend((page_key(number), page) for number, page in prepared.pages.items())
        batch.append((undo_key(height, _UNDO_HEAD), encode_undo_head(self._head, prepared.dropped_pages)))
        batch.extend(self._list_expired(height - self._history_heights))
        batch.append((HEAD_KEY, head.encode()))
        self._backend.write(batch, sync=True)
        self._cache.remove(prepared.dropped_pages)
        self._cache.add(prepared.pages.items())
        self._advance(head)

    def rollback(self) -> int:
        """Go back one height, in one synced batch, and return the height the state is at then.

        Raises:
            HistoryUnavailable: no undo record is kept: the state is empty, or was rolled back as far as it can be.
        """
        height = self._head.height
        record = self._backend.get(undo_key(height, _UNDO_HEAD))
        if record is None:
            raise HistoryUnavailable(f"the state cannot go back from height {height}: no undo record is kept for it")
        head = decode_undo_head(record)[0]
        # Their numbers will be given again: the cache forgets them, and older views read them from their snapshots.
        new_pages = range(head.next_page, self._head.next_page)
        batch: list[Change] = [(page_key(number), None) for number in new_pages]
        for key, entry in self._iterate_undo(height):
            batch.append((key, None))
            if flat_key_of(key) != _UNDO_HEAD:
                batch.append((flat_key_of(key), decode_previous(entry)))
        batch.append((HEAD_KEY, head.encode() if head.height else None))
        self._backend.write(batch, sync=True)
        self._cache.remove(new_pages)
        self._advance(head)
        return head.height

    def recompute_root(self) -> bytes:
        """The root computed from the flat pairs alone: an audit of the tree. Needs about 250 bytes of memory a key."""
        return compute_root([_without_key(make_leaf(key, value)) for key, value in self.iterate(b"", None)])

    def close(self) -> None:
        """Close the backend."""
        self._backend.close()

    def _list_values(self, height: int, prepared: Prepared, meta: Mapping[bytes, bytes | None]) -> list[Change]:
        batch: list[Change] = []
        for key, value in prepared.changes.items():
            flat_key = STATE_PREFIX + key
            batch.append((flat_key, value))
            batch.append((undo_key(height, flat_key), encode_previous(prepared.previous[key])))
        for key, value in meta.items():
            flat_key = META_PREFIX + key
            batch.append((flat_key, value))
            batch.append((undo_key(height, flat_key), encode_previous(self._backend.get(flat_key))))
        return batch

    def _list_expired(self, height: int) -> Iterator[Change]:
        """The deletions of a height's undo, and of the pages that only heights before it needed."""
        if height < 1:
            return
        for key, record in self._iterate_undo(height):
            yield key, None
            if flat_key_of(key) == _UNDO_HEAD:
                for number in decode_undo_head(record)[1]:
                    yield page_key(number), None

    def _iterate_undo(self, height: int) -> Iterator[tuple[bytes, bytes]]:
        return self._backend.iterate(undo_key(height, b""), undo_key(height, end_of_prefix(STATE_PREFIX)))

    def _load_page(self, number: int) -> bytes:
        page = self._cache.get(number)
        if page is not None:
            return page
        page = self._backend.get(page_key(number))
        if page is None:
            raise StoreCorrupt(f"page {number} of the state tree is missing; rebuild the state")
        self._cache.add(((number, page),))
        return page

    def _advance(self, head: Head) -> None:
        self._head = head
        self._view = self._make_view()

    def _make_view(self) -> StateView:
        return StateView(self._backend.snapshot(), self._head, self._head)


def _without_key(leaf: Leaf) -> Leaf:
    return leaf[0], b"", leaf[2]
