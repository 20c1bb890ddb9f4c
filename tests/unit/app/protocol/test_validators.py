"""Consensus validators follow the active set, in differences, and are never none."""

from dataclasses import replace

from app.messages.bodies import Bond, ResignAsTranscoder, Reward
from app.messages.events import ValidatorChanged
from app.primitives.amounts import UNITS_PER_TOKEN
from app.primitives.fractions import Fraction
from app.protocol.transcoders import consensus_address
from app.protocol.validators import get_operator
from app.state.tables import ACTIVE, CONSENSUS_KEYS, VALIDATORS
from genesis.presets.test import TEST
from tests.support.chain_driver import (
    ALICE,
    BOB,
    CAROL,
    LPT,
    VERA,
    VIKTOR,
    Chain,
    events_of,
    make_genesis,
    rates_of,
    register,
    start,
)


def powers(chain):
    return {key: validator.power for (key,), validator in VALIDATORS.items(chain.state)}


def test_the_validators_of_genesis_are_told_to_cometbft_sorted_by_key():
    chain = Chain(make_genesis(TEST, [ALICE], [VERA, VIKTOR], stake=1000 * LPT))
    expected = sorted([(VERA.consensus_key, 1000), (VIKTOR.consensus_key, 1000)])
    assert chain.genesis_result.validator_updates == expected


def test_power_is_the_locked_stake_in_whole_lpt_rounded_down():
    chain = start(TEST)
    chain.must(ALICE, Bond(5 * LPT + LPT // 2, VERA.address))
    result = chain.next_round()
    assert result.validator_updates == [(VERA.consensus_key, 1005)]
    assert powers(chain) == {VERA.consensus_key: 1005}


def test_only_what_changed_is_told_and_only_when_a_round_begins():
    chain = start(replace(TEST, missed_reward_threshold=10), [VERA, VIKTOR])
    assert chain.must(ALICE, Bond(5 * LPT, VERA.address)).code == 0
    assert [result.validator_updates for result in chain.results] == [[]] * len(chain.results)
    result = chain.next_round()
    assert result.validator_updates == [(VERA.consensus_key, 1005)]
    assert events_of(result, ValidatorChanged) == [ValidatorChanged(VERA.address, VERA.consensus_key, 1005)]
    assert chain.next_round().validator_updates == []


def test_a_transcoder_without_a_key_works_and_earns_but_has_no_vote():
    chain = start(TEST)
    register(chain, ALICE, key=b"")
    assert chain.next_round().validator_updates == []
    assert ACTIVE.has(chain.state, ALICE.address)
    chain.must(ALICE, Reward())


def test_a_stake_below_one_lpt_has_no_vote():
    chain = start(replace(TEST, min_self_bond=1))
    register(chain, ALICE, stake=LPT - 1)
    chain.next_round()
    assert ACTIVE.has(chain.state, ALICE.address)
    assert powers(chain) == {VERA.consensus_key: 1000}


def test_who_is_outvoted_is_removed_and_its_key_remembered():
    chain = start(replace(TEST, n=1))
    register(chain, ALICE, stake=2000 * LPT)
    result = chain.next_round()
    assert result.validator_updates == sorted([(ALICE.consensus_key, 2000), (VERA.consensus_key, 0)])
    owner = CONSENSUS_KEYS.read(chain.state, consensus_address(VERA.consensus_key))
    assert (owner.operator, owner.removed_height) == (VERA.address, chain.engine.height)
    assert get_operator(chain.state, consensus_address(VERA.consensus_key)) == VERA.address


def test_who_comes_back_is_no_longer_counted_as_removed():
    chain = start(replace(TEST, n=1, missed_reward_threshold=10))
    register(chain, ALICE, stake=2000 * LPT)
    chain.next_round()
    chain.must(VERA, Bond(5000 * LPT, VERA.address))
    result = chain.next_round()
    assert result.validator_updates == sorted([(ALICE.consensus_key, 0), (VERA.consensus_key, 6000)])
    assert CONSENSUS_KEYS.read(chain.state, consensus_address(VERA.consensus_key)).removed_height == 0


def test_the_one_drawn_from_the_waitlist_gets_work_and_no_power():
    chain = start(replace(TEST, n=1))
    register(chain, ALICE, stake=10 * LPT)
    assert chain.next_round().validator_updates == []
    assert ACTIVE.read(chain.state, ALICE.address).from_waitlist
    assert powers(chain) == {VERA.consensus_key: 1000}


def test_where_an_election_leaves_nobody_with_a_key_the_last_set_stays():
    chain = start(replace(TEST, n=1))
    register(chain, ALICE, stake=2000 * LPT, key=b"")
    chain.must(BOB, Bond(7 * LPT, VERA.address))
    result = chain.next_round()
    assert result.validator_updates == []
    assert powers(chain) == {VERA.consensus_key: 1000}
    # Vera is drawn from the waitlist with another stake than her power; that is no contradiction.
    assert ACTIVE.read(chain.state, VERA.address).stake == 1007 * LPT
    chain.must(ALICE, rates_of(ALICE))
    result = chain.next_round()
    assert result.validator_updates == sorted([(ALICE.consensus_key, 2000), (VERA.consensus_key, 0)])


def test_who_leaves_a_set_that_only_stayed_leaves_it_while_another_one_is_there():
    """Slashes have taken nearly all, so that nobody has a whole LPT and the last set stays; then one of two resigns."""
    nearly_all = Fraction(999_999_999)
    params = replace(TEST, auto_reward=False, missed_reward_threshold=1, missed_reward_slash_amount=nearly_all)
    chain = start(replace(params, min_self_bond=1), [VERA, VIKTOR])
    chain.next_round()
    assert set(powers(chain)) == {VERA.consensus_key, VIKTOR.consensus_key}
    result = chain.block(chain.sign(VERA, ResignAsTranscoder()))
    assert result.validator_updates == [(VERA.consensus_key, 0)]
    chain.must(VIKTOR, ResignAsTranscoder())
    assert set(powers(chain)) == {VIKTOR.consensus_key}


def test_there_are_as_many_validators_as_elected_transcoders_with_keys():
    chain = start(replace(TEST, n=3), [VERA, VIKTOR])
    register(chain, ALICE, stake=3000 * LPT)
    register(chain, BOB, stake=2000 * LPT, key=b"")
    register(chain, CAROL, stake=1 * LPT)
    chain.next_round()
    elected = [record for _, record in ACTIVE.items(chain.state) if not record.from_waitlist]
    assert len(elected) == 3
    first_two = {ALICE.consensus_key: 3000, min(VERA, VIKTOR, key=lambda v: v.address).consensus_key: 1000}
    assert powers(chain) == first_two
    assert sum(record.stake for record in elected) // UNITS_PER_TOKEN == 6000
