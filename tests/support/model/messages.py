"""What people do in the model: what speaks against each message, and what it does (protocol.md, sections 2 and 5).

Nobody has fixed the order of a handler's checks, so each message here has all the reasons that speak against it; the
chain has to give one of them, and to accept the message where there is none.
"""

from collections.abc import Callable, Iterator
from math import floor
from typing import Any

from app.messages.bodies import (
    Bond,
    Denom,
    InitializeRound,
    Rebond,
    ResignAsTranscoder,
    Reward,
    RotateConsensusKey,
    Transcoder,
    Transfer,
    Unbond,
    Unjail,
    UpdateDelegatorStake,
    Withdraw,
)
from app.messages.rejections import Reason
from app.primitives.address import Address
from tests.support.model.rounds import initialize, pay_reward
from tests.support.model.seats import leave, update_validators
from tests.support.model.stakes import bond, lock_up, require_self_bond, take_from_bond, unlock
from tests.support.model.world import NOTHING, Candidate, Rates, World

MOST_LOCKS = 100
Objections = Iterator[Reason]
EVERYTHING = 2**200

# --- bonds


def object_to_bond(world: World, sender: Address, message: Bond) -> Objections:
    mine = world.bonds.get(sender)
    moves = mine is not None and mine.candidate != message.to
    yield from _no_round(world)
    yield from _no_candidate(world, sender, message.to)
    if moves and mine.candidate == sender:
        yield from _own_stake_stays(world, sender)
    if message.amount == 0 and not moves:
        yield Reason.ZERO_AMOUNT
    if message.amount > world.purse(sender).lpt:
        yield Reason.INSUFFICIENT_FUNDS


def do_bond(world: World, sender: Address, message: Bond) -> None:
    world.purse(sender).lpt -= message.amount
    mine, moved = world.bonds.get(sender), 0
    if mine is not None and mine.candidate != message.to:
        moved = take_from_bond(world, sender, EVERYTHING)
    bond(world, sender, message.to, moved + message.amount)


def object_to_unbond(world: World, sender: Address, message: Unbond) -> Objections:
    mine = world.bonds.get(sender)
    if message.amount == 0:
        yield Reason.ZERO_AMOUNT
    yield from _no_round(world)
    if mine is None:
        yield Reason.NOT_BONDED
    elif not world.stake_reaches(sender, message.amount):
        yield Reason.INSUFFICIENT_STAKE
    if sum(owner == sender for owner, _ in world.locks) >= MOST_LOCKS:
        yield Reason.TOO_MANY_LOCKS


def do_unbond(world: World, sender: Address, message: Unbond) -> None:
    candidate = world.bonds[sender].candidate
    assert take_from_bond(world, sender, message.amount) == message.amount
    lock_up(world, sender, candidate, message.amount)
    require_self_bond(world, sender)


def object_to_rebond(world: World, sender: Address, message: Rebond) -> Objections:
    mine, lock = world.bonds.get(sender), world.locks.get((sender, message.lock_id))
    yield from _no_round(world)
    yield from _no_candidate(world, sender, message.to)
    if mine is not None and mine.candidate != message.to:
        yield Reason.ALREADY_BONDED
    if lock is None:
        yield Reason.UNKNOWN_LOCK
        return
    if lock.candidate == sender != message.to and world.height < lock.release:
        yield Reason.TRANSCODER_CANNOT_DELEGATE
    if floor(lock.value) == 0:
        yield Reason.ZERO_AMOUNT


def do_rebond(world: World, sender: Address, message: Rebond) -> None:
    bond(world, sender, message.to, unlock(world, sender, message.lock_id))


def object_to_update(world: World, sender: Address, message: UpdateDelegatorStake) -> Objections:
    if message.delegator not in world.ever_bonded:
        yield Reason.NOT_BONDED


def object_to_withdraw(world: World, sender: Address, message: Withdraw) -> Objections:
    if not (message.deposit_wei or message.fees_wei or message.lock_ids):
        yield Reason.ZERO_AMOUNT
    if len(set(message.lock_ids)) < len(message.lock_ids):
        yield Reason.INVALID_FIELD
    for number in message.lock_ids:
        lock = world.locks.get((sender, number))
        if lock is None:
            yield Reason.UNKNOWN_LOCK
        elif world.height < lock.release:
            yield Reason.LOCK_NOT_RELEASED
    if message.deposit_wei:
        yield Reason.INSUFFICIENT_DEPOSIT
    if message.fees_wei > world.fees.get(sender, NOTHING):
        yield Reason.INSUFFICIENT_FEES


def do_withdraw(world: World, sender: Address, message: Withdraw) -> None:
    world.add_fees(sender, -message.fees_wei)
    world.purse(sender).wei += message.fees_wei
    for number in message.lock_ids:
        world.purse(sender).lpt += unlock(world, sender, number)


def _no_round(world: World) -> Objections:
    if not world.initialized:
        yield Reason.ROUND_NOT_INITIALIZED


def _no_candidate(world: World, sender: Address, to: Address) -> Objections:
    record = world.candidates.get(to)
    if record is not None and record.tombstoned:
        yield Reason.TOMBSTONED
    elif to != sender and (record is None or not record.registered):
        yield Reason.NOT_A_CANDIDATE


def _own_stake_stays(world: World, sender: Address) -> Objections:
    record = world.candidates.get(sender)
    if record is None:
        return
    if record.registered or world.height < record.left_height + world.params.unbonding_period:
        yield Reason.TRANSCODER_CANNOT_DELEGATE


# --- transcoders


def object_to_transcoder(world: World, sender: Address, message: Transcoder) -> Objections:
    mine, record = world.bonds.get(sender), world.candidates.get(sender)
    if not message.service_uri.startswith(("http://", "https://")):
        yield Reason.INVALID_FIELD
    yield from _no_round(world)
    if mine is None or mine.candidate != sender:
        yield Reason.NOT_BONDED
    elif not world.stake_reaches(sender, world.params.min_self_bond):
        yield Reason.SELF_BOND_TOO_LOW
    if record is not None and record.tombstoned:
        yield Reason.TOMBSTONED
    if message.consensus_pubkey:
        yield from _bad_key(world, sender, message.consensus_pubkey)
        if record is not None and record.key not in (b"", message.consensus_pubkey):
            yield Reason.CONSENSUS_KEY_IN_USE
    if world.height >= world.lock_start:
        yield from _locked(world, record, message)


def do_transcoder(world: World, sender: Address, message: Transcoder) -> None:
    rates, before = _rates(message), world.candidates.get(sender)
    key = message.consensus_pubkey
    if key:
        world.keys[key] = sender
    if before is None:
        world.candidates[sender] = Candidate(rates, rates, world.number + 1, message.service_uri, key)
        return
    before.rates, before.next_rates = before.rates_in(world.number), rates
    before.next_round, before.uri, before.key = world.number + 1, message.service_uri, key or before.key
    before.registered = True


def object_if_unregistered(world: World, sender: Address, message: Any) -> Objections:
    record = world.candidates.get(sender)
    if record is None or not record.registered:
        yield Reason.NOT_REGISTERED


def do_resign(world: World, sender: Address, message: ResignAsTranscoder) -> None:
    leave(world, sender)


def object_to_unjail(world: World, sender: Address, message: Unjail) -> Objections:
    yield from object_if_unregistered(world, sender, message)
    record = world.candidates.get(sender)
    if record is None or not record.jailed_until:
        yield Reason.NOT_JAILED
    elif world.height < record.jailed_until:
        yield Reason.STILL_JAILED


def do_unjail(world: World, sender: Address, message: Unjail) -> None:
    world.candidates[sender].jailed_until = 0


def object_to_rotate(world: World, sender: Address, message: RotateConsensusKey) -> Objections:
    yield from object_if_unregistered(world, sender, message)
    yield from _bad_key(world, sender, message.consensus_pubkey)
    record = world.candidates.get(sender)
    if record is not None and record.key == message.consensus_pubkey:
        yield Reason.CONSENSUS_KEY_IN_USE


def do_rotate(world: World, sender: Address, message: RotateConsensusKey) -> None:
    record = world.candidates[sender]
    old, record.key = record.key, message.consensus_pubkey
    world.keys[message.consensus_pubkey] = sender
    if old in world.validators:
        update_validators(world)


def _rates(message: Transcoder) -> Rates:
    return Rates(message.price_per_segment, message.block_reward_cut, message.fee_share)


def _bad_key(world: World, sender: Address, key: bytes) -> Objections:
    if len(key) != 32:
        yield Reason.INVALID_FIELD
    elif world.keys.get(key, sender) != sender:
        yield Reason.CONSENSUS_KEY_IN_USE


def _locked(world: World, record: Candidate | None, message: Transcoder) -> Objections:
    if record is None or not record.registered:
        yield Reason.ROUND_LOCKED
        return
    published, wanted = record.next_rates, _rates(message)
    same = (wanted.cut, wanted.fee_share, message.service_uri) == (published.cut, published.fee_share, record.uri)
    if not same or message.consensus_pubkey not in (b"", record.key):
        yield Reason.ROUND_LOCKED
    if not (world.lowest_price or 0) <= wanted.price <= published.price:
        yield Reason.PRICE_RULE


# --- rounds


def object_to_reward(world: World, sender: Address, message: Reward) -> Objections:
    yield from _no_round(world)
    seat = world.seats.get(sender)
    if seat is None or seat.left:
        yield Reason.NOT_ACTIVE
    elif seat.rewarded:
        yield Reason.REWARD_ALREADY_CALLED


def do_reward(world: World, sender: Address, message: Reward) -> None:
    pay_reward(world, sender)


def object_to_initialize(world: World, sender: Address, message: InitializeRound) -> Objections:
    if world.initialized:
        yield Reason.ROUND_ALREADY_INITIALIZED


def do_initialize(world: World, sender: Address, message: InitializeRound) -> None:
    initialize(world)


# --- balances


def object_to_transfer(world: World, sender: Address, message: Transfer) -> Objections:
    if message.amount == 0:
        yield Reason.ZERO_AMOUNT
    if message.to == bytes(20):
        yield Reason.INVALID_FIELD
    purse = world.purse(sender)
    if message.amount > (purse.lpt if message.denom is Denom.LPT else purse.wei):
        yield Reason.INSUFFICIENT_FUNDS


def do_transfer(world: World, sender: Address, message: Transfer) -> None:
    name = "lpt" if message.denom is Denom.LPT else "wei"
    for address, amount in ((sender, -message.amount), (message.to, message.amount)):
        purse = world.purse(address)
        setattr(purse, name, getattr(purse, name) + amount)


def do_nothing(world: World, sender: Address, message: Any) -> None:
    pass


RULES: dict[type, tuple[Callable[..., Objections], Callable[..., None]]] = {
    Bond: (object_to_bond, do_bond),
    Unbond: (object_to_unbond, do_unbond),
    Rebond: (object_to_rebond, do_rebond),
    Withdraw: (object_to_withdraw, do_withdraw),
    UpdateDelegatorStake: (object_to_update, do_nothing),
    Transcoder: (object_to_transcoder, do_transcoder),
    ResignAsTranscoder: (object_if_unregistered, do_resign),
    Unjail: (object_to_unjail, do_unjail),
    RotateConsensusKey: (object_to_rotate, do_rotate),
    Reward: (object_to_reward, do_reward),
    InitializeRound: (object_to_initialize, do_initialize),
    Transfer: (object_to_transfer, do_transfer),
}


def objections(world: World, sender: Address, message: Any) -> set[Reason]:
    """All that speaks against a message."""
    return set(RULES[type(message)][0](world, sender, message))


def apply(world: World, sender: Address, message: Any) -> None:
    """Do what a message says, against which nothing speaks."""
    world.count(message.delegator if isinstance(message, UpdateDelegatorStake) else sender)
    RULES[type(message)][1](world, sender, message)
