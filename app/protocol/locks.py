"""Locks: stake on its way out (whitepaper, *Bonding + Delegation*: the unbonding state).

What `Unbond` takes out of a stake lies in a numbered lock of its owner, until `Withdraw` or `Rebond`. It still answers
for what its candidate did while the stake was behind it. Stakes are locked in for a round, so that the round goes on
with the work and the consensus power that this stake gave: a lock therefore answers for every offence until its round
ends, and two blocks longer, because CometBFT takes that long to change its set.

The locks towards one candidate that were made in one round and slashed alike are one batch; a lock is worth
`principal × batch stake ÷ batch principal`, rounded down, and who takes the last lock out of a batch takes all that is
left. A slash writes one number for each batch that it reaches: as many as rounds have ended since the offence, and one
more for each earlier slash, whatever the number of locks. A batch that was slashed takes no new locks.

An account has at most `MAX_LOCKS` at a time. Locks never withdrawn stay slashable, for offences of before their end of
liability alone.
"""

from dataclasses import replace

from app.messages.events import LockBatchSlashed, LockWithdrawn, Unbonded
from app.messages.limits import MAX_LOCKS
from app.messages.records import Lock, LockBatch
from app.messages.rejections import Reason, Rejection
from app.primitives.address import Address
from app.primitives.amounts import Height, Lpt
from app.primitives.fractions import Fraction, fraction_of, mul_floor
from app.protocol.environment import Env, TxEnv
from app.protocol.ledger import change_unbonding, credit_lpt
from app.state.tables import DELEGATORS, LOCK_BATCHES, LOCKS, ROUND, ReadState, State, end_of_prefix

VALIDATOR_DELAY_BLOCKS = 2
"""From telling CometBFT of a change of its set to the first block that the changed set signs."""

_MAX_BATCHES = 2**64 - 1

# --- accessors


def load_lock(state: ReadState, owner: Address, lock_id: int) -> Lock:
    """A lock of this account.

    Raises:
        Rejection: UNKNOWN_LOCK.
    """
    lock = LOCKS.get(state, owner, lock_id)
    if lock is None:
        raise Rejection(Reason.UNKNOWN_LOCK, f"you have no lock {lock_id}; it may be withdrawn or rebonded already")
    return lock


def get_lock_value(state: ReadState, lock: Lock) -> Lpt:
    """What a lock is worth now, after whatever has slashed it."""
    batch = LOCK_BATCHES.read(state, lock.candidate, lock.liable_until, lock.batch)
    return Lpt(mul_floor(lock.principal, batch.stake, batch.principal))


def get_end_of_liability(state: ReadState) -> Height:
    """The last height whose offences reach what is unbonded in the running round."""
    now = ROUND.read(state)
    return Height(now.start_height + now.length - 1 + VALIDATOR_DELAY_BLOCKS)


# --- mutators


def open_lock(state: State, env: Env, owner: Address, candidate: Address, amount: int) -> int:
    """Put stake that the caller has taken out of a bond under a lock; returns its number."""
    liable_until = get_end_of_liability(state)
    number, batch = _open_batch(state, candidate, liable_until)
    grown = LockBatch(Lpt(batch.principal + amount), Lpt(batch.stake + amount))
    LOCK_BATCHES.put(state, grown, candidate, liable_until, number)
    release_height = Height(env.height + env.params.unbonding_period)
    delegator = DELEGATORS.read(state, owner)
    lock_id = delegator.next_lock_id
    LOCKS.put(state, Lock(candidate, liable_until, number, Lpt(amount), release_height), owner, lock_id)
    DELEGATORS.put(state, replace(delegator, locks=delegator.locks + 1, next_lock_id=lock_id + 1), owner)
    change_unbonding(state, amount)
    env.emit(Unbonded(owner, candidate, lock_id, Lpt(amount), release_height, liable_until, number))
    return lock_id


def close_lock(state: State, owner: Address, lock_id: int) -> Lpt:
    """Take what is left of a lock out of its batch; returns it."""
    lock = LOCKS.read(state, owner, lock_id)
    key = (lock.candidate, lock.liable_until, lock.batch)
    batch, value = LOCK_BATCHES.read(state, *key), get_lock_value(state, lock)
    rest = LockBatch(Lpt(batch.principal - lock.principal), Lpt(batch.stake - value))
    if rest.principal:
        LOCK_BATCHES.put(state, rest, *key)
    else:
        LOCK_BATCHES.drop(state, *key)
    LOCKS.drop(state, owner, lock_id)
    delegator = DELEGATORS.read(state, owner)
    DELEGATORS.put(state, replace(delegator, locks=delegator.locks - 1), owner)
    change_unbonding(state, -value)
    return value


def slash_locks(state: State, env: Env, candidate: Address, fraction: Fraction, offence_height: Height) -> Lpt:
    """Take a fraction, rounded down for each batch, of all locks that answer for an offence. Returns what was taken."""
    first = LOCK_BATCHES.layout.key(candidate, offence_height)
    taken = 0
    for key, data in list(state.iterate(first, end_of_prefix(LOCK_BATCHES.layout.key(candidate)))):
        place, batch = LOCK_BATCHES.layout.split(key), LOCK_BATCHES.parse(data)
        amount = fraction_of(batch.stake, fraction)
        LOCK_BATCHES.put(state, replace(batch, stake=Lpt(batch.stake - amount)), *place)
        taken += amount
        if amount:
            _, liable_until, number = place
            env.emit(LockBatchSlashed(candidate, liable_until, number, Lpt(amount)))
    change_unbonding(state, -taken)
    return Lpt(taken)


def withdraw_locks(state: State, env: TxEnv, lock_ids: tuple[int, ...]) -> None:
    """Pay out locks of the sender, which `check_released` has looked at."""
    for lock_id in lock_ids:
        value = close_lock(state, env.sender, lock_id)
        credit_lpt(state, env.sender, value)
        env.emit(LockWithdrawn(env.sender, lock_id, value))


def _open_batch(state: ReadState, candidate: Address, liable_until: Height) -> tuple[int, LockBatch]:
    found = LOCK_BATCHES.last_before(state, candidate, liable_until, _MAX_BATCHES)
    if found is None:
        return 0, LockBatch(Lpt(0), Lpt(0))
    (_, _, number), batch = found
    return (number, batch) if batch.stake == batch.principal else (number + 1, LockBatch(Lpt(0), Lpt(0)))


# --- checks


def check_room(state: ReadState, owner: Address) -> None:
    """Refuse another lock to an account that has as many as it may have.

    Raises:
        Rejection: TOO_MANY_LOCKS.
    """
    delegator = DELEGATORS.get(state, owner)
    if delegator is not None and delegator.locks >= MAX_LOCKS:
        raise Rejection(Reason.TOO_MANY_LOCKS, f"{MAX_LOCKS} locks are open; withdraw or rebond one first")


def check_released(state: ReadState, env: TxEnv, lock_ids: tuple[int, ...]) -> None:
    """Refuse to withdraw what is not there, not released, or named twice.

    Raises:
        Rejection: UNKNOWN_LOCK, LOCK_NOT_RELEASED or INVALID_FIELD.
    """
    for place, lock_id in enumerate(lock_ids):
        lock = load_lock(state, env.sender, lock_id)
        if lock_id in lock_ids[:place]:
            raise Rejection(Reason.INVALID_FIELD, f"lock {lock_id} is named twice")
        if env.height < lock.release_height:
            raise Rejection(
                Reason.LOCK_NOT_RELEASED,
                f"lock {lock_id} is released at height {lock.release_height}; this is height {env.height}",
            )
