"""A real localnet: started, stopped, gone on with, and losing a node."""

import json
import os
import signal
import socket

import pytest

from chain.localnet import control, layout
from chain.localnet.layout import Localnet
from chain.node.lock import holder
from tests.support.nodes import ask, headwater_localnet, height_of, kvstore_localnet, wait_for_height
from tests.support.processes import Running, alive, child_running, children_of, eventually, headwater

pytestmark = pytest.mark.network


@pytest.fixture
def stopped_at_end():
    """Localnets that a test starts detached, ended whatever happens."""
    started: list[Localnet] = []
    yield started.append
    for localnet in started:
        control.stop(localnet)


def test_a_detached_localnet_starts_advances_and_stops_without_orphans(tmp_path, stopped_at_end):
    home = tmp_path / "net"
    began = headwater("localnet", "start", "--home", home, "--validators", 2, "--detach", "-o", "json")
    assert began.returncode == 0, began.stderr
    localnet = layout.load(home)
    stopped_at_end(localnet)
    supervisor = json.loads(began.stdout)["supervisor_process"]
    processes = [supervisor, *children_of(supervisor)]
    assert len(processes) == 5
    for node in localnet.nodes:
        wait_for_height(node.rpc_url, 2)
    status = json.loads(headwater("localnet", "status", "--home", home, "-o", "json").stdout)
    assert [node["state"] for node in status["nodes"]] == ["running", "running"]
    assert headwater("localnet", "stop", "--home", home).returncode == 0
    eventually(lambda: not alive(processes), "the end of every process", 15)
    assert headwater("localnet", "status", "--home", home).returncode == 3
    assert "not running" in headwater("localnet", "stop", "--home", home).stdout


def test_every_node_has_the_same_app_hash_and_a_second_start_goes_on(tmp_path, stopped_at_end):
    localnet = headwater_localnet(tmp_path / "net", 3)
    stopped_at_end(localnet)
    control.start_detached(localnet)
    heights = [wait_for_height(node.rpc_url, 3) for node in localnet.nodes]
    assert len({ask(node.rpc_url, lambda client: client.block_results(3)).app_hash for node in localnet.nodes}) == 1
    again = headwater("localnet", "start", "--home", localnet.root, "--detach")
    assert again.returncode == 2
    assert "running already" in again.stderr
    control.stop(localnet)
    control.start_detached(localnet)
    assert wait_for_height(localnet.nodes[0].rpc_url, max(heights) + 1) > max(heights)


def test_ctrl_c_stops_every_process_of_a_localnet_in_the_foreground(tmp_path):
    localnet = kvstore_localnet(tmp_path / "net", 2)
    with Running(tmp_path / "log", "localnet", "start", "--home", localnet.root) as running:
        eventually(lambda: "the localnet is up" in running.text, "the first blocks")
        processes = children_of(running.process.pid)
        running.signal(signal.SIGINT)
        assert running.wait() == 0
    assert len(processes) == 2
    assert not alive(processes)


def test_a_node_that_dies_is_told_the_others_go_on_and_it_can_be_brought_back(tmp_path):
    localnet = kvstore_localnet(tmp_path / "net", 4)
    lost = localnet.nodes[2]
    with Running(tmp_path / "log", "localnet", "start", "--home", localnet.root) as running:
        eventually(lambda: "the localnet is up" in running.text, "the first blocks")
        victim = child_running(running.process.pid, f"--home {lost.home.root}")
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: "node2 FAILED: CometBFT was ended by signal 9" in running.text, "the report")
        height = height_of(localnet.nodes[0].rpc_url)
        wait_for_height(localnet.nodes[0].rpc_url, height + 2)
        with Running(tmp_path / "log2", "node", "start", "--home", lost.home.root):
            wait_for_height(lost.rpc_url, height + 2)


def test_validators_without_a_quorum_are_waiting_and_are_not_ended(tmp_path):
    localnet = kvstore_localnet(tmp_path / "net", 2)
    with Running(tmp_path / "log", "node", "start", "--home", localnet.nodes[0].home.root, "--stall-seconds", 2) as one:
        eventually(lambda: "waiting for other validators" in one.text, "the word that it waits")
        with Running(tmp_path / "log2", "node", "start", "--home", localnet.nodes[1].home.root):
            wait_for_height(localnet.nodes[0].rpc_url, 2)
        assert one.process.poll() is None


def test_a_port_that_is_taken_is_replaced_and_recorded(tmp_path, stopped_at_end):
    localnet = kvstore_localnet(tmp_path / "net", 2)
    stopped_at_end(localnet)
    with socket.create_server(("127.0.0.1", localnet.nodes[1].rpc_port)):
        control.start_detached(localnet)
        moved = layout.load(localnet.root)
        assert moved.nodes[1].rpc_port != localnet.nodes[1].rpc_port
        assert moved.nodes[0].rpc_port == localnet.nodes[0].rpc_port
        wait_for_height(moved.nodes[1].rpc_url, 2)
        assert "a port of it was taken" in moved.log_file.read_text()


def test_a_localnet_that_cannot_start_says_why_and_leaves_nothing(tmp_path):
    localnet = kvstore_localnet(tmp_path / "net", 2)
    for node in localnet.nodes:
        node.home.genesis_file.write_text('{"chain_id": "x", "validators": "none"}')
    with pytest.raises(control.LocalnetDidNotStart, match="CometBFT ended with exit code 1"):
        control.start_detached(localnet)
    assert holder(localnet.lock_file) is None


def test_reset_goes_back_to_the_genesis_and_all_of_it_can_be_removed(tmp_path, stopped_at_end):
    localnet = kvstore_localnet(tmp_path / "net", 1)
    stopped_at_end(localnet)
    control.start_detached(localnet)
    assert headwater("localnet", "reset", "--yes", "--home", localnet.root).returncode == 2
    wait_for_height(localnet.nodes[0].rpc_url, 3)
    control.stop(localnet)
    genesis = localnet.nodes[0].home.genesis_file.read_bytes()
    assert headwater("localnet", "reset", "--yes", "--home", localnet.root).returncode == 0
    control.start_detached(localnet)
    wait_for_height(localnet.nodes[0].rpc_url, 1)
    assert localnet.nodes[0].home.genesis_file.read_bytes() == genesis
    control.stop(localnet)
    assert headwater("localnet", "reset", "--all", "--yes", "--home", localnet.root).returncode == 0
    assert not localnet.record_file.exists()
    assert not localnet.nodes[0].home.root.exists()


def test_logs_are_shown_per_node_and_an_unknown_node_is_refused(tmp_path, stopped_at_end):
    localnet = kvstore_localnet(tmp_path / "net", 2)
    stopped_at_end(localnet)
    control.start_detached(localnet)
    control.stop(localnet)
    shown = headwater("localnet", "logs", "--home", localnet.root, "--process", "cometbft", "-n", 3)
    assert [line.split(" | ")[0] for line in shown.stdout.splitlines()] == ["node0"] * 3 + ["node1"] * 3
    unknown = headwater("localnet", "logs", "--home", localnet.root, "--node", "node7")
    assert unknown.returncode == 2
    assert "node0, node1" in unknown.stderr
