"""A localnet's homes fit together, and a half-made one is not left behind."""

import json

import pytest

from chain.cometbft.config import read_config
from chain.failures import UsageFailure
from chain.keys.keyring import Keyring
from chain.localnet import create, layout
from chain.localnet.create import plain_genesis
from chain.localnet.genesis import headwater_genesis
from chain.localnet.layout import LocalnetDamaged, LocalnetMissing, LocalnetSettings

KVSTORE = LocalnetSettings(built_in_application="kvstore")


def test_every_node_has_the_same_genesis_and_all_others_as_peers(tmp_path):
    localnet = create.create(tmp_path / "net", 3, plain_genesis, KVSTORE)
    documents = {node.home.genesis_file.read_bytes() for node in localnet.nodes}
    assert len(documents) == 1
    powers = [item["power"] for item in json.loads(documents.pop())["validators"]]
    assert powers == ["10"] * 3
    for node in localnet.nodes:
        others = [item for item in localnet.nodes if item != node]
        wanted = {f"{item.home.node_key().node_id}@127.0.0.1:{item.p2p_port}" for item in others}
        assert set(read_config(node.home.config_file).persistent_peers) == wanted


def test_ports_are_all_different(tmp_path):
    localnet = create.create(tmp_path / "net", 5, plain_genesis, KVSTORE)
    ports = [port for node in localnet.nodes for port in (node.rpc_port, node.p2p_port)]
    assert len(set(ports)) == 10


def test_the_record_reads_back_as_it_was_made(tmp_path):
    localnet = create.create(tmp_path / "net", 2, plain_genesis, KVSTORE)
    assert layout.load(tmp_path / "net") == localnet


def test_a_failing_genesis_leaves_nothing_behind(tmp_path):
    def fail(root, validators):
        raise UsageFailure("no")

    with pytest.raises(UsageFailure):
        create.create(tmp_path / "net", 2, fail, KVSTORE)
    assert list((tmp_path / "net").iterdir()) == []
    create.create(tmp_path / "net", 2, plain_genesis, KVSTORE)


def test_what_is_there_is_not_overwritten(tmp_path):
    create.create(tmp_path / "net", 1, plain_genesis, KVSTORE)
    with pytest.raises(UsageFailure, match="exists already"):
        create.create(tmp_path / "net", 1, plain_genesis, KVSTORE)


@pytest.mark.parametrize("count", [0, -1, create.MOST_VALIDATORS + 1])
def test_absurd_numbers_of_validators_are_refused(tmp_path, count):
    with pytest.raises(UsageFailure, match="1 to 64"):
        create.create(tmp_path / "net", count, plain_genesis, KVSTORE)


def test_a_missing_or_damaged_record_is_told(tmp_path):
    with pytest.raises(LocalnetMissing, match="headwater localnet start"):
        layout.load(tmp_path)
    for text in ("{", "[]", "{}", '{"version": 9}', '{"version": 1, "chain_id": "x", "settings": {}, "nodes": []}'):
        layout.record_file(tmp_path).write_text(text)
        with pytest.raises(LocalnetDamaged, match=r"localnet\.json"):
            layout.load(tmp_path)


def test_a_headwater_genesis_has_an_account_per_validator_a_faucet_and_keeps_them(tmp_path):
    root = tmp_path / "net"
    localnet = create.create(root, 2, headwater_genesis(), LocalnetSettings())
    addresses = {entry.name: entry.address for entry in Keyring(root).list()}
    assert sorted(addresses) == ["faucet", "validator0", "validator1"]
    assert len(localnet.nodes[0].home.genesis()["validators"]) == 2
    create.erase_all(localnet)
    create.create(root, 2, headwater_genesis(), LocalnetSettings())
    assert {entry.name: entry.address for entry in Keyring(root).list()} == addresses


def test_an_unknown_preset_is_a_usage_error(tmp_path):
    with pytest.raises(UsageFailure, match="cannot start"):
        create.create(tmp_path / "net", 1, headwater_genesis("no-such-preset"), LocalnetSettings())
