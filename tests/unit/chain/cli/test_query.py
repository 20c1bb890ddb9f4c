"""`headwater query` against the real application."""

import json

import pytest
from click.shell_completion import ShellComplete

from app.execution.answer_query import _ANSWERS
from app.primitives.address import to_checksum
from chain.cli.main import headwater
from chain.cli.query import query
from chain.cli.query_table import QUESTIONS
from tests.support.genesis_documents import address_of

ALICE = to_checksum(address_of("alice"))
NODE0 = to_checksum(address_of("node0"))


def test_every_query_of_the_application_can_be_asked():
    asked = {(item.path.strip("/").partition("?")[0].split("/")[0], item.path.count("{")) for item in QUESTIONS}
    assert asked == set(_ANSWERS)


def test_an_account_is_found_by_the_name_of_its_key_and_shown_with_units(shell):
    assert shell("query account alice") == 0
    assert "lpt      500LPT" in shell.out
    assert "wei      2ETH" in shell.out
    assert shell.json(f"query account {ALICE}")["lpt"] == "500000000000000000000"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("status", "app_hash"),
        ("common-pool", "lpt     0LPT"),
        ("accounts", "500LPT"),
        ("delegators", "1000LPT"),
        ("locks alice", "none at height 1"),
        (f"pool {NODE0}", "total_stake"),
        (f"yield {NODE0} --stake 100LPT", "reward_per_year"),
        ("table account", "nonce=0"),
        ("mempool", "height"),
        ("params", "min_self_bond                     1LPT"),
        ("round", "next_election"),
        ("supply", "2700LPT"),
        ("nonce alice", "nonce"),
        (f"delegator {NODE0}", "stake         1000LPT"),
        (f"transcoder {NODE0}", "rates"),
        ("transcoders", "1000LPT"),
        ("active", "1000LPT"),
        ("election", "elected"),
        ("validators", "1000"),
        ("deposit alice", "0wei"),
        ("jobs --broadcaster alice --status waiting", "none at height 1"),
        ("claims 1", "none at height 1"),
        ("challenges --job 1 --verifier alice --status committing", "none at height 1"),
        ("disputes", "none at height 1"),
        ("verifiers", "none at height 1"),
        ("profile h264-verified-1", "codec_weight  1000"),
        ("profiles", "h264-verified-1"),
        ("invariants", "holds"),
        ("due", "none at height 1"),
    ],
)
def test_an_answer_is_told_in_lines_and_in_json(shell, line, text):
    assert shell(f"query {line}") == 0, shell.err
    assert text in shell.out
    assert shell.json(f"query {line}")["height"] == 1


@pytest.mark.parametrize("line", ["jobs --status paid", "challenges --status committing,nonsense"])
def test_a_status_that_there_is_not_is_refused_with_those_that_there_are(shell, line):
    assert shell(f"query {line}") == 2
    assert "is no status; there are: " in shell.err


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("job 7", "there is no job 7"),
        ("claim 1 1", "job 1 has no claim 1"),
        ("challenge 1 1 1", "segment 1 is not challenged"),
        ("verifier alice", "is not a registered verifier"),
        ("allocations", "this chain's genesis document has no allocations"),
        ("allocation 7", "this chain's genesis document has no allocations"),
        ("profile none", "there is no profile 'none'"),
        ("account alice --height 99", "99"),
        ("tx " + "00" * 32, "no block holds 0000"),
    ],
)
def test_what_does_not_exist_ends_with_1(shell, line, text):
    assert shell(f"query {line}") == 1
    assert text in shell.err


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("account nobody", "'nobody' is neither an address (0x…) nor a key in"),
        ("account 0x12", "'0x12' is not an address"),
        ("job one", "'one' is not a valid integer"),
        ("job", "Missing argument"),
        ("allocation alice", "to ask by account, add --file allocations.bin"),
        ("jobs --broadcaster nobody", "'nobody' is neither"),
        ("jobs --prove", "No such option"),
        ("tx 1234", "'1234' is not a hash"),
        ("nonsense", "No such command"),
    ],
)
def test_a_usage_error_ends_with_2(shell, line, text):
    assert shell(f"query {line}") == 2
    assert text in shell.err


def test_no_node_ends_with_3(shell, node):
    node.unreachable = 10**9
    assert shell("query status") == 3


def test_an_account_can_be_read_with_its_proof(shell, node):
    node.make_block()
    shown = shell.json("query account alice --prove")
    assert shown["exists"] is True
    assert shown["proven_height"] == 1
    assert shown["record"] == {"nonce": 0, "lpt": "500000000000000000000", "wei": "2000000000000000000"}


def test_the_absence_of_a_record_is_proven_too(shell, node):
    node.make_block()
    shown = shell.json("query job 7 --prove")
    assert (shown["exists"], shown["record"]) == (False, None)


def test_a_forged_value_is_refused(shell, node, monkeypatch):
    node.make_block()
    honest = node.abci_query

    async def forged(path, data=b"", height=0, prove=False):
        answer = await honest(path, data, height, prove)
        return type(answer)(
            **{name: getattr(answer, name) for name in answer.__slots__} | {"value": answer.value + b"\0"}
        )

    monkeypatch.setattr(node, "abci_query", forged)
    assert shell("query account alice --prove") == 1
    assert "could not prove its answer" in shell.err


@pytest.mark.parametrize("item", [item for item in QUESTIONS if item.layout is not None], ids=lambda item: item.name)
def test_what_can_be_proven_has_a_key_for_each_argument(item):
    assert len(item.layout.parts) == item.path.count("{")


def test_a_height_asks_for_the_state_as_it_was(shell):
    shell("tx transfer bob 1LPT --from alice")
    assert shell.json("query account bob --height 1")["lpt"] == "0"
    assert shell.json("query account bob")["lpt"] == "1000000000000000000"


def test_a_rejected_transaction_is_told_as_such(shell):
    shell("tx end-job 7 --from alice -o json")
    name = json.loads(shell.err)["error"]["hash"]
    assert shell(f"query tx {name}") == 1
    assert "UNKNOWN_JOB: there is no job 7" in shell.err


def test_a_limit_cuts_a_list_and_says_where(shell):
    shown = shell.json("query transcoders --limit 1")
    assert len(shown["items"]) == 1
    assert shown["next"] is not None


def test_a_list_goes_on_behind_where_it_was_cut(shell):
    first = shell.json("query accounts --limit 1")
    assert f"there are more: --after {first['next']}" in shell.err
    rest = shell.json(f"query accounts --after {first['next']}")
    assert first["items"] + rest["items"] == shell.json("query accounts")["items"]
    assert shell("query locks alice --after zz") == 1
    assert "it takes what the page before has under next" in shell.err


def test_a_yield_says_what_it_takes_for_granted(shell):
    assert shell(f"query yield {NODE0} --stake 100LPT") == 0
    assert "nothing slashed" in shell.out
    assert "stake              100LPT" in shell.out
    told = shell.json(f"query yield {NODE0} --stake 100LPT")
    assert told["stake"] == str(100 * 10**18)
    assert told["notes"].startswith("For a year as it is now")
    assert shell(f"query yield {NODE0}") == 2
    assert "Missing option '--stake'" in shell.err


def test_the_next_election_is_marked_as_a_preview(shell):
    shown = shell.json("query round")
    assert [item["stake"] for item in shown["next_election"]["elected"]] == [str(1000 * 10**18)] * 2
    assert "next_election is a preview" in shown["notes"]


@pytest.mark.parametrize(
    ("words", "begun", "completed"),
    [
        (["query"], "yi", "yield"),
        (["query"], "loc", "locks"),
        (["query", "yield"], "--st", "--stake"),
        (["query", "accounts"], "--af", "--after"),
        (["tx"], "claim-a", "claim-allocation"),
        (["tx", "claim-allocation"], "--fi", "--file"),
        (["genesis"], "all", "allocations"),
        (["genesis", "allocations"], "b", "build"),
    ],
)
def test_the_shell_completes_commands_and_options(words, begun, completed):
    completion = ShellComplete(headwater, {}, "headwater", "_HEADWATER_COMPLETE")
    assert completed in [item.value for item in completion.get_completions(words, begun)]


@pytest.mark.parametrize("name", sorted(query.commands))
def test_help_of_every_question_has_an_example(shell, name):
    assert shell(f"query {name} --help") == 0
    assert f"Example:  headwater query {name}" in shell.out
