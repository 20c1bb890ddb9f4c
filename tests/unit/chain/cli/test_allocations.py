"""From a table of holders to their balances: `genesis allocations`, `tx claim-allocation`, `query allocation`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.primitives.address import to_checksum
from genesis.cli import genesis
from genesis.document import load_document
from tests.support.engine_node import EngineNode
from tests.support.genesis_documents import address_of, localnet_document

ALICE, BOB, CAROL = (to_checksum(address_of(name)) for name in ("alice", "bob", "carol"))


@pytest.fixture
def node(tmp_path, monkeypatch):
    """A chain whose document was made by the commands: 3 LPT for Alice, 4 for Carol."""
    monkeypatch.chdir(tmp_path)
    Path("genesis.json").write_text(json.dumps(localnet_document(preset="test")))
    Path("holders.csv").write_text(f"{CAROL},4LPT\n{ALICE},3LPT\n")
    for command in (["allocations", "build", "holders.csv"], ["check", "--allocations", "allocations.bin"]):
        assert CliRunner().invoke(genesis, command).exit_code == 0
    claim = CliRunner().invoke(genesis, ["allocations", "proof", "allocations.bin", ALICE])
    Path("claim.json").write_text(claim.stdout)
    return EngineNode(load_document(Path("genesis.json").read_bytes()))


@pytest.mark.parametrize("source", ["allocations.bin", "claim.json"])
def test_a_holder_claims_with_the_file_of_all_or_with_its_own_part(shell, source):
    assert shell(f"tx claim-allocation --file {source} --from alice") == 0, shell.err
    assert f"allocation_claimed  account {ALICE}" in shell.out
    assert shell.json("query account alice")["lpt"] == str(503 * 10**18)


def test_who_claims_twice_is_refused_by_the_chain(shell):
    shell("tx claim-allocation --file claim.json --from alice")
    assert shell("tx claim-allocation --file claim.json --from alice") == 1
    assert "ALLOCATION_ALREADY_CLAIMED" in shell.err


def test_what_is_left_is_told_to_everybody(shell):
    shown = shell.json("query allocations")
    assert (shown["count"], shown["claimed"], shown["unclaimed"]) == (2, 0, str(7 * 10**18))
    assert (shown["last_height"], shown["expired_height"]) == (40, 0)
    shell("tx claim-allocation --file claim.json --from alice")
    assert shell("query allocations") == 0
    assert "unclaimed       4LPT" in shell.out
    assert shell.json("query allocations --height 1")["claimed"] == 0


def test_one_allocation_is_asked_for_by_index_or_by_account(shell):
    shell("tx claim-allocation --file claim.json --from alice")
    mine = shell.json("query allocation alice --file allocations.bin")
    assert (mine["claimed"], mine["claimable"], mine["last_height"]) == (True, False, 40)
    other = shell.json(f"query allocation {CAROL} --file allocations.bin")
    assert (other["claimed"], other["claimable"]) == (False, True)
    assert {mine["index"], other["index"]} == {0, 1}
    assert shell.json(f"query allocation {mine['index']}")["claimed"] is True


@pytest.mark.parametrize(
    ("line", "code", "text"),
    [
        ("tx claim-allocation --file claim.json --from bob", 2, f"claim.json allocates nothing to {BOB}"),
        ("tx claim-allocation --file allocations.bin --from bob", 2, f"allocations.bin allocates nothing to {BOB}"),
        ("tx claim-allocation --file holders.csv --from alice", 2, "holders.csv is not JSON"),
        ("tx claim-allocation --file genesis.json --from alice", 2, "headwater genesis allocations proof prints such"),
        ("tx claim-allocation --file none --from alice", 2, "'none' does not exist"),
        ("tx claim-allocation --from alice", 2, "Missing option '--file'"),
        ("query allocation bob --file allocations.bin", 2, f"allocations.bin allocates nothing to {BOB}"),
        ("query allocation 2", 1, "there is no allocation 2; the genesis document has 2"),
    ],
)
def test_a_mistake_is_told_in_words(shell, line, code, text):
    assert shell(line) == code
    assert text in " ".join(shell.err.split())


def test_a_damaged_file_is_refused(shell):
    Path("allocations.bin").write_bytes(Path("allocations.bin").read_bytes() + b"x")
    assert shell("tx claim-allocation --file allocations.bin --from alice") == 2
    assert "it is damaged" in shell.err
