"""Allocations of a test chain: who gets what, the document's part, and each holder's message."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.messages.allocation import allocation_leaf
from app.messages.bodies import ClaimAllocation
from app.messages.genesis_state import GenesisAllocations, GenesisState
from app.primitives.amounts import Lpt
from app.primitives.merkle import merkle_path, merkle_root
from tests.support.chain_driver import LPT, Party


@dataclass(frozen=True)
class Allotment:
    """A tree over parties in their order, made leaf by leaf, not with the code of the command."""

    parties: Sequence[Party]
    amounts: Sequence[int]

    @property
    def leaves(self) -> list[bytes]:
        pairs = zip(self.parties, self.amounts, strict=True)
        return [allocation_leaf(index, party.address, amount) for index, (party, amount) in enumerate(pairs)]

    @property
    def document(self) -> GenesisAllocations:
        return GenesisAllocations(len(self.parties), Lpt(sum(self.amounts)), merkle_root(self.leaves))

    def claim(self, place: int, **changes: Any) -> ClaimAllocation:
        """The message of the holder at a place, or one that differs from it."""
        path = merkle_path(self.leaves, place)
        return replace(ClaimAllocation(place, Lpt(self.amounts[place]), path), **changes)


def allot(*parties: Party) -> Allotment:
    """The first gets 1 LPT, the second 2, and so on."""
    return Allotment(parties, [(place + 1) * LPT for place in range(len(parties))])


def with_allocations(genesis: GenesisState, allotment: Allotment) -> GenesisState:
    """A first state that allocates."""
    return replace(genesis, allocations=allotment.document)
