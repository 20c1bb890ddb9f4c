"""Slashing: one function for all reasons (whitepaper, *Slashing*; protocol.md, sections 5, 6, 8 and 9).

A slash takes the same fraction, rounded down, of all that answers for the transcoder: what it and everybody else have
bonded towards it, the bonds of the running round included, and the locks that hold stake of the time of the offence.
The finder, where there is one, gets `finder_fee` of it, the rest goes to the CommonPool. As nothing is taken but a part
of what is there, it can never be more than there is.

It goes by the address and not by membership of any set: who has resigned, is jailed or was never elected is slashed
all the same. A transcoder whose own stake is too small afterwards leaves the candidates. One whose stake is gone
altogether is left with its fees and its record; what is bonded to it later is not touched by the shares of before.

Stake that has moved to another candidate answers there and not here; why that is no way out for a transcoder's own
stake says `candidacy`.
"""

from collections.abc import Sequence

from app.messages.events import FinderPaid, StakeSlashed
from app.messages.records import SlashReason
from app.primitives.address import Address
from app.primitives.amounts import Height, Lpt
from app.primitives.fractions import Fraction, fraction_of
from app.protocol.candidacy import require_self_bond
from app.protocol.environment import NOBODY, Env
from app.protocol.ledger import credit_lpt, pay_common_pool
from app.protocol.locks import slash_locks
from app.protocol.stake import slash_pool
from app.state.tables import State

# --- mutators


def slash(
    state: State,
    env: Env,
    transcoder: Address,
    fraction: Fraction,
    reason: SlashReason,
    offence_height: Height,
    *finders: Address,
) -> Lpt:
    """Slash all that answers for what a transcoder did at a height. Returns what was taken, finders' fee included.

    Several finders share the fee; what the division leaves goes to the CommonPool with the rest.
    """
    bonded = slash_pool(state, transcoder, fraction)
    unbonding = slash_locks(state, env, transcoder, fraction, offence_height)
    total = bonded + unbonding
    share = fraction_of(total, env.params.finder_fee) // len(finders) if finders else 0
    fee, first = Lpt(share * len(finders)), finders[0] if finders else NOBODY
    pay_common_pool(state, lpt=total - fee)
    env.emit(StakeSlashed(transcoder, reason, offence_height, fraction, bonded, unbonding, first, fee))
    _pay_finders(state, env, finders, share)
    require_self_bond(state, env, transcoder)
    return Lpt(total)


def _pay_finders(state: State, env: Env, finders: Sequence[Address], share: int) -> None:
    for finder in finders:
        if share:
            credit_lpt(state, finder, share)
            env.emit(FinderPaid(finder, Lpt(share)))
