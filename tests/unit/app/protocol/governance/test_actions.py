"""What adopted proposals do with the CommonPool, whole or not at all."""

from dataclasses import replace

from app.messages.bodies import Vote
from app.messages.events import CommonPoolBurned, CommonPoolSpent, ProposalDropped
from app.messages.records import ProposalStatus
from app.state.tables import COMMON_POOL, SUPPLY
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, BOB, CAROL, ETH, LPT, VERA, VIKTOR, events_of, start
from tests.support.governing import YES, adopt, burn, cast, decide, fill_common_pool, proposal_of, proposed, spend, text

PATIENT = replace(TEST, missed_reward_threshold=100)


def with_pool(lpt=100 * LPT, wei=ETH):
    chain = start(PATIENT, [VERA, VIKTOR])
    fill_common_pool(chain, ALICE, lpt, wei)
    return chain


def test_an_adopted_spending_pays_lpt_and_eth_at_once():
    chain = with_pool()
    before, supply = chain.account(BOB), SUPPLY.read(chain.state)
    adopt(chain, CAROL, spend(BOB, 30 * LPT, ETH // 4), VERA, VIKTOR)
    assert events_of(chain.results[-1], CommonPoolSpent) == [CommonPoolSpent(1, BOB.address, 30 * LPT, ETH // 4)]
    after, pool = chain.account(BOB), COMMON_POOL.read(chain.state)
    assert (after.lpt - before.lpt, after.wei - before.wei) == (30 * LPT, ETH // 4)
    assert (pool.lpt, SUPPLY.read(chain.state)) == (70 * LPT, supply)
    assert proposal_of(chain).status is ProposalStatus.EXECUTED


def test_an_adopted_burning_makes_the_supply_smaller():
    chain = with_pool()
    supply = SUPPLY.read(chain.state)
    adopt(chain, CAROL, burn(100 * LPT), VERA, VIKTOR)
    after = SUPPLY.read(chain.state)
    minted = after.minted - supply.minted
    assert (after.lpt, after.burned, after.wei) == (supply.lpt + minted - 100 * LPT, 100 * LPT, supply.wei)
    assert COMMON_POOL.read(chain.state).lpt == 0
    assert events_of(chain.results[-1], CommonPoolBurned) == [CommonPoolBurned(1, 100 * LPT)]


def test_what_the_common_pool_does_not_hold_is_not_paid_in_part():
    chain = with_pool(wei=0)
    wei = COMMON_POOL.read(chain.state).wei
    adopt(chain, CAROL, spend(BOB, 100 * LPT, ETH), VERA, VIKTOR)
    (dropped,) = events_of(chain.results[-1], ProposalDropped)
    assert dropped.why == proposal_of(chain).outcome
    assert dropped.why.startswith("the CommonPool has 100LPT and ") and dropped.why.endswith(", not 100LPT and 1ETH")
    assert proposal_of(chain).status is ProposalStatus.DROPPED
    assert (chain.account(BOB).lpt, chain.account(CAROL).lpt) == (10_000 * LPT, 10_000 * LPT)
    assert COMMON_POOL.read(chain.state).wei >= wei


def test_two_that_want_the_same_lpt_are_served_by_number():
    chain = with_pool()
    chain.block(chain.sign(CAROL, spend(BOB, 60 * LPT), burn(60 * LPT)))
    for number in (1, 2):
        chain.block(*[chain.sign(party, Vote(number, YES)) for party in (VERA, VIKTOR)])
    decide(chain, 2)
    assert [proposal_of(chain, number).status for number in (1, 2)] == [ProposalStatus.EXECUTED, ProposalStatus.DROPPED]
    assert proposal_of(chain, 2).outcome.startswith("the CommonPool has 40LPT and ")


def test_a_rejected_spending_pays_nothing():
    chain = with_pool()
    proposed(chain, CAROL, spend(BOB, LPT))
    cast(chain, 1, no=(VERA, VIKTOR))
    assert decide(chain) is ProposalStatus.REJECTED
    assert (chain.account(BOB).lpt, COMMON_POOL.read(chain.state).lpt) == (10_000 * LPT, 100 * LPT)


def test_an_adopted_opinion_does_nothing():
    chain = with_pool()
    pool = COMMON_POOL.read(chain.state).lpt
    adopt(chain, CAROL, text(), VERA, VIKTOR)
    assert (proposal_of(chain).status, COMMON_POOL.read(chain.state).lpt) == (ProposalStatus.EXECUTED, pool)
