"""Changes of parameters: adopted ones wait for the next round's start (protocol.md, sections 3 and 4).

That is the only moment at which a parameter changes, after the old round was closed by the old ones and before anything
of the new round is computed. Then everything is checked anew, each range and each relation, because other changes may
have come in between: what does not hold any more is dropped as a whole. Proposals take their turn by the height at
which their voting ended, then by number. A later one finds the parameters as the earlier ones have left them, so that
of two that name the same parameter the later one wins, and of two that contradict each other the earlier one.

What a change means where the chain has something under way: `round_length` is that of the round that begins;
`inflation_rate` is what the rate moves on from; whose own stake is below a new `min_self_bond` leaves the candidates.
Deadlines, release heights and escrows that are written down stay as they are.
"""

from dataclasses import fields, replace
from itertools import islice
from typing import Any

from app.messages.bodies import ParameterChange
from app.messages.events import ParameterChanged
from app.messages.rejections import Reason, Rejection, require
from app.params import Params, find_problems
from app.protocol.candidacy import require_self_bond
from app.protocol.environment import Env
from app.protocol.governance.outcomes import drop, finish
from app.state.tables import ADOPTED_CHANGES, CANDIDATES_BY_PRICE, PARAMS, PROPOSALS, ROUND, State

MAX_APPLIED_AT_ONCE = 64
"""Proposals that take effect as one round begins; more wait for the next round."""

NAMES = tuple(field.name for field in fields(Params))

# --- checks


def check_names(changes: tuple[ParameterChange, ...]) -> None:
    """Check that each change names another parameter that there is.

    Raises:
        Rejection: INVALID_FIELD, UNKNOWN_PARAMETER.
    """
    require(bool(changes), Reason.INVALID_FIELD, "a proposal to change parameters names at least one")
    names = [change.name for change in changes]
    for place, name in enumerate(names):
        if name not in NAMES:
            raise Rejection(Reason.UNKNOWN_PARAMETER, f"there is no parameter {name!r}; headwater query params has all")
        if name in names[:place]:
            raise Rejection(Reason.INVALID_FIELD, f"{name} is named twice")


# --- accessors


def change_params(params: Params, changes: tuple[ParameterChange, ...]) -> Params:
    """The parameters with these changes, unchecked."""
    values: dict[str, Any] = {change.name: _typed(params, change) for change in changes}
    return replace(params, **values)


def _typed(params: Params, change: ParameterChange) -> int:
    switch = isinstance(getattr(params, change.name), bool) and change.new_value <= 1
    return change.new_value == 1 if switch else change.new_value


# --- mutators


def apply_adopted_changes(state: State, env: Env) -> None:
    """Let adopted changes take effect, in their order, or be dropped."""
    before = env.params
    for height, proposal_id in list(islice(ADOPTED_CHANGES.keys(state), MAX_APPLIED_AT_ONCE)):
        ADOPTED_CHANGES.drop(state, height, proposal_id)
        _apply(state, env, proposal_id)
    if env.params.min_self_bond > before.min_self_bond:
        for _, candidate in list(CANDIDATES_BY_PRICE.keys(state)):
            require_self_bond(state, env, candidate)


def _apply(state: State, env: Env, proposal_id: int) -> None:
    before, changes = env.params, PROPOSALS.read(state, proposal_id).content.changes
    after = change_params(before, changes)
    problems = find_problems(after)
    if problems:
        drop(state, env, proposal_id, problems[0])
        return
    PARAMS.put(state, after)
    env.change_params(after)
    for change in changes:
        if change.name == "inflation_rate":
            ROUND.put(state, replace(ROUND.read(state), inflation_rate=after.inflation_rate))
        env.emit(ParameterChanged(proposal_id, change.name, int(getattr(before, change.name)), change.new_value))
    finish(state, proposal_id)
