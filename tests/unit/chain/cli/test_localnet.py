"""`headwater localnet` where no process is needed; the rest is tests/localnet/test_localnet.py."""

import json

import pytest

from chain.cli.main import run
from chain.localnet.create import create, plain_genesis
from chain.localnet.layout import LocalnetSettings


@pytest.fixture
def made(tmp_path):
    return create(tmp_path / "net", 2, plain_genesis, LocalnetSettings(), usual_ports=False)


def test_url_prints_nothing_but_the_address_that_the_record_has(made, capsys):
    assert run(["localnet", "url", "--home", str(made.root)]) == 0
    assert capsys.readouterr().out == made.nodes[0].rpc_url + "\n"
    assert run(["localnet", "url", "--home", str(made.root), "--node", "node1", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"node": "node1", "rpc": made.nodes[1].rpc_url}


def test_url_of_a_node_that_there_is_not_names_those_that_there_are(made, capsys):
    assert run(["localnet", "url", "--home", str(made.root), "--node", "node9"]) == 2
    assert "there are: node0, node1" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["url", "status", "stop", "logs", "reset"])
def test_a_directory_without_a_localnet_says_how_to_make_one(command, tmp_path, capsys):
    assert run(["localnet", command, "--home", str(tmp_path)]) == 2
    assert "make one with: headwater localnet start" in capsys.readouterr().err
