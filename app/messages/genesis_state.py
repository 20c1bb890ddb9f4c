"""The chain's first state, as the `app_state` of a CometBFT genesis document holds it (JSON by `app.messages.record`).

Amounts are decimal strings of base units; fractions and blocks are numbers. What is staked is named apart from
balances: an account may have both.
"""

from dataclasses import dataclass

from app.params import Params
from app.primitives.address import Address
from app.primitives.amounts import Lpt, Wei
from app.primitives.fractions import Fraction
from app.primitives.hashing import Hash32


@dataclass(frozen=True, slots=True)
class GenesisAccount:
    """The balances of an account."""

    address: Address
    lpt: Lpt
    wei: Wei


@dataclass(frozen=True, slots=True)
class GenesisTranscoder:
    """A transcoder that is bonded to itself and registered from the start; with a consensus key it is a validator."""

    address: Address
    stake: Lpt
    price_per_segment: Wei
    block_reward_cut: Fraction
    fee_share: Fraction
    service_uri: str
    consensus_pubkey: bytes


@dataclass(frozen=True, slots=True)
class GenesisBond:
    """A bond of an account towards a transcoder of this document."""

    delegator: Address
    candidate: Address
    amount: Lpt


@dataclass(frozen=True, slots=True)
class GenesisProfile:
    """A profile that jobs may name (`app.messages.records.Profile`)."""

    profile_id: str
    codec: str
    codec_weight: int
    parameters: str


@dataclass(frozen=True, slots=True)
class GenesisAllocations:
    """LPT that belongs to holders who claim it by Merkle proof: how many they are, what they get, and the root."""

    count: int
    total: Lpt
    root: Hash32


@dataclass(frozen=True, slots=True)
class GenesisState:
    """Everything that the chain starts from."""

    params: Params
    accounts: tuple[GenesisAccount, ...]
    transcoders: tuple[GenesisTranscoder, ...]
    bonds: tuple[GenesisBond, ...]
    profiles: tuple[GenesisProfile, ...]
    allocations: GenesisAllocations | None = None
