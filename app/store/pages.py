"""The pages in which the tree is stored, and their hashes.

A *bucket* is a whole subtree of up to 32 leaves: their hashes and keys, ordered by path. A *fan* covers four levels
above sixteen slots, each the node of one subtree. Inner hashes within a page are computed, not stored; a page is
written once and never changed, so older states stay readable until their pages are deleted. Neither the layout nor the
page numbers enter a hash.

    bucket = 0x00 | count: 1 byte | count × leaf hash | count × key length: uint16 | keys
    fan    = 0x01 | 16 × leaf count: 1 byte | 16 × hash | 16 × page number: uint64
"""

import struct
from hashlib import sha256

from app.primitives.state_proof import EMPTY_HASH, HASH_BYTES
from app.store.errors import StoreCorrupt

Leaf = tuple[bytes, bytes, bytes]
"""Path = sha256(key), key, leaf hash. As a change of the tree: an empty leaf hash removes the key."""
Node = tuple[bytes, int, int]
"""A subtree: its hash, the page that holds it (0 where it is empty), its leaf count (`MANY` above a fan)."""

EMPTY_NODE: Node = (EMPTY_HASH, 0, 0)
FAN_LEVELS = 4
FAN_SLOTS = 1 << FAN_LEVELS
BUCKET_LEAVES = 32
"""A subtree with more leaves is split into a fan."""
MERGE_LEAVES = 16
"""A fan with no more leaves than this becomes a bucket again."""
MANY = 255

_BUCKET_TAG, _FAN_TAG = 0, 1
_COUNTS_AT = 1
_HASHES_AT = _COUNTS_AT + FAN_SLOTS
_PAGES_AT = _HASHES_AT + FAN_SLOTS * HASH_BYTES
_FAN_BYTES = _PAGES_AT + FAN_SLOTS * 8
_PAGE_NUMBER = struct.Struct(">Q")
_PAIR_BYTES = 2 * HASH_BYTES
_NO_BUCKET = "a tree page is not the bucket it should be; rebuild the state"
_NO_FAN = "a tree page is not the fan it should be; rebuild the state"


def encode_bucket(leaves: list[Leaf]) -> bytes:
    """The page of 1 to 32 leaves in the order of their paths."""
    count = len(leaves)
    lengths = struct.pack(f">{count}H", *[len(leaf[1]) for leaf in leaves])
    hashes, keys = [leaf[2] for leaf in leaves], [leaf[1] for leaf in leaves]
    return b"".join((bytes((_BUCKET_TAG, count)), *hashes, lengths, *keys))


def decode_bucket(page: bytes) -> list[Leaf]:
    """The leaves of a bucket page.

    Raises:
        StoreCorrupt: it is no bucket page.
    """
    count = page[1] if len(page) > 1 and page[0] == _BUCKET_TAG else 0
    if not count or len(page) < 2 + count * (HASH_BYTES + 2):
        raise StoreCorrupt(_NO_BUCKET)
    hash_at, key_at = 2, 2 + count * (HASH_BYTES + 2)
    leaves = []
    for length in struct.unpack_from(f">{count}H", page, 2 + count * HASH_BYTES):
        key = page[key_at : key_at + length]
        leaves.append((sha256(key).digest(), key, page[hash_at : hash_at + HASH_BYTES]))
        hash_at += HASH_BYTES
        key_at += length
    if key_at != len(page):
        raise StoreCorrupt(_NO_BUCKET)
    return leaves


def compute_subtree_hash(leaves: list[Leaf], depth: int) -> bytes:
    """The hash of the subtree at `depth` whose leaves, in the order of their paths, are these."""
    count = len(leaves)
    if count < 2:
        return leaves[0][2] if count else EMPTY_HASH
    at, mask = depth >> 3, 0x80 >> (depth & 7)
    middle = count_left_leaves(leaves, at, mask)
    depth += 1
    left = leaves[0][2] if middle == 1 else compute_subtree_hash(leaves[:middle], depth)
    right = leaves[-1][2] if middle == count - 1 else compute_subtree_hash(leaves[middle:], depth)
    return sha256(b"\x01" + left + right).digest()


def count_left_leaves(leaves: list[Leaf], at: int, mask: int) -> int:
    """How many of the leaves, in the order of their paths, have a zero in bit `mask` of byte `at` of their path."""
    low, high = 0, len(leaves)
    while low < high:
        middle = (low + high) >> 1
        if leaves[middle][0][at] & mask:
            high = middle
        else:
            low = middle + 1
    return low


class Fan:
    """A fan page, open for changes."""

    __slots__ = ("_page",)

    def __init__(self, page: bytes | None = None) -> None:
        """Open an existing page, or an empty one.

        Raises:
            StoreCorrupt: it is no fan page.
        """
        if page is None:
            page = bytes((_FAN_TAG,)) + bytes(_FAN_BYTES - 1)
        if len(page) != _FAN_BYTES or page[0] != _FAN_TAG:
            raise StoreCorrupt(_NO_FAN)
        self._page = bytearray(page)

    def get_slot(self, slot: int) -> Node:
        """The node in a slot."""
        hash_at = _HASHES_AT + slot * HASH_BYTES
        number: int = _PAGE_NUMBER.unpack_from(self._page, _PAGES_AT + slot * 8)[0]
        return bytes(self._page[hash_at : hash_at + HASH_BYTES]), number, self._page[_COUNTS_AT + slot]

    def set_slot(self, slot: int, node: Node) -> None:
        """Put a node into a slot."""
        hash_at = _HASHES_AT + slot * HASH_BYTES
        self._page[hash_at : hash_at + HASH_BYTES] = node[0]
        _PAGE_NUMBER.pack_into(self._page, _PAGES_AT + slot * 8, node[1])
        self._page[_COUNTS_AT + slot] = node[2]

    def get_nodes(self) -> list[Node]:
        """The nodes of all slots, in order."""
        return [self.get_slot(slot) for slot in range(FAN_SLOTS)]

    def count_leaves(self) -> int:
        """The number of leaves below; `MANY` or more where that is not known."""
        return sum(self._page[_COUNTS_AT:_HASHES_AT])

    def compute_hash(self) -> bytes:
        """The hash of the subtree over the slots, which has two leaves or more."""
        page = bytes(self._page)
        if 0 in page[_COUNTS_AT:_HASHES_AT]:
            return compute_slots_hash(self.get_nodes())
        # No slot is empty, so nothing collapses: plain pairs, level by level.
        level = page[_HASHES_AT:_PAGES_AT]
        while len(level) > HASH_BYTES:
            level = b"".join(
                [sha256(b"\x01" + level[at : at + _PAIR_BYTES]).digest() for at in range(0, len(level), _PAIR_BYTES)]
            )
        return level

    def encode(self) -> bytes:
        """The page."""
        return bytes(self._page)


def compute_slots_hash(nodes: list[Node]) -> bytes:
    """The hash over 1, 2, 4, 8 or 16 neighbouring nodes, where a subtree with one leaf is that leaf."""
    level = [(node[0], node[2]) for node in nodes]
    while len(level) > 1:
        level = [_join(level[at], level[at + 1]) for at in range(0, len(level), 2)]
    return level[0][0]


def _join(left: tuple[bytes, int], right: tuple[bytes, int]) -> tuple[bytes, int]:
    count = left[1] + right[1]
    if count < 2:
        return left if left[1] else right
    return sha256(b"\x01" + left[0] + right[0]).digest(), count
