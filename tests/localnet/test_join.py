"""A machine joins a running network: as a full node by one command, as a validator by two transactions."""

import asyncio
import json

import pytest

from chain.cometbft.home import NodeHome
from chain.localnet import control
from chain.localnet.layout import Localnet
from chain.node.ports import choose_free_ports
from chain.rpc.client import RpcClient
from tests.support.nodes import ask, headwater_localnet, wait_for_height
from tests.support.processes import Running, eventually, headwater

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def localnet(tmp_path_factory):
    made = headwater_localnet(tmp_path_factory.mktemp("net") / "net", 2)
    control.start_detached(made)
    yield made
    control.stop(made)


def _join(localnet: Localnet, home, *more: object):
    rpc, p2p = choose_free_ports(2)
    addresses = ["--rpc", f"tcp://127.0.0.1:{rpc}", "--p2p", f"tcp://127.0.0.1:{p2p}"]
    command = ["node", "init", "--moniker", "newcomer", "--home", home, "--join", localnet.nodes[0].rpc_url]
    return headwater(*command, *addresses, "-o", "json", *more), f"http://127.0.0.1:{rpc}"


def _signs(url: str, address: bytes) -> bool:
    """Whether the newest commit that the node has seen holds a signature of this validator."""

    async def last_commit():
        async with RpcClient(url) as client:
            return (await client.transport.read("commit"))["signed_header"]["commit"]["signatures"]

    signatures = asyncio.run(last_commit())
    return any(entry["validator_address"] == address.hex().upper() and entry["signature"] for entry in signatures)


def test_a_newcomer_catches_up_and_becomes_a_validator_that_signs(localnet, tmp_path):
    url, home = localnet.nodes[0].rpc_url, NodeHome(tmp_path / "home")
    told, own_url = _join(localnet, home.root)
    assert told.returncode == 0, told.stderr
    assert home.genesis_file.read_bytes() == localnet.nodes[0].home.genesis_file.read_bytes()
    ids = {node.home.node_key().node_id for node in localnet.nodes}
    assert {peer.partition("@")[0] for peer in json.loads(told.stdout)["peers"]} == ids
    goal = wait_for_height(url, 10)
    with Running(tmp_path / "log", "node", "start", "--home", home.root):
        wait_for_height(own_url, goal)
        assert len({ask(each, lambda client: client.block_results(goal)).app_hash for each in (url, own_url)}) == 1
        eventually(lambda: not ask(own_url, lambda client: client.status()).catching_up, "the end of block sync")
        assert ask(own_url, lambda client: client.status()).voting_power == 0
        common = {"HEADWATER_HOME": str(localnet.root), "HEADWATER_NODE": own_url}
        key = home.validator_key()
        for line in (
            "keys add newcomer --unencrypted",
            "tx transfer newcomer 1500LPT --from faucet",
            "tx transfer newcomer 1ETH --from faucet",
            "tx bond 1000LPT --from newcomer",
            f"tx transcoder --price 5gwei --cut 2% --share 25% --uri http://127.0.0.1:1 --node-home {home.root} "
            "--from newcomer",
        ):
            done = headwater(*line.split(), **common)
            assert done.returncode == 0, done.stderr
        eventually(lambda: _signs(url, key.address), "a block that the newcomer signed", 120)
        assert ask(own_url, lambda client: client.status()).voting_power == 1000


def test_a_genesis_document_with_another_hash_is_refused_and_nothing_is_made(localnet, tmp_path):
    told, _ = _join(localnet, tmp_path / "home", "--genesis-hash", "0" * 64)
    assert told.returncode == 1
    assert "this is another chain, or the node lies" in json.loads(told.stderr)["error"]["message"]
    assert not (tmp_path / "home").exists()


def test_the_right_hash_is_that_of_the_file(localnet, tmp_path):
    first, _ = _join(localnet, tmp_path / "one")
    again, _ = _join(localnet, tmp_path / "two", "--genesis-hash", json.loads(first.stdout)["genesis_hash"])
    assert again.returncode == 0, again.stderr
