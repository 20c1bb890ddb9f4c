"""Short ways to propose and vote in a chain of one engine."""

from typing import Any

from app.messages.bodies import ParameterChange, ProposalKind, Propose, Vote, VoteOption
from app.messages.events import ProposalMade
from app.messages.records import Proposal, ProposalStatus
from app.protocol.governance.voting import Tally, compute_tally
from app.protocol.ledger import debit_lpt, debit_wei, pay_common_pool
from app.state.tables import PROPOSALS
from tests.support.chain_driver import Chain, Party, enact, events_of

YES, NO, ABSTAIN = VoteOption.YES, VoteOption.NO, VoteOption.ABSTAIN


def text(title: str = "title") -> Propose:
    """An opinion."""
    return Propose(ProposalKind.TEXT, title, "")


def changes(**values: int) -> Propose:
    """Other values of parameters."""
    return Propose(
        ProposalKind.PARAMETERS,
        "title",
        "",
        tuple(ParameterChange(name, value) for name, value in values.items()),
    )


def spend(recipient: Party, lpt: int = 0, wei: int = 0) -> Propose:
    """A payment out of the CommonPool."""
    return Propose(ProposalKind.SPEND, "title", "", recipient=recipient.address, lpt=lpt, wei=wei)


def burn(lpt: int) -> Propose:
    """A burn."""
    return Propose(ProposalKind.BURN, "title", "", lpt=lpt)


def upgrade(height: int, version: int = 2) -> Propose:
    """A planned upgrade."""
    return Propose(ProposalKind.UPGRADE, "title", "", upgrade_height=height, app_version=version)


def proposed(chain: Chain, party: Party, content: Propose) -> int:
    """Propose; returns the number."""
    (event,) = events_of(chain.must(party, content), ProposalMade)
    return event.proposal_id


def cast(chain: Chain, proposal_id: int, **votes: tuple[Party, ...]) -> None:
    """Let parties vote: `yes=(VERA,), no=(ALICE,)`, each in a block of its own."""
    for option, parties in votes.items():
        for party in parties:
            chain.must(party, Vote(proposal_id, VoteOption[option.upper()]))


def proposal_of(chain: Chain, proposal_id: int = 1) -> Proposal:
    """A proposal as it stands."""
    return PROPOSALS.read(chain.state, proposal_id)


def tally_of(chain: Chain, proposal_id: int = 1) -> Tally:
    """Its votes as they are weighed now."""
    return compute_tally(chain.state, proposal_id, proposal_of(chain, proposal_id))


def decide(chain: Chain, proposal_id: int = 1) -> ProposalStatus:
    """Let the voting end; returns what came of it."""
    chain.until(proposal_of(chain, proposal_id).end_height)
    chain.block()
    return proposal_of(chain, proposal_id).status


def adopt(chain: Chain, proposer: Party, content: Propose, *voters: Party) -> int:
    """Propose, let these say yes, and let the voting end; returns the number."""
    proposal_id = proposed(chain, proposer, content)
    cast(chain, proposal_id, yes=voters)
    decide(chain, proposal_id)
    return proposal_id


def fill_common_pool(chain: Chain, party: Party, lpt: int = 0, wei: int = 0) -> None:
    """Give to the CommonPool from a party's balance, as a slash and ownerless fees would."""

    def give(state: Any, _env: Any) -> None:
        debit_lpt(state, party.address, lpt)
        debit_wei(state, party.address, wei)
        pay_common_pool(state, lpt=lpt, wei=wei)

    enact(chain, give)
