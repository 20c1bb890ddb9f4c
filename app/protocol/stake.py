"""Stake as shares of a candidate's pool (whitepaper, *Bonding + Delegation*).

All that is bonded towards one candidate is one pool, and each delegator holds shares of it. A reward adds to the pool
and a slash takes from it, so that both reach every delegator at once and without a loop, as the whitepaper asks; a
delegator's stake is `shares × pool ÷ all shares`, rounded down.

protocol.md has cumulative reward factors over 10^27 instead. Shares are the same factor kept as an exact fraction:
nothing is lost by rounding the factor, no bond has a start factor that could be unset (which inflated stakes on the
real network twice), and the sum of all stakes stays short of the pool by less than one unit per delegator however long
the chain runs.

A bond made in a round earns from the next round on: until then it lies in the pool's joining bucket, with shares of
its own. The first touch of the pool in a later round turns the bucket into shares, so many whole ones for each joining
share. So every share has an owner: whoever leaves last takes all that is left, and an emptied pool starts anew.

A slash that leaves nothing ends the pool's era. The shares of an ended era are void, so that who bonds afterwards
shares with nobody; the fees that they had earned stay their holders' own, kept with the era until the last has
collected. A slash that leaves less than one part in `WORN_OUT` of what shares were once worth takes that as well:
otherwise share counts would grow with each such slash, until fees per share round to nothing.
"""

from dataclasses import replace

from app.messages.events import FeesCollected, FeesLeftOver
from app.messages.records import DelegationPool, Delegator, Empty, EndedEra, Holding, JoinedBucket
from app.messages.rejections import Reason, Rejection
from app.primitives.address import Address
from app.primitives.amounts import MAX_AMOUNT, Lpt, Round, Wei, format_wei
from app.primitives.fractions import Fraction, fraction_of, mul_ceil, mul_floor
from app.protocol.environment import Env
from app.protocol.holdings import find_saved_holding, save_holding
from app.protocol.ledger import change_bonded, pay_common_pool
from app.state.tables import (
    CANDIDATES_BY_STAKE,
    DELEGATORS,
    ENDED_ERAS,
    JOINED,
    POOLS,
    ROUND,
    ReadState,
    State,
)

WORN_OUT = 10**9
"""By how much slashes can make the shares of one era cheaper."""

SHARE_SCALE = 10**63
"""Shares of a new pool per base unit of LPT. A bond that joins loses less than `joining shares × pool stake ÷ pool
shares` by rounding. At worst a pool of one unit has been rewarded with all LPT there is, another as large joins it, and
slashes have made its joining shares as cheap as they can be: for a thousand million LPT, 10^27 units, these factors are
10^27, 10^27 and `WORN_OUT`, so that even then less than a base unit is lost."""

FEE_SCALE = 10**27 * SHARE_SCALE * WORN_OUT
"""The divisor of fee factors: 10^27 for each base unit, times the most shares that a unit can have, so that who holds
less than a thousand million LPT loses less than a wei by the rounding of a factor."""

# --- accessors


def get_total_stake(state: ReadState, candidate: Address) -> Lpt:
    """All that is bonded towards a candidate, this round's bonds included; the election looks at this."""
    pool = POOLS.read(state, candidate)
    return Lpt(pool.stake + pool.joining_stake)


def get_candidate(state: ReadState, address: Address) -> Address | None:
    """Towards whom an account is bonded, or none."""
    delegator = DELEGATORS.get(state, address)
    if delegator is None or not (delegator.shares or delegator.joining_shares):
        return None
    return None if _is_void(delegator, POOLS.read(state, delegator.candidate)) else delegator.candidate


def get_stake(state: ReadState, address: Address) -> Lpt:
    """An account's stake now, this round's bonds and all rewards included."""
    delegator = DELEGATORS.get(state, address)
    if delegator is None:
        return Lpt(0)
    pool, fresh = _view_pool(state, delegator.candidate)
    if _is_void(delegator, pool):
        return Lpt(0)
    shares, joining = _current_shares(delegator, _joined_bucket(state, delegator, fresh))
    return Lpt(_value(shares, pool.stake, pool.shares) + _value(joining, pool.joining_stake, pool.joining_shares))


def get_pending_fees(state: ReadState, address: Address) -> Wei:
    """An account's fees now, collected or not."""
    delegator = DELEGATORS.get(state, address)
    if delegator is None:
        return Wei(0)
    pool, fresh = _view_pool(state, delegator.candidate)
    if _is_void(delegator, pool):
        ended = ENDED_ERAS.get(state, delegator.candidate, delegator.era)
        return Wei(delegator.fees + (0 if ended is None else _void_holding(state, delegator, ended)[2]))
    return Wei(delegator.fees + _uncollected(delegator, _joined_bucket(state, delegator, fresh), pool.fee_factor))


def get_holding(state: ReadState, address: Address, asked: Round) -> Holding | None:
    """What an account held as a round began, which is running or has been; none for who has never bonded."""
    saved = find_saved_holding(state, address, asked)
    if saved is not None:
        return saved
    delegator = DELEGATORS.get(state, address)
    return None if delegator is None else _holding(state, delegator)


# --- mutators


def settle_pool(state: State, candidate: Address) -> DelegationPool:
    """Turn bonds of earlier rounds into shares; returns the pool as it is then."""
    pool, fresh = _view_pool(state, candidate)
    if fresh is not None:
        JOINED.put(state, fresh, candidate, pool.joining_round)
        POOLS.put(state, pool, candidate)
    return pool


def settle_delegator(state: State, env: Env, address: Address) -> Delegator | None:
    """Bring an account up to date: its joined bonds become shares, its fees are collected."""
    delegator = DELEGATORS.get(state, address)
    if delegator is None:
        return None
    pool = settle_pool(state, delegator.candidate)
    delegator = _save_holding(state, address, delegator)
    if _is_void(delegator, pool):
        return _settle_void(state, env, address, delegator, pool)
    bucket = _joined_bucket(state, delegator)
    fees = _uncollected(delegator, bucket, pool.fee_factor)
    shares, joining = _current_shares(delegator, bucket)
    if bucket is not None:
        _leave_bucket(state, delegator, bucket)
    settled = replace(
        delegator,
        shares=shares,
        joining_shares=joining,
        fee_factor=pool.fee_factor,
        fees=Wei(delegator.fees + fees),
    )
    POOLS.put(state, replace(pool, fees=Wei(pool.fees - fees)), delegator.candidate)
    DELEGATORS.put(state, settled, address)
    _tell_collected(env, address, delegator.candidate, fees)
    return settled


def join_pool(state: State, env: Env, address: Address, candidate: Address, amount: int) -> None:
    """Bond an amount that the caller has taken from elsewhere; it earns from the next round on.

    The account is bonded towards this candidate already, or not at all.
    """
    now = ROUND.read(state).number
    pool = settle_pool(state, candidate)
    delegator = settle_delegator(state, env, address)
    if delegator is None:
        delegator = _save_holding(state, address, _unbonded(candidate, pool.era))
    assert delegator.candidate == candidate, "a bond that moves must leave first"
    pool = POOLS.read(state, candidate)
    shares = _shares_of_bucket(pool, amount)
    grown = replace(
        pool,
        joining_round=now,
        joining_stake=Lpt(pool.joining_stake + amount),
        joining_shares=pool.joining_shares + shares,
    )
    _put_pool(state, candidate, pool, grown)
    joined = replace(
        delegator,
        fee_factor=pool.fee_factor,
        joining_round=now,
        joining_shares=delegator.joining_shares + shares,
    )
    DELEGATORS.put(state, joined, address)
    change_bonded(state, amount)


def leave_pool(state: State, env: Env, address: Address) -> Lpt:
    """Take an account's whole bond out; fees it has collected stay on its record. Returns the stake."""
    return shrink_bond(state, env, address, MAX_AMOUNT)


def shrink_bond(state: State, env: Env, address: Address, wanted: int) -> Lpt:
    """Take an amount out of an account's bond, what does not earn yet first, or all that there is. Returns it.

    The shares that pay for it are rounded up, in favour of those who stay.
    """
    delegator = settle_delegator(state, env, address)
    assert delegator is not None, "who is not bonded cannot leave"
    pool = POOLS.read(state, delegator.candidate)
    joining, joining_paid = _price(wanted, delegator.joining_shares, pool.joining_stake, pool.joining_shares)
    active, paid = _price(wanted - joining, delegator.shares, pool.stake, pool.shares)
    shrunk = replace(
        pool,
        stake=Lpt(pool.stake - active),
        shares=pool.shares - paid,
        joining_stake=Lpt(pool.joining_stake - joining),
        joining_shares=pool.joining_shares - joining_paid,
    )
    if shrunk.shares == 0 and shrunk.joining_shares == 0:
        _give_up_fees(state, env, delegator.candidate, shrunk.fees)  # everybody has collected and gone
        shrunk = replace(shrunk, fees=Wei(0))
    _put_pool(state, delegator.candidate, pool, shrunk)
    left = replace(delegator, shares=delegator.shares - paid, joining_shares=delegator.joining_shares - joining_paid)
    DELEGATORS.put(state, left, address)
    change_bonded(state, -(active + joining))
    return Lpt(active + joining)


def redirect(state: State, env: Env, address: Address, candidate: Address) -> None:
    """Point an account without stake at another candidate; its collected fees and its locks stay its own."""
    delegator = settle_delegator(state, env, address)
    if delegator is None or delegator.candidate == candidate:
        return
    assert delegator.shares == 0 and delegator.joining_shares == 0, "stake must leave before its owner moves"
    pool = settle_pool(state, candidate)
    moved = replace(delegator, candidate=candidate, fee_factor=pool.fee_factor, era=pool.era)
    DELEGATORS.put(state, moved, address)


def add_to_pool(state: State, env: Env, address: Address, candidate: Address, amount: int) -> None:
    """Bond an amount that earns at once: a transcoder's cut of its reward, and stakes at genesis."""
    pool = settle_pool(state, candidate)
    delegator = settle_delegator(state, env, address) or _unbonded(candidate, pool.era)
    assert delegator.candidate == candidate, "only who is bonded to a candidate adds to its pool"
    pool = POOLS.read(state, candidate)
    shares = compute_shares(pool, amount)
    grown = replace(pool, stake=Lpt(pool.stake + amount), shares=pool.shares + shares)
    _put_pool(state, candidate, pool, grown)
    DELEGATORS.put(state, replace(delegator, shares=delegator.shares + shares, fee_factor=pool.fee_factor), address)
    change_bonded(state, amount)


def reward_pool(state: State, candidate: Address, amount: int) -> None:
    """Let the stake of all who hold shares grow in proportion by an amount of new LPT."""
    pool = settle_pool(state, candidate)
    assert pool.shares > 0, "a pool without shares has nobody to reward"
    _put_pool(state, candidate, pool, replace(pool, stake=Lpt(pool.stake + amount)))
    change_bonded(state, amount)


def slash_pool(state: State, candidate: Address, fraction: Fraction) -> Lpt:
    """Take a fraction of all that is bonded towards a candidate, rounded down. Returns what was taken."""
    pool = settle_pool(state, candidate)
    stake = pool.stake - fraction_of(pool.stake, fraction)
    joining = pool.joining_stake - fraction_of(pool.joining_stake, fraction)
    if pool.shares > stake * SHARE_SCALE * WORN_OUT or pool.joining_shares > joining * WORN_OUT:
        _end_era(state, candidate, pool)
        taken = pool.stake + pool.joining_stake
    else:
        _put_pool(state, candidate, pool, replace(pool, stake=Lpt(stake), joining_stake=Lpt(joining)))
        taken = pool.stake + pool.joining_stake - stake - joining
    change_bonded(state, -taken)
    return Lpt(taken)


def credit_pool_fees(state: State, candidate: Address, amount: int) -> None:
    """Give fees to all who hold shares, in proportion; what the division leaves stays in the pool's fees."""
    pool = settle_pool(state, candidate)
    assert pool.shares > 0, "a pool without shares has nobody to pay"
    factor = pool.fee_factor + mul_floor(amount, FEE_SCALE, pool.shares)
    POOLS.put(state, replace(pool, fee_factor=factor, fees=Wei(pool.fees + amount)), candidate)


def credit_own_fees(state: State, address: Address, amount: int) -> None:
    """Give fees to one bonded account."""
    delegator = DELEGATORS.read(state, address)
    DELEGATORS.put(state, replace(delegator, fees=Wei(delegator.fees + amount)), address)


def take_fees(state: State, env: Env, address: Address, amount: int) -> None:
    """Take fees that an account has earned, collecting first.

    Raises:
        Rejection: INSUFFICIENT_FEES.
    """
    earned = get_pending_fees(state, address)
    if earned < amount:
        raise Rejection(
            Reason.INSUFFICIENT_FEES, f"{format_wei(earned)} of fees are there, {format_wei(amount)} are wanted"
        )
    delegator = settle_delegator(state, env, address)
    if delegator is not None:
        DELEGATORS.put(state, replace(delegator, fees=Wei(delegator.fees - amount)), address)


# --- shares


def compute_shares(pool: DelegationPool, amount: int) -> int:
    """The shares that an amount buys, rounded down in favour of those who hold shares already."""
    assert (pool.stake == 0) == (pool.shares == 0), "a slash that leaves nothing ends the era of its shares"
    if pool.shares == 0:
        return amount * SHARE_SCALE
    return mul_floor(amount, pool.shares, pool.stake)


def compute_settled(pool: DelegationPool) -> tuple[DelegationPool, JoinedBucket]:
    """A pool after its joining bonds have become shares, and the bucket from which their owners take them."""
    # The same whole number of shares for each joining share: no division is left to its holders, and no share over.
    shares = compute_shares(pool, pool.joining_stake) // pool.joining_shares * pool.joining_shares
    settled = replace(
        pool,
        stake=Lpt(pool.stake + pool.joining_stake),
        shares=pool.shares + shares,
        joining_stake=Lpt(0),
        joining_shares=0,
    )
    return settled, JoinedBucket(pool.joining_shares, shares, pool.fee_factor, pool.joining_shares)


def index_candidate(state: State, candidate: Address, old: int | None, new: int | None) -> None:
    """Move a candidate in the order by stake, where those stand who can be elected; none means that it is not in it."""
    if old is not None:
        CANDIDATES_BY_STAKE.drop(state, MAX_AMOUNT - old, candidate)
    if new is not None:
        CANDIDATES_BY_STAKE.put(state, Empty(), MAX_AMOUNT - new, candidate)


def _holding(state: ReadState, delegator: Delegator) -> Holding:
    # As the running round began, where the account has not changed in it; what joined in an era that ended is void.
    joined = delegator.joining_round < ROUND.read(state).number
    bucket = _joined_bucket(state, delegator) if joined else None
    return Holding(delegator.candidate, delegator.era, _current_shares(delegator, bucket)[0])


def _save_holding(state: State, address: Address, delegator: Delegator) -> Delegator:
    now = ROUND.read(state).number
    if now < delegator.unsaved_round:
        return delegator
    save_holding(state, address, now, _holding(state, delegator))
    return replace(delegator, unsaved_round=Round(now + 1))


def _unbonded(candidate: Address, era: int) -> Delegator:
    return Delegator(candidate, 0, 0, Round(0), 0, Wei(0), era)


def _put_pool(state: State, candidate: Address, old: DelegationPool, new: DelegationPool) -> None:
    POOLS.put(state, new, candidate)
    before, after = old.stake + old.joining_stake, new.stake + new.joining_stake
    if before != after and CANDIDATES_BY_STAKE.has(state, MAX_AMOUNT - before, candidate):
        index_candidate(state, candidate, before, after)


def _value(shares: int, stake: int, all_shares: int) -> int:
    return mul_floor(shares, stake, all_shares) if all_shares else 0


def _price(wanted: int, held: int, stake: int, all_shares: int) -> tuple[int, int]:
    # What a holder gets who wants an amount, and the shares that it pays with: all of them where it wants all.
    value = _value(held, stake, all_shares)
    return (value, held) if wanted >= value else (wanted, mul_ceil(wanted, all_shares, stake))


def _shares_of_bucket(pool: DelegationPool, amount: int) -> int:
    if pool.joining_stake == 0 or pool.joining_shares == 0:
        return amount
    return mul_floor(amount, pool.joining_shares, pool.joining_stake)


def _view_pool(state: ReadState, candidate: Address) -> tuple[DelegationPool, JoinedBucket | None]:
    # A pool as it is in this round, and the bucket that is not written yet where nobody has touched it since.
    pool = POOLS.read(state, candidate)
    if pool.joining_shares == 0 or pool.joining_round >= ROUND.read(state).number:
        return pool, None
    return compute_settled(pool)


def _current_shares(delegator: Delegator, bucket: JoinedBucket | None) -> tuple[int, int]:
    if bucket is None:
        return delegator.shares, delegator.joining_shares
    return delegator.shares + _joined_shares(delegator, bucket), 0


def _joined_shares(delegator: Delegator, bucket: JoinedBucket) -> int:
    return mul_floor(delegator.joining_shares, bucket.shares, bucket.joining_shares)


def _uncollected(delegator: Delegator, bucket: JoinedBucket | None, fee_factor: int) -> int:
    earned = delegator.shares * (fee_factor - delegator.fee_factor)
    if bucket is not None:
        earned += _joined_shares(delegator, bucket) * (fee_factor - bucket.fee_factor)
    return earned // FEE_SCALE


def _joined_bucket(state: ReadState, delegator: Delegator, fresh: JoinedBucket | None = None) -> JoinedBucket | None:
    if delegator.joining_shares == 0:
        return None
    return JOINED.get(state, delegator.candidate, delegator.joining_round) or fresh


def _leave_bucket(state: State, delegator: Delegator, bucket: JoinedBucket) -> None:
    left = bucket.unclaimed - delegator.joining_shares
    if left:
        JOINED.put(state, replace(bucket, unclaimed=left), delegator.candidate, delegator.joining_round)
    else:
        JOINED.drop(state, delegator.candidate, delegator.joining_round)


def _tell_collected(env: Env, address: Address, candidate: Address, fees: int) -> None:
    if fees:
        env.emit(FeesCollected(address, candidate, Wei(fees)))


def _give_up_fees(state: State, env: Env, candidate: Address, rest: int) -> None:
    """Give what divisions have left to the CommonPool."""
    if rest:
        pay_common_pool(state, wei=rest)
        env.emit(FeesLeftOver(candidate, Wei(rest)))


# --- eras


def _is_void(delegator: Delegator, pool: DelegationPool) -> bool:
    return delegator.era != pool.era


def _end_era(state: State, candidate: Address, pool: DelegationPool) -> None:
    if pool.shares or pool.joining_shares:
        ended = EndedEra(ROUND.read(state).number, pool.fee_factor, pool.fees, pool.shares, pool.joining_shares)
        ENDED_ERAS.put(state, ended, candidate, pool.era)
    emptied = replace(
        pool, stake=Lpt(0), shares=0, fees=Wei(0), joining_stake=Lpt(0), joining_shares=0, era=pool.era + 1
    )
    _put_pool(state, candidate, pool, emptied)


def _void_holding(state: ReadState, delegator: Delegator, ended: EndedEra) -> tuple[int, int, int]:
    """Shares and joining shares that an account held when the era ended, and the fees they had earned until then."""
    earned = delegator.joining_shares and delegator.joining_round != ended.round
    bucket = _joined_bucket(state, delegator) if earned else None
    shares, joining = _current_shares(delegator, bucket)
    return shares, joining, _uncollected(delegator, bucket, ended.fee_factor)


def _settle_void(state: State, env: Env, address: Address, delegator: Delegator, pool: DelegationPool) -> Delegator:
    ended, fees = ENDED_ERAS.get(state, delegator.candidate, delegator.era), 0
    if ended is not None and (delegator.shares or delegator.joining_shares):
        shares, joining, fees = _void_holding(state, delegator, ended)
        bucket = None if joining else _joined_bucket(state, delegator)
        if bucket is not None:
            _leave_bucket(state, delegator, bucket)
        _leave_era(state, env, delegator, ended, shares, joining, fees)
        _tell_collected(env, address, delegator.candidate, fees)
    settled = replace(
        delegator,
        shares=0,
        joining_shares=0,
        fee_factor=pool.fee_factor,
        fees=Wei(delegator.fees + fees),
        era=pool.era,
    )
    DELEGATORS.put(state, settled, address)
    return settled


def _leave_era(
    state: State, env: Env, delegator: Delegator, ended: EndedEra, shares: int, joining: int, fees: int
) -> None:
    rest = replace(
        ended, shares=ended.shares - shares, joining_shares=ended.joining_shares - joining, fees=Wei(ended.fees - fees)
    )
    if rest.shares or rest.joining_shares:
        ENDED_ERAS.put(state, rest, delegator.candidate, delegator.era)
        return
    ENDED_ERAS.drop(state, delegator.candidate, delegator.era)
    _give_up_fees(state, env, delegator.candidate, rest.fees)
