"""Vote and the tally: whose stake counts for what, when it passes, and where the deposit goes."""

from dataclasses import replace

import pytest

from app.messages.bodies import Bond, ResignAsTranscoder, Unbond, Vote
from app.messages.events import ProposalDepositLost, ProposalDepositReturned, VoteCast, VotingEnded
from app.messages.records import Ballot, ProposalStatus, SlashReason
from app.messages.records import Vote as VoteRecord
from app.messages.rejections import Reason
from app.primitives.amounts import Lpt
from app.primitives.fractions import ONE, Fraction
from app.protocol.governance.voting import Tally, compute_status
from app.protocol.slashing import slash
from app.state.tables import BALLOTS, COMMON_POOL, ELECTORS, VOTES, VOTING_ROUNDS
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, BOB, CAROL, DAVE, LPT, VERA, VIKTOR, enact, events_of, register, start
from tests.support.governing import ABSTAIN, NO, YES, cast, decide, proposal_of, proposed, tally_of, text

PATIENT = replace(TEST, missed_reward_threshold=100)
LASTING = replace(PATIENT, voting_period=35, unbonding_period=40)


def delegated(params=PATIENT):
    """Vera with 1000 of her own, 300 of Alice's and 200 of Bob's; Viktor with 1000; all before round 1 began."""
    chain = start(params, [VERA, VIKTOR])
    chain.must(ALICE, Bond(300 * LPT, VERA.address))
    chain.must(BOB, Bond(200 * LPT, VERA.address))
    chain.next_round()
    return chain


def in_lpt(tally):
    return tuple(stake // LPT for stake in tally)


# --- whose stake says what


def test_an_active_transcoder_votes_with_all_that_is_bonded_to_it():
    chain = delegated()
    proposed(chain, CAROL, text())
    result = chain.must(VERA, Vote(1, YES))
    assert result.events[1:] == [VoteCast(1, VERA.address, VERA.address, YES, 1000 * LPT, True)]
    assert in_lpt(tally_of(chain)) == (1500, 0, 0)


@pytest.mark.parametrize("order", [(VERA, ALICE), (ALICE, VERA)], ids=["transcoder first", "delegator first"])
def test_a_delegator_that_votes_takes_its_share_out_of_its_transcoders_vote_in_either_order(order):
    chain = delegated()
    proposed(chain, CAROL, text())
    for party in order:
        chain.must(party, Vote(1, YES if party is VERA else NO))
    assert in_lpt(tally_of(chain)) == (1200, 300, 0)


def test_a_delegator_votes_also_where_its_transcoder_does_not():
    chain = delegated()
    proposed(chain, CAROL, text())
    result = chain.must(ALICE, Vote(1, ABSTAIN))
    assert result.events[1:] == [VoteCast(1, ALICE.address, VERA.address, ABSTAIN, 300 * LPT, False)]
    assert in_lpt(tally_of(chain)) == (0, 0, 300)


def test_a_vote_can_be_changed_and_only_the_last_one_counts():
    chain = delegated()
    proposed(chain, CAROL, text())
    cast(chain, 1, yes=(VERA, ALICE, BOB))
    cast(chain, 1, no=(VERA,))
    assert in_lpt(tally_of(chain)) == (500, 1000, 0)
    cast(chain, 1, abstain=(ALICE, BOB))
    assert in_lpt(tally_of(chain)) == (0, 1000, 500)
    cast(chain, 1, abstain=(ALICE,))
    assert BALLOTS.read(chain.state, 1, VERA.address) == Ballot(NO, Lpt(0), 1000 * LPT, 500 * LPT)
    assert VOTES.read(chain.state, 1, ALICE.address) == VoteRecord(ABSTAIN, VERA.address, 300 * LPT)


def test_votes_on_one_proposal_say_nothing_about_another():
    chain = delegated()
    proposed(chain, CAROL, text())
    proposed(chain, CAROL, text())
    cast(chain, 1, yes=(VERA,))
    cast(chain, 2, no=(VIKTOR,))
    assert (in_lpt(tally_of(chain, 1)), in_lpt(tally_of(chain, 2))) == ((1500, 0, 0), (0, 1000, 0))


def test_the_transcoder_drawn_from_the_waitlist_votes_as_it_is_active():
    chain = start(replace(PATIENT, n=2), [VERA, VIKTOR])
    register(chain, ALICE, 10 * LPT)
    chain.next_round()
    proposed(chain, CAROL, text())
    cast(chain, 1, yes=(ALICE,))
    assert in_lpt(tally_of(chain)) == (10, 0, 0)


def test_a_waiting_candidate_and_those_bonded_to_it_have_no_vote():
    chain = start(replace(PATIENT, n=1), [VERA, VIKTOR])
    register(chain, ALICE, 10 * LPT)
    chain.must(BOB, Bond(LPT, ALICE.address))
    chain.next_round()
    chain.must(CAROL, text())
    drawn = VIKTOR if chain.state.get(b"active/" + VIKTOR.address) else ALICE
    for party in (ALICE, BOB) if drawn is VIKTOR else (VIKTOR,):
        chain.refused(party, Vote(1, YES), reason=Reason.NO_VOTING_STAKE)


def test_stake_that_was_bonded_in_the_proposals_round_has_no_vote_on_it():
    chain = delegated()
    chain.must(ALICE, Bond(50 * LPT, VERA.address))
    chain.must(DAVE, Bond(50 * LPT, VERA.address), text())
    told = chain.refused(DAVE, Vote(1, YES), reason=Reason.NO_VOTING_STAKE)
    assert told == "stake votes that was bonded to an active transcoder as round 1 began; you had none"
    cast(chain, 1, yes=(ALICE,))
    assert in_lpt(tally_of(chain)) == (300, 0, 0)


def test_stake_that_has_moved_or_unbonded_since_keeps_its_vote_where_it_was():
    chain = delegated()
    chain.must(ALICE, Bond(0, VIKTOR.address))
    chain.must(BOB, Unbond(200 * LPT))
    proposed(chain, CAROL, text())
    cast(chain, 1, no=(ALICE, BOB), yes=(VIKTOR,))
    chain.next_round()
    cast(chain, 1, abstain=(VERA,))
    assert in_lpt(tally_of(chain)) == (1000, 500, 1000)


def test_a_voting_that_lasts_into_later_rounds_is_about_the_stakes_of_its_first_one():
    chain = delegated(LASTING)
    proposed(chain, CAROL, text())
    chain.must(ALICE, Unbond(100 * LPT))
    chain.next_round()
    chain.must(DAVE, Bond(5000 * LPT, VERA.address))
    chain.next_round()
    cast(chain, 1, yes=(VERA,), no=(ALICE,))
    chain.refused(DAVE, Vote(1, YES), reason=Reason.NO_VOTING_STAKE)
    assert in_lpt(tally_of(chain)) == (1200, 300, 0)


def test_a_voting_goes_on_while_the_round_waits_for_its_initialisation():
    chain = start(replace(LASTING, auto_initialize_round=False), [VERA, VIKTOR])
    proposed(chain, CAROL, text())
    chain.until(12)
    cast(chain, 1, yes=(VERA,))
    assert decide(chain) is ProposalStatus.EXECUTED


def test_who_is_slashed_in_part_keeps_the_vote_of_the_rounds_beginning():
    chain = delegated()
    proposed(chain, CAROL, text())
    enact(chain, lambda s, env: slash(s, env, VERA.address, Fraction(ONE // 2), SlashReason.DOUBLE_CLAIM, 1))
    cast(chain, 1, yes=(VERA,), no=(ALICE,))
    assert in_lpt(tally_of(chain)) == (1200, 300, 0)


def test_a_transcoder_that_has_left_votes_for_itself_alone():
    chain = delegated()
    proposed(chain, CAROL, text())
    cast(chain, 1, yes=(VERA, ALICE))
    assert in_lpt(tally_of(chain)) == (1500, 0, 0)
    chain.must(VERA, ResignAsTranscoder())
    assert in_lpt(tally_of(chain)) == (1300, 0, 0)


# --- refusals


def test_who_votes_on_what_is_not_there_is_refused():
    told = delegated().refused(VERA, Vote(1, YES), reason=Reason.UNKNOWN_PROPOSAL)
    assert told == "there is no proposal 1"


def test_the_last_block_before_the_end_is_the_last_to_vote_in():
    chain = delegated()
    proposed(chain, CAROL, text())
    end = proposal_of(chain).end_height
    chain.until(end - 1)
    cast(chain, 1, yes=(VERA,))
    told = chain.refused(VIKTOR, Vote(1, YES), reason=Reason.VOTING_ENDED)
    assert told == f"the voting on proposal 1 ended at height {end}"


@pytest.mark.parametrize("party", [CAROL, DAVE])
def test_who_has_no_stake_has_no_vote(party):
    chain = delegated()
    proposed(chain, CAROL, text())
    chain.refused(party, Vote(1, YES), reason=Reason.NO_VOTING_STAKE)


# --- what comes of it


def test_passed_a_proposal_returns_its_deposit_and_tells_its_votes():
    chain = delegated()
    proposed(chain, CAROL, text())
    cast(chain, 1, yes=(VERA,), no=(ALICE,))
    assert decide(chain) is ProposalStatus.EXECUTED
    (ended,), (returned,) = (events_of(chain.results[-1], kind) for kind in (VotingEnded, ProposalDepositReturned))
    assert ended == VotingEnded(1, ProposalStatus.ADOPTED, 1200 * LPT, 300 * LPT, 0, 2500 * LPT)
    assert returned == ProposalDepositReturned(1, CAROL.address, LPT)
    assert chain.account(CAROL).lpt == 10_000 * LPT
    assert proposal_of(chain).proposal_deposit == 0


def test_rejected_it_returns_its_deposit_as_well():
    chain = delegated()
    proposed(chain, CAROL, text())
    cast(chain, 1, no=(VERA,))
    assert decide(chain) is ProposalStatus.REJECTED
    assert chain.account(CAROL).lpt == 10_000 * LPT


def test_without_its_quorum_it_loses_the_deposit_to_the_common_pool():
    chain = delegated()
    proposed(chain, CAROL, text())
    cast(chain, 1, yes=(ALICE, BOB))
    assert decide(chain) is ProposalStatus.QUORUM_MISSED
    assert events_of(chain.results[-1], ProposalDepositLost) == [ProposalDepositLost(1, LPT)]
    assert (chain.account(CAROL).lpt, COMMON_POOL.read(chain.state).lpt) == (9_999 * LPT, LPT)


def test_the_tally_stays_what_it_was_at_the_end():
    chain = delegated()
    proposed(chain, CAROL, text())
    cast(chain, 1, yes=(VERA,))
    decide(chain)
    chain.must(VERA, ResignAsTranscoder())
    assert in_lpt(tally_of(chain)) == (1500, 0, 0)


def test_the_stakes_of_a_round_are_kept_for_its_last_open_proposal_and_no_longer():
    chain = delegated(LASTING)
    proposed(chain, CAROL, text())
    proposed(chain, CAROL, text())
    assert list(ELECTORS.keys(chain.state)) == []
    chain.next_round()
    assert sorted(key[1] for key in ELECTORS.keys(chain.state, 1)) == sorted([VERA.address, VIKTOR.address])
    decide(chain, 1)
    assert VOTING_ROUNDS.read(chain.state, 1).open_proposals == 1
    decide(chain, 2)
    assert list(ELECTORS.keys(chain.state)) == list(VOTING_ROUNDS.keys(chain.state)) == []


def test_two_votings_of_different_rounds_each_have_the_stakes_of_their_own():
    chain = delegated(LASTING)
    proposed(chain, CAROL, text())
    chain.must(ALICE, Unbond(100 * LPT))
    chain.next_round()
    proposed(chain, CAROL, text())
    chain.must(ALICE, Unbond(100 * LPT))
    chain.next_round()
    chain.must(ALICE, Unbond(100 * LPT))
    for number in (1, 2):
        cast(chain, number, no=(ALICE,))
    assert [in_lpt(tally_of(chain, number)) for number in (1, 2)] == [(0, 300, 0), (0, 200, 0)]


QUORUM, THRESHOLD = Fraction(ONE // 4), Fraction(ONE // 2)
MISSED, REJECTED, ADOPTED = ProposalStatus.QUORUM_MISSED, ProposalStatus.REJECTED, ProposalStatus.ADOPTED


@pytest.mark.parametrize(
    ("tally", "expected"),
    [
        ((0, 0, 0), MISSED),
        ((24, 0, 0), MISSED),
        ((25, 0, 0), ADOPTED),
        ((1, 0, 24), ADOPTED),
        ((0, 0, 25), REJECTED),
        ((0, 25, 0), REJECTED),
        ((25, 25, 0), ADOPTED),
        ((25, 26, 0), REJECTED),
        ((10, 11, 79), REJECTED),
    ],
)
def test_quorum_counts_abstentions_and_threshold_does_not(tally, expected):
    params = replace(TEST, quorum=QUORUM, threshold=THRESHOLD)
    assert compute_status(Tally(*tally), Lpt(100), params) is expected


@pytest.mark.parametrize(("quorum", "threshold"), [(0, 0), (0, ONE), (ONE, 0)])
def test_without_a_single_yes_nothing_passes_whatever_the_parameters_are(quorum, threshold):
    params = replace(TEST, quorum=Fraction(quorum), threshold=Fraction(threshold))
    for tally in ((0, 0, 0), (0, 100, 0), (0, 0, 100)):
        assert compute_status(Tally(*tally), Lpt(100), params) is not ADOPTED
    assert compute_status(Tally(0, 0, 0), Lpt(0), params) is MISSED
