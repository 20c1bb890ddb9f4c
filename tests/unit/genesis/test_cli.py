"""`headwater genesis` as a person uses it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.primitives.address import to_checksum
from genesis.cli import genesis
from tests.support.genesis_documents import address_of, consensus_key

ALICE = to_checksum(address_of("alice"))
KEY = consensus_key("alice").hex()


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *args: CliRunner().invoke(genesis, args)


def _made(run):
    assert run("init", "--chain-id", "chain").exit_code == 0
    assert run("add-account", ALICE, "12.5LPT", "3gwei").exit_code == 0
    assert run("add-validator", ALICE, "--stake", "1000LPT", "--pubkey", KEY, "--name", "node0").exit_code == 0


def test_three_commands_make_a_document_that_a_chain_can_start_from(run):
    _made(run)
    answer = run("check")
    assert (answer.exit_code, answer.output) == (0, "genesis.json: a chain can start from it\n")


def test_amounts_are_stored_as_base_units(run):
    _made(run)
    (account,) = json.loads(Path("genesis.json").read_text())["app_state"]["accounts"]
    assert account == {"address": ALICE, "lpt": "12500000000000000000", "wei": "3000000000"}


def test_init_tells_what_is_still_missing(run):
    answer = run("init", "--chain-id", "chain")
    assert "before it can start: app_state.transcoders: none of the first N has a consensus key" in answer.stderr


def test_an_incomplete_document_fails_the_check(run):
    run("init", "--chain-id", "chain")
    answer = run("check", "-o", "json")
    assert answer.exit_code == 1
    assert json.loads(answer.output)["valid"] is False


def test_init_overwrites_only_with_force(run):
    _made(run)
    answer = run("init", "--chain-id", "other")
    assert answer.exit_code == 2
    assert "genesis.json exists already; --force replaces it" in answer.stderr
    assert run("init", "--chain-id", "other", "--force").exit_code == 0
    assert json.loads(Path("genesis.json").read_text())["chain_id"] == "other"


def test_an_account_is_replaced_only_with_force(run):
    _made(run)
    answer = run("add-account", ALICE, "1LPT")
    assert answer.exit_code == 1
    assert f"{ALICE} has balances in this document already" in answer.stderr
    assert run("add-account", ALICE, "1LPT", "--force").exit_code == 0


def test_a_failure_is_json_where_json_was_asked_for(run):
    _made(run)
    answer = run("add-account", ALICE, "1LPT", "-o", "json")
    error = json.loads(answer.stderr)["error"]
    assert (answer.exit_code, error["exit_code"], answer.stdout) == (1, 1, "")
    assert "has balances in this document already" in error["message"]


def test_show_says_it_in_lines_and_in_json(run):
    _made(run)
    text = run("show").output
    assert "parameters  preset localnet" in text
    assert "supply      1012.5LPT, 3gwei" in text
    assert "validator node0 with power 1000" in text
    shown = json.loads(run("show", "-o", "json").output)
    assert shown["supply_lpt"] == "1012500000000000000000"
    assert shown["validators"][0]["power"] == 1000


def test_show_names_changed_parameters(run):
    _made(run)
    document = json.loads(Path("genesis.json").read_text())
    document["app_state"]["params"]["n"] = 7
    Path("genesis.json").write_text(json.dumps(document))
    assert "parameters  preset localnet but for n" in run("show").output


def test_the_consensus_key_can_come_from_the_nodes_file(run):
    run("init", "--chain-id", "chain")
    value = "c2l4dGVlbiBieXRlcyBhcyAzMiBieXRlcyBoZXJlIQ=="
    Path("key.json").write_text(json.dumps({"pub_key": {"type": "x", "value": value}, "priv_key": {}}))
    answer = run("add-validator", ALICE, "--stake", "1000LPT", "--key-file", "key.json")
    assert answer.exit_code == 2
    Path("key.json").write_text(json.dumps({"pub_key": {"value": "2m7Q8l1NNR0tXZvJmHqSb8gY7J4zNbMbGd0xJ0v5p9A="}}))
    assert run("add-validator", ALICE, "--stake", "1000LPT", "--key-file", "key.json").exit_code == 0
    assert run("check").exit_code == 0


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["check", "--file", "nowhere.json"], "nowhere.json is not there; make it with: headwater genesis init"),
        (["check", "--file", "."], "is a directory"),
        (["init", "--chain-id", "c", "--preset", "mainnet"], "'mainnet' is not one of"),
        (["init", "--chain-id", "a b"], "chain_id: 'a b'; letters, digits, '-', '_' and '.', 1 to 50"),
        (["init", "--chain-id", ""], "chain_id: ''"),
        (["init", "--chain-id", "c", "--genesis-time", "today"], "'today' is not a time as in 2026-01-31T12:00:00Z"),
        (["init", "--chain-id", "c", "--file", "no/such/folder.json"], "cannot write no/such/folder.json"),
        (["add-account", "0x12", "1LPT"], "'0x12' is not an address"),
        (["add-account", ALICE, "5"], "'5' has no unit; write for example 12.5LPT, 0.1ETH or 3gwei"),
        (["add-account", ALICE, "5DOGE"], "'5DOGE' is not an amount"),
        (["add-account", ALICE, "1LPT", "2LPT"], "one amount of LPT and one of ETH at most"),
        (["add-validator", ALICE, "--stake", "1LPT"], "give the consensus key, by --pubkey or by --key-file"),
        (["add-validator", ALICE, "--stake", "1LPT", "--pubkey", "zz"], "'zz' is not an ed25519 public key"),
        (["add-validator", ALICE, "--stake", "1LPT", "--key-file", "no.json"], "cannot read no.json"),
        (["add-validator", ALICE, "--stake", "1LPT", "--pubkey", KEY, "--cut", "101%"], "is more than the whole"),
    ],
)
def test_a_usage_error_says_what_to_do(run, args, text):
    answer = run(*args)
    assert answer.exit_code == 2, answer.output
    assert text in " ".join(answer.stderr.split())


@pytest.mark.parametrize("command", [["show"], ["check"], ["add-account", ALICE, "1LPT"]])
@pytest.mark.parametrize("content", [b"", b"{}", b"not json", b"[1]", b"\xff"])
def test_a_damaged_file_is_an_error_in_words(run, command, content):
    Path("genesis.json").write_bytes(content)
    answer = run(*command)
    assert answer.exit_code == 1
    assert answer.output.strip()
    assert not isinstance(answer.exception, ValueError | KeyError | TypeError)
    assert Path("genesis.json").read_bytes() == content


@pytest.mark.parametrize("command", [[], ["init"], ["add-account"], ["add-validator"], ["check"], ["show"]])
def test_help_shows_an_example(run, command):
    answer = run(*command, "--help")
    assert answer.exit_code == 0
    assert "headwater genesis " in answer.output
