"""The document as CometBFT and the application read it."""

import base64
import json

import pytest

from app.messages.genesis_state import GenesisState
from app.messages.record import from_json
from genesis.document import build_document, dump_document, is_rfc3339, load_document, read_document
from genesis.failures import GenesisError
from tests.support.genesis_documents import CHAIN_ID, TIME, consensus_key, localnet_document


def _floats(value):
    if isinstance(value, dict):
        return [found for item in value.values() for found in _floats(item)]
    if isinstance(value, list):
        return [found for item in value for found in _floats(item)]
    return [value] if isinstance(value, float) else []


def test_what_is_built_is_read_back_the_same():
    document = localnet_document()
    assert build_document(read_document(document)) == document
    assert build_document(read_document(load_document(dump_document(document)))) == document


def test_app_state_is_what_the_application_reads():
    state = from_json(GenesisState, localnet_document()["app_state"])
    assert [item.stake for item in state.transcoders] == [1000 * 10**18] * 2


def test_no_number_of_the_document_is_a_float():
    assert _floats(json.loads(dump_document(localnet_document()))) == []


def test_amounts_are_decimal_strings_of_base_units():
    accounts = localnet_document()["app_state"]["accounts"]
    assert {"lpt": "500000000000000000000", "wei": "2000000000000000000"}.items() <= accounts[-1].items()


def test_the_power_of_a_validator_is_its_stake_in_whole_lpt():
    validators = localnet_document()["validators"]
    assert {item["power"] for item in validators} == {"1000"}
    assert {base64.b64decode(item["pub_key"]["value"]) for item in validators} == {
        consensus_key("node0"),
        consensus_key("node1"),
    }


def test_validators_keep_their_names():
    assert {item["name"] for item in localnet_document()["validators"]} == {"node0", "node1"}
    assert set(read_document(localnet_document()).names.values()) == {"node0", "node1"}


def test_vote_extensions_are_enabled_from_the_first_block():
    assert localnet_document()["consensus_params"]["abci"] == {"vote_extensions_enable_height": "1"}


def test_evidence_counts_as_long_in_time_as_in_blocks():
    evidence = localnet_document()["consensus_params"]["evidence"]
    assert evidence["max_age_num_blocks"] == "120"
    assert evidence["max_age_duration"] == str(120 * 10**9)


def test_the_document_has_the_chain_and_time_that_were_given():
    document = localnet_document()
    assert (document["chain_id"], document["genesis_time"]) == (CHAIN_ID, TIME)


@pytest.mark.parametrize(
    "text", ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.123456789Z", "2026-01-31T12:00:00+02:00"]
)
def test_a_time_that_cometbft_reads_is_accepted(text):
    assert is_rfc3339(text)


@pytest.mark.parametrize(
    "text", ["", "now", "2026-01-31", "2026-02-30T00:00:00Z", "2026-01-31T25:00:00Z", "2026-01-31T12:00:00"]
)
def test_another_time_is_refused(text):
    assert not is_rfc3339(text)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"chain_id": "a", "chain_id": "b"}', "'chain_id' stands twice"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not JSON"),
    ],
)
def test_bytes_that_are_no_document_are_refused(data, text):
    with pytest.raises(GenesisError, match=text):
        load_document(data)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda d: d.pop("app_state"), "app_state: missing"),
        (lambda d: d.pop("chain_id"), "chain_id: None is not a text"),
        (lambda d: d.update(genesis_time=5), "genesis_time: 5 is not a text"),
        (lambda d: d["app_state"].pop("bonds"), r"app_state\.bonds: missing"),
        (lambda d: d["app_state"].update(court=[]), r"app_state\.court: unknown field"),
        (lambda d: d["app_state"]["params"].update(n=1.5), r"app_state\.params\.n: 1\.5 is not a whole number"),
        (lambda d: d["app_state"]["accounts"][0].update(lpt=5), r"app_state\.accounts\[0\]\.lpt: 5 is not a decimal"),
        (lambda d: d["app_state"]["accounts"][0].update(lpt="9" * 5000), r"app_state\.accounts\[0\]\.lpt: "),
        (lambda d: d["app_state"]["accounts"][1].update(address="0x12"), r"app_state\.accounts\[1\]\.address: '0x12'"),
    ],
)
def test_a_malformed_part_is_named_by_its_path(change, text):
    document = localnet_document()
    change(document)
    with pytest.raises(GenesisError, match=text):
        read_document(document)


@pytest.mark.parametrize("value", [None, [], "text", 5])
def test_what_is_no_object_is_no_document(value):
    with pytest.raises(GenesisError, match="not a JSON object"):
        read_document(value)
