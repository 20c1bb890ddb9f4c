"""What happens by itself in the model: rounds, elections, rewards, validators (protocol.md, sections 4, 6 and 9)."""

from fractions import Fraction as Exact
from math import floor

from app.primitives.address import Address
from tests.support.model.seats import leave, leave_seat, update_validators
from tests.support.model.stakes import as_int, bond, grow, join, slash
from tests.support.model.world import EARNING, WHOLE, Rates, Seat, World

# --- who may be elected


def ranked(world: World) -> list[Address]:
    """All who are registered and not jailed, most stake first, ties by address."""
    able = [address for address, record in world.candidates.items() if record.registered and not record.jailed_until]
    return sorted(able, key=lambda address: (-world.total(address), address))


def lowest_price(world: World) -> int | None:
    """The lowest price that any candidate has published."""
    return min((record.next_rates.price for record in world.candidates.values() if record.registered), default=None)


# --- a block begins


def pass_round(world: World) -> None:
    """See whether the round is over; where the chain does so by itself, initialise the next."""
    if world.height >= world.end:
        world.initialized = False
    if not world.initialized and world.params.auto_initialize_round:
        initialize(world)
    elif world.height == world.lock_start:
        world.lowest_price = lowest_price(world)


def initialize(world: World) -> None:
    """Close the round that is over, move inflation, elect; rounds that have passed in between mint nothing."""
    close(world)
    passed = (world.height - world.start) // world.length
    world.number, world.start = world.number + passed, world.start + passed * world.length
    world.length, world.initialized, world.minted = world.params.round_length, True, 0
    move_inflation(world)
    world.lowest_price = lowest_price(world) if world.height >= world.lock_start else None
    join(world)
    elect(world)


def move_inflation(world: World) -> None:
    """Towards the target by one step; the mintable amount is a part of the supply, rounded down."""
    reached, target = world.bonded / world.supply, Exact(world.params.participation_rate, WHOLE)
    step = world.params.inflation_change * ((reached < target) - (reached > target))
    world.rate = min(WHOLE, max(0, world.rate + step))
    world.mintable = world.supply * world.rate // WHOLE


def elect(world: World) -> None:
    """The N with the most stake, and one of the rest, if there is a rest."""
    order, n = ranked(world), world.params.n
    world.last_seats, world.seats = world.seats, {}
    for address in order[:n]:
        world.seats[address] = _seat(world, address, False)
    if order[n:]:
        drawn = world.drawn if world.is_draw_told else order[n]
        assert drawn in order[n:], "the chain has drawn somebody who does not wait"
        world.seats[drawn] = _seat(world, drawn, True)
    update_validators(world)


def active_stake(seats: dict[Address, Seat]) -> int:
    """All stake that is locked in for a round."""
    return sum(seat.stake for seat in seats.values())


def _seat(world: World, address: Address, from_waitlist: bool) -> Seat:
    stake = as_int(world.total(address))
    return Seat(stake, world.candidates[address].rates_in(world.number), from_waitlist)


# --- rewards


def close(world: World) -> None:
    """Pay those who have not called Reward, or count what they have missed."""
    for address in sorted(world.seats):
        seat = world.seats[address]
        if seat.rewarded or seat.left:
            continue
        if world.params.auto_reward:
            pay_reward(world, address)
            continue
        record = world.candidates[address]
        record.missed_rewards += 1
        if record.missed_rewards == world.params.missed_reward_threshold:
            record.missed_rewards = 0
            slash(world, address, world.params.missed_reward_slash_amount, world.end - 1)


def pay_reward(world: World, address: Address) -> None:
    """The share of the mintable that the locked stake stands for: the cut to its own stake, the rest to all."""
    seat, record = world.seats[address], world.candidates[address]
    seat.rewarded, record.missed_rewards = True, 0
    world.count(address)
    if did_too_little(world, address) or world.total(address, EARNING) == 0:
        return
    amount = world.mintable * seat.stake // active_stake(world.seats)
    cut = amount * seat.rates.cut // WHOLE
    grow(world, address, EARNING, amount - cut)
    bond(world, address, address, cut, EARNING)
    world.minted, world.minted_ever = world.minted + amount, world.minted_ever + amount
    world.supply += amount


def did_too_little(world: World, address: Address) -> bool:
    """Whether a share of last round's work was below (1 - tolerance) of the share of its stake."""
    work, stake = sum(seat.work for seat in world.last_seats.values()), active_stake(world.last_seats)
    last = world.last_seats.get(address)
    if last is None or work == 0 or stake == 0:
        return False
    needed = Exact(WHOLE - world.params.competitiveness_tolerance, WHOLE) * Exact(last.stake, stake)
    return Exact(last.work, work) < needed


# --- fees


def rates_for_fees(world: World, address: Address) -> Rates:
    """Rates locked in for the round; of who has no seat in it, those that it has published."""
    seat = world.seats.get(address)
    return seat.rates if seat is not None else world.candidates[address].rates_in(world.number)


def credit_fees(world: World, address: Address, amount: int) -> None:
    """`fee_share` to all whose stake earns, in proportion, the rest to the transcoder."""
    earning = world.total(address, EARNING)
    shared = amount * rates_for_fees(world, address).fee_share // WHOLE if earning else 0
    for owner, each in world.bonds.items():
        if each.candidate == address and each.earning:
            world.add_fees(owner, shared * each.earning / earning)
    world.add_fees(address, amount - shared)


# --- what validators owe


def miss_block(world: World, address: Address) -> None:
    """Count a block that a validator has not signed; once too often, it is jailed."""
    seat, record = world.seats.get(address), world.candidates[address]
    if seat is None or seat.left:
        return
    window, missed = world.params.signed_blocks_window, world.height - 1
    recent = {height for height in record.missed_blocks if height > missed - window}
    record.missed_blocks = frozenset(recent | {missed})
    if len(record.missed_blocks) > floor(Exact(window * (WHOLE - world.params.min_signed_per_window), WHOLE)):
        record.jailed_until, record.missed_blocks = world.height + world.params.jail_duration, frozenset()
        leave_seat(world, address)


def sign_twice(world: World, address: Address, offence: int) -> None:
    """Slash and tombstone a double signer, once, while the evidence is admissible."""
    record = world.candidates[address]
    if record.tombstoned or world.height - offence > world.params.evidence_max_age:
        return
    slash(world, address, world.params.double_sign_slash_amount, offence)
    if record.registered:
        leave(world, address)
    record.tombstoned = True
