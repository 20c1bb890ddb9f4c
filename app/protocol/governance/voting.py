"""Votes and their tally (protocol.md, section 11).

A transcoder's vote counts for all stake that was bonded to it as the voting's round began; who was bonded to it and
votes itself takes its own part out of that, whichever of the two votes first. Both may change their votes as long as
the voting lasts. So for each transcoder there is one ballot: what its delegators say themselves, and what it says for
the rest. A vote changes two numbers of it, and the tally adds up the ballots: at most as many as there were active
transcoders, however many have voted.

Passed is what reached its quorum, `quorum` of the stake that was active as the round began, abstentions counted, and
of whose yes and no `threshold` say yes. Without a single yes nothing passes, whatever the parameters are. Deposits
return unless the quorum is missed; then they go to the CommonPool.
"""

from dataclasses import replace
from typing import Any, NamedTuple

from app.messages import bodies
from app.messages.bodies import VoteOption
from app.messages.events import ProposalDepositLost, ProposalDepositReturned, VoteCast, VotingEnded
from app.messages.records import Ballot, Proposal, ProposalStatus, Vote
from app.messages.rejections import Reason, Rejection
from app.params import Params
from app.primitives.address import Address
from app.primitives.amounts import Lpt
from app.primitives.fractions import ONE
from app.protocol.environment import BlockEnv, TxEnv
from app.protocol.governance.actions import act
from app.protocol.governance.electorate import close_voting_round, get_elector, get_voting_stake, has_mandate
from app.protocol.ledger import change_proposal_deposits, credit_lpt, pay_common_pool
from app.state.tables import BALLOTS, PROPOSALS, VOTES, ReadState, State


class Tally(NamedTuple):
    """So much stake says what."""

    yes: Lpt
    no: Lpt
    abstain: Lpt


# --- accessors


def compute_tally(state: ReadState, proposal_id: int, proposal: Proposal) -> Tally:
    """The votes as they are weighed now; after the end, as they were then."""
    if proposal.status is not ProposalStatus.VOTING:
        return Tally(proposal.yes, proposal.no, proposal.abstain)
    ballots = BALLOTS.items(state, proposal_id)
    weighed = [_weigh(state, proposal, transcoder, ballot) for (_, transcoder), ballot in ballots]
    return Tally(*(Lpt(sum(each[place] for each in weighed)) for place in range(3)))


def compute_status(tally: Tally, active_stake: Lpt, params: Params) -> ProposalStatus:
    """What the voting's end would make of a tally."""
    cast = sum(tally)
    if cast == 0 or cast * ONE < params.quorum * active_stake:
        return ProposalStatus.QUORUM_MISSED
    if tally.yes == 0 or tally.yes * ONE < params.threshold * (tally.yes + tally.no):
        return ProposalStatus.REJECTED
    return ProposalStatus.ADOPTED


def _weigh(state: ReadState, proposal: Proposal, transcoder: Address, ballot: Ballot) -> Tally:
    elector = get_elector(state, proposal.voting_round, transcoder)
    if elector is None:
        return Tally(Lpt(0), Lpt(0), Lpt(0))
    if ballot.mandate is not None and has_mandate(state, transcoder):
        ballot = _add(ballot, ballot.mandate, elector.stake - ballot.yes - ballot.no - ballot.abstain)
    return Tally(ballot.yes, ballot.no, ballot.abstain)


def _add(ballot: Ballot, option: VoteOption, stake: int) -> Ballot:
    name = option.name.lower()
    changed: dict[str, Any] = {name: Lpt(getattr(ballot, name) + stake)}
    return replace(ballot, **changed)


# --- mutators


def close_voting(state: State, env: BlockEnv, proposal_id: int, _claim: int, _segment: int) -> None:
    """Due work: count the votes on a proposal, settle its deposit, and do what it asks for where it has passed."""
    proposal = PROPOSALS.read(state, proposal_id)
    tally = compute_tally(state, proposal_id, proposal)
    status = compute_status(tally, proposal.active_stake, env.params)
    closed = replace(
        proposal, status=status, proposal_deposit=Lpt(0), yes=tally.yes, no=tally.no, abstain=tally.abstain
    )
    PROPOSALS.put(state, closed, proposal_id)
    close_voting_round(state, proposal.voting_round)
    env.emit(VotingEnded(proposal_id, status, *tally, proposal.active_stake))
    _settle_deposit(state, env, proposal_id, proposal, status)
    if status is ProposalStatus.ADOPTED:
        act(state, env, proposal_id)


def _settle_deposit(state: State, env: BlockEnv, proposal_id: int, proposal: Proposal, status: ProposalStatus) -> None:
    amount = proposal.proposal_deposit
    change_proposal_deposits(state, -amount)
    if status is ProposalStatus.QUORUM_MISSED:
        pay_common_pool(state, lpt=amount)
        env.emit(ProposalDepositLost(proposal_id, amount))
    else:
        credit_lpt(state, proposal.proposer, amount)
        env.emit(ProposalDepositReturned(proposal_id, proposal.proposer, amount))


# --- transactions


def process_vote(state: State, env: TxEnv, message: bodies.Vote) -> None:
    """Vote: say yes, no or abstain, for the first time or anew.

    Raises:
        Rejection: UNKNOWN_PROPOSAL, VOTING_ENDED or NO_VOTING_STAKE.
    """
    proposal = PROPOSALS.get(state, message.proposal_id)
    if proposal is None:
        raise Rejection(Reason.UNKNOWN_PROPOSAL, f"there is no proposal {message.proposal_id}")
    if proposal.status is not ProposalStatus.VOTING:
        raise Rejection(
            Reason.VOTING_ENDED, f"the voting on proposal {message.proposal_id} ended at height {proposal.end_height}"
        )
    found = get_voting_stake(state, proposal.voting_round, env.sender)
    if found is None:
        raise Rejection(
            Reason.NO_VOTING_STAKE,
            f"stake votes that was bonded to an active transcoder as round {proposal.voting_round} began; you had none",
        )
    transcoder, stake = found
    _cast(state, message, env.sender, transcoder, stake)
    env.emit(VoteCast(message.proposal_id, env.sender, transcoder, message.option, stake, transcoder == env.sender))


def _cast(state: State, message: bodies.Vote, voter: Address, transcoder: Address, stake: Lpt) -> None:
    ballot = BALLOTS.read(state, message.proposal_id, transcoder)
    before = VOTES.get(state, message.proposal_id, voter)
    if before is not None:
        ballot = _add(ballot, before.option, -before.stake)
    ballot = _add(ballot, message.option, stake)
    if transcoder == voter:
        ballot = replace(ballot, mandate=message.option)
    BALLOTS.put(state, ballot, message.proposal_id, transcoder)
    VOTES.put(state, Vote(message.option, transcoder, stake), message.proposal_id, voter)
