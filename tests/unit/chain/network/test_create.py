"""Networks of several machines: complete, kept, and completed when making them was interrupted."""

import json

import pytest

from chain.cometbft.config import read_config
from chain.cometbft.home import NodeHome
from chain.failures import UsageFailure
from chain.keys.keyring import Keyring
from chain.network.create import NetworkDamaged, NetworkPlan, create, record_file
from genesis.check import check_document

PLAN = NetworkPlan("net", "2026-01-31T12:00:00Z", ("alpha", "beta"), ("tom",), ("bob",), verification_rate=2)


def _files(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_everybody_gets_a_key_and_validators_the_same_genesis(tmp_path):
    assert create(tmp_path, PLAN)
    documents = [NodeHome(tmp_path / name).genesis_file.read_bytes() for name in PLAN.validators]
    assert documents[0] == documents[1]
    document = json.loads(documents[0])
    assert check_document(document) == []
    assert document["app_state"]["params"]["verification_rate"] == 2
    addresses = {Keyring(tmp_path / name).show(name).address for name in PLAN.names}
    assert len(addresses) == len(PLAN.names) == 5
    assert len(document["app_state"]["accounts"]) == 5
    assert [item["consensus_pubkey"] == "" for item in document["app_state"]["transcoders"]].count(True) == 1


def test_validators_look_for_each_other_by_name(tmp_path):
    create(tmp_path, PLAN)
    config = read_config(NodeHome(tmp_path / "alpha").config_file)
    beta = NodeHome(tmp_path / "beta").node_key().node_id
    assert config.persistent_peers == (f"{beta}@beta:26656",)
    assert config.rpc_address == "tcp://0.0.0.0:26657"


def test_a_network_that_is_there_is_kept(tmp_path):
    create(tmp_path, PLAN)
    before = _files(tmp_path)
    assert not create(tmp_path, PLAN)
    assert _files(tmp_path) == before


def test_an_interrupted_run_is_completed_with_the_same_keys(tmp_path):
    create(tmp_path, PLAN)
    keys = {path: data for path, data in _files(tmp_path).items() if "key" in str(path)}
    record_file(tmp_path).unlink()
    NodeHome(tmp_path / "beta").genesis_file.unlink()
    assert create(tmp_path, PLAN)
    after = _files(tmp_path)
    assert {path: after[path] for path in keys} == keys
    assert len({NodeHome(tmp_path / name).genesis_file.read_bytes() for name in PLAN.validators}) == 1


def test_a_network_that_lost_a_participant_says_so_and_changes_nothing(tmp_path):
    create(tmp_path, PLAN)
    NodeHome(tmp_path / "beta").genesis_file.unlink()
    before = _files(tmp_path)
    with pytest.raises(NetworkDamaged, match=r"beta/config/genesis\.json is missing"):
        create(tmp_path, PLAN)
    assert _files(tmp_path) == before


def test_a_name_that_stands_twice_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(UsageFailure, match="a name of its own"):
        create(tmp_path, NetworkPlan("net", PLAN.genesis_time, ("alpha",), ("alpha",)))
    assert not list(tmp_path.iterdir())
