"""What can be proposed, and what it costs (protocol.md, section 11).

Anybody may propose; `proposal_deposit` is taken from the proposer's balance until the voting ends. So that a block's
work stays bounded, at most `MAX_ENDING_AT_ONCE` votings end in one block: who comes too late proposes a block later.
Whoever wants to keep others out by that has to pay so many deposits in every block, and loses them.

What is proposed is checked as it would be when it takes effect, but for the CommonPool, which may grow until then.
"""

from dataclasses import fields, replace

from app.messages.bodies import ProposalKind, Propose
from app.messages.events import ProposalMade
from app.messages.limits import check_prose
from app.messages.records import Proposal
from app.messages.rejections import Reason, Rejection, require
from app.params import find_problems
from app.primitives.amounts import Height
from app.protocol.clock import DueKind, require_initialized, schedule
from app.protocol.environment import NOBODY, TxEnv
from app.protocol.governance.electorate import open_voting_round
from app.protocol.governance.parameters import change_params, check_names
from app.protocol.governance.upgrades import check_plan
from app.protocol.ledger import change_proposal_deposits, debit_lpt
from app.state.tables import DUE, PROPOSALS, ROUND, TOTALS, ReadState, State

MAX_ENDING_AT_ONCE = 4
"""Each tally reads a row for every active transcoder that is voted with."""

_FIELDS_OF_KIND = {
    ProposalKind.TEXT: (),
    ProposalKind.PARAMETERS: ("changes",),
    ProposalKind.SPEND: ("recipient", "lpt", "wei"),
    ProposalKind.BURN: ("lpt",),
    ProposalKind.UPGRADE: ("upgrade_height", "app_version"),
}

# --- checks


def check_form(content: Propose) -> None:
    """Check what a proposal says without looking at the chain.

    Raises:
        Rejection: INVALID_FIELD, ZERO_AMOUNT, UNKNOWN_PARAMETER.
    """
    require(bool(content.title), Reason.INVALID_FIELD, "a proposal has a title")
    check_prose("title", content.title)
    check_prose("text", content.text, "\n")
    empty = Propose(content.kind, content.title, content.text)
    for name in [field.name for field in fields(Propose)]:
        if name not in _FIELDS_OF_KIND[content.kind] and getattr(content, name) != getattr(empty, name):
            raise Rejection(Reason.INVALID_FIELD, f"a proposal of the kind {content.kind.name.lower()} has no {name}")
    if content.kind is ProposalKind.PARAMETERS:
        check_names(content.changes)
    if content.kind in (ProposalKind.SPEND, ProposalKind.BURN):
        require(bool(content.lpt or content.wei), Reason.ZERO_AMOUNT, "nothing is to be taken from the CommonPool")
    if content.kind is ProposalKind.SPEND:
        require(content.recipient != NOBODY, Reason.INVALID_FIELD, "the zero address is nobody's; BURN burns LPT")


def _check_effect(state: ReadState, env: TxEnv, content: Propose, end_height: Height) -> None:
    if content.kind is ProposalKind.PARAMETERS:
        problems = find_problems(change_params(env.params, content.changes))
        if problems:
            raise Rejection(Reason.PARAMETERS_INVALID, problems[0])
    if content.kind is ProposalKind.UPGRADE:
        check_plan(state, content, end_height)


def _check_room(state: ReadState, end_height: Height) -> None:
    if sum(1 for _ in DUE.keys(state, end_height, DueKind.CLOSE_VOTING)) >= MAX_ENDING_AT_ONCE:
        raise Rejection(
            Reason.TOO_MANY_PROPOSALS,
            f"{MAX_ENDING_AT_ONCE} votings end at height {end_height} already; propose again in the next block",
        )


# --- mutators


def _take_proposal_id(state: State) -> int:
    totals = TOTALS.read(state)
    TOTALS.put(state, replace(totals, next_proposal_id=totals.next_proposal_id + 1))
    return totals.next_proposal_id


# --- transactions


def process_propose(state: State, env: TxEnv, message: Propose) -> None:
    """Propose: put something to the vote, from now on and for `voting_period` blocks.

    Raises:
        Rejection: INVALID_FIELD, ZERO_AMOUNT, UNKNOWN_PARAMETER, ROUND_NOT_INITIALIZED, PARAMETERS_INVALID,
            UPGRADE_INVALID, TOO_MANY_PROPOSALS or INSUFFICIENT_FUNDS.
    """
    check_form(message)
    require_initialized(state)
    end_height = Height(env.height + env.params.voting_period)
    _check_effect(state, env, message, end_height)
    _check_room(state, end_height)
    deposit = env.params.proposal_deposit
    debit_lpt(state, env.sender, deposit)
    change_proposal_deposits(state, deposit)
    proposal_id, active_stake = _take_proposal_id(state), ROUND.read(state).active_stake
    voting_round = open_voting_round(state)
    proposal = Proposal(env.sender, message, deposit, voting_round, active_stake, env.height, end_height)
    PROPOSALS.put(state, proposal, proposal_id)
    schedule(state, end_height, DueKind.CLOSE_VOTING, proposal_id)
    env.emit(ProposalMade(proposal_id, env.sender, message.kind, deposit, end_height))
