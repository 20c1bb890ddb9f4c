"""Rounds: begun on time or late, by hand or by the chain, with the active set that the stakes give."""

from dataclasses import replace

import pytest

from app.messages.bodies import (
    Bond,
    InitializeRound,
    ProposalKind,
    Propose,
    Rebond,
    Reward,
    Unbond,
)
from app.messages.events import RewardMissed, RewardPaid, RoundInitialized
from app.messages.rejections import Reason
from app.primitives.fractions import Fraction
from app.protocol.environment import Evidence
from app.protocol.rounds import add_work, get_candidates_in_order
from app.protocol.transcoders import consensus_address
from app.state.tables import ACTIVE, SUPPLY, TRANSCODERS, VALIDATORS
from genesis.presets.test import TEST
from tests.support.chain_driver import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    LPT,
    VERA,
    VIKTOR,
    Chain,
    events_of,
    force,
    make_genesis,
    rates_of,
    register,
    start,
)

MANUAL = replace(TEST, auto_initialize_round=False, auto_reward=True)
PATIENT = replace(TEST, missed_reward_threshold=10)
BY_HAND = replace(MANUAL, auto_reward=False)


def test_round_0_begins_initialised_with_the_first_block():
    chain = Chain(make_genesis(TEST, [ALICE], [VERA]), initial_height=1000)
    chain.block()
    assert (chain.round.number, chain.round.start_height, chain.round.initialized) == (0, 1000, True)
    assert chain.round.active_stake == 1000 * LPT
    chain.until(1010)
    assert chain.round.number == 0
    chain.block()
    assert (chain.round.number, chain.round.start_height) == (1, 1010)


def test_the_chain_initialises_rounds_by_itself_in_their_first_block():
    chain = start(TEST)
    chain.until(11)
    event = events_of(chain.block(), RoundInitialized)
    assert [(e.round, e.active_transcoders, e.active_stake) for e in event] == [(1, 1, chain.round.active_stake)]
    assert chain.refused(ALICE, InitializeRound(), reason=Reason.ROUND_ALREADY_INITIALIZED) == "round 1 is running"


def test_anybody_initialises_a_round_once():
    chain = start(MANUAL)
    chain.refused(ALICE, InitializeRound(), reason=Reason.ROUND_ALREADY_INITIALIZED)
    chain.until(11)
    raw = [chain.sign(party, InitializeRound()) for party in (ALICE, BOB)]
    codes = [tx.code for tx in chain.block(*raw).tx_results]
    assert codes == [0, Reason.ROUND_ALREADY_INITIALIZED]
    assert (chain.round.number, chain.round.start_height, chain.round.initialized) == (1, 11, True)


def test_a_transaction_after_the_initialisation_in_the_same_block_finds_the_new_round():
    chain = start(MANUAL)
    chain.until(11)
    first, second = chain.sign(ALICE, InitializeRound()), chain.sign(BOB, Bond(LPT, VERA.address))
    assert [tx.code for tx in chain.block(first, second).tx_results] == [0, 0]


def test_a_round_that_is_initialised_late_keeps_its_own_beginning():
    chain = start(MANUAL)
    chain.until(17)
    chain.must(ALICE, InitializeRound())
    assert (chain.round.number, chain.round.start_height) == (1, 11)
    chain.until(21)
    assert chain.refused(ALICE, Bond(LPT, VERA.address), reason=Reason.ROUND_NOT_INITIALIZED)


def test_rounds_that_passed_without_anybody_are_counted_and_mint_nothing():
    chain = start(MANUAL, cut=0)
    supply = SUPPLY.read(chain.state).lpt
    chain.until(45)
    paid = events_of(chain.must(ALICE, InitializeRound()), RewardPaid)
    assert (chain.round.number, chain.round.start_height) == (4, 41)
    assert [event.round for event in paid] == [0]
    assert SUPPLY.read(chain.state).lpt - supply == paid[0].amount


def test_a_late_round_counts_one_missed_reward_and_moves_inflation_once():
    chain = start(BY_HAND)
    rate = chain.round.inflation_rate
    chain.until(45)
    result = chain.must(ALICE, InitializeRound())
    missed = [event for event in result.events if isinstance(event, RewardMissed)]
    assert missed == [RewardMissed(VERA.address, 0, 1)]
    assert chain.round.inflation_rate == rate + BY_HAND.inflation_change
    assert TRANSCODERS.read(chain.state, VERA.address).missed_rewards == 1


@pytest.mark.parametrize("late", [19, 20], ids=["as the lock begins", "inside the lock"])
def test_a_round_that_is_initialised_inside_its_lock_has_a_lowest_price_all_the_same(late):
    chain = start(MANUAL, [VERA, VIKTOR])
    chain.must(VIKTOR, rates_of(VIKTOR, price=600))
    chain.until(late)
    both = chain.block(chain.sign(ALICE, InitializeRound()), chain.sign(VERA, rates_of(VERA, price=599)))
    assert [tx.code for tx in both.tx_results] == [0, Reason.PRICE_RULE]
    assert chain.round.lowest_price == 600


def test_the_lowest_price_is_noted_when_the_lock_begins_and_forgotten_with_the_round():
    chain = start(TEST, [VERA, VIKTOR])
    chain.must(VIKTOR, rates_of(VIKTOR, price=600))
    chain.until(9)
    assert chain.round.lowest_price is None
    chain.block()
    assert chain.round.lowest_price == 600
    chain.next_round()
    assert chain.round.lowest_price is None


def test_a_round_without_a_lock_locks_nothing():
    chain = start(replace(TEST, round_lock_amount=Fraction(0)))
    chain.until(10)
    chain.must(VERA, rates_of(VERA, price=5))


WAITS_FOR_THE_ROUND = {
    "Bond": Bond(LPT, VERA.address),
    "Unbond": Unbond(LPT),
    "Rebond": Rebond(1, VERA.address),
    "Transcoder": rates_of(VERA, price=5),
    "Reward": Reward(),
    "Propose": Propose(ProposalKind.TEXT, "title", ""),
}


@pytest.mark.parametrize("name", WAITS_FOR_THE_ROUND)
def test_what_reads_the_round_is_refused_until_it_is_initialised(name):
    chain = start(MANUAL, [VERA, VIKTOR])
    chain.must(VERA, Unbond(LPT))
    chain.until(12)
    told = chain.refused(VERA, WAITS_FOR_THE_ROUND[name], reason=Reason.ROUND_NOT_INITIALIZED)
    assert told == "round 0 ended at height 11; the next one waits for InitializeRound, from anybody"


@pytest.mark.parametrize("rounds", [1, 2, 5])
@pytest.mark.parametrize("auto_reward", [False, True])
def test_however_late_it_is_the_last_round_is_settled_once_and_the_running_one_begins(auto_reward, rounds):
    chain = start(replace(MANUAL, auto_reward=auto_reward), [VERA, VIKTOR])
    chain.until(1 + 10 * rounds + 3)
    result = chain.must(ALICE, InitializeRound())
    kinds = [type(event) for event in result.events if isinstance(event, RewardPaid | RewardMissed)]
    assert kinds == [RewardPaid if auto_reward else RewardMissed] * 2
    assert (chain.round.number, chain.round.start_height) == (rounds, 1 + 10 * rounds)
    chain.must(VERA, Reward())
    chain.refused(BOB, InitializeRound(), reason=Reason.ROUND_ALREADY_INITIALIZED)


def test_validators_sign_on_through_rounds_that_nobody_initialises():
    chain = start(MANUAL, [VERA, VIKTOR])
    chain.until(45)
    assert [block.validator_updates for block in chain.results] == [[]] * len(chain.results)
    assert sorted(key for (key,) in VALIDATORS.keys(chain.state)) == sorted([VERA.consensus_key, VIKTOR.consensus_key])


# --- the election


def electors(chain):
    return {address: record for (address,), record in ACTIVE.items(chain.state)}


def test_the_n_with_the_most_stake_are_elected_and_one_is_drawn_from_the_rest():
    chain = start(replace(TEST, n=2), [VERA])
    for party, stake in ((ALICE, 5000), (BOB, 10), (CAROL, 20), (DAVE, 2)):
        register(chain, party, stake=stake * LPT)
    chain.next_round()
    active = electors(chain)
    assert {a for a, record in active.items() if not record.from_waitlist} == {ALICE.address, VERA.address}
    (drawn,) = (a for a, record in active.items() if record.from_waitlist)
    assert drawn in {BOB.address, CAROL.address, DAVE.address}
    assert chain.round.active_stake == sum(record.stake for record in active.values())


def test_who_is_drawn_from_the_waitlist_follows_from_the_blocks_hash():
    drawn = set()
    for seed in range(12):
        chain = start(replace(TEST, n=1), [VERA])
        chain.hash_seed = b"%d" % seed
        for party in (ALICE, BOB, CAROL):
            register(chain, party)
        chain.next_round()
        drawn |= {address for address, record in electors(chain).items() if record.from_waitlist}
    assert drawn == {ALICE.address, BOB.address, CAROL.address}


def test_ties_go_to_the_smaller_address_whoever_came_first():
    for order in ([ALICE, BOB], [BOB, ALICE]):
        chain = start(replace(TEST, n=1), [VERA])
        for party in order:
            register(chain, party, stake=2000 * LPT)
        chain.next_round()
        elected = [address for address, record in electors(chain).items() if not record.from_waitlist]
        assert elected == [min(ALICE.address, BOB.address)]


def test_stakes_and_rates_are_locked_in_for_the_round():
    chain = start(PATIENT, [VERA, VIKTOR])
    chain.next_round()
    before = ACTIVE.read(chain.state, VERA.address)
    chain.must(ALICE, Bond(50 * LPT, VERA.address))
    chain.must(VERA, rates_of(VERA, price=1))
    assert ACTIVE.read(chain.state, VERA.address) == before
    chain.next_round()
    after = ACTIVE.read(chain.state, VERA.address)
    assert after.rates.price_per_segment == 1
    assert after.stake >= before.stake + 50 * LPT


def test_the_jailed_and_the_tombstoned_are_not_elected():
    chain = start(replace(PATIENT, n=1), [VERA, VIKTOR])
    register(chain, ALICE, stake=1 * LPT)
    vera, viktor = (consensus_address(party.consensus_key) for party in (VERA, VIKTOR))
    while not TRANSCODERS.read(chain.state, VERA.address).jailed_until:
        chain.block(absent=[vera])
    chain.block(evidence=[Evidence(viktor, chain.engine.height)])
    assert get_candidates_in_order(chain.state) == [ALICE.address]
    chain.next_round()
    assert [*electors(chain)] == [ALICE.address]


def test_a_round_remembers_the_stake_and_work_of_the_one_before():
    chain = start(TEST)
    force(chain, lambda overlay: add_work(overlay, VERA.address, 70))
    force(chain, lambda overlay: add_work(overlay, ALICE.address, 30))  # not active: counted for the round alone
    before = chain.round
    assert (before.work, ACTIVE.read(chain.state, VERA.address).work) == (100, 70)
    chain.next_round()
    record = ACTIVE.read(chain.state, VERA.address)
    assert (chain.round.work, chain.round.previous_work) == (0, 100)
    assert chain.round.previous_active_stake == before.active_stake == 1000 * LPT
    assert (record.work, record.previous_work, record.previous_stake) == (0, 70, 1000 * LPT)


# --- closing


def test_missed_rewards_are_counted_and_told():
    chain = start(replace(TEST, auto_reward=False), [VERA, VIKTOR])
    chain.must(VERA, Reward())
    for in_a_row in (1, 2):
        missed = {e.transcoder: e.in_a_row for e in events_of(chain.next_round(), RewardMissed)}
        assert missed[VIKTOR.address] == in_a_row
    assert TRANSCODERS.read(chain.state, VERA.address).missed_rewards == 1


def test_the_chain_rewards_before_it_moves_inflation_and_elects():
    chain = start(replace(TEST, auto_reward=True), cut=0)
    mintable, supply = chain.round.mintable, SUPPLY.read(chain.state).lpt
    result = chain.next_round()
    assert [event.amount for event in events_of(result, RewardPaid)] == [mintable]
    assert chain.round.active_stake == 1000 * LPT + mintable
    rate = TEST.inflation_rate + TEST.inflation_change
    assert chain.round.mintable == (supply + mintable) * rate // 10**9


def test_a_bond_of_the_closing_round_has_no_part_in_its_reward():
    chain = start(replace(TEST, auto_reward=True), cut=0)
    chain.must(ALICE, Bond(1000 * LPT, VERA.address))
    chain.next_round()
    assert chain.stake(ALICE) in (1000 * LPT - 1, 1000 * LPT)
    assert chain.stake(VERA) > 1000 * LPT
