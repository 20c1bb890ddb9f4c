"""The records of the model: who has what."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction as Exact
from math import floor

from app.messages.genesis_state import GenesisState
from app.params import Params
from app.primitives.address import Address

WHOLE = 10**9
"""Parts per billion in one."""

LPT = 10**18
NOTHING = Exact(0)
DUST = Exact(1, 10**6)
"""Less than this of a base unit is how far the chain's fractions may be from the exact ones."""

EARNING, JOINING = "earning", "joining"


@dataclass(slots=True)
class Purse:
    """Balances."""

    lpt: int = 0
    wei: int = 0


@dataclass(slots=True)
class Bond:
    """What one account has bonded: what earns in the running round, and what joins with the next one."""

    candidate: Address
    earning: Exact = NOTHING
    joining: Exact = NOTHING

    @property
    def least(self) -> int:
        """The fewest units that the chain may count this stake as."""
        return whole(self.earning)[0] + whole(self.joining)[0]

    @property
    def most(self) -> int:
        """The stake in units that can be paid out: each part rounded down."""
        return whole(self.earning)[1] + whole(self.joining)[1]


def whole(value: Exact) -> tuple[int, int]:
    """What an exact value is in units, rounded down; where dust makes the difference, the less and the more."""
    return max(0, floor(value - DUST)), floor(value + DUST)


class Doubts:
    """Whether the chain counts a unit less where an exact value is a whole number, but for dust.

    The model cannot know; it asks here each time that it matters. The answers are an assumption, which the comparison
    after the block confirms, or another one is tried.
    """

    def __init__(self) -> None:
        self.answers: tuple[bool, ...] = ()
        self.asked = 0

    def __deepcopy__(self, memo: object) -> "Doubts":
        return self

    def assume(self, answers: tuple[bool, ...]) -> None:
        """Answer the next questions like this, and all after them with no."""
        self.answers, self.asked = answers, 0

    def counts_less(self) -> bool:
        """The next answer."""
        self.asked += 1
        return self.asked <= len(self.answers) and self.answers[self.asked - 1]


@dataclass(slots=True)
class Lock:
    """Stake on its way out. Locks that were made in one round and slashed alike have the same `fate`."""

    candidate: Address
    unbonded: int
    value: Exact
    liable_until: int
    release: int
    fate: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rates:
    """What a transcoder asks and shares."""

    price: int
    cut: int
    fee_share: int


@dataclass(slots=True)
class Candidate:
    """Somebody who has registered as a transcoder at some time."""

    rates: Rates
    next_rates: Rates
    next_round: int
    uri: str
    key: bytes
    registered: bool = True
    left_height: int = 0
    tombstoned: bool = False
    jailed_until: int = 0
    missed_rewards: int = 0
    missed_blocks: frozenset[int] = frozenset()

    def rates_in(self, number: int) -> Rates:
        """What it asks and shares in a round."""
        return self.next_rates if number >= self.next_round else self.rates


@dataclass(slots=True)
class Seat:
    """A place in the active set of a round."""

    stake: int
    rates: Rates
    from_waitlist: bool
    rewarded: bool = False
    left: bool = False
    work: int = 0


@dataclass(slots=True)
class World:
    """Everything that the model knows."""

    params: Params
    height: int
    start: int
    rate: int
    supply: int
    purses: dict[Address, Purse]
    number: int = 0
    length: int = 0
    initialized: bool = True
    mintable: int = 0
    minted: int = 0
    minted_ever: int = 0
    lowest_price: int | None = None
    common_lpt: int = 0
    common_wei: int = 0
    bonds: dict[Address, Bond] = field(default_factory=dict)
    ever_bonded: set[Address] = field(default_factory=set)
    fees: dict[Address, Exact] = field(default_factory=dict)
    worth: dict[tuple[Address, str], Exact] = field(default_factory=dict)
    locks: dict[tuple[Address, int], Lock] = field(default_factory=dict)
    locks_made: dict[Address, int] = field(default_factory=dict)
    slashes: int = 0
    candidates: dict[Address, Candidate] = field(default_factory=dict)
    keys: dict[bytes, Address] = field(default_factory=dict)
    seats: dict[Address, Seat] = field(default_factory=dict)
    last_seats: dict[Address, Seat] = field(default_factory=dict)
    validators: dict[bytes, tuple[Address, int]] = field(default_factory=dict)
    doubts: Doubts = field(default_factory=Doubts)
    operations: dict[Address, int] = field(default_factory=dict)
    """How often something was done with an account's stake or fees."""
    drawn: Address | None = None
    """Whom the chain has drawn from the waitlist last; randomness is not the model's."""
    is_draw_told: bool = True
    """Whether the chain tells: with a refused transaction that had begun a round, its draw is gone as well."""

    def purse(self, address: Address) -> Purse:
        """An account's balances."""
        return self.purses.setdefault(address, Purse())

    def stake_reaches(self, address: Address, amount: int) -> bool:
        """Whether an account's stake, in whole units, is at least so much."""
        mine = self.bonds.get(address)
        if mine is None or amount > mine.most:
            return amount == 0
        return amount <= mine.least or not self.doubts.counts_less()

    def count(self, address: Address) -> None:
        """Note an operation."""
        self.operations[address] = self.operations.get(address, 0) + 1

    def add_fees(self, address: Address, amount: Exact | int) -> None:
        """Let an account have earned more."""
        self.fees[address] = self.fees.get(address, NOTHING) + amount

    def bonds_to(self, candidate: Address) -> Iterator[Bond]:
        """All bonds towards a candidate."""
        return (bond for bond in self.bonds.values() if bond.candidate == candidate)

    def total(self, candidate: Address, *parts: str) -> Exact:
        """What is bonded towards a candidate, in these parts or altogether."""
        return sum(
            (getattr(b, part) for b in self.bonds_to(candidate) for part in parts or (EARNING, JOINING)), NOTHING
        )

    @property
    def bonded(self) -> Exact:
        """All bonded LPT."""
        return sum((bond.earning + bond.joining for bond in self.bonds.values()), NOTHING)

    @property
    def unbonding(self) -> Exact:
        """All LPT under locks."""
        return sum((lock.value for lock in self.locks.values()), NOTHING)

    @property
    def end(self) -> int:
        """The first height after the running round."""
        return self.start + self.length

    @property
    def lock_start(self) -> int:
        """The height from which on rates are locked."""
        return self.end - self.params.round_length * self.params.round_lock_amount // WHOLE


def found(genesis: GenesisState, initial_height: int = 1) -> World:
    """The world as a genesis document describes it, before anybody is elected."""
    purses = {account.address: Purse(account.lpt, account.wei) for account in genesis.accounts}
    staked = sum(t.stake for t in genesis.transcoders) + sum(bond.amount for bond in genesis.bonds)
    supply = sum(purse.lpt for purse in purses.values()) + staked
    rate, length = genesis.params.inflation_rate, genesis.params.round_length
    world = World(genesis.params, initial_height, initial_height, rate, supply, purses, length=length)
    for transcoder in genesis.transcoders:
        rates = Rates(transcoder.price_per_segment, transcoder.block_reward_cut, transcoder.fee_share)
        record = Candidate(rates, rates, 0, transcoder.service_uri, transcoder.consensus_pubkey)
        world.candidates[transcoder.address] = replace(record)
        world.keys[transcoder.consensus_pubkey] = transcoder.address
        world.bonds[transcoder.address] = Bond(transcoder.address, Exact(transcoder.stake))
    for bond in genesis.bonds:
        world.bonds[bond.delegator] = Bond(bond.candidate, Exact(bond.amount))
    world.ever_bonded = set(world.bonds)
    world.worth = {(bond.candidate, EARNING): Exact(1) for bond in world.bonds.values()}
    return world
