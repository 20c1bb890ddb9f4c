"""Where randomness comes from, and how it draws (whitepaper, *The Job*, step 3; *Verification of Work*).

The randomness of a block is its hash; what a transaction asks for is settled by the block after its own, as the
whitepaper says. **A proposer can grind it**: whoever proposes that next block may reorder its transactions until the
hash suits, at no cost and unseen (cometbft.md, section 3). A beacon will replace it here; nothing else in the code
knows where randomness comes from.
"""

from collections.abc import Sequence

from app.primitives.hashing import Hash32, keccak256, length_prefixed


def block_randomness(block_hash: bytes) -> Hash32:
    """The randomness that a block with this hash brings."""
    return keccak256(length_prefixed(b"headwater/randomness/1", block_hash))


def draw_number(randomness: bytes, purpose: bytes, *ids: int) -> int:
    """A number of 256 bits, independent for each purpose and ids."""
    return int.from_bytes(keccak256(length_prefixed(randomness, purpose, *(i.to_bytes(8, "big") for i in ids))), "big")


def draw_weighted(number: int, weights: Sequence[int]) -> int:
    """The index that a number falls on when each index has a share of the sum as large as its weight.

    Raises:
        ValueError: all weights are zero.
    """
    total = sum(weights)
    if total == 0:
        raise ValueError("nothing to draw from")
    rest = number % total
    for index, weight in enumerate(weights):
        if rest < weight:
            return index
        rest -= weight
    raise AssertionError("a remainder is smaller than the sum")


def draw_in_order(
    randomness: bytes, purpose: bytes, ids: tuple[int, ...], weights: Sequence[int], count: int
) -> list[int]:
    """Up to `count` different indices, drawn one after the other by weight; indices of weight 0 are never drawn."""
    left = list(weights)
    drawn: list[int] = []
    while len(drawn) < count and any(left):
        index = draw_weighted(draw_number(randomness, purpose, *ids, len(drawn)), left)
        drawn.append(index)
        left[index] = 0
    return drawn


def is_challenged(claim_height: int, randomness: bytes, segment: int, verification_rate: int) -> bool:
    """Whether a segment must be verified.

    keccak256(N ‖ randomness ‖ segment) mod verification_rate == 0, with N the claim's block and the randomness of the
    block after it. The whitepaper's formula has the hash of N itself, its text the next one; only the second is safe,
    because the proposer of N could try claims until none is challenged.
    """
    digest = keccak256(claim_height.to_bytes(8, "big") + randomness + segment.to_bytes(8, "big"))
    return int.from_bytes(digest, "big") % verification_rate == 0
