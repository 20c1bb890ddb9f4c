"""How the store's keys and records lie in a backend: the whole of it on one page.

    h                                   the head: what the last commit left
    s key                               a value of the state, in the tree
    m key                               a value beside the state, not in the tree
    t page number                       a page of the tree
    u height h                          undo of that height: the head before it, the pages it no longer needs
    u height (s key | m key)            undo of that height: the value before it

Heights and page numbers are uint64, big-endian, so that their order is the order of the keys.
"""

import struct
from dataclasses import dataclass

from app.primitives.state_proof import compute_app_hash
from app.store.errors import StoreCorrupt, StoreError
from app.store.pages import EMPTY_NODE, Node

HEAD_KEY = b"h"
STATE_PREFIX = b"s"
META_PREFIX = b"m"
PAGE_PREFIX = b"t"
UNDO_PREFIX = b"u"
FORMAT = 1
"""Written into the head; a store of another format is refused."""

_HEAD = struct.Struct(">BQQ32sQB")
_NUMBER = struct.Struct(">Q")
_ABSENT, _PRESENT = b"\x00", b"\x01"


@dataclass(frozen=True, slots=True)
class Head:
    """The state after one commit: its height (0 before the first), its tree, and the next free page number."""

    height: int
    root: Node
    next_page: int

    @property
    def app_hash(self) -> bytes:
        """The hash that CometBFT puts into the next block's header."""
        return compute_app_hash(self.root[0])

    def encode(self) -> bytes:
        """The record under `HEAD_KEY`."""
        digest, page, leaf_count = self.root
        return _HEAD.pack(FORMAT, self.height, self.next_page, digest, page, leaf_count)


EMPTY_HEAD = Head(0, EMPTY_NODE, 1)


def decode_head(record: bytes) -> Head:
    """The head in a record.

    Raises:
        StoreError: another format of the store wrote it.
        StoreCorrupt: it is cut short.
    """
    if record[:1] != bytes((FORMAT,)):
        raise StoreError(
            f"the state was written in another format than {FORMAT}; use the release that wrote it, or rebuild"
        )
    if len(record) != _HEAD.size:
        raise StoreCorrupt("the record of the last commit is damaged; remove the state and rebuild it")
    _, height, next_page, digest, page, leaf_count = _HEAD.unpack(record)
    return Head(height, (digest, page, leaf_count), next_page)


def page_key(number: int) -> bytes:
    """Where a page of the tree lies."""
    return PAGE_PREFIX + _NUMBER.pack(number)


def undo_key(height: int, flat_key: bytes) -> bytes:
    """Where the undo of a height keeps what `flat_key` (with its prefix) held before."""
    return UNDO_PREFIX + _NUMBER.pack(height) + flat_key


def undo_height(key: bytes) -> int:
    """The height in a key of an undo entry."""
    height: int = _NUMBER.unpack_from(key, 1)[0]
    return height


def flat_key_of(key: bytes) -> bytes:
    """The key, with its prefix, that an undo entry is about."""
    return key[1 + _NUMBER.size :]


def encode_previous(value: bytes | None) -> bytes:
    """An undo entry's record of the value before, or of none."""
    return _ABSENT if value is None else _PRESENT + value


def decode_previous(record: bytes) -> bytes | None:
    """The value before, or None."""
    return record[1:] if record[:1] == _PRESENT else None


def encode_undo_head(head: Head, dropped_pages: list[int]) -> bytes:
    """The undo record of a height: the head before it, and the pages that only older heights need."""
    return head.encode() + struct.pack(f">{len(dropped_pages)}Q", *dropped_pages)


def decode_undo_head(record: bytes) -> tuple[Head, list[int]]:
    """The head before a height, and the pages that it dropped.

    Raises:
        StoreCorrupt: the record is cut short.
    """
    pages = record[_HEAD.size :]
    if len(pages) % _NUMBER.size:
        raise StoreCorrupt("an undo record is damaged; remove the state and rebuild it")
    return decode_head(record[: _HEAD.size]), list(struct.unpack(f">{len(pages) // _NUMBER.size}Q", pages))


def end_of_prefix(prefix: bytes) -> bytes:
    """The first key after all keys with this prefix, whose last byte is not 0xff."""
    return prefix[:-1] + bytes((prefix[-1] + 1,))
