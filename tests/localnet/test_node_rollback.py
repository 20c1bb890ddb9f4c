"""`headwater node rollback` on a real node: one height back in both halves, and forward again."""

import signal

import pytest

from tests.support.nodes import headwater_localnet, wait_for_height
from tests.support.processes import Running, headwater

pytestmark = pytest.mark.network


def test_a_node_goes_back_one_height_and_executes_the_block_again(tmp_path):
    node = headwater_localnet(tmp_path / "net").nodes[0]
    home = node.home.root
    with Running(tmp_path / "first", "node", "start", "--home", home) as running:
        wait_for_height(node.rpc_url, 4)
        refused = headwater("node", "rollback", "--home", home, "--yes")
        assert (refused.returncode, "in use" in refused.stderr) == (2, True)
        running.signal(signal.SIGTERM)
        assert running.wait() == 0
    went = headwater("node", "rollback", "--home", home, "--yes")
    assert went.returncode == 0, went.stderr
    by_cometbft, by_application = went.stdout.splitlines()
    height = int(by_application.rpartition(" ")[2])
    assert f"Rolled back state to height {height} " in by_cometbft
    with Running(tmp_path / "second", "node", "start", "--home", home):
        assert wait_for_height(node.rpc_url, height + 3) >= height + 3


def test_a_node_without_a_block_has_nothing_to_take_back(tmp_path):
    home = headwater_localnet(tmp_path / "net").nodes[0].home.root
    refused = headwater("node", "rollback", "--home", home, "--yes")
    assert refused.returncode == 1
    assert "CometBFT did not roll back" in refused.stderr
