"""How fees and rewards are split between a transcoder and those bonded to it (whitepaper, *Transcoder() Transaction*).

`fee_share` of fees goes to all who are bonded to the transcoder, its own stake included, the rest to the transcoder
alone. `block_reward_cut` of a reward goes into the transcoder's own bonded stake, the rest to all who are bonded to
it. Rates are those locked in for the round; a transcoder outside the active set has those that it published.
"""

from app.messages.events import FeesCredited
from app.messages.records import Rates
from app.primitives.address import Address
from app.primitives.amounts import Wei
from app.primitives.fractions import ONE, Fraction, fraction_of
from app.protocol.environment import NOBODY, Env
from app.protocol.ledger import credit_wei, mint_lpt, pay_common_pool
from app.protocol.stake import add_to_pool, credit_own_fees, credit_pool_fees, reward_pool, settle_pool
from app.protocol.transcoders import effective_rates
from app.state.tables import ACTIVE, DELEGATORS, ROUND, TRANSCODERS, ReadState, State

_KEEP_ALL = Rates(Wei(0), ONE, Fraction(0))

# --- accessors


def get_rates(state: ReadState, transcoder: Address) -> Rates:
    """The rates by which a transcoder shares now; one that has resigned still shares as it has published."""
    active = ACTIVE.get(state, transcoder)
    if active is not None:
        return active.rates
    registered = TRANSCODERS.get(state, transcoder)
    return _KEEP_ALL if registered is None else effective_rates(registered, ROUND.read(state).number)


# --- mutators


def credit_fees(state: State, env: Env, transcoder: Address, amount: int) -> None:
    """Split fees, which the caller has taken from where they were."""
    if amount == 0:
        return
    pool = settle_pool(state, transcoder)
    delegators = fraction_of(amount, get_rates(state, transcoder).fee_share) if pool.shares else 0
    own = amount - delegators
    if delegators:
        credit_pool_fees(state, transcoder, delegators)
    was_bonded = DELEGATORS.has(state, transcoder)
    if was_bonded:
        credit_own_fees(state, transcoder, own)
    else:
        credit_wei(state, transcoder, own)
    env.emit(FeesCredited(transcoder, Wei(delegators), Wei(own), to_balance=not was_bonded))


def credit_common_fees(state: State, env: Env, amount: int) -> None:
    """Give fees that have no transcoder to the CommonPool."""
    pay_common_pool(state, wei=amount)
    env.emit(FeesCredited(NOBODY, Wei(0), Wei(amount)))


def credit_reward(state: State, env: Env, transcoder: Address, amount: int, cut: Fraction) -> int:
    """Mint a reward into a transcoder's pool; returns the transcoder's cut of it."""
    own = fraction_of(amount, cut)
    mint_lpt(state, amount)
    reward_pool(state, transcoder, amount - own)
    add_to_pool(state, env, transcoder, transcoder, own)
    return own
