"""One real CometBFT node on our ABCI server: blocks, vote extensions, a node that goes and comes back."""

import base64
import json
import re
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from tests.support.abci_client import server_process

pytestmark = pytest.mark.network

BINARY = Path(__file__).resolve().parents[2] / ".cache/bin/cometbft"
DEADLINE_SECONDS = 60


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Node:
    """A single validator with vote extensions from height 2."""

    def __init__(self, home, proxy_app):
        if not BINARY.exists():
            pytest.skip(f"NOT TESTED with CometBFT: no binary at {BINARY}; run make setup")
        self.home, self.rpc = home, f"127.0.0.1:{free_port()}"
        self.process = None
        subprocess.run([BINARY, "init", "--home", home], check=True, capture_output=True)
        genesis = json.loads((home / "config/genesis.json").read_text())
        genesis["consensus_params"]["abci"]["vote_extensions_enable_height"] = "2"
        (home / "config/genesis.json").write_text(json.dumps(genesis))
        config = (home / "config/config.toml").read_text()
        config = re.sub(r"(?m)^timeout_commit = .*$", 'timeout_commit = "100ms"', config)
        (home / "config/config.toml").write_text(config)
        self.command = [
            *(BINARY, "start", "--home", home, "--proxy_app", proxy_app, "--abci", "socket"),
            *("--rpc.laddr", f"tcp://{self.rpc}", "--p2p.laddr", "tcp://127.0.0.1:0"),
        ]

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        self.process.wait(DEADLINE_SECONDS)

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def get(self, path):
        with urllib.request.urlopen(f"http://{self.rpc}/{path}", timeout=DEADLINE_SECONDS) as answer:
            return json.load(answer)["result"]

    def wait_for_height(self, height):
        """The first height seen that is at least `height`."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                seen = int(self.get("status")["sync_info"]["latest_block_height"])
            except OSError:
                seen = -1
            if seen >= height:
                return seen
            time.sleep(0.05)
        state = "" if self.process.poll() is None else ": CometBFT has ended"
        raise AssertionError(f"height {height} was not reached within {DEADLINE_SECONDS} s{state}")


@pytest.fixture
def server(tmp_path):
    with server_process(f"unix://{tmp_path}/s") as running:
        yield running


@pytest.fixture
def node(tmp_path, server):
    running = Node(tmp_path / "home", server.address)
    yield running
    running.kill()


def test_blocks_with_vote_extensions_are_made_and_a_node_may_leave_and_come_back(node, server):
    node.start()
    node.wait_for_height(3)
    sent = node.get('broadcast_tx_commit?tx="name=headwater"')
    assert (sent["check_tx"]["code"], sent["tx_result"]["code"]) == (0, 0)
    value = node.get('abci_query?data="name"')["response"]["value"]
    assert base64.b64decode(value) == b"headwater"
    extended = node.get('abci_query?path="/extensions"')["response"]["value"]
    assert int(base64.b64decode(extended)) >= 1
    height = node.wait_for_height(int(sent["height"]) + 2)
    node.stop()
    node.start()
    node.wait_for_height(height + 3)
    assert node.get('abci_query?data="name"')["response"]["value"] == value
    node.kill()
    node.start()
    node.wait_for_height(height + 6)
    assert node.get('abci_query?path="/raise"')["response"]["code"] == 1
    node.stop()
    exit_code, errors = server.terminate()
    assert exit_code == 0
    assert errors.count("the node has closed its connections; waiting for the next one") == 3


def test_an_application_that_raises_in_a_block_ends_with_its_node(node, server):
    node.start()
    node.wait_for_height(2)
    request = urllib.request.Request(f"http://{node.rpc}/broadcast_tx_sync?tx=0x{b'boom=raise'.hex()}")
    with urllib.request.urlopen(request, timeout=DEADLINE_SECONDS) as answer:
        assert json.load(answer)["result"]["code"] == 0
    exit_code, errors = server.wait()
    assert exit_code == 1
    assert "finalize_block failed" in errors
    node.process.wait(DEADLINE_SECONDS)
