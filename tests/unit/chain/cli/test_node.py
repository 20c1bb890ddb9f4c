"""`headwater node` where no process is needed; the rest is tests/localnet/test_node_process.py."""

import json

import pytest

from chain.cli import node as node_commands
from chain.cli.main import run
from chain.cometbft.config import read_config
from chain.cometbft.home import NodeHome
from chain.node.health import Observation


@pytest.fixture
def node(tmp_path, capsys):
    def call(command, *arguments):
        code = run(["node", command, *map(str, arguments), "--home", str(tmp_path / "home")])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_init_makes_a_home_and_tells_who_the_node_is(node, tmp_path):
    genesis = tmp_path / "genesis.json"
    genesis.write_text('{"chain_id": "c"}')
    peer = "ab" * 20 + "@example.org:26656"
    code, out, _ = node(
        "init", "--moniker", "n", "--genesis", genesis, "--peer", peer, "--rpc", "tcp://127.0.0.1:1", "-o", "json"
    )
    assert code == 0
    home = NodeHome(tmp_path / "home")
    assert json.loads(out)["node_id"] == home.node_key().node_id
    config = read_config(home.config_file)
    assert (config.moniker, config.rpc_address, config.persistent_peers) == ("n", "tcp://127.0.0.1:1", (peer,))
    assert home.genesis() == {"chain_id": "c"}


def test_init_without_genesis_says_where_it_goes_and_start_misses_it(node, tmp_path):
    code, out, _ = node("init", "--moniker", "n")
    assert code == 0
    assert str(tmp_path / "home" / "config" / "genesis.json") in out
    code, _, err = node("start")
    assert code == 2
    assert "genesis.json is missing" in err


def test_a_second_init_changes_nothing(node, tmp_path):
    node("init", "--moniker", "n")
    key = NodeHome(tmp_path / "home").node_key()
    code, _, err = node("init", "--moniker", "m")
    assert code == 2
    assert "already" in err
    assert NodeHome(tmp_path / "home").node_key() == key


@pytest.mark.parametrize("address", ["nonsense", "tcp://h", "tcp://h:99999"])
def test_an_address_that_is_none_is_refused_before_anything_is_made(node, tmp_path, address):
    code, _, err = node("init", "--moniker", "n", "--rpc", address)
    assert code == 2
    assert "tcp://host:port" in err
    assert not (tmp_path / "home").exists()


def test_a_genesis_that_is_no_json_object_is_refused(node, tmp_path):
    (tmp_path / "g").write_text("[]")
    code, _, err = node("init", "--moniker", "n", "--genesis", tmp_path / "g")
    assert code == 2
    assert "not a JSON object" in err
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("command", ["start", "status", "reset"])
def test_a_directory_without_a_node_says_so(node, command):
    code, _, err = node(command)
    assert code in {1, 2}
    assert "is not a node's home" in err


def test_app_only_needs_an_address_to_listen_at(node, tmp_path):
    node("init", "--moniker", "n")
    home = NodeHome(tmp_path / "home")
    home.config_file.write_text('proxy_app = "kvstore"\n')
    code, _, err = node("start", "--app-only")
    assert code == 2
    assert "proxy_app is not an address" in err


def test_the_status_of_another_node_is_not_told_as_this_ones(node, tmp_path, monkeypatch):
    genesis = tmp_path / "genesis.json"
    genesis.write_text('{"chain_id": "c"}')
    node("init", "--moniker", "n", "--genesis", genesis)
    own = NodeHome(tmp_path / "home").node_key().node_id

    def answer_as(node_id):
        async def observe(_address):
            return Observation(block_height=7, app_height=7, consensus=None, catching_up=False, log_bytes=0), node_id

        monkeypatch.setattr(node_commands, "_observe", observe)

    answer_as(own)
    assert node("status")[0] == 0
    answer_as("ab" * 20)
    code, out, err = node("status")
    assert (code, out) == (3, "")
    assert f"another node answers at tcp://127.0.0.1:26657 (its id is {'ab' * 20})" in err
