"""Transcoder and TranscodeAvailability: rates for the next round, the lock, keys, slots."""

from dataclasses import replace

import pytest

from app.messages.bodies import Bond, TranscodeAvailability, Transcoder
from app.messages.events import AvailabilityChanged, TranscoderUpdated
from app.messages.records import Rates
from app.messages.rejections import Reason
from app.protocol.earnings import get_rates
from app.protocol.transcoders import MAX_SLOTS, consensus_address, get_lowest_price, get_waiting_position
from app.state.tables import ACTIVE, CONSENSUS_KEYS, TRANSCODERS, VALIDATORS
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, BOB, CAROL, LPT, VERA, VIKTOR, events_of, rates_of, register, start

# A round has 10 blocks; its lock is the last 2 of them, heights 9 and 10 of the first round.
LOCKED_HEIGHT = 9


def test_the_first_registration_makes_a_candidate_and_tells_its_place():
    chain = start(TEST)
    result = register(chain, ALICE, stake=10 * LPT, price=7, cut=1, share=2)
    assert result.events[-1] == TranscoderUpdated(ALICE.address, 7, 1, 2, 1, 0)
    record = TRANSCODERS.read(chain.state, ALICE.address)
    assert (record.next_rates, record.next_rates_round, record.slots) == (Rates(7, 1, 2), 1, 0)


def test_a_stake_that_does_not_suffice_is_told_its_waiting_position():
    chain = start(replace(TEST, n=1), [VERA, VIKTOR])
    first = register(chain, ALICE, stake=10 * LPT).events[-1]
    second = register(chain, BOB, stake=5 * LPT).events[-1]
    third = register(chain, CAROL, stake=5000 * LPT).events[-1]
    assert [event.waiting_position for event in (first, second, third)] == [2, 3, 0]
    assert get_waiting_position(chain.state, ALICE.address, 1) == 3


def test_new_rates_apply_from_the_next_round():
    chain = start(TEST)
    chain.must(VERA, rates_of(VERA, price=5, cut=3, share=4))
    assert get_rates(chain.state, VERA.address) == Rates(1000, 10**8, 5 * 10**8)
    chain.next_round()
    assert get_rates(chain.state, VERA.address) == Rates(5, 3, 4)
    assert ACTIVE.read(chain.state, VERA.address).rates == Rates(5, 3, 4)


def test_rates_that_were_changed_twice_in_a_round_still_apply_from_the_next():
    chain = start(TEST)
    chain.must(VERA, rates_of(VERA, price=5))
    chain.must(VERA, rates_of(VERA, price=6))
    assert TRANSCODERS.read(chain.state, VERA.address).rates.price_per_segment == 1000
    chain.next_round()
    chain.must(VERA, rates_of(VERA, price=7))
    record = TRANSCODERS.read(chain.state, VERA.address)
    assert (record.rates.price_per_segment, record.next_rates.price_per_segment) == (6, 7)


def test_who_is_not_bonded_to_itself_cannot_register():
    chain = start(TEST)
    text = chain.refused(ALICE, rates_of(ALICE), reason=Reason.NOT_BONDED)
    assert text == "a transcoder is bonded to itself; send Bond with your own address first"
    chain.must(ALICE, Bond(LPT, VERA.address))
    chain.refused(ALICE, rates_of(ALICE), reason=Reason.NOT_BONDED)


def test_an_own_stake_below_the_minimum_cannot_register():
    chain = start(TEST)
    chain.must(ALICE, Bond(LPT - 1, ALICE.address))
    text = chain.refused(ALICE, rates_of(ALICE), reason=Reason.SELF_BOND_TOO_LOW)
    assert text == "0.999999999999999999LPT of own stake; min_self_bond is 1LPT"
    chain.must(ALICE, Bond(1, ALICE.address), rates_of(ALICE))


def test_a_service_uri_that_no_client_could_open_is_refused():
    chain = start(TEST)
    message = Transcoder(1, 0, 0, "localhost", b"")
    assert "http://HOST:PORT is expected" in chain.refused(VERA, message, reason=Reason.INVALID_FIELD)


def test_nothing_is_registered_while_the_round_waits_to_be_initialised():
    chain = start(replace(TEST, auto_initialize_round=False))
    chain.until(12)
    chain.refused(VERA, rates_of(VERA), reason=Reason.ROUND_NOT_INITIALIZED)


# --- the lock


def test_nobody_registers_inside_the_lock():
    chain = start(TEST)
    chain.must(ALICE, Bond(LPT, ALICE.address))
    chain.until(LOCKED_HEIGHT)
    text = chain.refused(ALICE, rates_of(ALICE), reason=Reason.ROUND_LOCKED)
    assert text == "round 0 is in its lock period; register in the next one"
    chain.next_round()
    chain.must(ALICE, rates_of(ALICE))


def test_the_last_block_before_the_lock_is_free_and_the_first_of_the_next_round_again():
    chain = start(TEST)
    chain.until(LOCKED_HEIGHT - 1)
    chain.must(VERA, rates_of(VERA, cut=5))
    assert chain.next_height == LOCKED_HEIGHT
    chain.refused(VERA, rates_of(VERA, cut=6), reason=Reason.ROUND_LOCKED)
    chain.refused(VERA, rates_of(VERA, cut=6), reason=Reason.ROUND_LOCKED)
    chain.must(VERA, rates_of(VERA, cut=6))


@pytest.mark.parametrize(
    "message",
    [
        rates_of(VERA, cut=10**8 + 1),
        rates_of(VERA, share=1),
        replace(rates_of(VERA), service_uri="http://127.0.0.1:2"),
    ],
    ids=["cut", "share", "address"],
)
def test_inside_the_lock_nothing_but_the_price_may_change(message):
    chain = start(TEST)
    chain.until(LOCKED_HEIGHT)
    text = chain.refused(VERA, message, reason=Reason.ROUND_LOCKED)
    assert text == "in the lock period only the price may change"


def locked_chain():
    """Vera asks 1000, Viktor 600, and the lock has begun."""
    chain = start(TEST, [VERA, VIKTOR])
    chain.must(VIKTOR, rates_of(VIKTOR, price=600))
    chain.until(LOCKED_HEIGHT)
    return chain


def test_inside_the_lock_a_price_may_go_down_to_the_lowest_offer():
    chain = locked_chain()
    chain.must(VERA, rates_of(VERA, price=600))
    chain.next_round()
    assert get_rates(chain.state, VERA.address).price_per_segment == 600


@pytest.mark.parametrize("price", [599, 0, 1001], ids=["below the lowest offer", "zero", "above its own"])
def test_inside_the_lock_a_price_goes_neither_below_the_lowest_offer_nor_up(price):
    text = locked_chain().refused(VERA, rates_of(VERA, price=price), reason=Reason.PRICE_RULE)
    assert text == (
        f"in the lock period the price may go down from 1000wei to the lowest offer, 600wei; not to {price}wei"
    )


def test_a_price_that_was_lowered_inside_the_lock_does_not_lower_the_floor_or_go_up_again():
    chain = locked_chain()
    chain.must(VERA, rates_of(VERA, price=700))
    chain.refused(VERA, rates_of(VERA, price=701), reason=Reason.PRICE_RULE)


def test_the_floor_is_the_lowest_price_of_the_next_round_and_not_of_the_running_one():
    chain = start(TEST, [VERA, VIKTOR])
    chain.must(VIKTOR, rates_of(VIKTOR, price=2000))
    chain.until(LOCKED_HEIGHT + 1)
    assert chain.round.lowest_price == get_lowest_price(chain.state) == 1000


# --- consensus keys


def test_a_consensus_key_is_published_once_and_kept_without_being_repeated():
    chain = start(TEST)
    register(chain, ALICE)
    chain.must(ALICE, rates_of(ALICE, key=b""))
    assert TRANSCODERS.read(chain.state, ALICE.address).consensus_pubkey == ALICE.consensus_key
    owner = CONSENSUS_KEYS.read(chain.state, consensus_address(ALICE.consensus_key))
    assert (owner.operator, owner.removed_height) == (ALICE.address, 0)


def test_a_key_can_be_published_after_the_registration():
    chain = start(TEST)
    register(chain, ALICE, key=b"")
    chain.must(ALICE, rates_of(ALICE))
    chain.next_round()
    assert VALIDATORS.has(chain.state, ALICE.consensus_key)


def test_the_key_of_another_transcoder_is_refused():
    chain = start(TEST)
    chain.must(ALICE, Bond(LPT, ALICE.address))
    text = chain.refused(ALICE, rates_of(ALICE, key=VERA.consensus_key), reason=Reason.CONSENSUS_KEY_IN_USE)
    assert text == "this consensus key belongs, or has belonged, to another transcoder"


def test_a_second_key_is_refused_because_there_is_a_message_for_it():
    chain = start(TEST)
    text = chain.refused(VERA, rates_of(VERA, key=ALICE.consensus_key), reason=Reason.CONSENSUS_KEY_IN_USE)
    assert text == "another consensus key is published already; RotateConsensusKey replaces it"


@pytest.mark.parametrize("length", [1, 31])
def test_a_key_of_another_length_is_refused(length):
    text = start(TEST).refused(VERA, rates_of(VERA, key=b"k" * length), reason=Reason.INVALID_FIELD)
    assert text == f"an ed25519 key has 32 bytes, this one {length}"


def test_who_has_lost_its_place_as_a_validator_may_still_name_its_own_key():
    chain = start(replace(TEST, n=1), [VERA, VIKTOR])
    loser, winner = sorted([VERA, VIKTOR], key=lambda party: not VALIDATORS.has(chain.state, party.consensus_key))
    chain.must(ALICE, Bond(LPT, winner.address))
    chain.next_round()
    removed = CONSENSUS_KEYS.read(chain.state, consensus_address(loser.consensus_key)).removed_height
    assert removed == chain.engine.height
    chain.must(loser, rates_of(loser, price=5))
    # Evidence against it stays admissible: that its key was removed, and when, is not forgotten.
    assert CONSENSUS_KEYS.read(chain.state, consensus_address(loser.consensus_key)).removed_height == removed


# --- slots


def test_availability_adds_slots_and_zero_withdraws_the_offer():
    chain = start(TEST)
    events = [chain.must(VERA, TranscodeAvailability(slots)).events[-1] for slots in (3, 2, 0, 1)]
    assert events == [AvailabilityChanged(VERA.address, slots) for slots in (3, 5, 0, 1)]
    assert TRANSCODERS.read(chain.state, VERA.address).withdrawn_height == 4


def test_only_a_registered_transcoder_offers_slots():
    text = start(TEST).refused(ALICE, TranscodeAvailability(1), reason=Reason.NOT_REGISTERED)
    assert text == "only a registered transcoder can offer slots; send Transcoder first"


@pytest.mark.parametrize("slots", [MAX_SLOTS + 1, 2**64 - 1])
def test_slots_have_a_limit(slots):
    text = start(TEST).refused(VERA, TranscodeAvailability(slots), reason=Reason.LIMIT_EXCEEDED)
    assert text == f"{slots} slots; at most {MAX_SLOTS}"


def test_registering_and_bonding_is_all_or_nothing():
    chain = start(TEST)
    chain.refused(ALICE, Bond(LPT, ALICE.address), rates_of(ALICE, key=b"short"), reason=Reason.INVALID_FIELD)
    assert chain.stake(ALICE) == 0
    assert events_of(chain.results[-1], TranscoderUpdated) == []
