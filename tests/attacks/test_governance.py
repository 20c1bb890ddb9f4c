"""Ways to vote twice, to vote without stake, and to get in others' way (livepeer.md, b9 and b11)."""

from dataclasses import replace

import pytest

from app.messages.bodies import Bond, Denom, Rebond, ResignAsTranscoder, Transfer, Unbond, Vote, Withdraw
from app.messages.records import ProposalStatus, SlashReason
from app.messages.rejections import Reason
from app.primitives.fractions import ONE
from app.protocol.environment import Evidence
from app.protocol.governance.proposals import MAX_ENDING_AT_ONCE
from app.protocol.slashing import slash
from app.protocol.transcoders import consensus_address
from app.state.tables import BALLOTS, COMMON_POOL, PARAMS, TOTALS
from genesis.presets.test import TEST
from tests.attacks.test_leaving_stake import Counted
from tests.support.chain_driver import ALICE, BOB, CAROL, DAVE, LPT, VERA, VIKTOR, enact, register, start
from tests.support.governing import YES, adopt, cast, changes, decide, proposal_of, proposed, spend, tally_of, text

PATIENT = replace(TEST, missed_reward_threshold=100)
LONG = replace(PATIENT, voting_period=50, unbonding_period=50)


def delegated(params=LONG, amount=800 * LPT):
    """Vera and Viktor with 1000 each, and Alice's stake behind Vera, since before round 1."""
    chain = start(params, [VERA, VIKTOR])
    chain.must(ALICE, Bond(amount, VERA.address))
    chain.next_round()
    return chain


# --- the same stake twice


def test_stake_that_moves_to_a_transcoder_which_votes_the_same_counts_once():
    chain = delegated()
    proposed(chain, CAROL, text())
    cast(chain, 1, yes=(ALICE,))
    chain.must(ALICE, Bond(0, VIKTOR.address))
    chain.next_round()
    cast(chain, 1, yes=(VIKTOR, VERA, ALICE))
    assert tally_of(chain) == (2800 * LPT, 0, 0)


def test_stake_that_has_voted_cannot_be_withdrawn_before_the_voting_is_over():
    chain = delegated(LONG)
    proposed(chain, CAROL, text())
    chain.must(ALICE, Vote(1, YES), Unbond(800 * LPT))
    chain.until(proposal_of(chain).end_height - 1)
    chain.refused(ALICE, Withdraw(0, 0, (1,)), reason=Reason.LOCK_NOT_RELEASED)
    assert tally_of(chain) == (800 * LPT, 0, 0)
    chain.refused(CAROL, changes(voting_period=51), reason=Reason.PARAMETERS_INVALID)


def test_tokens_passed_on_to_a_second_account_do_not_vote_again():
    chain = delegated()
    proposed(chain, CAROL, text())
    cast(chain, 1, yes=(ALICE,))
    chain.must(ALICE, Transfer(BOB.address, Denom.LPT, 9_000 * LPT))
    chain.must(BOB, Bond(9_000 * LPT, VERA.address))
    chain.next_round()
    chain.refused(BOB, Vote(1, YES), reason=Reason.NO_VOTING_STAKE)
    cast(chain, 1, yes=(VERA,))
    assert tally_of(chain) == (1800 * LPT, 0, 0)


@pytest.mark.parametrize("moves", [1, 3])
def test_an_early_vote_is_not_deducted_twice_however_often_stake_moves(moves):
    """The real network deducts the delegator's earlier vote from the transcoder's, and a later move once more."""
    chain = delegated()
    proposed(chain, CAROL, text())
    cast(chain, 1, no=(ALICE,))
    for move in range(moves):
        chain.must(ALICE, Bond(0, (VIKTOR, VERA)[move % 2].address))
        chain.next_round()
        cast(chain, 1, no=(ALICE,))
    cast(chain, 1, yes=(VERA, VIKTOR))
    assert tally_of(chain) == (2000 * LPT, 800 * LPT, 0)


def test_unbonding_and_rebonding_in_one_block_neither_takes_nor_adds_a_vote():
    chain = delegated()
    proposed(chain, CAROL, text())
    chain.must(ALICE, Vote(1, YES), Unbond(800 * LPT), Rebond(1, VIKTOR.address), Vote(1, YES))
    assert tally_of(chain) == (800 * LPT, 0, 0)


# --- votes that grow, or shrink others'


def test_who_bonds_when_it_sees_a_proposal_gains_no_vote_on_it():
    chain = delegated()
    proposed(chain, CAROL, text())
    register(chain, DAVE, 9_000 * LPT)
    chain.must(BOB, Bond(9_000 * LPT, VIKTOR.address))
    chain.next_round()
    for party in (DAVE, BOB):
        chain.refused(party, Vote(1, YES), reason=Reason.NO_VOTING_STAKE)
    cast(chain, 1, no=(VIKTOR,), yes=(VERA,))
    assert tally_of(chain) == (1800 * LPT, 1000 * LPT, 0)


def test_a_flash_bond_just_before_the_end_changes_nothing():
    chain = delegated(PATIENT)
    proposed(chain, CAROL, text())
    cast(chain, 1, no=(VERA,))
    chain.until(proposal_of(chain).end_height - 1)
    chain.block(chain.sign(BOB, Bond(9_000 * LPT, VIKTOR.address)), chain.sign(VIKTOR, Vote(1, YES)))
    assert decide(chain) is ProposalStatus.REJECTED
    assert tally_of(chain) == (1000 * LPT, 1800 * LPT, 0)


def test_who_proposes_itself_cannot_bond_for_it_in_the_same_round_either():
    chain = delegated()
    chain.must(BOB, Bond(9_000 * LPT, VIKTOR.address), text())
    chain.refused(BOB, Vote(1, YES), reason=Reason.NO_VOTING_STAKE)


def test_delegating_to_a_non_transcoder_does_not_lower_the_tally():
    """2023, H-02 of the treasury audit: it did, and a proposal could be made to fail by it."""
    chain = delegated()
    register(chain, BOB, 5 * LPT)
    proposed(chain, CAROL, text())
    cast(chain, 1, yes=(VERA,))
    chain.must(BOB, ResignAsTranscoder(), Unbond(5 * LPT))
    chain.refused(ALICE, Bond(0, BOB.address), reason=Reason.NOT_A_CANDIDATE)
    register(chain, DAVE, 5 * LPT)
    chain.must(ALICE, Bond(0, DAVE.address))
    chain.must(DAVE, ResignAsTranscoder())
    chain.next_round()
    assert tally_of(chain) == (1800 * LPT, 0, 0)
    cast(chain, 1, yes=(ALICE,))
    assert tally_of(chain) == (1800 * LPT, 0, 0)


# --- who has lost its stake


def test_a_fully_slashed_transcoder_has_no_vote():
    """2023, M-625 and M-627 of the treasury audit: it voted on."""
    chain = delegated()
    proposed(chain, CAROL, text())
    enact(chain, lambda s, env: slash(s, env, VERA.address, ONE, SlashReason.DOUBLE_CLAIM, 1))
    chain.refused(VERA, Vote(1, YES), reason=Reason.NO_VOTING_STAKE)
    chain.refused(ALICE, Vote(1, YES), reason=Reason.NO_VOTING_STAKE)


def test_a_vote_counts_no_more_when_a_slash_leaves_nothing_of_the_stake_behind_it():
    chain = delegated()
    proposed(chain, CAROL, text())
    cast(chain, 1, yes=(VERA, ALICE), no=(VIKTOR,))
    enact(chain, lambda s, env: slash(s, env, VERA.address, ONE, SlashReason.DOUBLE_CLAIM, 1))
    assert tally_of(chain) == (0, 1000 * LPT, 0)
    chain.must(VERA, Bond(5 * LPT, VERA.address))
    chain.next_round()
    assert tally_of(chain) == (0, 1000 * LPT, 0)
    assert decide(chain) is ProposalStatus.REJECTED


def test_a_double_signer_does_not_vote_for_those_who_trusted_it():
    chain = delegated()
    proposed(chain, CAROL, text())
    cast(chain, 1, yes=(VERA,))
    chain.block(evidence=[Evidence(consensus_address(VERA.consensus_key), chain.engine.height)])
    assert tally_of(chain) == (1000 * LPT, 0, 0)


# --- quorum, deposits, spam


def test_with_no_votes_at_all_nothing_passes_although_no_vote_says_no():
    """The real network calls a proposal without votes succeeded, and relies on the quorum to stop it."""
    for quorum in (TEST.quorum, 0):
        chain = start(replace(PATIENT, quorum=quorum), [VERA, VIKTOR])
        proposed(chain, CAROL, changes(n=3))
        assert decide(chain) is ProposalStatus.QUORUM_MISSED
        chain.next_round()
        assert PARAMS.read(chain.state).n == TEST.n


def test_proposals_that_nobody_cares_for_cost_their_deposits():
    chain = delegated(PATIENT)
    before = COMMON_POOL.read(chain.state).lpt
    for _ in range(3):
        chain.block(*[chain.sign(DAVE, text()) for _ in range(MAX_ENDING_AT_ONCE)])
    chain.blocks(PATIENT.voting_period)
    lost = 3 * MAX_ENDING_AT_ONCE * PATIENT.proposal_deposit
    assert (chain.account(DAVE).lpt, COMMON_POOL.read(chain.state).lpt - before) == (10_000 * LPT - lost, lost)
    assert TOTALS.read(chain.state).proposal_deposits == 0


def test_a_flood_of_proposals_makes_no_block_count_more_than_a_few_votings():
    chain = delegated(PATIENT)
    results = chain.block(*[chain.sign(DAVE, text()) for _ in range(40)]).tx_results
    assert sorted(result.code for result in results) == [0] * MAX_ENDING_AT_ONCE + [Reason.TOO_MANY_PROPOSALS] * 36
    chain.must(CAROL, text())


def test_a_vote_and_a_tally_cost_the_same_however_many_have_voted():
    costs = []
    for voters in ((), (ALICE, BOB, DAVE)):
        chain = start(PATIENT, [VERA, VIKTOR])
        for party in (ALICE, BOB, DAVE):
            chain.must(party, Bond(LPT, VERA.address))
        chain.next_round()
        proposed(chain, CAROL, text())
        cast(chain, 1, yes=(VERA, *voters))
        read = Counted(chain.state)
        tally_of(chain)
        costs.append((len(list(BALLOTS.keys(chain.state, 1))), read.writes))
    assert costs[0] == costs[1]


def test_one_who_empties_the_common_pool_first_leaves_nothing_half_paid():
    chain = delegated(PATIENT)
    proposed(chain, CAROL, text())
    decide(chain)
    pool = COMMON_POOL.read(chain.state).lpt
    chain.block(chain.sign(CAROL, spend(BOB, pool), spend(DAVE, pool)))
    for party in (VERA, VIKTOR):
        chain.must(party, Vote(2, YES), Vote(3, YES))
    assert decide(chain, 3) is ProposalStatus.DROPPED
    assert (chain.account(DAVE).lpt, proposal_of(chain, 2).status) == (10_000 * LPT, ProposalStatus.EXECUTED)


def test_a_majority_cannot_vote_parameters_in_that_contradict_each_other():
    chain = delegated(PATIENT)
    told = chain.refused(CAROL, changes(unbonding_period=5), reason=Reason.PARAMETERS_INVALID)
    assert "unbonding_period" in told
    adopt(chain, CAROL, changes(unbonding_period=21), VERA, VIKTOR)
    chain.next_round()
    assert PARAMS.read(chain.state).unbonding_period == 21
