"""Bonding LPT towards a transcoder candidate (whitepaper, *Bonding + Delegation*).

A bond counts for the next election and earns from the next round on. A bonded account that names another candidate
moves its whole stake there without unbonding; the reward of the running round that its old candidate has not called
yet is lost to it. A registered transcoder cannot delegate away from itself (the real network was paused over that in
May 2018). Nobody bonds for anybody else.

`Unbond` takes from what does not earn yet first. What it takes goes under a lock (`locks`), for `unbonding_period`.
`Rebond` brings back what is left of a lock: towards the candidate that its owner is bonded to, or, when it is bonded
to none, towards any. protocol.md has no candidate in that message; it is named here so that the sender says, and signs,
whom it trusts with its stake.
"""

from app.messages.bodies import Bond, Rebond, Unbond, UpdateDelegatorStake
from app.messages.events import Bonded, BondMoved, Rebonded, StakeUpdated
from app.messages.records import Lock, Transcoder
from app.messages.rejections import Reason, Rejection
from app.primitives.address import Address, to_checksum
from app.primitives.amounts import format_lpt
from app.protocol.candidacy import require_self_bond
from app.protocol.clock import require_initialized
from app.protocol.environment import TxEnv
from app.protocol.ledger import debit_lpt
from app.protocol.locks import check_room, close_lock, get_lock_value, load_lock, open_lock
from app.protocol.stake import (
    get_candidate,
    get_pending_fees,
    get_stake,
    join_pool,
    leave_pool,
    redirect,
    settle_delegator,
    shrink_bond,
)
from app.protocol.transcoders import is_candidate
from app.state.tables import DELEGATORS, TRANSCODERS, ReadState, State

# --- transactions


def process_bond(state: State, env: TxEnv, message: Bond) -> None:
    """Bond: add stake towards a candidate, and move what is bonded towards another one.

    Raises:
        Rejection: ROUND_NOT_INITIALIZED, NOT_A_CANDIDATE, TOMBSTONED, TRANSCODER_CANNOT_DELEGATE, ZERO_AMOUNT or
            INSUFFICIENT_FUNDS.
    """
    require_initialized(state)
    before = get_candidate(state, env.sender)
    moves = before is not None and before != message.to
    _check_candidate(state, env.sender, message.to)
    if moves and before == env.sender:
        _check_may_move(state, env)
    if message.amount == 0 and not moves:
        raise Rejection(Reason.ZERO_AMOUNT, "a bond of nothing that moves nothing")
    debit_lpt(state, env.sender, message.amount)
    if before is not None and moves:
        _move(state, env, before, message.to)
    redirect(state, env, env.sender, message.to)
    if message.amount:
        join_pool(state, env, env.sender, message.to, message.amount)
        env.emit(Bonded(env.sender, message.to, message.amount))


def process_unbond(state: State, env: TxEnv, message: Unbond) -> None:
    """Unbond: put a part of the sender's stake, or all of it, under a lock.

    A transcoder whose own stake becomes less than `min_self_bond` leaves the candidates with it.

    Raises:
        Rejection: ZERO_AMOUNT, ROUND_NOT_INITIALIZED, NOT_BONDED, INSUFFICIENT_STAKE or TOO_MANY_LOCKS.
    """
    if message.amount == 0:
        raise Rejection(Reason.ZERO_AMOUNT, "nothing is to be unbonded")
    require_initialized(state)
    candidate, stake = get_candidate(state, env.sender), get_stake(state, env.sender)
    if candidate is None:
        raise Rejection(Reason.NOT_BONDED, "you have no stake to unbond")
    if message.amount > stake:
        raise Rejection(
            Reason.INSUFFICIENT_STAKE,
            f"your stake is {format_lpt(stake)} and {format_lpt(message.amount)} are to be unbonded",
        )
    check_room(state, env.sender)
    shrink_bond(state, env, env.sender, message.amount)
    open_lock(state, env, env.sender, candidate, message.amount)
    require_self_bond(state, env, env.sender)


def process_rebond(state: State, env: TxEnv, message: Rebond) -> None:
    """Rebond: bond what is left of a lock, before it is withdrawn; it earns from the next round on.

    Raises:
        Rejection: ROUND_NOT_INITIALIZED, UNKNOWN_LOCK, ALREADY_BONDED, NOT_A_CANDIDATE, TOMBSTONED,
            TRANSCODER_CANNOT_DELEGATE or ZERO_AMOUNT.
    """
    require_initialized(state)
    lock = load_lock(state, env.sender, message.lock_id)
    before = get_candidate(state, env.sender)
    if before is not None and before != message.to:
        raise Rejection(
            Reason.ALREADY_BONDED, f"you are bonded to {to_checksum(before)}; rebond there, or move with Bond first"
        )
    _check_candidate(state, env.sender, message.to)
    _check_lock_may_move(env, lock, message.to)
    if get_lock_value(state, lock) == 0:
        raise Rejection(Reason.ZERO_AMOUNT, f"lock {message.lock_id} was slashed to nothing; Withdraw removes it")
    amount = close_lock(state, env.sender, message.lock_id)
    redirect(state, env, env.sender, message.to)
    join_pool(state, env, env.sender, message.to, amount)
    env.emit(Rebonded(env.sender, message.to, message.lock_id, amount))


def process_update_delegator_stake(state: State, env: TxEnv, message: UpdateDelegatorStake) -> None:
    """UpdateDelegatorStake: bring an account's record up to date; from anybody, and it is worth what it was before.

    The whitepaper needs it so that a stake can be read; here every answer is of now, and the message is for those who
    read raw records and their proofs.

    Raises:
        Rejection: NOT_BONDED.
    """
    if not DELEGATORS.has(state, message.delegator):
        raise Rejection(Reason.NOT_BONDED, f"{to_checksum(message.delegator)} has never been bonded")
    fees = get_pending_fees(state, message.delegator)
    settle_delegator(state, env, message.delegator)
    env.emit(StakeUpdated(message.delegator, get_stake(state, message.delegator), fees))


def _move(state: State, env: TxEnv, before: Address, after: Address) -> None:
    stake = leave_pool(state, env, env.sender)
    redirect(state, env, env.sender, after)
    if stake:
        join_pool(state, env, env.sender, after, stake)
    env.emit(BondMoved(env.sender, before, after, stake))


def _check_candidate(state: State, sender: Address, candidate: Address) -> None:
    transcoder = TRANSCODERS.get(state, candidate)
    if candidate != sender and not (transcoder is not None and _is_open(transcoder)):
        raise Rejection(
            Reason.NOT_A_CANDIDATE,
            f"{to_checksum(candidate)} is not a registered transcoder, and not you, who could become one",
        )
    if transcoder is not None and transcoder.tombstoned:
        raise Rejection(Reason.TOMBSTONED, f"{to_checksum(candidate)} has signed two blocks of one height")


def _is_open(transcoder: Transcoder) -> bool:
    return is_candidate(transcoder) or transcoder.tombstoned  # the second is refused with its own reason


def _check_may_move(state: ReadState, env: TxEnv) -> None:
    record = TRANSCODERS.get(state, env.sender)
    if record is None:
        return
    if is_candidate(record):
        raise Rejection(
            Reason.TRANSCODER_CANNOT_DELEGATE, "a registered transcoder stays bonded to itself; resign first"
        )
    free = record.resigned_height + env.params.unbonding_period
    if env.height < free:
        raise Rejection(
            Reason.TRANSCODER_CANNOT_DELEGATE,
            f"your own stake answers for what you did as a transcoder until height {free}; it can be unbonded",
        )


def _check_lock_may_move(env: TxEnv, lock: Lock, to: Address) -> None:
    if lock.candidate == env.sender != to and env.height < lock.release_height:
        raise Rejection(
            Reason.TRANSCODER_CANNOT_DELEGATE,
            f"stake that was bonded to yourself goes to another candidate from height {lock.release_height} on",
        )
