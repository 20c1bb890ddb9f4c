"""Who takes part: the members of a scenario's groups, their accounts, and the first state that they make."""

from dataclasses import dataclass
from itertools import chain

from app.messages.economy import PROFILE, DelegatorGroup, EconomyOrder, TranscoderGroup
from app.messages.genesis_state import GenesisAccount, GenesisBond, GenesisProfile, GenesisState, GenesisTranscoder
from app.primitives.address import Address
from app.primitives.amounts import Lpt, Wei
from app.primitives.fractions import ONE, Fraction
from app.primitives.hashing import length_prefixed, sha256
from app.protocol.sortition import draw_number, draw_weighted

SPARE_VERIFIERS = 2
"""Beyond the size of a committee."""
ETH_OF_EACH = Wei(10**6 * 10**18)
"""Fees of years, and more."""


@dataclass(frozen=True, slots=True)
class Operator:
    """A transcoder: one candidate of a member of its group."""

    address: Address
    consensus_key: bytes
    group: TranscoderGroup
    stake: Lpt


@dataclass(frozen=True, slots=True)
class Holder:
    """A delegator; `wants` is the yield of a year below which it takes its stake out."""

    address: Address
    number: int
    group: DelegatorGroup
    wealth: Lpt
    wants: Fraction


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody, in the order of the scenario."""

    operators: tuple[Operator, ...]
    holders: tuple[Holder, ...]
    broadcasters: tuple[Address, ...]
    verifiers: tuple[Address, ...]


class Chance:
    """All that is left to chance, from one seed: the same question has the same answer."""

    def __init__(self, seed: int) -> None:
        self._seed = sha256(length_prefixed(b"headwater/economy/chance", seed.to_bytes(8, "big")))

    def number(self, purpose: bytes, *ids: int) -> int:
        """A number of 256 bits."""
        return draw_number(self._seed, purpose, *ids)

    def happens(self, share: int, purpose: bytes, *ids: int) -> bool:
        """Whether something happens that has this chance, in parts per billion."""
        return share > 0 and self.number(purpose, *ids) % ONE < share


def gather(order: EconomyOrder, chance: Chance) -> Cast:
    """The members of all groups."""
    operators = [
        Operator(address, consensus_key(address), group, Lpt(group.stake // group.parts))
        for group in order.scenario.transcoders
        for address in [_address(group.name, i) for i in range(group.count * group.parts)]
    ]
    numbered: list[Holder] = []
    for group in order.scenario.delegators:
        for place in range(group.count):
            number = len(numbered)
            wants = group.least_yield + chance.number(b"wants", number) % (group.most_yield - group.least_yield + 1)
            wealth = Lpt(group.wealth // (place + 1))
            numbered.append(Holder(_address(group.name, place), number, group, wealth, Fraction(wants)))
    broadcasters = [_address("broadcaster", i) for i in range(order.scenario.streams)]
    verifiers = [_address("verifier", i) for i in range(order.params.verifier_committee_size + SPARE_VERIFIERS)]
    return Cast(tuple(operators), tuple(numbered), tuple(broadcasters), tuple(verifiers))


def make_genesis(order: EconomyOrder, cast: Cast, chance: Chance) -> GenesisState:
    """The first state: transcoders with their stake, delegators with their wealth, a part of it bonded."""
    scenario = order.scenario
    bonded = [holder for holder in cast.holders if chance.happens(holder.group.bonded, b"bonded", holder.number)]
    weights = [operator.stake for operator in cast.operators]
    bonds = []
    for holder in bonded:
        first = cast.operators[draw_weighted(chance.number(b"first", holder.number), weights)]
        bonds.append(GenesisBond(holder.address, first.address, holder.wealth))
    staked = {bond.delegator for bond in bonds}
    accounts = chain(
        [(_address("idle", 0), scenario.idle)],
        [(operator.address, 0) for operator in cast.operators],
        [(holder.address, 0 if holder.address in staked else holder.wealth) for holder in cast.holders],
        [(address, 0) for address in cast.broadcasters],
        [(address, order.params.min_verifier_bond) for address in cast.verifiers],
    )
    return GenesisState(
        order.params,
        tuple([GenesisAccount(address, Lpt(lpt), ETH_OF_EACH) for address, lpt in accounts]),
        tuple([_transcoder(operator, scenario.price_per_segment) for operator in cast.operators]),
        tuple(bonds),
        (GenesisProfile(PROFILE, "h264", 1000, "as transcoder.media has it"),),
    )


def consensus_key(address: Address) -> bytes:
    """The key by which a transcoder of the simulation is known to consensus; nobody signs with it."""
    return bytes(sha256(b"consensus" + address))


def _transcoder(operator: Operator, price: Wei) -> GenesisTranscoder:
    group = operator.group
    return GenesisTranscoder(
        operator.address,
        operator.stake,
        price,
        group.block_reward_cut,
        group.fee_share,
        "http://127.0.0.1:1",
        operator.consensus_key,
    )


def _address(name: str, number: int) -> Address:
    return Address(sha256(length_prefixed(b"headwater/economy/account", name.encode(), number.to_bytes(8, "big")))[:20])
