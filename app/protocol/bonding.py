"""Bonding LPT towards a transcoder candidate (whitepaper, *Bonding + Delegation*).

A bond counts for the next election and earns from the next round on. A bonded account that names another candidate
moves its whole stake there without unbonding; the reward of the running round that its old candidate has not called
yet is lost to it. A registered transcoder cannot delegate away from itself (the real network was paused over that in
May 2018). Nobody bonds for anybody else.
"""

from app.messages.bodies import Bond
from app.messages.events import Bonded, BondMoved
from app.messages.rejections import Reason, Rejection
from app.primitives.address import Address, to_checksum
from app.protocol.clock import require_initialized
from app.protocol.environment import TxEnv
from app.protocol.ledger import debit_lpt
from app.protocol.stake import get_candidate, join_pool, leave_pool, redirect
from app.state.tables import TRANSCODERS, State

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
    if moves and TRANSCODERS.has(state, env.sender):
        raise Rejection(
            Reason.TRANSCODER_CANNOT_DELEGATE, "a registered transcoder stays bonded to itself; resign first"
        )
    if message.amount == 0 and not moves:
        raise Rejection(Reason.ZERO_AMOUNT, "a bond of nothing that moves nothing")
    debit_lpt(state, env.sender, message.amount)
    if before is not None and moves:
        _move(state, env, before, message.to)
    if message.amount:
        join_pool(state, env.sender, message.to, message.amount)
        env.emit(Bonded(env.sender, message.to, message.amount))


def _move(state: State, env: TxEnv, before: Address, after: Address) -> None:
    stake = leave_pool(state, env.sender)
    redirect(state, env.sender, after)
    if stake:
        join_pool(state, env.sender, after, stake)
    env.emit(BondMoved(env.sender, before, after, stake))


def _check_candidate(state: State, sender: Address, candidate: Address) -> None:
    transcoder = TRANSCODERS.get(state, candidate)
    if transcoder is None and candidate != sender:
        raise Rejection(
            Reason.NOT_A_CANDIDATE,
            f"{to_checksum(candidate)} is not a registered transcoder, and not you, who could become one",
        )
    if transcoder is not None and transcoder.tombstoned:
        raise Rejection(Reason.TOMBSTONED, f"{to_checksum(candidate)} has signed two blocks of one height")
