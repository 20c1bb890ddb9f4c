"""What an account held as a round began, whatever it has done since."""

from dataclasses import replace

from app.messages.bodies import Bond, Unbond, UpdateDelegatorStake
from app.messages.records import Holding, SlashReason
from app.primitives.fractions import ONE
from app.protocol.slashing import slash
from app.protocol.stake import SHARE_SCALE, get_holding
from app.state.tables import HOLDINGS
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, LPT, VERA, VIKTOR, enact, start
from tests.support.governing import decide, text

PATIENT = replace(TEST, missed_reward_threshold=100)


def two():
    return start(PATIENT, [VERA, VIKTOR])


def held(chain, number, party=ALICE):
    holding = get_holding(chain.state, party.address, number)
    return holding and (holding.candidate, holding.shares // SHARE_SCALE // LPT)


def saved(chain, party=ALICE):
    return [number for _, number in HOLDINGS.keys(chain.state, party.address)]


def test_who_never_bonded_held_nothing():
    assert held(two(), 0) is None


def test_who_has_not_changed_held_what_it_holds_and_nothing_is_written():
    chain = two()
    chain.next_round()
    assert (held(chain, 1, VERA), held(chain, 0, VERA)) == ((VERA.address, 1000), (VERA.address, 1000))
    assert saved(chain, VERA) == []


def test_a_first_bond_leaves_written_that_there_was_nothing():
    chain = two()
    chain.must(ALICE, Bond(7 * LPT, VERA.address))
    assert held(chain, 0) == (VERA.address, 0)
    chain.next_round()
    assert (held(chain, 0), held(chain, 1)) == ((VERA.address, 0), (VERA.address, 7))


def test_the_first_change_of_a_round_is_the_one_that_counts():
    chain = two()
    chain.must(ALICE, Bond(7 * LPT, VERA.address))
    chain.next_round()
    chain.must(ALICE, Unbond(2 * LPT))
    chain.must(ALICE, Bond(3 * LPT, VIKTOR.address))
    assert held(chain, 1) == (VERA.address, 7)
    chain.next_round()
    assert (held(chain, 1), held(chain, 2)) == ((VERA.address, 7), (VIKTOR.address, 8))


def test_bringing_the_record_up_to_date_is_a_change_too():
    chain = two()
    chain.must(ALICE, Bond(7 * LPT, VERA.address))
    chain.next_round()
    chain.next_round()
    chain.must(VERA, UpdateDelegatorStake(ALICE.address))
    chain.must(ALICE, Unbond(3 * LPT))
    assert [held(chain, number) for number in (1, 2)] == [(VERA.address, 7), (VERA.address, 7)]
    assert saved(chain) == [2]


def test_what_no_open_voting_asks_for_is_forgotten_as_newer_entries_come():
    chain = two()
    for _ in range(6):
        chain.must(ALICE, Bond(LPT, VERA.address))
        chain.next_round()
    assert saved(chain) == [5]


def test_what_an_open_voting_asks_for_is_kept_and_forgotten_two_by_two_afterwards():
    chain = start(replace(PATIENT, unbonding_period=60, voting_period=60), [VERA, VIKTOR])
    chain.must(ALICE, text())
    for _ in range(5):
        chain.must(ALICE, Bond(LPT, VERA.address))
        chain.next_round()
    assert saved(chain) == [0, 1, 2, 3, 4]
    decide(chain)
    chain.must(ALICE, Bond(LPT, VERA.address))
    assert saved(chain) == [2, 3, 4, 6]
    chain.next_round()
    chain.must(ALICE, Bond(LPT, VERA.address))
    assert saved(chain) == [4, 6, 7]


def test_shares_of_an_ended_era_are_told_with_their_era():
    chain = two()
    chain.must(ALICE, Bond(7 * LPT, VERA.address))
    chain.next_round()
    enact(chain, lambda state, env: slash(state, env, VERA.address, ONE, SlashReason.DOUBLE_CLAIM, 1))
    chain.must(ALICE, Bond(3 * LPT, VIKTOR.address))
    assert get_holding(chain.state, ALICE.address, 1) == Holding(VERA.address, 0, 7 * LPT * SHARE_SCALE)
    chain.next_round()
    assert held(chain, 2) == (VIKTOR.address, 3)
