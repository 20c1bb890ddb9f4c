"""What validators owe consensus: evidence, downtime, the way back, another key."""

from dataclasses import replace

import pytest

from app.messages.bodies import Bond, ResignAsTranscoder, Reward, RotateConsensusKey, Unbond, Unjail
from app.messages.events import ConsensusKeyRotated, StakeSlashed, TranscoderJailed, TranscoderLeft, TranscoderUnjailed
from app.messages.records import LeaveReason, SlashReason
from app.messages.rejections import Reason
from app.primitives.fractions import ONE
from app.protocol.environment import Evidence
from app.protocol.liveness import compute_allowed_misses
from app.protocol.rounds import get_candidates_in_order
from app.protocol.transcoders import consensus_address, get_waiting_position
from app.protocol.validators import get_operator
from app.state.tables import ACTIVE, MISSED_BLOCKS, TRANSCODERS, VALIDATORS
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, BOB, LPT, VERA, VIKTOR, events_of, rates_of, register, start

PATIENT = replace(TEST, missed_reward_threshold=100)
ALLOWED = compute_allowed_misses(PATIENT)
NEW_KEY = b"\x07" * 32


def of(party):
    return consensus_address(party.consensus_key)


def two():
    return start(PATIENT, [VERA, VIKTOR])


def absent(chain, party, blocks):
    return [chain.block(absent=[of(party)]) for _ in range(blocks)]


# --- evidence


def test_a_double_signer_is_slashed_tombstoned_and_out_of_the_set():
    chain = two()
    chain.must(ALICE, Bond(100 * LPT, VERA.address))
    offence = chain.engine.height
    result = chain.block(evidence=[Evidence(of(VERA), offence)])
    (event,) = events_of(result, StakeSlashed)
    assert (event.reason, event.offence_height, event.finder_fee) == (SlashReason.DOUBLE_SIGN, offence, 0)
    assert event.bonded == 1100 * LPT * TEST.double_sign_slash_amount // ONE
    assert events_of(result, TranscoderLeft) == [TranscoderLeft(VERA.address, LeaveReason.TOMBSTONED)]
    assert result.validator_updates == [(VERA.consensus_key, 0)]
    chain.refused(VERA, rates_of(VERA), reason=Reason.TOMBSTONED)
    chain.refused(VERA, Unjail(), reason=Reason.NOT_REGISTERED)
    chain.must(ALICE, Bond(0, VIKTOR.address))
    chain.next_round()
    assert not ACTIVE.has(chain.state, VERA.address)


def test_it_is_slashed_once_whatever_evidence_comes():
    chain = two()
    evidence = [Evidence(of(VERA), 1), Evidence(of(VERA), 1)]
    assert len(events_of(chain.block(evidence=evidence), StakeSlashed)) == 1
    assert events_of(chain.block(evidence=evidence), StakeSlashed) == []


def test_evidence_finds_a_validator_that_has_already_left_and_its_stake_under_locks():
    chain = two()
    offence = chain.engine.height
    chain.must(VERA, Unbond(1000 * LPT))
    chain.blocks(12)
    assert not VALIDATORS.has(chain.state, VERA.consensus_key)
    (event,) = events_of(chain.block(evidence=[Evidence(of(VERA), offence)]), StakeSlashed)
    assert (event.bonded, event.unbonding) == (0, 1000 * LPT * TEST.double_sign_slash_amount // ONE)
    assert TRANSCODERS.read(chain.state, VERA.address).tombstoned


def test_evidence_finds_who_has_changed_its_key_since():
    chain = two()
    chain.must(VERA, RotateConsensusKey(NEW_KEY))
    assert events_of(chain.block(evidence=[Evidence(of(VERA), 1)]), StakeSlashed)
    assert (NEW_KEY, 0) in chain.results[-1].validator_updates


@pytest.mark.parametrize("late", [0, 1])
def test_evidence_counts_up_to_its_greatest_age_and_never_against_a_stranger(late):
    chain = two()
    chain.until(1 + TEST.evidence_max_age + late)
    result = chain.block(evidence=[Evidence(of(ALICE), 1), Evidence(of(VERA), 1)])
    assert [event.transcoder for event in events_of(result, StakeSlashed)] == [VERA.address] * (1 - late)


def test_the_last_validator_stays_in_the_set_even_tombstoned():
    chain = start(PATIENT)
    assert chain.block(evidence=[Evidence(of(VERA), 1)]).validator_updates == []
    assert TRANSCODERS.read(chain.state, VERA.address).tombstoned


# --- downtime


def test_who_misses_more_than_its_share_is_jailed_at_that_block_and_loses_no_stake():
    chain = two()
    for result in absent(chain, VERA, ALLOWED):
        assert events_of(result, TranscoderJailed) == []
    (result,) = absent(chain, VERA, 1)
    until = chain.engine.height + TEST.jail_duration
    assert events_of(result, TranscoderJailed) == [TranscoderJailed(VERA.address, ALLOWED + 1, until)]
    assert result.validator_updates == [(VERA.consensus_key, 0)]
    assert chain.stake(VERA) == 1000 * LPT
    assert list(MISSED_BLOCKS.keys(chain.state)) == []
    chain.refused(VERA, Reward(), reason=Reason.NOT_ACTIVE)
    chain.next_round()
    assert not ACTIVE.has(chain.state, VERA.address)


def test_misses_that_lie_further_back_than_the_window_are_forgotten():
    chain = two()
    absent(chain, VERA, ALLOWED)
    chain.blocks(TEST.signed_blocks_window)
    (result,) = absent(chain, VERA, 1)
    assert events_of(result, TranscoderJailed) == []
    assert TRANSCODERS.read(chain.state, VERA.address).missed_blocks == 1
    assert len(list(MISSED_BLOCKS.keys(chain.state))) == 1


@pytest.mark.parametrize("gap", [TEST.signed_blocks_window - ALLOWED - 1, TEST.signed_blocks_window - ALLOWED])
def test_exactly_the_last_window_counts(gap):
    chain = two()
    absent(chain, VERA, 1)
    chain.blocks(gap)
    absent(chain, VERA, ALLOWED)
    fits = 1 + gap + ALLOWED <= TEST.signed_blocks_window
    assert bool(TRANSCODERS.read(chain.state, VERA.address).jailed_until) == fits


def test_another_key_does_not_forget_what_was_missed():
    chain = two()
    absent(chain, VERA, ALLOWED)
    chain.must(VERA, RotateConsensusKey(NEW_KEY))
    result = chain.block(absent=[consensus_address(NEW_KEY)])
    assert len(events_of(result, TranscoderJailed)) == 1


def test_who_is_no_validator_any_more_misses_nothing():
    chain = two()
    chain.must(VERA, ResignAsTranscoder())
    for result in absent(chain, VERA, ALLOWED + 2):
        assert events_of(result, TranscoderJailed) == []
    chain.block(absent=[b"\x01" * 20])


# --- Unjail


def test_a_jailed_transcoder_returns_by_its_own_word_once_its_time_is_over():
    chain = two()
    absent(chain, VERA, ALLOWED + 1)
    until = TRANSCODERS.read(chain.state, VERA.address).jailed_until
    text = chain.refused(VERA, Unjail(), reason=Reason.STILL_JAILED)
    assert text == f"Unjail is possible from height {until} on; this is {chain.engine.height}"
    chain.until(until)
    chain.next_round()
    assert not ACTIVE.has(chain.state, VERA.address), "nobody comes back without having said so"
    assert chain.must(VERA, Unjail()).events[1:] == [TranscoderUnjailed(VERA.address)]
    assert (VERA.consensus_key, 1000) in chain.next_round().validator_updates


def test_only_the_jailed_can_be_unjailed():
    chain = two()
    assert chain.refused(VERA, Unjail(), reason=Reason.NOT_JAILED) == "you are not jailed"
    chain.refused(ALICE, Unjail(), reason=Reason.NOT_REGISTERED)


def test_resigning_and_registering_again_does_not_open_the_jail():
    chain = two()
    absent(chain, VERA, ALLOWED + 1)
    chain.next_round()
    chain.must(VERA, ResignAsTranscoder(), rates_of(VERA))
    chain.next_round()
    assert not ACTIVE.has(chain.state, VERA.address)


def test_who_is_jailed_stands_in_nobodys_way_and_returns_to_its_place_in_the_order():
    chain = two()
    register(chain, ALICE, stake=20 * LPT)
    absent(chain, VERA, ALLOWED + 1)
    assert get_waiting_position(chain.state, ALICE.address, 1) == 1
    chain.must(BOB, Bond(5 * LPT, VERA.address))
    chain.until(TRANSCODERS.read(chain.state, VERA.address).jailed_until)
    chain.must(VERA, Unjail())
    assert get_candidates_in_order(chain.state) == [VERA.address, VIKTOR.address, ALICE.address]
    assert get_waiting_position(chain.state, ALICE.address, 1) == 2


# --- RotateConsensusKey


def test_a_validator_that_changes_its_key_keeps_its_power():
    chain = two()
    result = chain.block(chain.sign(VERA, RotateConsensusKey(NEW_KEY)))
    assert result.validator_updates == sorted([(VERA.consensus_key, 0), (NEW_KEY, 1000)])
    assert events_of(result, ConsensusKeyRotated) == [ConsensusKeyRotated(VERA.address, VERA.consensus_key, NEW_KEY)]
    assert get_operator(chain.state, of(VERA)) == get_operator(chain.state, consensus_address(NEW_KEY)) == VERA.address


def test_who_had_none_gets_its_power_with_the_next_election():
    chain = two()
    register(chain, ALICE, key=b"")
    chain.next_round()
    assert chain.block(chain.sign(ALICE, RotateConsensusKey(NEW_KEY))).validator_updates == []
    assert chain.next_round().validator_updates == [(NEW_KEY, 10)]


@pytest.mark.parametrize(
    ("party", "key", "reason"),
    [
        (ALICE, NEW_KEY, Reason.NOT_REGISTERED),
        (VERA, b"short", Reason.INVALID_FIELD),
        (VERA, VIKTOR.consensus_key, Reason.CONSENSUS_KEY_IN_USE),
        (VERA, VERA.consensus_key, Reason.CONSENSUS_KEY_IN_USE),
    ],
    ids=["not registered", "not a key", "another's", "the same"],
)
def test_a_key_that_is_none_or_not_free_is_refused(party, key, reason):
    two().refused(party, RotateConsensusKey(key), reason=reason)


def test_nobody_takes_over_a_key_that_another_has_given_up():
    chain = two()
    chain.must(VERA, RotateConsensusKey(NEW_KEY))
    chain.refused(VIKTOR, RotateConsensusKey(VERA.consensus_key), reason=Reason.CONSENSUS_KEY_IN_USE)
    register(chain, BOB)
    chain.must(VERA, RotateConsensusKey(VERA.consensus_key))
