"""What went wrong in the real network, by the date on which it did: each failure that can exist here has its test.

`ANSWERS` names the test of each; those that are told nowhere else are here. What cannot exist here, and why:

- 2022-02, the minter counted the supply of one of two chains: there is one chain here, and one supply.
- 2022-02 and 2022-08, `transferBond`, and from the zero address: no message gives a bond to somebody else.
- 2024-10, the drained minter: no contract holds money for others here; fees lie on each account's own record.
- 2026-07, a ticket burned by a partial claim: there are no lottery tickets here.
- 2017-12, the redistribution pool's loops over transcoders: there is no such pool; slashed LPT waits for governance.
- off chain, outputs of different hardware compared with each other: the verified profile fixes one software encoder.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from app.messages.bodies import Bond, Reward, Unbond, UpdateDelegatorStake, Withdraw
from app.messages.events import RewardPaid, RewardWithheld, StakeSlashed, TranscoderUpdated
from app.messages.records import SlashReason
from app.messages.rejections import Reason
from app.primitives.fractions import ONE
from app.protocol.environment import NOBODY
from app.protocol.rounds import add_work
from app.protocol.slashing import slash
from app.protocol.transcoders import consensus_address
from app.state.tables import COMMON_POOL, POOLS
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, BOB, CAROL, LPT, VERA, VIKTOR, enact, events_of, rates_of, start
from tests.support.work_world import NO_SEGMENT, World, make_work

TESTS = Path(__file__).parents[1]
ATTACKS, UNIT = "attacks/test_{}.py", "unit/app/protocol/test_{}.py"
ANSWERS = {
    "2017-10 a transcoder that also proposes grinds the claim's block": (
        ATTACKS.format("cheating_transcoder"),
        "test_the_proposer_cannot_choose_the_challenges_with_the_claims_own_block",
    ),
    "2017-10 rewards without delegators are stuck": (
        ATTACKS.format("known_failures"),
        "test_a_reward_without_delegators_is_not_stuck",
    ),
    "2017-10 loops over delegators exceed what a transaction may cost": (
        ATTACKS.format("leaving_stake"),
        "test_many_small_locks_and_delegators_do_not_make_a_slash_dearer",
    ),
    "2017-12 slashes for what nobody can be blamed for": (
        ATTACKS.format("known_failures"),
        "test_who_is_given_too_little_work_loses_a_reward_and_no_stake",
    ),
    "2018-01 nobody is slashed after resigning": (
        ATTACKS.format("leaving_stake"),
        "test_nothing_a_double_signer_does_between_offence_and_evidence_saves_its_stake",
    ),
    "2018-01 a slash without a finder pays a finder": (
        ATTACKS.format("known_failures"),
        "test_a_slash_without_a_finder_pays_nobody",
    ),
    "2018-01 unbond and rebond lose tokens": (
        ATTACKS.format("leaving_stake"),
        "test_unbond_and_rebond_lose_no_token_and_make_none",
    ),
    "2018-01 a claim near a job's end cannot be verified": (
        ATTACKS.format("cheating_transcoder"),
        "test_a_claim_shortly_before_the_end_of_its_job_is_verified_like_any_other",
    ),
    "2018-02 registering with too little stake succeeds silently": (
        ATTACKS.format("known_failures"),
        "test_registering_with_too_little_stake_is_refused_or_tells_the_waiting_position",
    ),
    "2018-03 no first claim after 256 blocks": (
        ATTACKS.format("known_failures"),
        "test_a_job_can_be_claimed_for_the_first_time_long_after_its_draw",
    ),
    "2018-05 a registered transcoder delegates away": (
        ATTACKS.format("stake"),
        "test_a_registered_transcoder_cannot_delegate_its_stake_away",
    ),
    "2018-08 the order of claims changes payouts": (
        ATTACKS.format("known_failures"),
        "test_the_order_in_which_earnings_are_collected_changes_nobodys",
    ),
    "2018-10 bonded stake is counted wrongly when it moves": (
        ATTACKS.format("stake"),
        "test_all_bonded_stake_is_counted_wherever_it_moves",
    ),
    "2021-01 unset start factors inflate stakes": (ATTACKS.format("stake"), "test_no_start_factor_is_ever_unset"),
    "2021-02 factors lose precision over many rounds": (
        ATTACKS.format("known_failures"),
        "test_hundreds_of_rewards_lose_less_than_a_unit_of_anybodys_stake",
    ),
    "2022-02 the short form of a signature pays a second time": (
        ATTACKS.format("stake"),
        "test_the_second_form_of_a_signature_does_not_pay_twice",
    ),
    "2022-02 a bond towards the zero address": (
        ATTACKS.format("stake"),
        "test_the_zero_address_is_neither_bonded_to_nor_paid",
    ),
    "2022-03 a third party's bond changes the delegate": (
        ATTACKS.format("stake"),
        "test_nobody_can_bond_in_anothers_name",
    ),
    "2023 a rebond from nothing inflates the stake": (
        ATTACKS.format("leaving_stake"),
        "test_a_rebond_from_nothing_is_worth_what_was_unbonded_however_far_the_pool_has_grown",
    ),
    "2023-08 two divisors mixed block fees": (
        UNIT.format("stake"),
        "test_fees_of_shares_that_slashes_have_made_cheap_are_paid_to_the_last_wei",
    ),
    "2023-08 a fully slashed transcoder votes and bonds again": (
        ATTACKS.format("leaving_stake"),
        "test_a_transcoder_at_nothing_has_no_vote_and_no_shares_in_what_comes_later",
    ),
    "2023-08 withdrawing fees spoils what is known of a stake": (
        ATTACKS.format("known_failures"),
        "test_withdrawing_fees_leaves_stakes_and_everybody_elses_fees_as_they_are",
    ),
    "2024-03 a tiny bond by somebody else costs the transcoder its reward": (
        ATTACKS.format("stake"),
        "test_a_bond_just_before_the_reward_costs_nobody_its_reward",
    ),
    "always: a delegator moves before the reward is called": (
        ATTACKS.format("known_failures"),
        "test_who_moves_before_the_reward_loses_this_one_and_nobody_else_gains_it",
    ),
    "always: nobody calls reward, or initialises the round": (
        UNIT.format("rewards"),
        "test_the_chain_pays_those_who_have_not_called_as_the_round_ends",
    ),
    "off chain: black frames of the right size pass": ("media/test_compare.py", None),
}
STILL = replace(TEST, auto_reward=False, missed_reward_threshold=100)


@pytest.mark.parametrize("failure", ANSWERS)
def test_each_known_failure_has_its_test(failure):
    path, name = ANSWERS[failure]
    text = (TESTS / path).read_text()
    assert f"\ndef {name}(" in text if name else "\ndef test_" in text


def test_a_reward_without_delegators_is_not_stuck():
    chain = start(STILL, cut=0)
    (event,) = events_of(chain.must(VERA, Reward()), RewardPaid)
    assert event.amount > 0
    assert chain.stake(VERA) == chain.total_stake(VERA) == 1000 * LPT + event.amount
    chain.must(VERA, Unbond(chain.stake(VERA)))
    assert chain.total_stake(VERA) == 0


def test_who_is_given_too_little_work_loses_a_reward_and_no_stake():
    chain = start(STILL, [VERA, VIKTOR])
    enact(chain, lambda state, env: add_work(state, VIKTOR.address, 10**9))
    chain.next_round()
    before = chain.stake(VERA)
    result = chain.must(VERA, Reward())
    assert events_of(result, RewardWithheld) != []
    assert events_of(chain.next_round(), StakeSlashed) == []
    assert chain.stake(VERA) == before


def test_a_slash_without_a_finder_pays_nobody():
    chain = start(STILL)
    reason = SlashReason.MISSED_VERIFICATION
    (event, *_) = enact(chain, lambda state, env: slash(state, env, VERA.address, ONE // 2, reason, 1))
    assert (event.finder, event.finder_fee) == (NOBODY, 0)
    assert COMMON_POOL.read(chain.state).lpt == event.bonded == 500 * LPT


def test_registering_with_too_little_stake_is_refused_or_tells_the_waiting_position():
    chain = start(replace(STILL, n=1, min_self_bond=2 * LPT))
    chain.refused(ALICE, Bond(2 * LPT - 1, ALICE.address), rates_of(ALICE), reason=Reason.SELF_BOND_TOO_LOW)
    for party, position in ((ALICE, 1), (BOB, 2)):
        result = chain.must(party, Bond((9 - position) * LPT, party.address), rates_of(party))
        (event,) = events_of(result, TranscoderUpdated)
        assert event.waiting_position == position


def test_a_job_can_be_claimed_for_the_first_time_long_after_its_draw():
    world = World(replace(NO_SEGMENT, claim_period=10))
    transcoder, broadcaster = world.transcoder(), world.broadcaster()
    job_id = world.assigned_job(broadcaster)
    world.advance(300)
    claim_id = world.claim_work(transcoder, make_work(job_id, broadcaster, transcoder, (0, 2)))
    assert world.claim(claim_id).segments == 3


@pytest.mark.parametrize("order", [(ALICE, BOB, VERA), (VERA, BOB, ALICE), (BOB, ALICE)], ids=["abv", "vba", "ba"])
def test_the_order_in_which_earnings_are_collected_changes_nobodys(order):
    chain = start(STILL, cut=ONE // 7)
    chain.must(ALICE, Bond(333 * LPT + 1, VERA.address))
    chain.must(BOB, Bond(77 * LPT + 5, VERA.address))
    chain.next_round()
    chain.block(chain.sign(CAROL, UpdateDelegatorStake(VERA.address)), proposer=consensus_address(VERA.consensus_key))
    chain.must(VERA, Reward())
    expected = {party: (chain.stake(party), chain.fees(party)) for party in (ALICE, BOB, VERA)}
    for party in order:
        chain.must(CAROL, UpdateDelegatorStake(party.address))
    assert {party: (chain.stake(party), chain.fees(party)) for party in expected} == expected


def test_hundreds_of_rewards_lose_less_than_a_unit_of_anybodys_stake():
    chain = start(replace(STILL, auto_reward=True, round_length=2), cut=0)
    chain.must(ALICE, Bond(1, VERA.address))
    chain.must(BOB, Bond(333 * LPT + 7, VERA.address))
    chain.blocks(600)
    pool = POOLS.read(chain.state, VERA.address)
    stakes = [chain.stake(party) for party in (ALICE, BOB, VERA)]
    assert pool.stake > 1333 * LPT
    assert 0 <= pool.stake - sum(stakes) < 3


def test_withdrawing_fees_leaves_stakes_and_everybody_elses_fees_as_they_are():
    chain = start(STILL)
    chain.must(ALICE, Bond(500 * LPT, VERA.address))
    chain.next_round()
    chain.block(chain.sign(CAROL, UpdateDelegatorStake(VERA.address)), proposer=consensus_address(VERA.consensus_key))
    stakes, fees = [chain.stake(party) for party in (ALICE, VERA)], chain.fees(VERA)
    assert chain.fees(ALICE) > 0
    chain.must(ALICE, Withdraw(0, chain.fees(ALICE)))
    assert ([chain.stake(party) for party in (ALICE, VERA)], chain.fees(VERA)) == (stakes, fees)
    chain.refused(ALICE, Withdraw(0, 1), reason=Reason.INSUFFICIENT_FEES)


def test_who_moves_before_the_reward_loses_this_one_and_nobody_else_gains_it():
    stayed, moved = (start(STILL, [VERA, VIKTOR], cut=0) for _ in range(2))
    for chain in (stayed, moved):
        chain.must(ALICE, Bond(1000 * LPT, VERA.address))
        chain.must(BOB, Bond(1000 * LPT, VERA.address))
        chain.next_round()
    moved.must(ALICE, Bond(0, VIKTOR.address))
    for chain in (stayed, moved):
        chain.must(VERA, Reward())
    assert moved.stake(ALICE) == 1000 * LPT < stayed.stake(ALICE)
    assert moved.total_stake(VERA) - 2000 * LPT == stayed.total_stake(VERA) - 3000 * LPT
