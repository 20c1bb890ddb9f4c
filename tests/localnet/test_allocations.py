"""Allocations on a real node, by the commands alone: from a table of holders to a holder's balance."""

import json

import pytest

from tests.support.nodes import headwater_localnet, wait_for_height
from tests.support.processes import Running, headwater

pytestmark = pytest.mark.network
LPT = 10**18


def test_a_holder_claims_what_the_genesis_document_of_a_running_chain_allocates(tmp_path):
    net = headwater_localnet(tmp_path / "net")
    (node,) = net.nodes
    wallet = ("--home", net.root, "--node", node.rpc_url)

    def answer(*words):
        done = headwater(*words, "-o", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    faucet = headwater("keys", "show", "faucet", "--address", "--home", net.root).stdout.strip()
    table, file = tmp_path / "holders.csv", tmp_path / "allocations.bin"
    table.write_text(f"address,amount\n{faucet},5LPT\n0x{'11' * 20},2LPT\n")
    document = node.home.root / "config" / "genesis.json"
    answer("genesis", "allocations", "build", table, "--out", file, "--file", document)
    assert answer("genesis", "check", "--file", document, "--allocations", file) == {"valid": True, "problems": []}
    with Running(tmp_path / "node.log", "node", "start", "--home", node.home.root):
        wait_for_height(node.rpc_url, 2)
        before = int(answer("query", "account", "faucet", *wallet)["lpt"])
        claimed = answer("tx", "claim-allocation", "--file", file, "--from", "faucet", "--yes", *wallet)
        assert claimed["messages"][0]["amount"] == str(5 * LPT)
        assert int(answer("query", "account", "faucet", *wallet)["lpt"]) == before + 5 * LPT
        assert answer("query", "allocation", "faucet", "--file", file, *wallet)["claimed"] is True
        assert answer("query", "allocations", *wallet)["unclaimed"] == str(2 * LPT)
        again = headwater("tx", "claim-allocation", "--file", file, "--from", "faucet", "--yes", *wallet)
        assert again.returncode == 1
        assert "ALLOCATION_ALREADY_CLAIMED" in again.stderr
