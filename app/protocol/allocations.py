"""Allocations: LPT that the genesis document gives to holders who claim it (whitepaper, *Livepeer Token*).

The document has the root of a Merkle tree over index, holder and amount, and the sum of all amounts, which is part of
the supply from the first block on. A holder claims once, by showing the path of its leaf; only the holder can. What
nobody has claimed in `allocation_expiry` blocks goes to the CommonPool, in the first block that comes after them.

What has been claimed is one bit each, `GROUP_SIZE` of them in a record: a million allocations add a thousand records
to the state, where a record for each would add a million, with a leaf of the state tree and an undo entry each.
"""

from dataclasses import replace

from app.messages.allocation import allocation_leaf
from app.messages.bodies import ClaimAllocation
from app.messages.events import AllocationClaimed, AllocationsExpired
from app.messages.genesis_state import GenesisAllocations
from app.messages.records import AllocationBits, Allocations
from app.messages.rejections import Reason, Rejection
from app.primitives.amounts import Height, Lpt
from app.primitives.merkle import verify_merkle_path
from app.protocol.environment import BlockEnv, TxEnv
from app.protocol.ledger import credit_lpt, pay_common_pool
from app.state.tables import ALLOCATIONS, CLAIMED_ALLOCATIONS, ReadState, State

GROUP_SIZE = 1024
"""Bits of one record: 128 bytes, which is also about what a claim writes."""

# --- predicates and accessors


def is_claimed(state: ReadState, index: int) -> bool:
    """Whether an allocation has been claimed."""
    group = CLAIMED_ALLOCATIONS.read(state, index // GROUP_SIZE)
    return bool(group.bits >> index % GROUP_SIZE & 1)


def get_last_height(allocations: Allocations, allocation_expiry: int) -> Height:
    """The last block in which allocations can be claimed."""
    return Height(allocations.start_height + allocation_expiry - 1)


# --- mutators


def open_allocations(state: State, document: GenesisAllocations, start_height: int) -> None:
    """Put the document's allocations into the first state."""
    opened = Allocations(document.count, document.total, document.root, 0, document.total, Height(start_height))
    ALLOCATIONS.put(state, opened)


def begin_block(state: State, env: BlockEnv) -> None:
    """Give what nobody has claimed in time to the CommonPool, once."""
    allocations = ALLOCATIONS.get(state)
    if allocations is None or allocations.expired_height:
        return
    if env.height <= get_last_height(allocations, env.params.allocation_expiry):
        return
    ALLOCATIONS.put(state, replace(allocations, unclaimed=Lpt(0), expired_height=env.height))
    pay_common_pool(state, lpt=allocations.unclaimed)
    env.emit(AllocationsExpired(allocations.unclaimed))


# --- transactions


def process_claim_allocation(state: State, env: TxEnv, message: ClaimAllocation) -> None:
    """ClaimAllocation: the holder of an allocation takes it into its balance, once.

    Raises:
        Rejection: UNKNOWN_ALLOCATION, ALLOCATIONS_EXPIRED, ALLOCATION_ALREADY_CLAIMED, ALLOCATION_PROOF_INVALID, or
            ALLOCATIONS_EXHAUSTED where the document's sum is less than what its tree gives.
    """
    allocations, index, amount = _load_open(state, message.index), message.index, message.amount
    if is_claimed(state, index):
        raise Rejection(Reason.ALLOCATION_ALREADY_CLAIMED, f"allocation {index} was claimed before")
    leaf = allocation_leaf(index, env.sender, amount)
    if not verify_merkle_path(allocations.root, leaf, index, allocations.count, message.proof):
        raise Rejection(
            Reason.ALLOCATION_PROOF_INVALID,
            f"the path does not prove that allocation {index} is {amount} base units for the sender",
        )
    if amount > allocations.unclaimed:
        raise Rejection(
            Reason.ALLOCATIONS_EXHAUSTED,
            f"{allocations.unclaimed} base units are left of {allocations.total}: the document's tree gives more",
        )
    bits = CLAIMED_ALLOCATIONS.read(state, index // GROUP_SIZE).bits | 1 << index % GROUP_SIZE
    CLAIMED_ALLOCATIONS.put(state, AllocationBits(bits), index // GROUP_SIZE)
    left = Lpt(allocations.unclaimed - amount)
    ALLOCATIONS.put(state, replace(allocations, claimed=allocations.claimed + 1, unclaimed=left))
    credit_lpt(state, env.sender, amount)
    env.emit(AllocationClaimed(env.sender, index, amount))


def _load_open(state: ReadState, index: int) -> Allocations:
    allocations = ALLOCATIONS.get(state)
    if allocations is None or index >= allocations.count:
        count = 0 if allocations is None else allocations.count
        raise Rejection(Reason.UNKNOWN_ALLOCATION, f"there is no allocation {index}; the genesis document has {count}")
    if allocations.expired_height:
        raise Rejection(
            Reason.ALLOCATIONS_EXPIRED,
            f"allocations expired at height {allocations.expired_height}; what was left is in the CommonPool",
        )
    return allocations
