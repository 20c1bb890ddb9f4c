"""Bonds, locks and slashes in the model (protocol.md, section 5)."""

from collections.abc import Sequence
from fractions import Fraction as Exact
from math import floor

from app.primitives.address import Address
from tests.support.model.seats import leave
from tests.support.model.world import EARNING, JOINING, NOTHING, WHOLE, Bond, Lock, World, whole

VALIDATOR_DELAY = 2
"""Blocks until CometBFT's set follows."""

WORN_OUT = Exact(1, 10**9)
"""Less than this of what a bond was worth counts as nothing."""

# --- bonds


def bond(world: World, owner: Address, candidate: Address, amount: int, part: str = JOINING) -> None:
    """Add to an account's bond."""
    if amount == 0:
        return
    mine = world.bonds.setdefault(owner, Bond(candidate))
    assert mine.candidate == candidate
    if world.total(candidate, part) == 0:
        world.worth[candidate, part] = Exact(1)
    setattr(mine, part, getattr(mine, part) + amount)
    world.ever_bonded.add(owner)


def take_from_bond(world: World, owner: Address, wanted: int) -> int:
    """Take so many units out of a bond, what joins first; returns how many could be had."""
    from_joining = _take_part(world, owner, JOINING, wanted)
    from_earning = _take_part(world, owner, EARNING, wanted - from_joining)
    mine = world.bonds[owner]
    if mine.earning == 0 and mine.joining == 0:
        del world.bonds[owner]
    return from_joining + from_earning


def _take_part(world: World, owner: Address, part: str, wanted: int) -> int:
    mine = world.bonds[owner]
    value: Exact = getattr(mine, part)
    least, units = whole(value)
    if least < units and wanted >= least and world.doubts.counts_less():
        units = least
    if wanted < units:
        setattr(mine, part, value - wanted)
        return wanted
    setattr(mine, part, NOTHING)
    grow(world, mine.candidate, part, value - units)
    return units


def grow(world: World, candidate: Address, part: str, amount: Exact | int) -> None:
    """Divide an amount among all who have a part of this kind, in proportion."""
    total = world.total(candidate, part)
    if amount == 0:
        return
    assert total, "there is nobody to have it"
    for each in world.bonds_to(candidate):
        setattr(each, part, getattr(each, part) * (1 + Exact(amount) / total))
    world.worth[candidate, part] *= 1 + Exact(amount) / total


def join(world: World) -> None:
    """What was bonded in the round before earns from now on."""
    for candidate in {each.candidate for each in world.bonds.values() if each.joining}:
        if world.total(candidate, EARNING) == 0:
            world.worth[candidate, EARNING] = Exact(1)
    for each in world.bonds.values():
        each.earning, each.joining = each.earning + each.joining, NOTHING


# --- locks


def lock_up(world: World, owner: Address, candidate: Address, amount: int) -> None:
    """Put what was taken out of a bond under a lock, which answers for the whole running round."""
    number = world.locks_made.get(owner, 0) + 1
    until = world.end - 1 + VALIDATOR_DELAY
    release = world.height + world.params.unbonding_period
    world.locks[owner, number] = Lock(candidate, amount, Exact(amount), until, release, ())
    world.locks_made[owner] = number


def unlock(world: World, owner: Address, number: int) -> int:
    """Take what is left of a lock in whole units; what is over belongs to the other locks of its fate."""
    lock = world.locks.pop((owner, number))
    rest, others = lock.value - floor(lock.value), _alike(world, lock)
    worth = sum((other.unbonded for other in others), 0)
    assert others or rest == 0, "the last of a fate takes all that is left"
    for other in others:
        other.value += rest * Exact(other.unbonded, worth)
    return floor(lock.value)


def _alike(world: World, lock: Lock) -> list[Lock]:
    key = (lock.candidate, lock.liable_until, lock.fate)
    return [each for each in world.locks.values() if (each.candidate, each.liable_until, each.fate) == key]


# --- slashes


def slash(world: World, transcoder: Address, fraction: int, offence: int, finder: Address | None = None) -> int:
    """Take a fraction of all that answers for what a transcoder did at a height; returns what was taken."""
    taken = _slash_bonds(world, transcoder, fraction) + _slash_locks(world, transcoder, fraction, offence)
    fee = 0 if finder is None else taken * world.params.finder_fee // WHOLE
    if finder is not None:
        world.purse(finder).lpt += fee
    world.common_lpt += taken - fee
    require_self_bond(world, transcoder)
    return taken


def require_self_bond(world: World, address: Address) -> None:
    """Let a transcoder leave whose own stake has become too little."""
    record, mine = world.candidates.get(address), world.bonds.get(address)
    if record is None or not record.registered:
        return
    if mine is None or mine.candidate != address or not world.stake_reaches(address, world.params.min_self_bond):
        leave(world, address)


def _slash_bonds(world: World, transcoder: Address, fraction: int) -> int:
    before = {part: world.total(transcoder, part) for part in (EARNING, JOINING)}
    taken = {part: floor(total * fraction / WHOLE) for part, total in before.items()}
    left = {part: world.worth[transcoder, part] * (1 - taken[part] / total) for part, total in before.items() if total}
    if any(worth < WORN_OUT for worth in left.values()):
        for owner in [owner for owner, each in world.bonds.items() if each.candidate == transcoder]:
            del world.bonds[owner]
        return as_int(sum(before.values(), NOTHING))
    for part in left:
        grow(world, transcoder, part, Exact(-taken[part]))
    return sum(taken.values())


def _slash_locks(world: World, transcoder: Address, fraction: int, offence: int) -> int:
    reached = [lock for lock in world.locks.values() if lock.candidate == transcoder and lock.liable_until >= offence]
    fates = sorted({(lock.liable_until, lock.fate) for lock in reached})
    world.slashes += 1
    return sum(_slash_fate([k for k in reached if (k.liable_until, k.fate) == fate], fraction, world) for fate in fates)


def _slash_fate(locks: Sequence[Lock], fraction: int, world: World) -> int:
    value = sum((lock.value for lock in locks), NOTHING)
    taken = floor(value * fraction / WHOLE)
    for lock in locks:
        if taken:
            lock.value *= 1 - taken / value
            lock.fate = (*lock.fate, world.slashes)
    return taken


def as_int(value: Exact) -> int:
    assert value.denominator == 1, f"all bonds towards one candidate are {value}, which is no whole number of units"
    return value.numerator
