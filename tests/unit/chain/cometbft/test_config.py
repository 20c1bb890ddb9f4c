"""config.toml holds what we set, as TOML that reads back, and damage is named."""

import tomllib

import pytest

from chain.cometbft.config import ConfigInvalid, ConsensusTimeouts, NodeConfig, read_config


def parsed(**changes):
    return tomllib.loads(NodeConfig("n", "unix:///x.sock", **changes).to_toml())


def test_the_mempool_is_large_and_rechecks_have_time():
    mempool = parsed(mempool="flood")["mempool"]
    assert (mempool["type"], mempool["size"], mempool["cache_size"]) == ("flood", 100_000, 200_000)
    assert mempool["recheck_timeout"] == "10s"


def test_the_applications_mempool_has_its_own_options_and_none_of_cometbfts(tmp_path):
    document = parsed(mempool="app", relays=False)
    assert document["mempool"]["type"] == "app"
    assert "recheck" not in document["mempool"]
    path = tmp_path / "config.toml"
    path.write_text(NodeConfig("n", "unix:///x.sock", mempool="app", relays=False).to_toml())
    assert (read_config(path).mempool, read_config(path).relays) == ("app", False)
    path.write_text(NodeConfig("n", "unix:///x.sock", mempool="flood").to_toml())
    assert (read_config(path).mempool, read_config(path).relays) == ("flood", True)


def test_a_file_without_a_word_about_the_mempool_has_cometbfts(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("")
    assert read_config(path).mempool == "flood"


def test_loopback_nodes_may_share_an_address_and_others_may_not():
    assert "allow_duplicate_ip" not in parsed()["p2p"]
    loopback = parsed(loopback=True)["p2p"]
    assert (loopback["allow_duplicate_ip"], loopback["addr_book_strict"]) == (True, False)


def test_timeouts_are_written_in_milliseconds():
    consensus = parsed(timeouts=ConsensusTimeouts(commit_ms=250))["consensus"]
    assert consensus["timeout_commit"] == "250ms"
    assert set(consensus) == {
        *(f"timeout_{step}" for step in ("propose", "prevote", "precommit", "commit")),
        *(f"timeout_{step}_delta" for step in ("propose", "prevote", "precommit")),
    }


def test_transactions_are_indexed_unless_told_otherwise():
    assert parsed()["tx_index"]["indexer"] == "kv"
    assert parsed(index_transactions=False)["tx_index"]["indexer"] == "null"


def test_a_name_with_quotes_and_umlauts_survives(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(NodeConfig('Käthe "1"', "kvstore", persistent_peers=("a@h:1", "b@h:2")).to_toml())
    config = read_config(path)
    assert config.moniker == 'Käthe "1"'
    assert config.proxy_app == "kvstore"
    assert config.persistent_peers == ("a@h:1", "b@h:2")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("proxy_app = x\n", "line 1"),
        ("proxy_app = 7", "proxy_app must be a string"),
        ("[rpc]\nladdr = true", r"rpc\.laddr must be a string"),
        ("rpc = 3", r"rpc\.laddr must be a string"),
        ('[mempool]\ntype = "nop"', "mempool.type is 'nop'; Headwater works with flood and app"),
        ('[mempool]\ntype = "app"\n[consensus]\ncreate_empty_blocks = false', "would never make a block"),
        ("[headwater]\nrelay = 1", "headwater.relay must be true or false"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong(tmp_path, text, problem):
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ConfigInvalid, match=problem) as raised:
        read_config(path)
    assert str(path) in str(raised.value)


def test_a_missing_file_says_how_to_make_one(tmp_path):
    with pytest.raises(ConfigInvalid, match="headwater node init"):
        read_config(tmp_path / "config.toml")
