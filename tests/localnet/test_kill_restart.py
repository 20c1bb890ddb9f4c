"""Twenty kills of either process, at any moment, under load: the node comes back with everybody's app hashes."""

import asyncio
import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from app.messages.bodies import Denom, Transfer
from chain.failures import Failure
from chain.keys.keyring import Keyring
from chain.localnet.layout import Localnet, LocalnetNode
from chain.rpc.client import RpcClient
from chain.tx.client import TxClient
from tests.support.nodes import ask, headwater_localnet, wait_for_height
from tests.support.processes import Running

pytestmark = pytest.mark.network
KILLS = 20
SEED = 11
LONGEST_LIFE_SECONDS = 0.9
PAUSE_SECONDS = 0.01


class Load:
    """Transfers from the faucet through one node, as fast as it takes them, until told to stop."""

    def __init__(self, localnet: Localnet, node: LocalnetNode) -> None:
        self._localnet, self._node = localnet, node
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self.sent = 0
        self.failure: BaseException | None = None

    async def _run(self) -> None:
        signer = Keyring(self._localnet.root).load("faucet", lambda name: "")
        to = Keyring(self._localnet.root).show("validator0").address
        async with RpcClient(self._node.rpc_url) as rpc:
            client = TxClient(rpc, signer, self._localnet.chain_id)
            while not self._stop.is_set():
                try:
                    await client.submit((Transfer(to, Denom.LPT, 1),))
                    self.sent += 1
                except Failure as failure:
                    self.failure = failure
                await asyncio.sleep(PAUSE_SECONDS)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)


def start(node: LocalnetNode) -> Running:
    return Running(node.home.root / "test.log", "node", "start", "--home", node.home.root)


def app_hashes(node: LocalnetNode, height: int) -> list[bytes]:
    async def all_of(client: RpcClient) -> list[bytes]:
        return [(await client.header(number)).app_hash for number in range(1, height + 1)]

    return ask(node.rpc_url, all_of)


def test_a_node_that_is_killed_twenty_times_under_load_keeps_the_chains_app_hashes(tmp_path: Path):
    localnet = headwater_localnet(tmp_path / "net", 2)
    victim, witness = localnet.nodes
    chance = random.Random(SEED)
    with start(witness):
        height = 0
        with start(victim) as running:
            wait_for_height(victim.rpc_url, 2)
            running.signal(signal.SIGTERM)
            running.wait()
        with Load(localnet, witness) as load:
            for number in range(KILLS):
                with start(victim) as running:
                    height = wait_for_height(victim.rpc_url, height + 1)
                    time.sleep(chance.uniform(0, LONGEST_LIFE_SECONDS))
                    os.kill(running.child(("app.abci", "cometbft start")[number % 2]), signal.SIGKILL)
                    assert running.wait() == 1
        with start(victim):
            height = wait_for_height(victim.rpc_url, height + 3)
            wait_for_height(witness.rpc_url, height)
            assert app_hashes(victim, height) == app_hashes(witness, height)
            included = sum(len(ask(witness.rpc_url, lambda c, h=h: c.block(h)).transactions) for h in range(1, height))
    assert load.failure is None
    assert load.sent > 10 * KILLS
    assert included > 10 * KILLS
