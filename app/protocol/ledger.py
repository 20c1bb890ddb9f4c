"""The ledger: two native balances per account, the supply, and the CommonPool (whitepaper, *Livepeer Token*).

Money outside balances is held by the chapter that took it (deposits, escrows, stakes). `debit` and `credit` are the
only ways in and out of a balance.
"""

from dataclasses import replace

from app.messages.bodies import Denom, Transfer
from app.messages.events import TransferEvent
from app.messages.records import Account
from app.messages.rejections import Reason, Rejection
from app.primitives.address import to_checksum
from app.primitives.amounts import Lpt, Wei, format_lpt, format_wei
from app.protocol.environment import NOBODY, TxEnv
from app.state.tables import ACCOUNTS, COMMON_POOL, SUPPLY, TOTALS, State

# --- mutators


def credit_lpt(state: State, address: bytes, amount: int) -> None:
    """Add LPT to a balance."""
    account = ACCOUNTS.read(state, address)
    ACCOUNTS.put(state, Account(account.nonce, Lpt(account.lpt + amount), account.wei), address)


def credit_wei(state: State, address: bytes, amount: int) -> None:
    """Add wei to a balance."""
    account = ACCOUNTS.read(state, address)
    ACCOUNTS.put(state, Account(account.nonce, account.lpt, Wei(account.wei + amount)), address)


def debit_lpt(state: State, address: bytes, amount: int) -> None:
    """Take LPT from a balance.

    Raises:
        Rejection: INSUFFICIENT_FUNDS.
    """
    account = ACCOUNTS.read(state, address)
    if account.lpt < amount:
        raise _too_little(address, format_lpt(account.lpt), format_lpt(amount))
    ACCOUNTS.put(state, Account(account.nonce, Lpt(account.lpt - amount), account.wei), address)


def debit_wei(state: State, address: bytes, amount: int) -> None:
    """Take wei from a balance.

    Raises:
        Rejection: INSUFFICIENT_FUNDS.
    """
    account = ACCOUNTS.read(state, address)
    if account.wei < amount:
        raise _too_little(address, format_wei(account.wei), format_wei(amount))
    ACCOUNTS.put(state, Account(account.nonce, account.lpt, Wei(account.wei - amount)), address)


def pay_common_pool(state: State, lpt: int = 0, wei: int = 0) -> None:
    """Give to the CommonPool: slashed LPT, fees without an owner, remainders."""
    pool = COMMON_POOL.read(state)
    COMMON_POOL.put(state, replace(pool, lpt=Lpt(pool.lpt + lpt), wei=Wei(pool.wei + wei)))


def mint_lpt(state: State, amount: int) -> None:
    """Count new LPT into the supply; the caller says where it goes."""
    supply = SUPPLY.read(state)
    SUPPLY.put(state, replace(supply, lpt=Lpt(supply.lpt + amount), minted=Lpt(supply.minted + amount)))


def change_bonded(state: State, by: int) -> None:
    """Keep the sum of all bonded LPT."""
    totals = TOTALS.read(state)
    TOTALS.put(state, replace(totals, bonded=Lpt(totals.bonded + by)))


def change_unbonding(state: State, by: int) -> None:
    """Keep the sum of all LPT under locks."""
    totals = TOTALS.read(state)
    TOTALS.put(state, replace(totals, unbonding=Lpt(totals.unbonding + by)))


def take_common_pool(state: State, lpt: int, wei: int) -> None:
    """Take from the CommonPool what the caller has seen there."""
    pool = COMMON_POOL.read(state)
    COMMON_POOL.put(state, replace(pool, lpt=Lpt(pool.lpt - lpt), wei=Wei(pool.wei - wei)))


def burn_common_pool(state: State, amount: int) -> None:
    """Burn LPT of the CommonPool, which the caller has seen there: the supply is smaller by it."""
    take_common_pool(state, amount, 0)
    supply = SUPPLY.read(state)
    SUPPLY.put(state, replace(supply, lpt=Lpt(supply.lpt - amount), burned=Lpt(supply.burned + amount)))


def change_proposal_deposits(state: State, by: int) -> None:
    """Keep the sum of all LPT deposited with open proposals."""
    totals = TOTALS.read(state)
    TOTALS.put(state, replace(totals, proposal_deposits=Lpt(totals.proposal_deposits + by)))


# --- transactions


def process_transfer(state: State, env: TxEnv, message: Transfer) -> None:
    """Transfer: send LPT or ETH to another account.

    Raises:
        Rejection: ZERO_AMOUNT, INVALID_FIELD for the zero address, INSUFFICIENT_FUNDS.
    """
    if message.amount == 0:
        raise Rejection(Reason.ZERO_AMOUNT, "a transfer of nothing")
    if message.to == NOBODY:
        raise Rejection(Reason.INVALID_FIELD, "the zero address is nobody's; what is sent there is lost")
    debit, credit = (debit_lpt, credit_lpt) if message.denom is Denom.LPT else (debit_wei, credit_wei)
    debit(state, env.sender, message.amount)
    credit(state, message.to, message.amount)
    env.emit(TransferEvent(env.sender, message.to, message.denom, message.amount))


def _too_little(address: bytes, has: str, needs: str) -> Rejection:
    return Rejection(Reason.INSUFFICIENT_FUNDS, f"{to_checksum(address)} has {has} and needs {needs}")
