"""A node's home is made once, keeps its keys, and says what is missing."""

import base64
import json
import stat
import subprocess

import pytest

from chain.cometbft.binary import BinaryMissing, find_binary
from chain.cometbft.config import NodeConfig
from chain.cometbft.home import LONGEST_SOCKET_PATH_BYTES, HomeExists, HomeIncomplete, NodeHome
from chain.cometbft.node_keys import KeyFileInvalid
from chain.files import FileExists

CONFIG = NodeConfig("n", "kvstore")


@pytest.fixture
def home(tmp_path) -> NodeHome:
    made = NodeHome(tmp_path / "home")
    made.initialise(CONFIG)
    return made


def test_keys_are_for_the_owner_only_and_differ(home):
    assert home.node_key().node_id != home.validator_key().node_id
    for path in (home.node_key_file, home.validator_key_file, home.sign_state_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_second_initialisation_is_refused_and_changes_nothing(home):
    before = home.node_key(), home.validator_key(), home.config_file.read_bytes()
    with pytest.raises(HomeExists, match="already"):
        home.initialise(NodeConfig("other", "kvstore"))
    assert (home.node_key(), home.validator_key(), home.config_file.read_bytes()) == before


def test_keys_that_are_there_are_kept(home):
    keys = home.node_key(), home.validator_key()
    home.config_file.unlink()
    home.initialise(CONFIG)
    assert (home.node_key(), home.validator_key()) == keys


def test_a_damaged_key_stops_the_initialisation(home):
    home.config_file.unlink()
    home.validator_key_file.write_text('{"priv_key": {"type": "tendermint/PrivKeySecp256k1", "value": "AA=="}}')
    with pytest.raises(KeyFileInvalid, match="priv_validator_key"):
        home.initialise(CONFIG)


@pytest.mark.network
def test_cometbft_reads_our_keys_as_we_do(home):
    try:
        cometbft = find_binary()
    except BinaryMissing:
        pytest.skip("the pinned CometBFT is not built")

    def say(command):
        run = subprocess.run([cometbft, command, "--home", home.root], capture_output=True, text=True, check=True)
        return run.stdout.strip()

    assert say("show-node-id") == home.node_key().node_id
    assert base64.b64decode(json.loads(say("show-validator"))["value"]) == home.validator_key().public_key


def test_the_genesis_is_written_once(home):
    home.write_genesis(b'{"chain_id": "a"}')
    home.write_genesis(b'{"chain_id": "a"}')
    with pytest.raises(FileExists):
        home.write_genesis(b'{"chain_id": "b"}')
    assert home.genesis()["chain_id"] == "a"


@pytest.mark.parametrize("document", [b"", b"[]", b"{}", b'{"chain_id": ""}'])
def test_a_genesis_that_is_none_stops_the_start(home, document):
    home.genesis_file.write_bytes(document)
    with pytest.raises(HomeIncomplete, match=r"genesis\.json"):
        home.check_startable()


def test_a_missing_genesis_or_home_says_what_to_do(home, tmp_path):
    with pytest.raises(HomeIncomplete, match="every node of a chain needs the same one"):
        home.check_startable()
    with pytest.raises(HomeIncomplete, match="headwater node init"):
        NodeHome(tmp_path / "nowhere").check_startable()


def test_erasing_the_chain_keeps_what_was_signed_unless_it_is_another_chain(home):
    (home.data_folder / "blockstore.db").mkdir()
    home.sign_state_file.write_text('{"height": "7", "round": 0, "step": 3}')
    keys = home.node_key(), home.validator_key()
    home.erase_chain()
    assert not (home.data_folder / "blockstore.db").exists()
    assert json.loads(home.sign_state_file.read_text())["height"] == "7"
    home.erase_chain(new_chain=True)
    assert json.loads(home.sign_state_file.read_text())["height"] == "0"
    assert (home.node_key(), home.validator_key()) == keys


def test_erasing_the_keys_makes_new_ones(home):
    keys = home.node_key(), home.validator_key()
    home.erase_chain(erase_keys=True)
    assert home.node_key() != keys[0]
    assert home.validator_key() != keys[1]
    assert json.loads(home.sign_state_file.read_text())["height"] == "0"


def test_the_socket_is_in_the_home_or_where_the_kernel_can_reach_it(tmp_path, monkeypatch):
    near = NodeHome(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    deep = NodeHome(tmp_path / ("d" * 120))
    other = NodeHome(tmp_path / ("e" * 120))
    assert near.socket_path() == tmp_path / "app.sock"
    assert len(str(deep.socket_path())) <= LONGEST_SOCKET_PATH_BYTES
    assert deep.socket_path() != other.socket_path()
    assert deep.socket_path() == deep.socket_path()
