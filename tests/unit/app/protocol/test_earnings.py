"""Fees and rewards: who gets which part of them."""

from dataclasses import replace

import pytest

from app.messages.bodies import Bond, Denom, Transfer, Withdraw
from app.messages.events import FeesCredited
from app.messages.rejections import Reason
from app.primitives.fractions import ONE
from app.protocol import earnings
from app.protocol.environment import NOBODY, BlockEnv
from app.protocol.transcoders import consensus_address
from app.state.tables import ACCOUNTS, COMMON_POOL, POOLS, TRANSCODERS
from app.store.overlay import Overlay
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, BOB, LPT, VERA, Chain, Party, events_of, make_genesis, rates_of, start

PROPOSER = consensus_address(VERA.consensus_key)
FEE = 10**16
MANUAL = replace(TEST, auto_reward=False)


def pay_fee(chain, proposer=PROPOSER):
    """A block whose only fee is Bob's."""
    raw = chain.sign(BOB, Transfer(ALICE.address, Denom.LPT, 1))
    return events_of(chain.block(raw, proposer=proposer), FeesCredited)


def test_the_fees_of_a_block_go_to_its_proposers_transcoder_like_job_fees():
    chain = start(MANUAL)  # half of the fees are shared
    chain.must(ALICE, Bond(1000 * LPT, VERA.address))
    chain.next_round()
    assert pay_fee(chain) == [FeesCredited(VERA.address, FEE // 2, FEE // 2)]
    assert chain.fees(ALICE) == FEE // 4
    assert chain.fees(VERA) == FEE // 2 + FEE // 4


@pytest.mark.parametrize(("share", "delegators"), [(0, 0), (ONE, FEE), (25 * 10**7, FEE // 4)])
def test_the_fee_share_goes_to_all_who_are_bonded_and_the_rest_to_the_transcoder(share, delegators):
    chain = start(MANUAL, fee_share=share)
    assert pay_fee(chain) == [FeesCredited(VERA.address, delegators, FEE - delegators)]
    assert chain.fees(VERA) == FEE


def test_fees_without_a_transcoder_go_to_the_common_pool():
    chain = start(MANUAL)
    for proposer in (bytes(20), b"\x09" * 20):
        before = COMMON_POOL.read(chain.state).wei
        assert pay_fee(chain, proposer) == [FeesCredited(NOBODY, 0, FEE)]
        assert COMMON_POOL.read(chain.state).wei == before + FEE


def test_a_block_without_fees_credits_nothing():
    assert events_of(start(MANUAL).block(proposer=PROPOSER), FeesCredited) == []


def test_the_rates_that_count_are_those_locked_in_for_the_round():
    chain = start(MANUAL)
    chain.must(VERA, rates_of(VERA, share=0))
    assert pay_fee(chain)[0].delegators == FEE // 2
    chain.next_round()
    assert pay_fee(chain)[0].delegators == 0


def test_what_the_division_leaves_stays_in_the_pool_and_is_nobodys():
    chain = Chain(make_genesis(MANUAL, [ALICE, BOB], [VERA], stake=LPT))
    chain.block()
    chain.must(ALICE, Bond(2 * LPT, VERA.address))
    chain.next_round()
    chain.block(chain.sign(BOB, Transfer(ALICE.address, Denom.LPT, 1), fee=10**15 + 3), proposer=PROPOSER)
    shared = (10**15 + 3) // 2
    assert (chain.fees(ALICE), chain.fees(VERA)) == (shared * 2 // 3, shared // 3 + (10**15 + 3 - shared))
    assert POOLS.read(chain.state, VERA.address).fees == shared


def test_earned_fees_are_withdrawn_to_the_balance():
    chain = start(MANUAL)
    pay_fee(chain)
    before = chain.account(VERA).wei
    chain.must(VERA, Withdraw(0, FEE))
    assert chain.account(VERA).wei == before + FEE - FEE  # what it earned, less the fee of asking
    assert chain.fees(VERA) == 0
    chain.refused(VERA, Withdraw(0, 1), reason=Reason.INSUFFICIENT_FEES)


def credit(chain, transcoder, amount, change=lambda overlay: None):
    overlay = Overlay(chain.state)
    change(overlay)
    env = BlockEnv("chain", chain.next_height, bytes(32), NOBODY, chain.params)
    earnings.credit_fees(overlay, env, transcoder, amount)
    return overlay, env.events


def test_who_is_not_registered_any_more_keeps_its_fees():
    chain = start(MANUAL)
    stranger = Party("stranger")
    overlay, events = credit(chain, stranger.address, 100)
    assert events == [FeesCredited(stranger.address, 0, 100, to_balance=True)]
    assert ACCOUNTS.read(overlay, stranger.address).wei == 100


def test_a_transcoder_outside_the_active_set_shares_as_it_has_published():
    chain = start(replace(MANUAL, n=1))
    chain.must(ALICE, Bond(10 * LPT, ALICE.address), rates_of(ALICE, share=ONE))
    assert TRANSCODERS.has(chain.state, ALICE.address)
    chain.must(BOB, Bond(10 * LPT, ALICE.address))
    # Nothing bonded to Alice earns in this round: there is nobody to share with yet.
    assert credit(chain, ALICE.address, 100)[1] == [FeesCredited(ALICE.address, 0, 100)]
    chain.next_round()
    assert credit(chain, ALICE.address, 100)[1] == [FeesCredited(ALICE.address, 100, 0)]


def test_fees_of_nothing_tell_nothing():
    chain = start(MANUAL)
    assert credit(chain, VERA.address, 0)[1] == []
