"""What an allocation's leaf commits to; the genesis document has the root of the tree, holders have the path.

The leaf is the index, the holder and the amount in fixed lengths, so that no two allocations share one; leaves and
inner nodes are hashed under different prefixes (`app.primitives.merkle`).
"""

from app.primitives.address import Address
from app.primitives.amounts import Lpt

MAX_ALLOCATIONS = 2**32
"""As many as the longest proof that a message can hold reaches."""


def allocation_leaf(index: int, holder: Address, amount: Lpt) -> bytes:
    """The leaf of one allocation: 8 bytes of index, 20 of address, 16 of amount."""
    return index.to_bytes(8, "big") + holder + amount.to_bytes(16, "big")
