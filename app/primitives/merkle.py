"""The Merkle tree over the receipts of a claim, and over the allocations of a genesis document.

Leaves and inner nodes are hashed under different prefixes, and the number of leaves is part of every proof, so that no
inner node can pass for a leaf. (The 2018 tools had neither, and two builders gave different roots for five leaves.)
A level with an odd number of nodes passes its last one up unchanged, as in RFC 6962.
"""

from collections.abc import Sequence

from app.primitives.hashing import Hash32, keccak256


def hash_leaf(data: bytes) -> Hash32:
    """The node of one leaf: keccak256(0x00 ‖ data)."""
    return keccak256(b"\x00" + data)


def hash_inner(left: bytes, right: bytes) -> Hash32:
    """The node over two others: keccak256(0x01 ‖ left ‖ right)."""
    return keccak256(b"\x01" + left + right)


def merkle_root(leaves: Sequence[bytes]) -> Hash32:
    """The root over the given leaves, in their order.

    Raises:
        ValueError: there is no leaf.
    """
    if not leaves:
        raise ValueError("a Merkle tree needs at least one leaf")
    return root_above([hash_leaf(leaf) for leaf in leaves])


def merkle_path(leaves: Sequence[bytes], index: int) -> tuple[Hash32, ...]:
    """The siblings of leaf `index` from the bottom up; a level without a sibling adds none."""
    return path_above([hash_leaf(leaf) for leaf in leaves], index)


def level_above(level: Sequence[Hash32]) -> list[Hash32]:
    """The nodes over a level of nodes."""
    pairs = [hash_inner(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
    return [*pairs, level[-1]] if len(level) % 2 else pairs


def root_above(level: Sequence[Hash32]) -> Hash32:
    """The root over a level of nodes, of which there is at least one."""
    while len(level) > 1:
        level = level_above(level)
    return level[0]


def path_above(level: Sequence[Hash32], index: int) -> tuple[Hash32, ...]:
    """The siblings on the way from node `index` of a level to the root, as `merkle_path` has them from the leaves."""
    path = []
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level = level_above(level)
        index //= 2
    return tuple(path)


def verify_merkle_path(root: bytes, leaf: bytes, index: int, count: int, path: Sequence[bytes]) -> bool:
    """Whether `leaf` is number `index` of the `count` leaves under `root`."""
    if not 0 <= index < count:
        return False
    node, rest = hash_leaf(leaf), list(path)
    while count > 1:
        if index ^ 1 < count:
            if not rest:
                return False
            sibling = rest.pop(0)
            node = hash_inner(sibling, node) if index & 1 else hash_inner(node, sibling)
        index, count = index // 2, (count + 1) // 2
    return not rest and node == root
