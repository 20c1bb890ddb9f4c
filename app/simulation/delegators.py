"""What delegators do: stay, follow the yield, or take their stake out when it pays too little."""

from collections import deque

from app.messages.bodies import Bond, Rebond, Unbond, Withdraw
from app.messages.economy import ROUNDS_PER_YEAR
from app.messages.records import Lock
from app.primitives.address import Address
from app.primitives.amounts import Lpt, Wei
from app.primitives.fractions import ONE, mul_floor
from app.protocol.stake import SHARE_SCALE, get_candidate, get_stake
from app.simulation.cast import Chance, Holder
from app.simulation.world import World
from app.state.tables import ACCOUNTS, ACTIVE, LOCKS, POOLS

MEMORY_ROUNDS = 30
BEST = 5
"""Among how many of the best-paying transcoders a delegator chooses by chance."""
INERTIA = 50_000_000
"""By how much better, in parts per billion, another transcoder must have paid before anybody moves to it."""
_SCALE = SHARE_SCALE * 10**18
_MOST_REBONDS = 8


class Yields:
    """What a share of each active transcoder's pool has become worth: rewards less cuts and slashes."""

    def __init__(self) -> None:
        self._past: deque[dict[Address, int]] = deque(maxlen=MEMORY_ROUNDS + 1)
        self.of_year: dict[Address, int] = {}

    def observe(self, world: World) -> None:
        """Look at all active transcoders, once per round."""
        now: dict[Address, int] = {}
        for (address,), active in ACTIVE.items(world.state):
            pool = POOLS.read(world.state, address)
            if pool.shares and not active.left:
                now[address] = mul_floor(pool.stake, _SCALE, pool.shares)
        self._past.append(now)
        self.of_year = {address: self._measure(world, address, index) for address, index in now.items()}

    def best(self) -> list[Address]:
        """The active transcoders that have paid most, and others that paid nearly as much, the best first."""
        ranked = sorted(self.of_year, key=lambda address: (-self.of_year[address], address))[:BEST]
        return [each for each in ranked if self.of_year[each] * (ONE + INERTIA) >= self.of_year[ranked[0]] * ONE]

    def _measure(self, world: World, address: Address, index: int) -> int:
        window = len(self._past) - 1
        then = self._past[0].get(address)
        if not window or then is None:
            return self._expect(world, address)
        return max(0, (index - then) * ONE * ROUNDS_PER_YEAR // (then * window))

    def _expect(self, world: World, address: Address) -> int:
        now, active = world.round, ACTIVE.read(world.state, address)
        of_round = mul_floor(now.mintable, ONE, max(1, now.active_stake))
        return of_round * ROUNDS_PER_YEAR * (ONE - active.rates.block_reward_cut) // ONE


def review(world: World, yields: Yields, holder: Holder, chance: Chance) -> bool:
    """Let one delegator look at its stake, and send what it decides; returns whether it moves to another transcoder."""
    best = yields.best()
    if not best:
        return False
    _collect(world, holder)
    wanted = best[chance.number(b"choice", holder.number, world.height) % len(best)]
    current, worth = get_candidate(world.state, holder.address), yields.of_year[wanted] >= holder.wants
    if current is None:
        if worth:
            _enter(world, holder, wanted)
        return False
    if holder.group.follows_yield and not worth:
        world.send(holder.address, Unbond(get_stake(world.state, holder.address)))
        return False
    return _move(world, yields, holder, current, wanted)


def _move(world: World, yields: Yields, holder: Holder, current: Address, wanted: Address) -> bool:
    mine, other = yields.of_year.get(current), yields.of_year[wanted]
    better = mine is None or (holder.group.follows_yield and other * ONE > mine * (ONE + INERTIA))
    if better and wanted != current:
        world.send(holder.address, Bond(Lpt(0), wanted))
        return True
    return False


def _collect(world: World, holder: Holder) -> None:
    locks = _locks(world, holder)
    released = tuple([number for number, lock in locks if lock.release_height <= world.height])
    if released:
        world.send(holder.address, Withdraw(Wei(0), Wei(0), released))


def _enter(world: World, holder: Holder, wanted: Address) -> None:
    waiting = [number for number, lock in _locks(world, holder) if lock.release_height > world.height]
    if waiting:
        world.send(holder.address, *[Rebond(number, wanted) for number in waiting[:_MOST_REBONDS]])
    balance = ACCOUNTS.read(world.state, holder.address).lpt
    if balance:
        world.send(holder.address, Bond(balance, wanted))


def _locks(world: World, holder: Holder) -> list[tuple[int, Lock]]:
    return [(number, lock) for (_, number), lock in LOCKS.items(world.state, holder.address)]
