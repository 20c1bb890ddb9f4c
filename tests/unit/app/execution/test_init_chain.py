"""The first state: exactly what the document says, or a clear error."""

import json
from dataclasses import replace

import pytest

from app.execution.init_chain import GenesisError, parse_genesis_state
from app.execution.invariants import InvariantBroken, find_broken
from app.messages.genesis_state import GenesisBond, GenesisState
from app.messages.record import to_json
from app.primitives.amounts import MAX_AMOUNT
from app.state.tables import ACTIVE, PARAMS, PROFILES, SUPPLY, TRANSCODERS, VALIDATORS
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, BOB, ETH, LPT, VERA, VIKTOR, Chain, make_genesis

GENESIS = make_genesis(TEST, [ALICE, BOB], [VERA, VIKTOR], bonds=[GenesisBond(ALICE.address, VERA.address, 7 * LPT)])


def parse(change=lambda json: None):
    document = to_json(GENESIS)
    change(document)
    return parse_genesis_state(json.dumps(document).encode())


def test_balances_stakes_and_bonds_are_those_of_the_document():
    chain = Chain(GENESIS)
    chain.block()
    assert chain.account(ALICE) == type(chain.account(ALICE))(0, 10_000 * LPT, 100 * ETH)
    assert (chain.stake(VERA), chain.stake(ALICE), chain.total_stake(VERA)) == (1000 * LPT, 7 * LPT, 1007 * LPT)
    supply = SUPPLY.read(chain.state)
    assert (supply.lpt, supply.wei) == (4 * 10_000 * LPT + 2007 * LPT, 400 * ETH)
    assert find_broken(chain.state) == []


def test_its_transcoders_are_registered_elected_and_validators_with_the_first_block():
    chain = Chain(GENESIS)
    chain.block()
    assert [key[0] for key in TRANSCODERS.keys(chain.state)] == sorted([VERA.address, VIKTOR.address])
    assert {record.stake for _, record in ACTIVE.items(chain.state)} == {1007 * LPT, 1000 * LPT}
    assert dict(chain.genesis_result.validator_updates) == {VERA.consensus_key: 1007, VIKTOR.consensus_key: 1000}
    assert VALIDATORS.read(chain.state, VERA.consensus_key).operator == VERA.address


def test_its_bonds_earn_from_round_0_on():
    chain = Chain(replace(GENESIS, params=replace(TEST, auto_reward=True)))
    chain.block()
    before = chain.stake(ALICE)
    chain.next_round()
    assert chain.stake(ALICE) > before


def test_round_0_may_mint_the_inflation_of_the_document_without_a_move():
    chain = Chain(GENESIS)
    chain.block()
    assert chain.round.inflation_rate == TEST.inflation_rate
    assert chain.round.mintable == SUPPLY.read(chain.state).lpt * TEST.inflation_rate // 10**9


def test_parameters_and_profiles_are_kept_as_they_are():
    chain = Chain(GENESIS)
    chain.block()
    assert PARAMS.read(chain.state) == TEST
    profile = PROFILES.read(chain.state, "h264-crf-1")
    assert (profile.codec, profile.codec_weight, profile.frozen) == ("h264", 1000, False)


def test_a_document_reads_back_as_it_was_written():
    assert parse() == GENESIS
    assert isinstance(parse(), GenesisState)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d.pop("accounts"), "app_state.accounts"),
        (lambda d: d.update(more=1), "app_state.more: unknown field"),
        (lambda d: d["accounts"][1].update(lpt=5), r"app_state.accounts[1].lpt: 5 is not a decimal string"),
        (lambda d: d["accounts"][0].update(address="0x12"), "app_state.accounts[0].address"),
        (lambda d: d["params"].update(t=1.5), "1.5; numbers are whole"),
        (lambda d: d["params"].update(round_lock_amount=10**9), "round_lock_amount leaves no block"),
        (lambda d: d["params"].update(n=0), "n is 0"),
        (lambda d: d["transcoders"][0].update(stake="-1"), "app_state.transcoders[0].stake"),
    ],
    ids=["missing", "unknown", "number for an amount", "address", "float", "relation", "range", "negative"],
)
def test_a_document_that_cannot_be_started_from_is_refused_with_the_field(change, says):
    with pytest.raises(GenesisError) as caught:
        parse(change)
    assert says in str(caught.value)
    assert "headwater genesis check" in str(caught.value)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff", b"null"])
def test_what_is_no_json_object_is_refused(text):
    with pytest.raises(GenesisError):
        parse_genesis_state(text)


def test_a_supply_beyond_128_bits_is_refused():
    rich = replace(GENESIS.accounts[0], lpt=MAX_AMOUNT)
    with pytest.raises(GenesisError, match="at most 2\\^128 - 1 of each"):
        Chain(replace(GENESIS, accounts=(rich, *GENESIS.accounts[1:])))


def test_a_document_without_a_validator_is_refused():
    keyless = tuple(replace(transcoder, consensus_pubkey=b"") for transcoder in GENESIS.transcoders)
    with pytest.raises(InvariantBroken, match="there is no validator"):
        Chain(replace(GENESIS, transcoders=keyless))
