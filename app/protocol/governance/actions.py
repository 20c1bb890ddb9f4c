"""What an adopted proposal does: at once where it moves money, later where it changes parameters.

What cannot be done any more when its time has come, because the CommonPool has become too small, is dropped as a whole
and told by an event with the reason. Spending and burning happen in the block in which the voting ends, in the order
of the proposals' numbers. Adopted changes of parameters wait for the next round's start.
"""

from app.messages.bodies import ProposalKind
from app.messages.events import CommonPoolBurned, CommonPoolSpent
from app.messages.records import Empty, Proposal
from app.primitives.amounts import format_lpt, format_wei
from app.protocol.environment import Env
from app.protocol.governance.outcomes import drop, finish
from app.protocol.governance.upgrades import plan_upgrade
from app.protocol.ledger import burn_common_pool, credit_lpt, credit_wei, take_common_pool
from app.state.tables import ADOPTED_CHANGES, COMMON_POOL, PROPOSALS, State

# --- mutators


def act(state: State, env: Env, proposal_id: int) -> None:
    """Do what a proposal asks for that has just been adopted, or put it where it waits."""
    proposal = PROPOSALS.read(state, proposal_id)
    kind = proposal.content.kind
    if kind is ProposalKind.PARAMETERS:
        ADOPTED_CHANGES.put(state, Empty(), env.height, proposal_id)
    elif kind in (ProposalKind.SPEND, ProposalKind.BURN):
        _use_common_pool(state, env, proposal_id, proposal)
    elif kind is ProposalKind.UPGRADE:
        plan_upgrade(state, env, proposal_id)
    else:
        finish(state, proposal_id)


def _use_common_pool(state: State, env: Env, proposal_id: int, proposal: Proposal) -> None:
    content, pool = proposal.content, COMMON_POOL.read(state)
    if pool.lpt < content.lpt or pool.wei < content.wei:
        has, needs = (f"{format_lpt(each.lpt)} and {format_wei(each.wei)}" for each in (pool, content))
        drop(state, env, proposal_id, f"the CommonPool has {has}, not {needs}")
        return
    if content.kind is ProposalKind.BURN:
        burn_common_pool(state, content.lpt)
        env.emit(CommonPoolBurned(proposal_id, content.lpt))
    else:
        take_common_pool(state, content.lpt, content.wei)
        credit_lpt(state, content.recipient, content.lpt)
        credit_wei(state, content.recipient, content.wei)
        env.emit(CommonPoolSpent(proposal_id, content.recipient, content.lpt, content.wei))
    finish(state, proposal_id)
