"""What has become of an adopted proposal: it took effect, or it could not any more."""

from dataclasses import replace

from app.messages.events import ProposalDropped
from app.messages.records import ProposalStatus
from app.protocol.environment import Env
from app.state.tables import PROPOSALS, State

# --- mutators


def finish(state: State, proposal_id: int) -> None:
    """Note that a proposal has taken effect."""
    PROPOSALS.put(state, replace(PROPOSALS.read(state, proposal_id), status=ProposalStatus.EXECUTED), proposal_id)


def drop(state: State, env: Env, proposal_id: int, why: str) -> None:
    """Note that an adopted proposal cannot take effect, and tell why."""
    dropped = replace(PROPOSALS.read(state, proposal_id), status=ProposalStatus.DROPPED, outcome=why)
    PROPOSALS.put(state, dropped, proposal_id)
    env.emit(ProposalDropped(proposal_id, why))
