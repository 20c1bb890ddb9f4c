"""Deposits: a broadcaster's money for work to come (whitepaper, *Broadcast + Transcoding Job*, step 1).

A deposit is free: its owner may take it back at any moment. What a job or a claim has taken from it is held there
until it is paid out or returned. The whitepaper has one deposit that may run out under a job's feet; here each job
also escrows the fee of its first segments, so that a transcoder can count on those.
"""

from app.messages.bodies import Deposit, Withdraw
from app.messages.events import Deposited, Withdrawn
from app.messages.records import AmountRecord
from app.messages.rejections import Reason, Rejection
from app.primitives.address import Address
from app.primitives.amounts import Wei, format_wei
from app.protocol.environment import TxEnv
from app.protocol.ledger import credit_wei, debit_wei
from app.protocol.locks import check_released, withdraw_locks
from app.protocol.stake import take_fees
from app.state.tables import DEPOSITS, ReadState, State

# --- accessors


def get_deposit(state: ReadState, account: Address) -> Wei:
    """What an account has deposited and no job or claim holds."""
    return DEPOSITS.read(state, account).amount


def require_deposit(state: ReadState, account: Address, amount: int, purpose: str) -> None:
    """Refuse what a deposit cannot pay.

    Raises:
        Rejection: INSUFFICIENT_DEPOSIT with what is there, what is needed and what is missing.
    """
    deposit = get_deposit(state, account)
    if deposit < amount:
        raise Rejection(
            Reason.INSUFFICIENT_DEPOSIT,
            f"the deposit is {format_wei(deposit)} and {purpose} {format_wei(amount)}: "
            f"{format_wei(amount - deposit)} are missing ({amount - deposit} wei)",
        )


# --- mutators


def credit_deposit(state: State, account: Address, amount: int) -> None:
    """Add to a deposit what the caller has taken from elsewhere."""
    _write(state, account, get_deposit(state, account) + amount)


def debit_deposit(state: State, account: Address, amount: int) -> None:
    """Take from a deposit, which `require_deposit` has found large enough."""
    left = get_deposit(state, account) - amount
    assert left >= 0, "a deposit is asked for before it is taken from"
    _write(state, account, left)


def _write(state: State, account: Address, amount: int) -> None:
    if amount:
        DEPOSITS.put(state, AmountRecord(Wei(amount)), account)
    else:
        DEPOSITS.drop(state, account)


# --- transactions


def process_deposit(state: State, env: TxEnv, message: Deposit) -> None:
    """Deposit: move wei from the sender's balance to its deposit.

    Raises:
        Rejection: ZERO_AMOUNT or INSUFFICIENT_FUNDS.
    """
    if message.amount_wei == 0:
        raise Rejection(Reason.ZERO_AMOUNT, "a deposit of nothing")
    debit_wei(state, env.sender, message.amount_wei)
    credit_deposit(state, env.sender, message.amount_wei)
    env.emit(Deposited(env.sender, message.amount_wei))


def process_withdraw(state: State, env: TxEnv, message: Withdraw) -> None:
    """Withdraw: take from the sender's deposit, from its earned fees and from released locks, into its balance.

    Raises:
        Rejection: ZERO_AMOUNT, UNKNOWN_LOCK, INVALID_FIELD, LOCK_NOT_RELEASED, INSUFFICIENT_DEPOSIT or
            INSUFFICIENT_FEES.
    """
    if not (message.deposit_wei or message.fees_wei or message.lock_ids):
        raise Rejection(Reason.ZERO_AMOUNT, "neither deposit nor fees nor a lock are asked for")
    check_released(state, env, message.lock_ids)
    require_deposit(state, env.sender, message.deposit_wei, "the withdrawal is")
    take_fees(state, env, env.sender, message.fees_wei)
    debit_deposit(state, env.sender, message.deposit_wei)
    credit_wei(state, env.sender, message.deposit_wei + message.fees_wei)
    if message.deposit_wei or message.fees_wei:
        env.emit(Withdrawn(env.sender, message.deposit_wei, message.fees_wei))
    withdraw_locks(state, env, message.lock_ids)
