"""Whitepaper, *Consensus*, as far as it is about transcoders in the role of validators."""

from dataclasses import replace

from app.messages.bodies import Bond, Denom, InitializeRound, Transfer
from app.messages.rejections import Reason
from app.state.tables import VALIDATORS
from genesis.presets.test import TEST
from genesis.presets.whitepaper import WHITEPAPER
from tests.support.chain_driver import ALICE, BOB, LPT, VERA, VIKTOR, register, start


def test_the_role_of_validators_is_played_by_transcoders():
    chain = start(TEST, [VERA, VIKTOR])
    assert {v.operator for _, v in VALIDATORS.items(chain.state)} == {VERA.address, VIKTOR.address}
    register(chain, ALICE)
    chain.next_round()
    assert ALICE.address in {v.operator for _, v in VALIDATORS.items(chain.state)}


def test_any_user_can_delegate_its_stake_towards_a_transcoder_and_that_is_its_power():
    chain = start(TEST)
    chain.must(BOB, Bond(41 * LPT, VERA.address))
    chain.next_round()
    assert VALIDATORS.read(chain.state, VERA.consensus_key).power == 1041


def test_a_transfer_is_as_final_as_its_block():
    chain = start(TEST)
    result = chain.block(chain.sign(ALICE, Transfer(BOB.address, Denom.LPT, LPT)))
    assert chain.engine.app_hash == result.app_hash
    assert chain.account(BOB).lpt == 10_001 * LPT


def test_functions_on_chain_are_invoked_at_specific_intervals():
    chain = start(replace(TEST, auto_initialize_round=False))
    chain.refused(ALICE, InitializeRound(), reason=Reason.ROUND_ALREADY_INITIALIZED)
    chain.until(1 + TEST.round_length)
    chain.must(ALICE, InitializeRound())


def test_in_the_whitepapers_preset_rounds_are_initialised_by_a_transaction():
    assert not WHITEPAPER.auto_initialize_round
