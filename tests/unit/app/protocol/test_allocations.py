"""Allocations: each holder takes its own, once and in time; what is left goes to the CommonPool."""

from dataclasses import replace

import pytest

from app.messages.bodies import ClaimAllocation
from app.messages.events import AllocationClaimed, AllocationsExpired
from app.messages.rejections import Reason
from app.protocol.allocations import GROUP_SIZE, is_claimed
from app.state.tables import ALLOCATIONS, CLAIMED_ALLOCATIONS, COMMON_POOL, PARAMS, SUPPLY
from genesis.presets.test import TEST
from tests.support.allocations import Allotment, allot, with_allocations
from tests.support.chain_driver import ALICE, BOB, CAROL, DAVE, LPT, VERA, Chain, Party, events_of, force, make_genesis

LAST = TEST.allocation_expiry
"""The last block in which claims are taken: the chain starts at height 1."""


REWARDED = replace(TEST, auto_reward=True)
"""Nobody is slashed for a missed reward meanwhile."""


def start(allotment, initial_height=1):
    genesis = make_genesis(REWARDED, [ALICE, BOB, CAROL, DAVE], [VERA])
    chain = Chain(with_allocations(genesis, allotment), initial_height=initial_height)
    chain.block()
    return chain


@pytest.fixture
def allotment():
    return allot(ALICE, BOB, CAROL)


@pytest.fixture
def chain(allotment):
    return start(allotment)


def test_a_holder_takes_its_allocation_into_its_balance(chain, allotment):
    before = chain.account(BOB).lpt
    result = chain.must(BOB, allotment.claim(1))
    assert chain.account(BOB).lpt == before + 2 * LPT
    assert events_of(result, AllocationClaimed) == [AllocationClaimed(BOB.address, 1, 2 * LPT)]
    allocations = ALLOCATIONS.read(chain.state)
    assert (allocations.claimed, allocations.unclaimed) == (1, 4 * LPT)
    assert [is_claimed(chain.state, index) for index in range(3)] == [False, True, False]


def test_allocations_are_part_of_the_supply_from_the_first_block_on_and_claiming_mints_nothing(chain, allotment):
    without = Chain(make_genesis(TEST, [ALICE, BOB, CAROL, DAVE], [VERA]))
    without.block()
    supply = SUPPLY.read(chain.state)
    assert supply.lpt == SUPPLY.read(without.state).lpt + 6 * LPT
    chain.must(ALICE, allotment.claim(0))
    assert SUPPLY.read(chain.state) == supply


def test_an_allocation_is_claimed_once(chain, allotment):
    chain.must(ALICE, allotment.claim(0))
    text = chain.refused(ALICE, allotment.claim(0), reason=Reason.ALLOCATION_ALREADY_CLAIMED)
    assert text == "allocation 0 was claimed before"


def test_two_claims_in_one_transaction_are_one_too_many(chain, allotment):
    chain.refused(ALICE, allotment.claim(0), allotment.claim(0), reason=Reason.ALLOCATION_ALREADY_CLAIMED)
    assert not is_claimed(chain.state, 0)


def test_nobody_claims_for_anybody_else(chain, allotment):
    text = chain.refused(DAVE, allotment.claim(1), reason=Reason.ALLOCATION_PROOF_INVALID)
    assert text == f"the path does not prove that allocation 1 is {2 * LPT} base units for the sender"
    chain.must(BOB, allotment.claim(1))


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 2 * LPT + 1},
        {"amount": 0},
        {"index": 0},
        {"index": 2},
        {"proof": ()},
        {"proof": (bytes(32), bytes(32))},
    ],
    ids=["more", "nothing", "index before", "index behind", "no path", "another path"],
)
def test_another_leaf_than_that_of_the_document_proves_nothing(chain, allotment, change):
    chain.refused(BOB, allotment.claim(1, **change), reason=Reason.ALLOCATION_PROOF_INVALID)


def test_an_inner_node_does_not_pass_for_an_allocation():
    four = allot(ALICE, BOB, CAROL, DAVE)
    chain = start(four)
    shorter = ClaimAllocation(0, LPT, four.claim(0).proof[1:])
    chain.refused(ALICE, shorter, reason=Reason.ALLOCATION_PROOF_INVALID)


def test_an_index_beyond_the_document_is_unknown(chain, allotment):
    text = chain.refused(ALICE, allotment.claim(0, index=3), reason=Reason.UNKNOWN_ALLOCATION)
    assert text == "there is no allocation 3; the genesis document has 3"
    chain.refused(ALICE, allotment.claim(0, index=2**64 - 1), reason=Reason.UNKNOWN_ALLOCATION)


def test_a_chain_without_allocations_knows_none(allotment):
    chain = Chain(make_genesis(TEST, [ALICE], [VERA]))
    chain.block()
    text = chain.refused(ALICE, allotment.claim(0), reason=Reason.UNKNOWN_ALLOCATION)
    assert text == "there is no allocation 0; the genesis document has 0"
    assert not ALLOCATIONS.has(chain.state)


def test_the_last_block_still_takes_claims_and_the_next_one_gives_the_rest_to_the_common_pool(chain, allotment):
    chain.until(LAST)
    chain.must(ALICE, allotment.claim(0))
    pool = COMMON_POOL.read(chain.state).lpt
    result = chain.block()
    assert events_of(result, AllocationsExpired) == [AllocationsExpired(5 * LPT)]
    assert COMMON_POOL.read(chain.state).lpt == pool + 5 * LPT
    text = chain.refused(BOB, allotment.claim(1), reason=Reason.ALLOCATIONS_EXPIRED)
    assert text == f"allocations expired at height {LAST + 1}; what was left is in the CommonPool"
    assert events_of(chain.block(), AllocationsExpired) == []


def test_a_claim_in_the_block_of_the_expiry_comes_too_late(chain, allotment):
    chain.until(LAST + 1)
    chain.refused(ALICE, allotment.claim(0), reason=Reason.ALLOCATIONS_EXPIRED)


def test_what_was_claimed_stays_known_after_the_expiry(chain, allotment):
    chain.must(CAROL, allotment.claim(2))
    chain.until(LAST + 2)
    assert [is_claimed(chain.state, index) for index in range(3)] == [False, False, True]


def test_the_time_to_claim_runs_from_the_chains_first_block(allotment):
    chain = start(allotment, initial_height=1000)
    chain.until(1000 + LAST - 1)
    chain.must(ALICE, allotment.claim(0))
    assert events_of(chain.block(), AllocationsExpired) == [AllocationsExpired(5 * LPT)]


def test_a_longer_expiry_holds_from_when_it_is_adopted(chain, allotment):
    force(chain, lambda state: PARAMS.put(state, replace(REWARDED, allocation_expiry=2 * LAST)))
    chain.until(2 * LAST)
    chain.must(ALICE, allotment.claim(0))


def test_an_expiry_after_all_have_claimed_moves_nothing(chain, allotment):
    for index, party in enumerate((ALICE, BOB, CAROL)):
        chain.must(party, allotment.claim(index))
    chain.until(LAST + 1)
    pool = COMMON_POOL.read(chain.state).lpt
    assert events_of(chain.block(), AllocationsExpired) == [AllocationsExpired(0)]
    assert COMMON_POOL.read(chain.state).lpt == pool


def test_a_document_whose_sum_is_less_than_its_tree_gives_pays_no_more_than_the_sum(allotment):
    genesis = with_allocations(make_genesis(TEST, [ALICE, BOB, CAROL, DAVE], [VERA]), allotment)
    chain = Chain(replace(genesis, allocations=replace(genesis.allocations, total=2 * LPT)))
    chain.block()
    chain.must(ALICE, allotment.claim(0))
    text = chain.refused(BOB, allotment.claim(1), reason=Reason.ALLOCATIONS_EXHAUSTED)
    assert text == f"{LPT} base units are left of {2 * LPT}: the document's tree gives more"


def test_a_thousand_claims_share_a_record_and_the_next_group_has_its_own():
    parties = [Party(f"holder {number}") for number in range(3)]
    filler = [Party("nobody")] * (GROUP_SIZE - 1)
    many = Allotment([parties[0], *filler[1:], parties[1], parties[2]], [LPT] * (GROUP_SIZE + 1))
    genesis = with_allocations(make_genesis(TEST, parties, [VERA]), many)
    chain = Chain(genesis)
    chain.block()
    for party, index in zip(parties, (0, GROUP_SIZE - 1, GROUP_SIZE), strict=True):
        chain.must(party, many.claim(index))
    bits = {number: group.bits for (number,), group in CLAIMED_ALLOCATIONS.items(chain.state)}
    assert bits == {0: 1 | 1 << GROUP_SIZE - 1, 1: 1}
