"""The compact binary sparse Merkle tree: a batch of changes, and the way to one key.

What is hashed is defined in `app.primitives.state_proof`; how it is stored, in `app.store.pages`. The root depends on
the pairs alone: a subtree that is left with one leaf becomes that leaf again, whatever was there before.
"""

from collections.abc import Callable
from hashlib import sha256

from app.primitives.state_proof import compute_leaf_hash
from app.store.pages import (
    BUCKET_LEAVES,
    EMPTY_NODE,
    FAN_LEVELS,
    FAN_SLOTS,
    MANY,
    MERGE_LEAVES,
    Fan,
    Leaf,
    Node,
    compute_slots_hash,
    compute_subtree_hash,
    count_left_leaves,
    decode_bucket,
    encode_bucket,
)

LoadPage = Callable[[int], bytes]


def make_leaf(key: bytes, value: bytes | None) -> Leaf:
    """The leaf of a pair, or with None the change that removes the key."""
    path = sha256(key).digest()
    if value is None:
        return path, key, b""
    return path, key, compute_leaf_hash(key, sha256(value).digest())


class TreeUpdate:
    """One batch of changes: reads pages through `load_page`, collects what it writes, changes nothing else.

    Attributes:
        written: the new pages by number, numbered from `next_page` on.
        dropped: the numbers of the older pages that the new root does not reach.
        next_page: the first number not yet given to a page.
    """

    def __init__(self, load_page: LoadPage, next_page: int) -> None:
        self.written: dict[int, bytes] = {}
        self.dropped: list[int] = []
        self.next_page = next_page
        self._load_page = load_page

    def apply(self, root: Node, changes: list[Leaf]) -> Node:
        """The root after the changes, which must be ordered by path, one for a key."""
        return self._apply(root, changes, 0) if changes else root

    def _apply(self, node: Node, changes: list[Leaf], depth: int) -> Node:
        if node[2] < MANY:
            return self._build(_merge_leaves(self._take_leaves(node), changes), depth)
        fan = Fan(self._take(node[1]))
        for slot, group in _group_by_slot(changes, depth).items():
            fan.set_slot(slot, self._apply(fan.get_slot(slot), group, depth + FAN_LEVELS))
        if fan.count_leaves() > MERGE_LEAVES:
            return self._write(fan.encode(), fan.compute_hash(), MANY)
        leaves = [leaf for child in fan.get_nodes() for leaf in self._take_leaves(child)]
        return self._build(leaves, depth)

    def _build(self, leaves: list[Leaf], depth: int) -> Node:
        """The subtree at `depth` with exactly these leaves, ordered by path."""
        if len(leaves) <= BUCKET_LEAVES:
            if not leaves:
                return EMPTY_NODE
            return self._write(encode_bucket(leaves), compute_subtree_hash(leaves, depth), len(leaves))
        fan = Fan()
        for slot, group in _group_by_slot(leaves, depth).items():
            fan.set_slot(slot, self._build(group, depth + FAN_LEVELS))
        return self._write(fan.encode(), fan.compute_hash(), MANY)

    def _take_leaves(self, node: Node) -> list[Leaf]:
        return decode_bucket(self._take(node[1])) if node[1] else []

    def _take(self, number: int) -> bytes:
        """Read a page that will be replaced."""
        page = self.written.pop(number, None)
        if page is None:
            page = self._load_page(number)
            self.dropped.append(number)
        return page

    def _write(self, page: bytes, digest: bytes, leaf_count: int) -> Node:
        number = self.next_page
        self.next_page = number + 1
        self.written[number] = page
        return digest, number, leaf_count


def find_leaf(load_page: LoadPage, root: Node, key: bytes) -> tuple[Leaf | None, list[bytes]]:
    """The leaf where the key's path ends, None where that place is empty, and the hashes beside the way, leaf to root.

    The leaf is the key's own if the key is in the tree, and may be another key's if it is not.
    """
    path = sha256(key).digest()
    aunts: list[bytes] = []
    node, depth = root, 0
    while node[2] == MANY:
        slot = _slot(path, depth)
        nodes = Fan(load_page(node[1])).get_nodes()
        node, depth = _descend_fan(nodes, slot, aunts), depth + FAN_LEVELS
    leaves = decode_bucket(load_page(node[1])) if node[1] else []
    leaf = _descend_bucket(leaves, path, depth, aunts)
    aunts.reverse()
    return leaf, aunts


def compute_root(pairs: list[Leaf]) -> bytes:
    """The root over leaves in any order, computed from nothing else."""
    return compute_subtree_hash(sorted(pairs), 0)


def _descend_fan(nodes: list[Node], slot: int, aunts: list[bytes]) -> Node:
    """Follow a slot down the four levels of a fan; stops early, at a node without a fan, where one leaf is left."""
    while len(nodes) > 1:
        live = [node for node in nodes if node[2]]
        if len(live) < 2 and (not live or live[0][2] == 1):
            return live[0] if live else EMPTY_NODE
        half = len(nodes) // 2
        near, far = (nodes[half:], nodes[:half]) if slot & half else (nodes[:half], nodes[half:])
        aunts.append(compute_slots_hash(far))
        nodes = near
    return nodes[0]


def _descend_bucket(leaves: list[Leaf], path: bytes, depth: int, aunts: list[bytes]) -> Leaf | None:
    while len(leaves) > 1:
        at, mask = depth >> 3, 0x80 >> (depth & 7)
        middle = count_left_leaves(leaves, at, mask)
        left, right = leaves[:middle], leaves[middle:]
        depth += 1
        leaves, other = (right, left) if path[at] & mask else (left, right)
        aunts.append(compute_subtree_hash(other, depth))
    return leaves[0] if leaves else None


def _merge_leaves(leaves: list[Leaf], changes: list[Leaf]) -> list[Leaf]:
    merged = {leaf[0]: leaf for leaf in leaves}
    for change in changes:
        if change[2]:
            merged[change[0]] = change
        else:
            merged.pop(change[0], None)
    return sorted(merged.values())


def _group_by_slot(leaves: list[Leaf], depth: int) -> dict[int, list[Leaf]]:
    groups: dict[int, list[Leaf]] = {}
    at, shift = depth >> 3, 0 if depth & 4 else 4
    for leaf in leaves:
        slot = leaf[0][at] >> shift & 0x0F
        if slot in groups:
            groups[slot].append(leaf)
        else:
            groups[slot] = [leaf]
    return groups


def _slot(path: bytes, depth: int) -> int:
    return path[depth >> 3] >> (0 if depth & 4 else 4) & (FAN_SLOTS - 1)
