"""Governance on real networks: a network of four is upgraded by a vote, and a parameter reaches CometBFT."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chain.localnet.create import create
from chain.localnet.genesis import headwater_genesis
from chain.localnet.layout import Localnet, LocalnetNode, LocalnetSettings
from tests.support.next_release import NEXT_VERSION
from tests.support.nodes import FAST, ask, height_of, wait_for_height
from tests.support.processes import Running, eventually, headwater

pytestmark = pytest.mark.network
VOTING_PERIOD_BLOCKS = 90
"""A block takes a quarter of a second or more; three commands at a time, on a busy machine, take some seconds."""
ROOM_BLOCKS = 40
"""From the height that the plan is made at to that of the proposal; the rest of it lies behind the voting's end."""
STOP_SECONDS = 120


def make_localnet(root: Path, validators: int = 4) -> Localnet:
    """Validators, and votings that are long enough for the command line."""
    write = headwater_genesis()

    def with_short_votings(*given):
        document = write(*given)
        document["app_state"]["params"]["voting_period"] = VOTING_PERIOD_BLOCKS
        return document

    return create(root, validators, with_short_votings, LocalnetSettings(timeouts=FAST), usual_ports=False)


@contextlib.contextmanager
def old_release(nodes: tuple[LocalnetNode, ...]) -> Iterator[list[Running]]:
    """Nodes as `headwater node start` runs them."""
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(Running(node.home.root / "test.log", "node", "start", "--home", node.home.root))
            for node in nodes
        ]


@contextlib.contextmanager
def next_release(nodes: tuple[LocalnetNode, ...]) -> Iterator[None]:
    """Nodes of the release that has the next version."""
    command = [sys.executable, "-m", "tests.support.next_release", "node"]
    running = [subprocess.Popen([*command, str(node.home.root)], start_new_session=True) for node in nodes]
    try:
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            assert process.wait(STOP_SECONDS) == 0


def tell(localnet: Localnet, *arguments: object) -> dict:
    """A command's answer."""
    node = localnet.nodes[0]
    result = headwater(*arguments, "--node", node.rpc_url, "--home", localnet.root, "-o", "json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def plan_upgrade(localnet: Localnet) -> int:
    """Propose an upgrade and adopt it by the votes of three validators, all on the command line; its height."""
    height = height_of(localnet.nodes[0].rpc_url) + VOTING_PERIOD_BLOCKS + ROOM_BLOCKS
    plan = ("upgrade", "--height", height, "--app-version", NEXT_VERSION, "--title", "The next release")
    tell(localnet, "tx", "propose", *plan, "--from", "faucet")
    with ThreadPoolExecutor() as pool:
        votes = pool.map(lambda n: tell(localnet, "tx", "vote", 1, "yes", "--from", f"validator{n}"), range(3))
    assert [vote["events"][-1]["option"] for vote in votes] == ["yes"] * 3
    return height


def test_four_nodes_stop_at_the_height_say_which_version_they_need_and_go_on_with_it(tmp_path):
    localnet = make_localnet(tmp_path / "net")
    needed = f"needs version {NEXT_VERSION} of the application, and this build has version {NEXT_VERSION - 1}"
    with old_release(localnet.nodes) as running:
        wait_for_height(localnet.nodes[0].rpc_url, 2)
        height = plan_upgrade(localnet)
        for node in running:
            assert node.wait(STOP_SECONDS) == 1
            assert f"error: stopped for an upgrade: block {height} {needed}" in node.text
    with old_release(localnet.nodes[:1]) as (alone,):
        assert alone.wait(STOP_SECONDS) == 1
        assert alone.text.count(f"stopped for an upgrade: block {height} {needed}") == 2
    with next_release(localnet.nodes):
        for node in localnet.nodes:
            wait_for_height(node.rpc_url, height + 3)
        assert tell(localnet, "query", "proposal", 1)["status"] == "executed"
        assert tell(localnet, "query", "upgrade")["version"] == NEXT_VERSION
        headers = [ask(node.rpc_url, lambda client: client.block(height + 2)).header for node in localnet.nodes]
        assert len({header.app_hash for header in headers}) == 1
        header = ask(
            localnet.nodes[0].rpc_url, lambda client: client._read(dict, "header", {"height": str(height + 1)})
        )
        assert header["header"]["version"]["app"] == str(NEXT_VERSION)
        eventually(lambda: height_of(localnet.nodes[3].rpc_url) > height + 3, "further blocks")


def test_an_adopted_parameter_is_in_force_from_the_next_round_on_in_the_node_as_well(tmp_path):
    localnet = make_localnet(tmp_path / "net", validators=1)
    (node,) = localnet.nodes
    with old_release(localnet.nodes):
        wait_for_height(node.rpc_url, 2)
        values = ("evidence_max_age=100", "quorum=40%")
        tell(localnet, "tx", "propose", "parameter", *values, "--title", "Shorter", "--from", "validator0")
        tell(localnet, "tx", "vote", 1, "yes", "--from", "validator0")
        shown = headwater("query", "proposal", 1, "--node", node.rpc_url, "--home", localnet.root).stdout
        assert "evidence_max_age=100" in shown
        assert "quorum=40%" in shown
        eventually(lambda: tell(localnet, "query", "proposal", 1)["status"] == "executed", "the next round", 120)
        params = tell(localnet, "query", "params")
        assert (params["evidence_max_age"], params["quorum"]) == (100, 400_000_000)
        height = wait_for_height(node.rpc_url, height_of(node.rpc_url) + 2)
        told = ask(node.rpc_url, lambda client: client._read(dict, "consensus_params", {"height": str(height)}))
        evidence = told["consensus_params"]["evidence"]
        assert (evidence["max_age_num_blocks"], evidence["max_age_duration"]) == ("100", str(100 * 10**9))
