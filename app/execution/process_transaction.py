"""One transaction in a block (protocol.md, section 2).

The envelope is checked against the state first: what fails there changes nothing. Then the fee is taken and the nonce
consumed, which stays so whatever the messages do. The messages take effect together or not at all.
"""

from app.execution.dispatch import HANDLERS
from app.execution.result import TxResult, rejected
from app.execution.verdicts import Verdicts
from app.messages.events import FeePaid
from app.messages.fees import compute_min_fee
from app.messages.records import Account
from app.messages.rejections import Reason, Rejection
from app.messages.transaction import Tx, compute_gas
from app.params import Params
from app.primitives.address import Address, to_checksum
from app.primitives.amounts import Wei, format_wei
from app.protocol.environment import BlockEnv, TxEnv
from app.state.tables import ACCOUNTS, State
from app.store.overlay import Overlay


def process_transaction(state: Overlay, env: BlockEnv, raw: bytes, verdicts: Verdicts) -> TxResult:
    """Execute a transaction on the state of its block."""
    try:
        tx, sender = verdicts.judge(raw)
        take_fee(state, env, tx, sender)
    except Rejection as rejection:
        return rejected(rejection)
    gas, paid = compute_gas(tx), FeePaid(sender, tx.body.fee_wei)
    inner, tx_env, params = Overlay(state), TxEnv(env, sender), env.params
    try:
        for message in tx.body.messages:
            HANDLERS[type(message)](inner, tx_env, message)
    except Rejection as rejection:
        env.change_params(params)
        return rejected(rejection, gas, [paid])
    inner.apply_to_parent()
    return TxResult(0, "", gas, [paid, *tx_env.events])


def take_fee(state: State, env: BlockEnv, tx: Tx, sender: Address) -> None:
    """Check the envelope, consume the nonce and take the fee.

    Raises:
        Rejection: WRONG_CHAIN, EXPIRED, NONCE_TOO_LOW, NONCE_TOO_HIGH, FEE_TOO_LOW or INSUFFICIENT_FUNDS.
    """
    check_envelope(tx, env.chain_id, env.height, env.params)
    account = ACCOUNTS.read(state, sender)
    check_nonce(tx.body.nonce, account.nonce)
    check_balance(sender, account.wei, tx.body.fee_wei)
    ACCOUNTS.put(state, Account(account.nonce + 1, account.lpt, Wei(account.wei - tx.body.fee_wei)), sender)
    env.fees = Wei(env.fees + tx.body.fee_wei)


def check_envelope(tx: Tx, chain_id: str, height: int, params: Params) -> None:
    """Check what of the envelope does not depend on the sender's account.

    Raises:
        Rejection: WRONG_CHAIN, EXPIRED or FEE_TOO_LOW.
    """
    body = tx.body
    if body.chain_id != chain_id:
        raise Rejection(Reason.WRONG_CHAIN, f"signed for {body.chain_id!r}; this is {chain_id!r}")
    if body.valid_until_height and body.valid_until_height < height:
        raise Rejection(Reason.EXPIRED, f"valid until height {body.valid_until_height}; this is {height}")
    minimum = compute_min_fee(tx, params)
    if body.fee_wei < minimum:
        raise Rejection(
            Reason.FEE_TOO_LOW, f"a fee of {format_wei(body.fee_wei)}; at least {format_wei(minimum)} ({minimum} wei)"
        )


def check_nonce(nonce: int, expected: int) -> None:
    """Nonces of an account are strictly sequential.

    Raises:
        Rejection: NONCE_TOO_LOW or NONCE_TOO_HIGH.
    """
    if nonce < expected:
        raise Rejection(Reason.NONCE_TOO_LOW, f"nonce {nonce} has been used; {expected} is next")
    if nonce > expected:
        raise Rejection(Reason.NONCE_TOO_HIGH, f"nonce {nonce} leaves a gap; {expected} is next")


def check_balance(sender: Address, has: int, needs: int) -> None:
    """The fee must be there before anything happens.

    Raises:
        Rejection: INSUFFICIENT_FUNDS.
    """
    if has < needs:
        raise Rejection(
            Reason.INSUFFICIENT_FUNDS, f"{to_checksum(sender)} has {format_wei(has)}; the fee is {format_wei(needs)}"
        )
