"""The file of a chain's allocations: who gets how much by claiming it, and from which each holder's proof is made.

Rows are ordered by address and their places are the indices, so that the root follows from who gets what and not from
the order of a list, an address is found by bisection, and nobody stands in it twice. Integers are big-endian:

    magic 8 ‖ count 8 ‖ total 16 ‖ root 32 ‖ count × (address 20 ‖ amount 16) ‖ a node of 32 for every 256 rows

The nodes are those of the tree's level 8: a path is then made from 256 rows and the nodes, in milliseconds, while the
file stays a tenth of what the whole tree would take: 36 MB for a million holders.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from app.messages.allocation import MAX_ALLOCATIONS, allocation_leaf
from app.messages.genesis_state import GenesisAllocations
from app.primitives.address import Address
from app.primitives.amounts import MAX_AMOUNT, Lpt
from app.primitives.hashing import Hash32
from app.primitives.merkle import hash_leaf, path_above, root_above, verify_merkle_path
from genesis.failures import GenesisError

MAGIC = b"HWALLOC\x01"
GROUP_LEVELS = 8
GROUP_ROWS: int = 2**GROUP_LEVELS
ROW_BYTES, NODE_BYTES = 36, 32
_HEADER_BYTES = 64

Progress = Callable[[int], None]


class AllocationsInvalid(GenesisError):
    """A file that is none of allocations, or is damaged."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """What one holder claims, and the path that proves it."""

    index: int
    holder: Address
    amount: Lpt
    proof: tuple[Hash32, ...]


def pack_row(holder: Address, amount: int) -> bytes:
    """A row of the file; rows sort by address."""
    return holder + amount.to_bytes(16, "big")


def build_file(rows: list[bytes], progress: Progress) -> tuple[GenesisAllocations, bytes]:
    """What the genesis document says of the rows, which are sorted, and the content of their file.

    Raises:
        GenesisError: no row, too many, or more LPT than 128 bits can count.
    """
    if not 0 < len(rows) <= MAX_ALLOCATIONS:
        raise GenesisError([f"{len(rows)} rows; 1 to {MAX_ALLOCATIONS}"])
    total = sum(int.from_bytes(row[20:], "big") for row in rows)
    if total > MAX_AMOUNT:
        raise GenesisError([f"all rows together are {total} base units, more than 128 bits can hold"])
    nodes = []
    for first in range(0, len(rows), GROUP_ROWS):
        group = rows[first : first + GROUP_ROWS]
        nodes.append(root_above(_leaf_nodes(first, group)))
        progress(len(group))
    summary = GenesisAllocations(len(rows), Lpt(total), root_above(nodes))
    return summary, b"".join([_pack_header(summary), *rows, *nodes])


class AllocationFile:
    """A file that `build_file` has made, read where it is asked for.

    Raises:
        AllocationsInvalid: it is no such file, or shorter or longer than it says.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = path.open("rb", buffering=0)
        except OSError as error:
            raise AllocationsInvalid([f"cannot read {path}: {error.strerror}"]) from None
        header = self._at(0, _HEADER_BYTES)
        if not header.startswith(MAGIC) or len(header) < _HEADER_BYTES:
            self._file.close()
            raise AllocationsInvalid([f"{path} is no file that `headwater genesis allocations build` has made"])
        count, total = int.from_bytes(header[8:16], "big"), int.from_bytes(header[16:32], "big")
        self.summary = GenesisAllocations(count, Lpt(total), Hash32(header[32:]))
        size, expected = os.fstat(self._file.fileno()).st_size, self._node_offset + NODE_BYTES * self._node_count
        if size != expected or not count:
            self._file.close()
            raise AllocationsInvalid([f"{path} has {size} bytes, {count} allocations take {expected}: it is damaged"])

    def __enter__(self) -> "AllocationFile":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def find(self, holder: Address) -> int | None:
        """The index of an address, or none where nothing is allocated to it."""
        low, high = 0, self.summary.count
        while low < high:
            middle = (low + high) // 2
            if self._row(middle)[:20] < holder:
                low = middle + 1
            else:
                high = middle
        return low if low < self.summary.count and self._row(low)[:20] == holder else None

    def read(self, index: int) -> Allocation:
        """One allocation with its path.

        Raises:
            AllocationsInvalid: there is no such index, or the file contradicts its own root.
        """
        if not 0 <= index < self.summary.count:
            raise AllocationsInvalid([f"there is no allocation {index}; {self._path} has {self.summary.count}"])
        group = index // GROUP_ROWS
        rows = self._group(group)
        row = rows[index % GROUP_ROWS]
        below = path_above(_leaf_nodes(group * GROUP_ROWS, rows), index % GROUP_ROWS)
        holder, amount = _unpack_row(row)
        found = Allocation(index, holder, amount, below + path_above(self._nodes, group))
        leaf = allocation_leaf(index, holder, amount)
        if not verify_merkle_path(self.summary.root, leaf, index, self.summary.count, found.proof):
            raise AllocationsInvalid([f"{self._path} contradicts its own root at allocation {index}: it is damaged"])
        return found

    def verify(self, progress: Progress) -> None:
        """Compute everything anew.

        Raises:
            AllocationsInvalid: rows that are not in order, or a root or total that is another.
        """
        rows: list[bytes] = []
        for group in range(self._node_count):
            rows += self._group(group)
        for index in range(1, len(rows)):
            if rows[index - 1][:20] >= rows[index][:20]:
                raise AllocationsInvalid([f"{self._path}: allocation {index} is not in the order of addresses"])
        summary, content = build_file(rows, progress)
        if summary != self.summary or content != self._path.read_bytes():
            raise AllocationsInvalid([f"{self._path} contradicts itself: its rows give {summary.root.hex()}"])

    @property
    def _node_count(self) -> int:
        return -(-self.summary.count // GROUP_ROWS)

    @property
    def _node_offset(self) -> int:
        return _HEADER_BYTES + ROW_BYTES * self.summary.count

    @cached_property
    def _nodes(self) -> list[Hash32]:
        data = self._at(self._node_offset, NODE_BYTES * self._node_count)
        return [Hash32(data[at : at + NODE_BYTES]) for at in range(0, len(data), NODE_BYTES)]

    def _row(self, index: int) -> bytes:
        return self._at(_HEADER_BYTES + ROW_BYTES * index, ROW_BYTES)

    def _group(self, group: int) -> list[bytes]:
        first = group * GROUP_ROWS
        count = min(GROUP_ROWS, self.summary.count - first)
        data = self._at(_HEADER_BYTES + ROW_BYTES * first, ROW_BYTES * count)
        return [data[at : at + ROW_BYTES] for at in range(0, len(data), ROW_BYTES)]

    def _at(self, offset: int, length: int) -> bytes:
        return os.pread(self._file.fileno(), length, offset)


def _pack_header(summary: GenesisAllocations) -> bytes:
    return MAGIC + summary.count.to_bytes(8, "big") + summary.total.to_bytes(16, "big") + summary.root


def _unpack_row(row: bytes) -> tuple[Address, Lpt]:
    return Address(row[:20]), Lpt(int.from_bytes(row[20:], "big"))


def _leaf_nodes(first: int, rows: list[bytes]) -> list[Hash32]:
    return [hash_leaf(allocation_leaf(first + place, *_unpack_row(row))) for place, row in enumerate(rows)]
