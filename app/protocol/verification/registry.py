"""Who verifies: bonded accounts, drawn by their bond (whitepaper, *A Note On Truebit*).

A verifier's bond is LPT of its own, apart from stake. A drawn verifier that does not commit or does not reveal, or that
reveals what the court finds untrue, loses `verifier_miss_slash_amount` of it to the CommonPool; below
`min_verifier_bond` it is not drawn any more.
"""

from dataclasses import replace

from app.messages.bodies import RegisterVerifier
from app.messages.events import VerifierPaid, VerifierRegistered, VerifierSlashed
from app.messages.limits import check_service_uri
from app.messages.records import Verifier
from app.messages.rejections import Reason, Rejection
from app.primitives.address import Address
from app.primitives.amounts import Lpt, Wei, format_lpt
from app.primitives.fractions import fraction_of
from app.protocol.environment import Env, TxEnv
from app.protocol.ledger import credit_wei, debit_lpt, pay_common_pool
from app.protocol.stake import get_candidate
from app.state.tables import TOTALS, VERIFIERS, ReadState, State

# --- accessors


def get_judges(state: ReadState, parties: tuple[Address, ...], min_bond: int) -> list[tuple[Address, Lpt]]:
    """All who can be drawn to judge between these parties, with their bonds: not they, nor who is bonded to them."""
    return [
        (address, verifier.bond)
        for (address,), verifier in VERIFIERS.items(state)
        if verifier.bond >= min_bond and address not in parties and get_candidate(state, address) not in parties
    ]


# --- mutators


def count_drawn(state: State, address: Address) -> None:
    """Keep the public record of a verifier that was drawn."""
    verifier = VERIFIERS.read(state, address)
    VERIFIERS.put(state, replace(verifier, drawn=verifier.drawn + 1), address)


def count_revealed(state: State, address: Address) -> None:
    """Keep the public record of a verifier that has revealed."""
    verifier = VERIFIERS.read(state, address)
    VERIFIERS.put(state, replace(verifier, revealed=verifier.revealed + 1), address)


def pay_verifier(state: State, env: Env, address: Address, amount: int, job_id: int, claim_id: int) -> None:
    """Pay a verifier what the caller has taken from a claim."""
    verifier = VERIFIERS.read(state, address)
    VERIFIERS.put(state, replace(verifier, fees_earned=Wei(verifier.fees_earned + amount)), address)
    credit_wei(state, address, amount)
    env.emit(VerifierPaid(address, Wei(amount), job_id, claim_id))


def slash_silent(state: State, env: Env, address: Address) -> None:
    """Count that a drawn verifier stayed silent, and slash it."""
    verifier = VERIFIERS.read(state, address)
    VERIFIERS.put(state, replace(verifier, silent=verifier.silent + 1), address)
    slash_verifier(state, env, address)


def slash_verifier(state: State, env: Env, address: Address) -> None:
    """Take the part of a verifier's bond that silence and untruth cost, rounded down, to the CommonPool."""
    verifier = VERIFIERS.read(state, address)
    amount = fraction_of(verifier.bond, env.params.verifier_miss_slash_amount)
    VERIFIERS.put(state, replace(verifier, bond=Lpt(verifier.bond - amount)), address)
    _change_bonds(state, -amount)
    pay_common_pool(state, lpt=amount)
    env.emit(VerifierSlashed(address, Lpt(amount)))


def _change_bonds(state: State, by: int) -> None:
    totals = TOTALS.read(state)
    TOTALS.put(state, replace(totals, verifier_bonds=Lpt(totals.verifier_bonds + by)))


# --- transactions


def process_register_verifier(state: State, env: TxEnv, message: RegisterVerifier) -> None:
    """RegisterVerifier: bond LPT as a verifier, once; the service address may be empty.

    Raises:
        Rejection: INVALID_FIELD, VERIFIER_BOND_TOO_LOW, VERIFIER_ALREADY_REGISTERED or INSUFFICIENT_FUNDS.
    """
    if message.service_uri:
        check_service_uri(message.service_uri)
    if message.bond < env.params.min_verifier_bond:
        raise Rejection(
            Reason.VERIFIER_BOND_TOO_LOW,
            f"a bond of {format_lpt(message.bond)}; min_verifier_bond is {format_lpt(env.params.min_verifier_bond)}",
        )
    before = VERIFIERS.get(state, env.sender)
    if before is not None:
        raise Rejection(Reason.VERIFIER_ALREADY_REGISTERED, f"with {format_lpt(before.bond)}; a bond can be made once")
    debit_lpt(state, env.sender, message.bond)
    VERIFIERS.put(state, Verifier(message.bond, message.service_uri), env.sender)
    _change_bonds(state, message.bond)
    env.emit(VerifierRegistered(env.sender, message.bond))
