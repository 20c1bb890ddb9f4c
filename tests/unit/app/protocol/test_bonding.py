"""Bond: towards a candidate, towards oneself, and from one to another."""

from dataclasses import replace

import pytest

from app.messages.bodies import Bond
from app.messages.events import Bonded, BondMoved
from app.messages.rejections import Reason
from app.primitives.address import to_checksum
from app.protocol.environment import Evidence
from app.protocol.stake import get_candidate
from app.protocol.transcoders import consensus_address
from app.state.tables import ACTIVE
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, BOB, CAROL, LPT, VERA, VIKTOR, rates_of, register, start

MANUAL = replace(TEST, auto_initialize_round=False)


def test_a_bond_takes_its_amount_from_the_balance_and_gives_it_to_the_candidate():
    chain = start(TEST)
    result = chain.must(ALICE, Bond(5 * LPT, VERA.address))
    assert chain.account(ALICE).lpt == 9_995 * LPT
    assert chain.stake(ALICE) == 5 * LPT
    assert chain.total_stake(VERA) == 1005 * LPT
    assert result.events[-1] == Bonded(ALICE.address, VERA.address, 5 * LPT)


def test_anybody_may_bond_to_itself_before_it_registers():
    chain = start(TEST)
    chain.must(ALICE, Bond(5 * LPT, ALICE.address))
    assert get_candidate(chain.state, ALICE.address) == ALICE.address


def test_naming_another_candidate_moves_the_whole_stake_there():
    chain = start(TEST, [VERA, VIKTOR])
    chain.must(ALICE, Bond(5 * LPT, VERA.address))
    result = chain.must(ALICE, Bond(0, VIKTOR.address))
    assert (chain.total_stake(VERA), chain.total_stake(VIKTOR)) == (1000 * LPT, 1005 * LPT)
    assert result.events[1:] == [BondMoved(ALICE.address, VERA.address, VIKTOR.address, 5 * LPT)]


def test_a_move_can_add_to_the_stake_on_its_way():
    chain = start(TEST, [VERA, VIKTOR])
    chain.must(ALICE, Bond(5 * LPT, VERA.address))
    result = chain.must(ALICE, Bond(2 * LPT, VIKTOR.address))
    assert (chain.stake(ALICE), chain.total_stake(VIKTOR)) == (7 * LPT, 1007 * LPT)
    assert [type(event) for event in result.events[1:]] == [BondMoved, Bonded]


def test_there_and_back_in_one_transaction_changes_nothing():
    chain = start(TEST, [VERA, VIKTOR])
    chain.must(ALICE, Bond(5 * LPT, VERA.address))
    chain.next_round()
    chain.must(ALICE, Bond(0, VIKTOR.address), Bond(0, VERA.address))
    assert (chain.stake(ALICE), chain.total_stake(VERA), chain.total_stake(VIKTOR)) == (5 * LPT, 1005 * LPT, 1000 * LPT)


def test_who_moves_earns_with_the_new_candidate_from_the_next_round_on():
    chain = start(replace(TEST, auto_reward=True), [VERA, VIKTOR], cut=0)
    chain.must(ALICE, Bond(1000 * LPT, VERA.address))
    chain.next_round()
    chain.must(ALICE, Bond(0, VIKTOR.address))
    before = chain.stake(ALICE)
    chain.next_round()
    assert before - 1 <= chain.stake(ALICE) <= before  # less than a unit goes by rounding
    chain.next_round()
    assert chain.stake(ALICE) > before


@pytest.mark.parametrize("to", [BOB.address, bytes(20), b"\xff" * 20], ids=["no transcoder", "zero", "nobody"])
def test_only_a_registered_transcoder_can_be_bonded_to(to):
    text = start(TEST).refused(ALICE, Bond(LPT, to), reason=Reason.NOT_A_CANDIDATE)
    assert text == f"{to_checksum(to)} is not a registered transcoder, and not you, who could become one"


def test_a_bond_of_nothing_that_moves_nothing_is_refused():
    chain = start(TEST)
    assert chain.refused(ALICE, Bond(0, VERA.address), reason=Reason.ZERO_AMOUNT) == (
        "a bond of nothing that moves nothing"
    )
    chain.must(ALICE, Bond(1, VERA.address))
    chain.refused(ALICE, Bond(0, VERA.address), reason=Reason.ZERO_AMOUNT)


def test_a_bond_beyond_the_balance_is_refused_with_both_numbers():
    text = start(TEST).refused(ALICE, Bond(10_001 * LPT, VERA.address), reason=Reason.INSUFFICIENT_FUNDS)
    assert text == f"{to_checksum(ALICE.address)} has 10000LPT and needs 10001LPT"


def test_a_move_whose_added_amount_is_not_there_moves_nothing():
    chain = start(TEST, [VERA, VIKTOR])
    chain.must(ALICE, Bond(5 * LPT, VERA.address))
    chain.refused(ALICE, Bond(10_000 * LPT, VIKTOR.address), reason=Reason.INSUFFICIENT_FUNDS)
    assert chain.total_stake(VERA) == 1005 * LPT


def test_a_registered_transcoder_stays_bonded_to_itself():
    chain = start(TEST, [VERA, VIKTOR])
    for amount in (0, LPT):
        text = chain.refused(VERA, Bond(amount, VIKTOR.address), reason=Reason.TRANSCODER_CANNOT_DELEGATE)
        assert text == "a registered transcoder stays bonded to itself; resign first"


def test_a_bonded_account_that_has_not_registered_may_still_go_elsewhere():
    chain = start(TEST)
    chain.must(ALICE, Bond(5 * LPT, ALICE.address))
    chain.must(ALICE, Bond(0, VERA.address))
    assert (chain.total_stake(ALICE), chain.total_stake(VERA)) == (0, 1005 * LPT)


def test_no_bond_is_taken_while_the_round_waits_to_be_initialised():
    chain = start(MANUAL)
    chain.until(12)
    text = chain.refused(ALICE, Bond(LPT, VERA.address), reason=Reason.ROUND_NOT_INITIALIZED)
    assert text == "round 0 ended at height 11; the next one waits for InitializeRound, from anybody"


def test_nobody_bonds_towards_a_double_signer():
    chain = start(TEST, [VERA, VIKTOR])
    register(chain, CAROL)
    chain.block(evidence=[Evidence(consensus_address(CAROL.consensus_key), chain.engine.height)])
    text = chain.refused(ALICE, Bond(LPT, CAROL.address), reason=Reason.TOMBSTONED)
    assert text == f"{to_checksum(CAROL.address)} has signed two blocks of one height"
    chain.refused(CAROL, rates_of(CAROL), reason=Reason.TOMBSTONED)


def test_a_bond_counts_for_the_election_of_the_next_round():
    chain = start(replace(TEST, n=1), [VERA, VIKTOR])
    loser = max((VERA, VIKTOR), key=lambda party: party.address)  # of the tie at genesis
    assert ACTIVE.read(chain.state, loser.address).from_waitlist
    chain.must(ALICE, Bond(LPT, loser.address))
    assert ACTIVE.read(chain.state, loser.address).from_waitlist
    chain.next_round()
    assert not ACTIVE.read(chain.state, loser.address).from_waitlist
