"""How much LPT a round may mint (whitepaper, *Token Generation* and *Token Distribution*).

At each round the rate moves by `inflation_change` towards the target: up while less than `participation_rate` of the
supply is bonded, down while more is, never below 0, and not at all when it is met. *Bonded* is all bonded stake.
"""

from app.params import Params
from app.primitives.amounts import MAX_AMOUNT, Lpt
from app.primitives.fractions import ONE, Fraction, fraction_of
from app.protocol.environment import Env
from app.state.tables import SUPPLY, TOTALS, ReadState


def compute_inflation_rate(rate: Fraction, bonded: int, supply: int, params: Params) -> Fraction:
    """The rate after one move."""
    reached, target = bonded * ONE, params.participation_rate * supply
    if reached < target:
        return Fraction(min(ONE, rate + params.inflation_change))
    if reached > target:
        return Fraction(max(0, rate - params.inflation_change))
    return rate


def move_inflation_rate(state: ReadState, env: Env, rate: Fraction) -> Fraction:
    """The rate for the round that begins."""
    return compute_inflation_rate(rate, TOTALS.read(state).bonded, SUPPLY.read(state).lpt, env.params)


def compute_mintable(state: ReadState, rate: Fraction) -> Lpt:
    """What a round may mint, from the rate after the move, rounded down; the supply never passes 128 bits."""
    supply = SUPPLY.read(state).lpt
    return Lpt(min(fraction_of(supply, rate), MAX_AMOUNT - supply))
