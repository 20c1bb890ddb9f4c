"""A node that is killed at any moment, under load: it goes on with the state that it would have had anyway.

The victim holds most of the stake, so that every block passes through it; another validator is left alone and says
what each app hash ought to be.
"""

import asyncio
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chain.cometbft.binary import find_binary
from chain.rpc.client import RpcClient
from chain.rpc.errors import RpcFailure
from chain.tx.queries import Queries
from tests.support.restarts import APPLICATION, COMETBFT, LIMIT_SECONDS, ONE_TRY, Node, running, weighted_localnet
from tests.support.transfers import Sender
from tests.support.waiting import until

pytestmark = pytest.mark.network

KILLS = 20
AHEAD = 8
SENDERS = 3
FAIL_POINTS = (0, 1, 2, 3, 4, 5, 6, 8, 9, 11)
"""Which of CometBFT's own fail points ends it, counted from its start; the first block passes about ten of them."""


class Load:
    """Presigned transfers that are offered until the chain has them: what a crash lost is sent again by its nonce."""

    def __init__(self, node: Node, number: int) -> None:
        self.sender = Sender(number)
        self.transfers = self.sender.transfers(4_000)
        self._node = node
        self._task = asyncio.create_task(self._offer())

    async def _offer(self) -> None:
        async with RpcClient(self._node.url, ONE_TRY) as client:
            while True:
                try:
                    nonce = int((await Queries(client).account(self.sender.address))["nonce"])
                    await client.broadcast_many_sync(self.transfers[nonce : nonce + AHEAD])
                except RpcFailure:
                    pass  # the node is down: this is what the load is for
                await asyncio.sleep(0.05)

    async def reach(self, nonce: int) -> None:
        """Wait until the chain has so many of the transfers, however slow this machine is."""
        async with RpcClient(self._node.url) as client:

            async def is_there() -> bool:
                return int((await Queries(client).account(self.sender.address))["nonce"]) >= nonce

            await until(is_there, f"{nonce} transfers of a sender on the chain", LIMIT_SECONDS)

    async def stop(self) -> None:
        self._task.cancel()
        (outcome,) = await asyncio.gather(self._task, return_exceptions=True)
        assert isinstance(outcome, asyncio.CancelledError), outcome


def senders() -> tuple[Sender, ...]:
    return tuple(Sender(number) for number in range(SENDERS))


async def transactions_of(node: Node, last: int) -> list[tuple[bytes, int]]:
    """Every transaction of the chain so far with its code, in order."""
    found = []
    async with RpcClient(node.url) as client:
        for height in range(1, last + 1):
            block, results = await client.block(height), await client.block_results(height)
            codes = [result.code for result in results.transactions]
            found += zip(block.transactions, codes, strict=True)
    return found


def assert_sound_on_disk(node: Node, height: int, app_hash: bytes) -> None:
    """The tree is the one that the flat pairs alone give, and `height` had the app hash that the chain says."""
    store = node.open_state()
    try:
        assert store.recompute_root() == store.root
        assert store.view().at(height).app_hash == app_hash
    finally:
        store.close()


def test_twenty_kills_at_any_moment_under_load_change_no_app_hash_and_lose_or_repeat_no_transaction(tmp_path):
    localnet = weighted_localnet(tmp_path / "net", (3000, 1000), senders())
    source = random.Random(20)

    async def scenario():
        async with running(*localnet.nodes) as (victim, witness):
            await victim.reach(2)
            loads = [Load(node, number) for number, node in enumerate((victim, victim, witness))]
            for kill in range(KILLS):
                await asyncio.sleep(source.uniform(0, 0.5))
                which = (APPLICATION, COMETBFT)[kill % 2]
                victim.kill(which)
                assert f"{which} was ended by signal 9" in await victim.failure()
                before = await witness.height()
                victim.start()
                await victim.reach(before + 1)
            for load in loads:
                await load.reach(KILLS)
            for load in loads:
                await load.stop()
            last = await victim.height()
            await witness.reach(last + 2)
            await victim.reach(last + 2)
            heights = range(1, last + 1)
            hashes = await victim.app_hashes(heights)
            assert hashes == await witness.app_hashes(heights)
            included = await transactions_of(witness, last)
            assert included == await transactions_of(victim, last)
            return loads, included, last, hashes[-1], [victim, witness]

    loads, included, last, app_hash, nodes = asyncio.run(scenario())
    for node in nodes:
        assert_sound_on_disk(node, last, app_hash)
    assert {code for _, code in included} == {0}
    for load in loads:
        offered = set(load.transfers)
        own = [raw for raw, _ in included if raw in offered]
        assert own == load.transfers[: len(own)]
        assert len(own) >= KILLS


def test_cometbft_ended_at_its_own_fail_points_goes_on_with_the_same_app_hashes(tmp_path, monkeypatch):
    localnet = weighted_localnet(tmp_path / "net", (1000,), senders())

    async def scenario():
        seen: dict[int, bytes] = {}
        async with running(*localnet.nodes) as (node,):
            await node.reach(3)
            load = Load(node, 0)
            for index in FAIL_POINTS:
                height = await node.height()
                seen |= zip(range(1, height), await node.app_hashes(range(1, height)), strict=True)
                await node.stop()
                monkeypatch.setenv("FAIL_TEST_INDEX", str(index))
                node.start()
                ended = await node.failure()
                assert "CometBFT ended with exit code 1" in ended
                assert f"*** fail-test {index} ***" in ended
                monkeypatch.delenv("FAIL_TEST_INDEX")
                node.start()
                await node.reach(height + 2)
            await load.stop()
            last = max(seen)
            assert await node.app_hashes(range(1, last + 1)) == [seen[height] for height in range(1, last + 1)]
            own = [raw for raw, code in await transactions_of(node, await node.height()) if not code]
            assert own == load.transfers[: len(own)]
            return node, last, seen[last]

    assert_sound_on_disk(*asyncio.run(scenario()))


async def run_until(node: Node, height: int) -> dict[int, bytes]:
    """Run under load up to a height; the app hashes below it."""
    node.start()
    await node.reach(2)
    load = Load(node, 0)
    await node.reach(height)
    await load.stop()
    hashes = await node.app_hashes(range(1, height))
    await node.stop()
    return dict(zip(range(1, height), hashes, strict=True))


async def assert_goes_on(node: Node, known: dict[int, bytes]) -> None:
    """The node starts, makes blocks, and has the app hashes that it had."""
    node.start()
    try:
        await node.reach(max(known) + 4)
        assert await node.app_hashes(range(1, max(known) + 1)) == list(known.values())
    finally:
        await node.stop()


@pytest.fixture
def node(tmp_path) -> Node:
    return Node(weighted_localnet(tmp_path / "net", (1000,), senders()).nodes[0])


def state_folder(node: Node) -> Path:
    return node.home.app_folder / "state"


def height_on_disk(node: Node) -> int:
    store = node.open_state()
    store.close()
    return store.height


def change_newest_log(node: Node, change: Callable[[bytes], bytes]) -> None:
    log = max(state_folder(node).glob("*.log"))
    log.write_bytes(change(log.read_bytes()))


async def killed_under_load(node: Node, height: int) -> dict[int, bytes]:
    """As `run_until`, but the application has no time to close its database."""
    node.start()
    await node.reach(2)
    load = Load(node, 0)
    await node.reach(height)
    hashes = await node.app_hashes(range(1, height))
    node.kill(APPLICATION)
    await load.stop()
    await node.failure()
    return dict(zip(range(1, height), hashes, strict=True))


CUTS = {"a byte": lambda data: data[:-1], "a half": lambda data: data[: len(data) // 2], "everything": lambda _: b""}


def test_a_cut_log_of_the_state_is_made_good_from_the_blocks_with_the_same_app_hashes(node):
    async def scenario():
        reached = 0
        for cut in CUTS.values():
            known = await killed_under_load(node, reached + 5)
            reached = height_on_disk(node)
            change_newest_log(node, cut)
            await assert_goes_on(node, known)

    asyncio.run(scenario())


def test_a_damaged_log_is_told_and_without_its_folder_the_state_comes_back_from_the_blocks(node):
    async def scenario():
        known = await killed_under_load(node, 6)
        change_newest_log(node, lambda data: data[:200] + bytes(100) + data[300:])
        node.start()
        told = await node.failure()
        assert "application ended with exit code 1" in told
        assert f"the state in {state_folder(node)} is damaged" in told
        assert "remove that folder and let the node rebuild it from its blocks" in told
        shutil.rmtree(state_folder(node))
        await assert_goes_on(node, known)

    asyncio.run(scenario())


def test_an_older_copy_of_the_state_is_made_good_from_the_blocks(node, tmp_path):
    async def scenario():
        await run_until(node, 4)
        shutil.copytree(state_folder(node), tmp_path / "older")
        older = height_on_disk(node)
        known = await run_until(node, older + 5)
        shutil.rmtree(state_folder(node))
        shutil.copytree(tmp_path / "older", state_folder(node))
        assert height_on_disk(node) == older
        await assert_goes_on(node, known)

    asyncio.run(scenario())


def test_a_state_ahead_of_the_blocks_is_refused_with_both_heights(node, tmp_path):
    async def scenario():
        await run_until(node, 4)
        shutil.copytree(node.home.data_folder, tmp_path / "older")
        await run_until(node, height_on_disk(node) + 4)
        shutil.rmtree(node.home.data_folder)
        shutil.copytree(tmp_path / "older", node.home.data_folder)
        height = height_on_disk(node)
        node.start()
        assert f"app block height ({height}) is higher than core" in await node.failure()

    asyncio.run(scenario())


def roll_back_application(node: Node) -> str:
    """As an operator types it; what it says."""
    command = [sys.executable, "-m", "app.abci", "--home", node.home.app_folder, "--rollback"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def roll_back_cometbft(node: Node) -> str:
    """The same for the other half."""
    command = [find_binary(), "rollback", "--home", node.home.root]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_both_rollbacks_together_go_back_one_height_and_the_block_is_executed_again(node):
    async def scenario():
        known = await run_until(node, 6)
        before = height_on_disk(node)
        assert f"Rolled back state to height {before - 1} " in roll_back_cometbft(node)
        assert roll_back_application(node) == f"headwater: rolled back to height {before - 1}\n"
        assert height_on_disk(node) == before - 1
        await assert_goes_on(node, known)

    asyncio.run(scenario())


def test_a_rollback_of_the_application_alone_is_made_good_by_replay(node):
    async def scenario():
        known = await run_until(node, 6)
        for _ in range(3):
            roll_back_application(node)
        await assert_goes_on(node, known)

    asyncio.run(scenario())
