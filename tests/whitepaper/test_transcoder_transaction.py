"""Whitepaper, *Transcoder() Transaction*: one test for each thing that it says."""

from dataclasses import replace

import pytest

from app.messages.bodies import Bond, Denom, Reward, Transfer
from app.messages.events import FeesCredited, RewardPaid
from app.messages.rejections import Reason
from app.protocol.earnings import get_rates
from app.protocol.transcoders import consensus_address
from app.state.tables import ACTIVE, TRANSCODERS
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, BOB, LPT, VERA, VIKTOR, events_of, rates_of, register, start

MANUAL = replace(TEST, auto_reward=False)
LOCK_BEGINS = 9  # rounds of 10 blocks, of which the last 2 are the lock


def test_it_publicizes_price_per_segment_block_reward_cut_and_fee_share():
    chain = start(TEST)
    register(chain, ALICE, price=22, cut=1 * 10**7, share=25 * 10**7)
    published = TRANSCODERS.read(chain.state, ALICE.address).next_rates
    assert (published.price_per_segment, published.block_reward_cut, published.fee_share) == (22, 10**7, 25 * 10**7)


def test_of_a_reward_the_block_reward_cut_goes_to_the_transcoder():
    # "Example 2%. If a bonded node were to receive 100 LPT in block reward, then 2 LPT to the transcoder"
    chain = start(MANUAL, cut=2 * 10**7)
    (paid,) = events_of(chain.must(VERA, Reward()), RewardPaid)
    assert paid.transcoder_cut == paid.amount * 2 // 100


def test_of_fees_the_fee_share_goes_to_the_bonded_nodes():
    # "Example 25%. If a transcoder were to receive 100 ETH in fees, they would pay 25 ETH to the bonded nodes"
    chain = start(MANUAL, fee_share=25 * 10**7)
    raw = chain.sign(BOB, Transfer(ALICE.address, Denom.LPT, 1), fee=100 * 10**16)
    (credited,) = events_of(chain.block(raw, proposer=consensus_address(VERA.consensus_key)), FeesCredited)
    assert (credited.delegators, credited.own) == (25 * 10**16, 75 * 10**16)


def test_it_can_be_updated_up_until_round_lock_amount_before_the_next_round():
    chain = start(TEST)
    chain.until(LOCK_BEGINS - 1)
    chain.must(VERA, rates_of(VERA, share=0))
    chain.refused(VERA, rates_of(VERA, share=1), reason=Reason.ROUND_LOCKED)


def test_delegators_can_review_what_will_hold_and_move_within_the_lock():
    chain = start(TEST, [VERA, VIKTOR])
    chain.must(ALICE, Bond(5 * LPT, VERA.address))
    chain.must(VERA, rates_of(VERA, share=0))
    chain.until(LOCK_BEGINS)
    assert TRANSCODERS.read(chain.state, VERA.address).next_rates.fee_share == 0
    chain.must(ALICE, Bond(0, VIKTOR.address))


def test_stakes_and_rates_are_locked_in_for_the_duration_of_the_round():
    chain = start(TEST)
    chain.must(VERA, rates_of(VERA, price=5))
    chain.must(ALICE, Bond(5 * LPT, VERA.address))
    active = ACTIVE.read(chain.state, VERA.address)
    assert (active.stake, get_rates(chain.state, VERA.address).price_per_segment) == (1000 * LPT, 1000)
    chain.next_round()
    active = ACTIVE.read(chain.state, VERA.address)
    assert (active.stake, active.rates.price_per_segment) == (1005 * LPT, 5)


def test_the_lowest_offered_price_is_locked_in_and_others_can_match_it():
    chain = start(TEST, [VERA, VIKTOR])
    chain.must(VIKTOR, rates_of(VIKTOR, price=10))
    chain.until(LOCK_BEGINS)
    chain.refused(VERA, rates_of(VERA, price=9), reason=Reason.PRICE_RULE)
    chain.must(VERA, rates_of(VERA, price=10))


@pytest.mark.parametrize("party", [VERA, VIKTOR], ids=["another", "the lowest"])
def test_nobody_is_allowed_to_move_its_price_upwards_during_the_lock(party):
    chain = start(TEST, [VERA, VIKTOR])
    chain.must(VIKTOR, rates_of(VIKTOR, price=10))
    chain.until(LOCK_BEGINS)
    price = TRANSCODERS.read(chain.state, party.address).next_rates.price_per_segment
    chain.refused(party, rates_of(party, price=price + 1), reason=Reason.PRICE_RULE)
