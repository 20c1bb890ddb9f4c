"""Whitepaper, *Bonding + Delegation*: one test for each thing that it says."""

from dataclasses import replace

import pytest

from app.messages.bodies import Bond, Denom, Reward, Transfer
from app.messages.rejections import Reason
from app.protocol.stake import get_candidate
from app.protocol.transcoders import consensus_address
from app.state.tables import ACTIVE
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, BOB, CAROL, LPT, VERA, VIKTOR, register, start

MANUAL = replace(TEST, auto_reward=False)


def test_nodes_bond_some_amount_of_their_lpt_and_it_is_tied_up():
    chain = start(TEST)
    chain.must(ALICE, Bond(9_999 * LPT, VERA.address))
    chain.refused(ALICE, Transfer(BOB.address, Denom.LPT, 2 * LPT), reason=Reason.INSUFFICIENT_FUNDS)
    assert chain.stake(ALICE) == 9_999 * LPT


def test_the_bonded_amount_is_used_to_delegate_stake_towards_a_transcoder():
    chain = start(TEST)
    chain.must(ALICE, Bond(5 * LPT, VERA.address))
    assert get_candidate(chain.state, ALICE.address) == VERA.address
    assert chain.total_stake(VERA) == 1005 * LPT


def test_any_node_can_indicate_that_it_wishes_to_be_a_transcoder():
    chain = start(TEST)
    register(chain, ALICE)
    chain.next_round()
    assert ACTIVE.has(chain.state, ALICE.address)


def test_the_n_with_the_most_cumulative_stake_are_selected_at_the_start_of_each_round():
    chain = start(replace(TEST, n=2), [VERA, VIKTOR])
    register(chain, ALICE, stake=500 * LPT)
    chain.must(BOB, Bond(600 * LPT, ALICE.address))  # 500 of her own and 600 of another: more than Vera's 1000
    loser = max((VERA, VIKTOR), key=lambda party: party.address)
    assert not ACTIVE.has(chain.state, ALICE.address)
    chain.next_round()
    assert not ACTIVE.read(chain.state, ALICE.address).from_waitlist
    assert ACTIVE.read(chain.state, loser.address).from_waitlist


def test_along_with_one_random_transcoder_from_the_waitlist():
    chain = start(replace(TEST, n=1))
    for party in (ALICE, BOB, CAROL):
        register(chain, party)
    drawn = set()
    for _ in range(12):
        chain.next_round()
        waiting = [address for (address,), record in ACTIVE.items(chain.state) if record.from_waitlist]
        assert len(waiting) == 1
        drawn |= set(waiting)
    assert len(drawn) > 1


def test_n_is_a_moveable_parameter():
    chain = start(replace(TEST, n=1), [VERA, VIKTOR])
    assert sum(not record.from_waitlist for _, record in ACTIVE.items(chain.state)) == 1
    chain = start(replace(TEST, n=2), [VERA, VIKTOR])
    assert sum(not record.from_waitlist for _, record in ACTIVE.items(chain.state)) == 2


def test_new_token_is_distributed_to_bonded_nodes_in_relative_proportion():
    chain = start(MANUAL, cut=0)
    chain.must(ALICE, Bond(1000 * LPT, VERA.address))
    chain.must(BOB, Bond(2000 * LPT, VERA.address))
    chain.next_round()
    chain.must(VERA, Reward())
    gains = [chain.stake(ALICE) - 1000 * LPT, chain.stake(BOB) - 2000 * LPT]
    assert gains[0] > 0
    assert gains[1] == pytest.approx(2 * gains[0], abs=2)


def test_whoever_delegates_towards_nobody_behaving_earns_nothing():
    chain = start(replace(MANUAL, missed_reward_threshold=10))
    chain.must(ALICE, Bond(1000 * LPT, VERA.address))
    chain.next_round()
    chain.next_round()  # Vera never calls Reward
    assert chain.stake(ALICE) in (1000 * LPT - 1, 1000 * LPT)


def test_who_delegated_towards_a_transcoder_receives_a_portion_of_its_fees():
    chain = start(MANUAL)
    chain.must(ALICE, Bond(1000 * LPT, VERA.address))
    chain.next_round()
    fee_payer = chain.sign(BOB, Transfer(CAROL.address, Denom.LPT, 1))
    chain.block(fee_payer, proposer=consensus_address(VERA.consensus_key))
    assert chain.fees(ALICE) == 10**16 // 4  # half is shared, and half of that stake is hers
