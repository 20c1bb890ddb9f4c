"""Propose: what can be proposed, what it costs, and each refusal whole."""

from dataclasses import replace

import pytest

from app.messages.bodies import ParameterChange, ProposalKind, Propose
from app.messages.events import ProposalMade
from app.messages.records import Proposal
from app.messages.rejections import Reason
from app.protocol.governance.proposals import MAX_ENDING_AT_ONCE
from app.state.tables import DUE, PROPOSALS, TOTALS
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, BOB, LPT, VERA, VIKTOR, start
from tests.support.governing import burn, changes, proposal_of, spend, text, upgrade

NOBODY = bytes(20)


def two(params=TEST):
    return start(params, [VERA, VIKTOR])


def test_a_proposal_takes_its_deposit_and_opens_the_voting_for_the_voting_period():
    chain = two()
    content = Propose(ProposalKind.TEXT, "Meet", "In Delft?\nOr \u00e0 Paris?")
    result = chain.must(ALICE, content)
    height = chain.engine.height
    end = height + TEST.voting_period
    assert result.events[1:] == [ProposalMade(1, ALICE.address, ProposalKind.TEXT, LPT, end)]
    assert proposal_of(chain) == Proposal(ALICE.address, content, LPT, 0, 2000 * LPT, height, end)
    assert chain.account(ALICE).lpt == 9_999 * LPT
    totals = TOTALS.read(chain.state)
    assert (totals.proposal_deposits, totals.next_proposal_id) == (LPT, 2)
    assert [key[2] for key in DUE.keys(chain.state, end)] == [1]


def test_anybody_may_propose_bonded_or_not_and_proposals_are_numbered():
    chain = two()
    chain.must(ALICE, text())
    chain.must(VERA, text(), text())
    assert [key[0] for key in PROPOSALS.keys(chain.state)] == [1, 2, 3]


def test_the_deposit_is_the_parameter_of_the_moment_and_kept_with_the_proposal():
    chain = two(replace(TEST, proposal_deposit=7 * LPT))
    chain.must(ALICE, text())
    assert proposal_of(chain).proposal_deposit == 7 * LPT


PARAMETERS, SPEND = ProposalKind.PARAMETERS, ProposalKind.SPEND
REFUSALS = [
    (Propose(ProposalKind.TEXT, "", ""), Reason.INVALID_FIELD, "a proposal has a title"),
    (text("a\x1b[2J"), Reason.INVALID_FIELD, "title has the character U+001B at 1"),
    (text("a\nb"), Reason.INVALID_FIELD, "title has the character U+000A at 1"),
    (text("\u202eabc"), Reason.INVALID_FIELD, "title has the character U+202E at 0"),
    (Propose(ProposalKind.TEXT, "t", "a\r"), Reason.INVALID_FIELD, "text has the character U+000D at 1"),
    (replace(text(), lpt=1), Reason.INVALID_FIELD, "a proposal of the kind text has no lpt"),
    (replace(burn(1), wei=1), Reason.INVALID_FIELD, "a proposal of the kind burn has no wei"),
    (replace(burn(1), recipient=BOB.address), Reason.INVALID_FIELD, "a proposal of the kind burn has no recipient"),
    (replace(changes(n=3), app_version=2), Reason.INVALID_FIELD,
     "a proposal of the kind parameters has no app_version"),
    (replace(spend(BOB, 1), changes=(ParameterChange("n", 1),)), Reason.INVALID_FIELD,
     "a proposal of the kind spend has no changes"),
    (changes(), Reason.INVALID_FIELD, "a proposal to change parameters names at least one"),
    (changes(colour=1), Reason.UNKNOWN_PARAMETER, "there is no parameter 'colour'; headwater query params has all"),
    (Propose(PARAMETERS, "t", "", (ParameterChange("n", 3), ParameterChange("n", 3))), Reason.INVALID_FIELD,
     "n is named twice"),
    (changes(n=0), Reason.PARAMETERS_INVALID, "n is 0; 1 to 10000 count"),
    (changes(auto_reward=2), Reason.PARAMETERS_INVALID, "auto_reward is 2; 0 to 1 count"),
    (changes(quorum=10**9 + 1), Reason.PARAMETERS_INVALID, "quorum is 1000000001; 0 to 1000000000 parts per billion"),
    (changes(evidence_max_age=21), Reason.PARAMETERS_INVALID,
     "evidence_max_age, 21, is longer than unbonding_period, 20"),
    (spend(BOB), Reason.ZERO_AMOUNT, "nothing is to be taken from the CommonPool"),
    (burn(0), Reason.ZERO_AMOUNT, "nothing is to be taken from the CommonPool"),
    (Propose(SPEND, "t", "", recipient=NOBODY, lpt=1), Reason.INVALID_FIELD,
     "the zero address is nobody's; BURN burns LPT"),
    (upgrade(12), Reason.UPGRADE_INVALID, "the upgrade is planned for height 12; its voting ends at 12"),
    (upgrade(100, 1), Reason.UPGRADE_INVALID, "version 1 is no upgrade; the chain runs version 1"),
    (upgrade(100, 0), Reason.UPGRADE_INVALID, "version 0 is no upgrade; the chain runs version 1"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "reason", "told"), REFUSALS)
def test_what_cannot_be_proposed_is_refused_with_its_reason(content, reason, told):
    assert two().refused(ALICE, content, reason=reason) == told


def test_who_cannot_pay_the_deposit_cannot_propose():
    chain = two(replace(TEST, proposal_deposit=10_001 * LPT))
    told = chain.refused(ALICE, text(), reason=Reason.INSUFFICIENT_FUNDS)
    assert told.endswith("has 10000LPT and needs 10001LPT")


def test_nothing_is_proposed_while_the_round_waits_for_its_initialisation():
    chain = two(replace(TEST, auto_initialize_round=False))
    chain.until(11)
    chain.refused(ALICE, text(), reason=Reason.ROUND_NOT_INITIALIZED)


def test_relations_hold_between_several_changes_together_and_not_one_by_one():
    chain = two()
    chain.must(ALICE, changes(evidence_max_age=21, unbonding_period=21))


def test_no_more_votings_end_in_one_block_than_it_can_count():
    chain = two()
    chain.block(*[chain.sign(ALICE, text()) for _ in range(MAX_ENDING_AT_ONCE)])
    height = chain.engine.height + TEST.voting_period
    txs = [chain.sign(ALICE, text()) for _ in range(MAX_ENDING_AT_ONCE + 1)]
    results = chain.block(*txs).tx_results
    assert [result.code for result in results] == [0] * MAX_ENDING_AT_ONCE + [Reason.TOO_MANY_PROPOSALS]
    assert results[-1].log == f"4 votings end at height {height + 1} already; propose again in the next block"
    chain.must(ALICE, text())


def test_one_over_the_limit_changes_nothing_but_fee_and_nonce():
    chain = two()
    proposals = (text(),) * (MAX_ENDING_AT_ONCE + 1)
    chain.refused(ALICE, *proposals, reason=Reason.TOO_MANY_PROPOSALS)
    assert list(PROPOSALS.keys(chain.state)) == []
