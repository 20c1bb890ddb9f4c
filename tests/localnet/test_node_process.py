"""A real node, application and CometBFT, and everything that can happen to the pair."""

import json
import os
import signal
import socket

import pytest

from chain.localnet.layout import LocalnetNode
from tests.support.nodes import ask, headwater_localnet, wait_for_height
from tests.support.processes import Running, alive, eventually, headwater

pytestmark = pytest.mark.network
APPLICATION, COMETBFT = "app.abci", "cometbft start"


@pytest.fixture
def node(tmp_path) -> LocalnetNode:
    return headwater_localnet(tmp_path / "net").nodes[0]


def start(node: LocalnetNode, *options: object) -> Running:
    return Running(node.home.root / "test.log", "node", "start", "--home", node.home.root, *options)


def pair_of(running: Running, node: LocalnetNode) -> list[int]:
    wait_for_height(node.rpc_url, 1)
    return [running.child(APPLICATION), running.child(COMETBFT)]


def assert_ended(process_ids: list[int]) -> None:
    eventually(lambda: not alive(process_ids), f"the end of {process_ids}", 15)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_both_processes_and_the_exit_code_is_0(node, number):
    with start(node) as running:
        pair = pair_of(running, node)
        running.signal(number)
        assert running.wait() == 0
    assert_ended(pair)
    assert "stopped" in running.text


@pytest.mark.parametrize(("word", "name"), [(APPLICATION, "application"), (COMETBFT, "CometBFT")])
def test_a_killed_process_takes_the_other_along_and_is_named(node, word, name):
    with start(node) as running:
        pair = pair_of(running, node)
        os.kill(running.child(word), signal.SIGKILL)
        assert running.wait() == 1
    assert_ended(pair)
    assert f"error: {name} was ended by signal 9 (SIGKILL)" in running.text
    assert "last lines of" in running.text


@pytest.mark.parametrize("word", [APPLICATION, COMETBFT])
def test_a_hanging_process_is_noticed_by_the_height_and_both_are_ended(node, word):
    with start(node, "--stall-seconds", 3, "--stop-seconds", 1) as running:
        pair = pair_of(running, node)
        os.kill(running.child(word), signal.SIGSTOP)
        assert running.wait() == 1
    assert_ended(pair)
    assert "the node hangs: nothing moved for 3 s" in running.text


def test_no_process_outlives_a_supervisor_that_is_killed(node):
    with start(node) as running:
        pair = pair_of(running, node)
        running.signal(signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL
        assert_ended(pair)


def test_a_second_start_says_that_the_home_is_in_use_and_leaves_the_first_alone(node):
    with start(node) as running:
        pair = pair_of(running, node)
        second = headwater("node", "start", "--home", node.home.root)
        assert second.returncode == 2
        assert f"in use by process {running.process.pid}" in second.stderr
        assert alive(pair) == pair


def test_a_restart_after_kill_9_goes_on_with_the_chain_and_the_same_app_hash(node):
    with start(node) as running:
        pair_of(running, node)
        before = wait_for_height(node.rpc_url, 3)
        hashes = ask(node.rpc_url, lambda client: client.block_results(before)).app_hash
        os.kill(running.child(APPLICATION), signal.SIGKILL)
        running.wait()
    with start(node):
        wait_for_height(node.rpc_url, before + 2)
        assert ask(node.rpc_url, lambda client: client.block_results(before)).app_hash == hashes


def test_a_taken_port_is_named_before_anything_starts(node):
    with socket.create_server(("127.0.0.1", node.rpc_port)):
        ended = headwater("node", "start", "--home", node.home.root)
    assert ended.returncode == 2
    assert f"RPC port {node.rpc_port} on 127.0.0.1 is in use" in ended.stderr


def test_a_damaged_config_is_named_with_its_line(node):
    node.home.config_file.write_text('proxy_app = "x\n')
    ended = headwater("node", "start", "--home", node.home.root)
    assert ended.returncode == 2
    assert str(node.home.config_file) in ended.stderr
    assert "line 1" in ended.stderr


def test_an_application_that_cannot_start_is_named_with_its_last_words(node):
    (node.home.app_folder / "state").write_text("a file where the database should be")
    ended = headwater("node", "start", "--home", node.home.root)
    assert ended.returncode == 1
    assert "error: application ended with exit code 1" in ended.stderr
    assert "app.log" in ended.stderr


def test_an_application_that_fails_inside_a_call_is_named_before_the_cometbft_that_follows_it(node):
    document = node.home.genesis() | {"app_state": {"params": "none"}}
    node.home.genesis_file.write_text(json.dumps(document))
    ended = headwater("node", "start", "--home", node.home.root)
    assert ended.returncode == 1
    assert "error: application ended with exit code 1; then CometBFT" in ended.stderr
    assert "init_chain" in ended.stderr


def test_status_is_json_while_it_runs_and_exit_code_3_when_it_does_not(node):
    with start(node) as running:
        pair_of(running, node)
        status = headwater("node", "status", "--home", node.home.root, "-o", "json")
        facts = json.loads(status.stdout)
        assert status.returncode == 0
        assert facts["supervisor_process"] == running.process.pid
        assert facts["block_height"] >= 1
    down = headwater("node", "status", "--home", node.home.root, "-o", "json")
    assert down.returncode == 3
    assert json.loads(down.stderr)["error"]["kind"] == "RpcUnreachable"


def test_reset_keeps_keys_and_what_was_signed_and_refuses_while_the_node_runs(node):
    with start(node) as running:
        pair_of(running, node)
        assert headwater("node", "reset", "--yes", "--home", node.home.root).returncode == 2
        running.signal(signal.SIGTERM)
        running.wait()
    keys = node.home.node_key(), node.home.validator_key()
    signed = node.home.sign_state_file.read_bytes()
    assert headwater("node", "reset", "--home", node.home.root).returncode == 2
    assert headwater("node", "reset", "--yes", "--home", node.home.root).returncode == 0
    assert (node.home.node_key(), node.home.validator_key()) == keys
    assert node.home.sign_state_file.read_bytes() == signed
    assert not (node.home.data_folder / "blockstore.db").exists()


def test_a_home_with_a_path_too_long_for_a_socket_runs(tmp_path):
    node = headwater_localnet(tmp_path / ("deep" * 15) / ("er" * 40)).nodes[0]
    assert len(str(node.home.root)) > 108
    with start(node) as running:
        pair_of(running, node)
        running.signal(signal.SIGTERM)
        assert running.wait() == 0
    assert not node.home.socket_path().exists()


def test_the_application_alone_serves_a_cometbft_that_somebody_else_runs(node):
    with start(node, "--app-only") as running:
        running.child(APPLICATION)
        eventually(node.home.socket_path().exists, "the socket")
        running.signal(signal.SIGTERM)
        assert running.wait() == 0
