"""Answers as CometBFT v0.40.0 gave them (recorded), decoded to the types."""

import pytest

from chain.rpc import decode
from chain.rpc.types import ConsensusStep, ProofOp, ValidatorUpdate

KEY = "OXmjvnHXKJxRXjss7BJBOJCsq9f+8f9uM6acuPY3cms="
HEADER = {
    "version": {"block": "11", "app": "1"},
    "chain_id": "test-chain-KqudVH",
    "height": "2",
    "time": "2026-11-21T02:27:00.85255538Z",
    "last_block_id": {"hash": "A1EA2F", "parts": {"total": 1, "hash": "6316"}},
    "last_commit_hash": "E119",
    "data_hash": "E3B0",
    "validators_hash": "F508",
    "next_validators_hash": "F509",
    "consensus_hash": "2752",
    "app_hash": "0000000000000000",
    "last_results_hash": "E3B0",
    "evidence_hash": "E3B0",
    "proposer_address": "0DAECE90",
}


def test_a_block_with_and_without_transactions():
    block = {"block_id": {"hash": "94F0"}, "block": {"header": HEADER, "data": {"txs": ["YT1i", ""]}}}
    decoded = decode.decode_block(block)
    assert decoded.hash == bytes.fromhex("94f0")
    assert decoded.transactions == (b"a=b", b"")
    assert (decoded.header.height, decoded.header.app_hash) == (2, bytes(8))
    block["block"]["data"]["txs"] = None
    assert decode.decode_block(block).transactions == ()


def test_block_results_with_nulls():
    empty = decode.decode_block_results(
        {
            "height": "2",
            "txs_results": None,
            "finalize_block_events": None,
            "validator_updates": None,
            "consensus_param_updates": None,
            "app_hash": "AAAAAAAAAAA=",
        }
    )
    assert (empty.transactions, empty.events, empty.validator_updates) == ((), (), ())
    assert empty.app_hash == bytes(8)


def test_a_validator_update_in_the_nodes_form_where_power_0_is_left_out():
    updates = [
        {"pub_key": {"Sum": {"type": "tendermint.crypto.PublicKey_Ed25519", "value": {"ed25519": KEY}}}, "power": "11"},
        {"pub_key": {"Sum": {"type": "tendermint.crypto.PublicKey_Ed25519", "value": {"ed25519": KEY}}}},
    ]
    results = {"height": "5", "txs_results": [], "finalize_block_events": [], "validator_updates": updates}
    decoded = decode.decode_block_results(results | {"app_hash": ""}).validator_updates
    key = decode.base64_bytes(KEY)
    assert decoded == (ValidatorUpdate(key, 11), ValidatorUpdate(key, 0))


def test_a_transaction_result_with_events():
    attributes = [{"key": "creator", "value": "x", "index": True}, {"key": "key", "value": "a", "index": False}]
    item = {
        "code": 5,
        "data": "YQ==",
        "log": "l",
        "info": "",
        "gas_wanted": "1",
        "gas_used": "2",
        "events": [{"type": "app", "attributes": attributes}, {"type": "bare", "attributes": None}],
        "codespace": "c",
    }
    result = decode.decode_transaction_result(item)
    assert (result.code, result.data, result.gas_wanted, result.gas_used) == (5, b"a", 1, 2)
    assert result.events[0].attribute("key") == "a"
    assert result.events[0].attribute("nothing") is None
    assert result.events[1].attributes == ()


def test_members_of_value_zero_may_be_missing():
    assert decode.decode_transaction_result({}).code == 0
    assert decode.decode_abci_info({"response": {}}).height == 0
    assert decode.decode_query({"response": {}}).proof == ()


def test_a_query_with_a_proof():
    response = {
        "code": 0,
        "key": "YQ==",
        "value": "Yg==",
        "height": "4",
        "proofOps": {"ops": [{"type": "simple:v", "key": "YQ==", "data": "AAE="}]},
    }
    decoded = decode.decode_query({"response": response})
    assert (decoded.key, decoded.value, decoded.height) == (b"a", b"b", 4)
    assert decoded.proof == (ProofOp("simple:v", b"a", b"\x00\x01"),)


def test_where_consensus_stands():
    assert decode.decode_consensus_step({"round_state": {"height/round/step": "5/1/8"}}) == ConsensusStep(5, 1, 8)


@pytest.mark.parametrize("text", ["###", "YQ", "YQ==="])
def test_bad_base64_is_an_error_and_not_other_bytes(text):
    with pytest.raises(ValueError, match=r"base64|padding|data|characters"):
        decode.base64_bytes(text)
