"""Which consensus validators a chain starts with: they follow from the stakes (protocol.md, section 6).

The N transcoders with the most stake, their own and what is bonded to them, ties by address; of these the ones with
a consensus key, with power = stake in whole LPT.
"""

from dataclasses import dataclass

from app.messages.genesis_state import GenesisState
from app.primitives.address import Address
from app.primitives.amounts import UNITS_PER_TOKEN
from app.primitives.hashing import sha256

MAX_TOTAL_POWER = (2**63 - 1) // 8
"""CometBFT's limit on the sum of all powers (types.MaxTotalVotingPower)."""


@dataclass(frozen=True, slots=True)
class GenesisValidator:
    """A validator of the first block: its ed25519 key, its power in whole LPT, and the transcoder behind it."""

    pubkey: bytes
    power: int
    operator: Address


def validator_address(pubkey: bytes) -> bytes:
    """CometBFT's name for an ed25519 key: the first 20 bytes of its SHA-256."""
    return sha256(pubkey)[:20]


def total_stakes(state: GenesisState) -> dict[Address, int]:
    """What is bonded to each transcoder, its own stake included, in base units."""
    stakes: dict[Address, int] = {item.address: item.stake for item in state.transcoders}
    for bond in state.bonds:
        stakes[bond.candidate] = stakes.get(bond.candidate, 0) + bond.amount
    return stakes


def supply_lpt(state: GenesisState) -> int:
    """All LPT of a document in base units: balances, stakes, and what is allocated to those who claim it."""
    allocated = 0 if state.allocations is None else state.allocations.total
    return sum(item.lpt for item in state.accounts) + sum(total_stakes(state).values()) + allocated


def derive_validators(state: GenesisState) -> tuple[GenesisValidator, ...]:
    """The validators that the stakes stand for, ordered by key."""
    stakes = total_stakes(state)
    ranked = sorted(state.transcoders, key=lambda item: (-stakes[item.address], item.address))
    elected = [
        GenesisValidator(item.consensus_pubkey, stakes[item.address] // UNITS_PER_TOKEN, item.address)
        for item in ranked[: state.params.n]
    ]
    return tuple(sorted((item for item in elected if item.pubkey and item.power), key=lambda item: item.pubkey))
