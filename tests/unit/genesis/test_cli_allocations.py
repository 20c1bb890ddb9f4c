"""`headwater genesis allocations` as a person uses it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.primitives.address import to_checksum
from genesis.cli import genesis
from tests.support.genesis_documents import address_of, consensus_key

ALICE, BOB, CAROL = (to_checksum(address_of(name)) for name in ("alice", "bob", "carol"))


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("holders.csv").write_text(f"address,amount\n{ALICE},12.5LPT\n{BOB},3LPT\n")
    call = lambda *args: CliRunner().invoke(genesis, args)  # noqa: E731
    call("init", "--chain-id", "chain")
    call("add-validator", CAROL, "--stake", "1000LPT", "--pubkey", consensus_key("carol").hex())
    return call


def allocations():
    return json.loads(Path("genesis.json").read_text())["app_state"]["allocations"]


def test_a_document_without_allocations_says_so(run):
    assert allocations() is None
    assert run("check").exit_code == 0


def test_build_puts_root_and_total_into_the_document(run):
    answer = run("allocations", "build", "holders.csv")
    assert answer.exit_code == 0, answer.output
    assert "allocations.bin: 2 holders, 15.5LPT, root " in answer.stderr
    assert (allocations()["count"], allocations()["total"]) == (2, str(155 * 10**17))
    assert run("check", "--allocations", "allocations.bin").exit_code == 0
    assert "allocations 2 holders, 15.5LPT, root " in run("show").output
    assert "supply      1015.5LPT" in run("show").output


def test_the_order_of_the_rows_makes_no_difference(run):
    run("allocations", "build", "holders.csv")
    first = allocations()
    Path("other.csv").write_text(f"{BOB},3000000000000000000\n{ALICE},12.5LPT\n")
    assert run("allocations", "build", "other.csv", "--force").exit_code == 0
    assert allocations() == first


def test_proof_prints_what_a_holder_needs(run):
    run("allocations", "build", "holders.csv")
    claim = json.loads(run("allocations", "proof", "allocations.bin", ALICE).stdout)
    assert claim["holder"] == ALICE
    assert claim["amount"] == "12500000000000000000"
    assert claim["root"] == allocations()["root"]
    assert len(claim["proof"]) == 1


def test_wrong_rows_are_told_and_nothing_is_written(run):
    Path("holders.csv").write_text(f"{ALICE},0\n{BOB},1\n{BOB},2\n")
    answer = run("allocations", "build", "holders.csv")
    assert answer.exit_code == 1
    assert "line 1: an amount of 0" in answer.stderr
    assert f"line 3: {BOB.lower()} stands in line 2 already" in answer.stderr
    assert allocations() is None
    assert not Path("allocations.bin").exists()


def test_a_table_of_no_text_is_refused(run):
    Path("holders.csv").write_bytes(f"{ALICE},1\n".encode() + b"\xff\xfe\n")
    answer = run("allocations", "build", "holders.csv")
    assert answer.exit_code == 1
    assert "not a table of text" in answer.stderr


def test_what_is_there_is_replaced_only_with_force(run):
    run("allocations", "build", "holders.csv")
    answer = run("allocations", "build", "holders.csv")
    assert answer.exit_code == 2
    assert "allocations.bin exists already; --force replaces it" in answer.stderr
    answer = run("allocations", "build", "holders.csv", "--out", "more.bin")
    assert answer.exit_code == 2
    assert "the document has allocations already" in answer.stderr


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("count", 0, "app_state.allocations.count: 0; 1 to 4294967296"),
        ("total", "1", "app_state.allocations.total: 1 base units for 2 holders"),
        ("root", "00" * 32, "app_state.allocations.root: zero"),
        ("root", "11", "app_state.allocations.root: a hash has 32 bytes"),
        ("total", str(2**128 - 1), "all LPT together is"),
    ],
)
def test_check_finds_what_is_wrong_with_allocations(run, field, value, says):
    run("allocations", "build", "holders.csv")
    document = json.loads(Path("genesis.json").read_text())
    document["app_state"]["allocations"][field] = value
    Path("genesis.json").write_text(json.dumps(document))
    answer = run("check")
    assert answer.exit_code == 1
    assert says in answer.output


def test_check_compares_the_document_with_the_file(run):
    run("allocations", "build", "holders.csv")
    Path("holders.csv").write_text(f"{ALICE},12.5LPT\n{BOB},4LPT\n")
    run("allocations", "build", "holders.csv", "--force")
    document = json.loads(Path("genesis.json").read_text())
    document["app_state"]["allocations"]["total"] = str(10**18)
    Path("genesis.json").write_text(json.dumps(document))
    answer = run("check", "--allocations", "allocations.bin", "-o", "json")
    assert answer.exit_code == 1
    (problem,) = json.loads(answer.stdout)["problems"]
    assert problem.startswith("app_state.allocations: 2 holders, 1LPT, root ")
    assert "allocations.bin gives 2 holders, 16.5LPT, root " in problem


def test_a_damaged_file_is_a_problem(run):
    run("allocations", "build", "holders.csv")
    Path("allocations.bin").write_bytes(Path("allocations.bin").read_bytes()[:-1])
    answer = run("check", "--allocations", "allocations.bin")
    assert answer.exit_code == 1
    assert "it is damaged" in answer.output
    answer = run("allocations", "proof", "allocations.bin", ALICE)
    assert answer.exit_code == 1
    assert "it is damaged" in answer.stderr


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["build", "nowhere.csv"], 2, "'nowhere.csv' does not exist"),
        (["build", "holders.csv", "--file", "none.json"], 2, "none.json is not there"),
        (["proof", "nowhere.bin", ALICE], 1, "cannot read nowhere.bin"),
        (["proof", "holders.csv", ALICE], 1, "holders.csv is no file that"),
        (["proof", "allocations.bin", CAROL], 1, f"allocations.bin allocates nothing to {CAROL}"),
        (["proof", "allocations.bin", "0x12"], 2, "'0x12' is not an address"),
    ],
)
def test_a_mistake_is_told_in_words(run, args, code, says):
    if args[0] == "proof":
        run("allocations", "build", "holders.csv")
    answer = run("allocations", *args)
    assert answer.exit_code == code
    assert says in " ".join(answer.stderr.split())


@pytest.mark.parametrize("command", [[], ["build"], ["proof"]])
def test_help_shows_an_example(run, command):
    answer = run("allocations", *command, "--help")
    assert answer.exit_code == 0
    assert "headwater genesis allocations " in answer.output
