"""Nodes that are started, killed and started again inside one test, supervised as `headwater node start` does it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from app.messages.genesis_state import GenesisAccount
from app.primitives.amounts import Lpt
from app.store.leveldb import LevelDbBackend
from app.store.state_store import StateStore
from chain.cometbft.binary import find_binary
from chain.cometbft.config import DEFAULT_MEMPOOL
from chain.failures import Failure
from chain.localnet.create import create
from chain.localnet.genesis import CHAIN_ID
from chain.localnet.layout import Localnet, LocalnetNode, LocalnetSettings
from chain.node.supervisor import NodePlan, NodeSupervisor, SupervisorLimits
from chain.rpc.client import RpcClient
from chain.rpc.errors import RpcFailure
from chain.rpc.transport import RpcLimits
from genesis.document import build_document
from genesis.edit import add_account, add_transcoder, new_genesis
from genesis.localnet import validator_transcoder
from genesis.presets.registry import get_preset
from tests.support.genesis_documents import address_of
from tests.support.nodes import FAST
from tests.support.processes import child_running
from tests.support.transfers import Sender

APPLICATION, COMETBFT = "application", "CometBFT"
POLL_SECONDS = 0.02
LIMIT_SECONDS = 60.0
LIMITS = SupervisorLimits(stop_seconds=2, probe_seconds=5)
ONE_TRY = RpcLimits(timeout_seconds=5, attempts=1)


def weighted_localnet(
    root: Path, stakes: tuple[int, ...], senders: tuple[Sender, ...] = (), timeouts=FAST, mempool=DEFAULT_MEMPOOL
) -> Localnet:
    """A localnet, not started, whose validators have these stakes in LPT; the senders are funded."""

    def write(_: Path, validators):
        genesis = new_genesis(CHAIN_ID, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), get_preset("localnet"))
        for stake, validator in zip(stakes, validators, strict=True):
            transcoder = validator_transcoder(address_of(validator.name), validator.public_key)
            genesis = add_transcoder(genesis, replace(transcoder, stake=Lpt(stake * 10**18)), validator.name)
        for sender in senders:
            genesis = add_account(genesis, GenesisAccount(*sender.funded))
        return dict(build_document(genesis))

    return create(root, len(stakes), write, LocalnetSettings(timeouts=timeouts, mempool=mempool), usual_ports=False)


class Node:
    """One node of a localnet, its two processes children of this one; use it from the main thread."""

    def __init__(self, node: LocalnetNode) -> None:
        self.node = node
        self.home = node.home
        self.url = node.rpc_url
        self._run: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()

    def start(self) -> None:
        """Start both processes; `failure` or `stop` waits for their end."""
        self._stop = asyncio.Event()
        self._run = asyncio.create_task(
            NodeSupervisor(NodePlan(self.home, find_binary(), None, LIMITS)).run(self._stop)
        )

    async def failure(self) -> str:
        """What the supervisor said when one of the two ended by itself."""
        assert self._run is not None
        try:
            await asyncio.wait_for(self._run, LIMIT_SECONDS)
        except Failure as failure:
            return str(failure)
        raise AssertionError("the node has not failed")

    async def stop(self) -> None:
        """End both cleanly."""
        self._stop.set()
        assert self._run is not None
        await asyncio.gather(self._run, return_exceptions=True)

    def kill(self, which: str) -> None:
        """SIGKILL for one of the two, which must be running."""
        process = self.process(which)
        assert process is not None, f"{which} is not running"
        os.kill(process, signal.SIGKILL)

    def process(self, which: str) -> int | None:
        """The process id of one of the two."""
        marks = {APPLICATION: f"--home {self.home.app_folder} ", COMETBFT: f"start --home {self.home.root} "}
        return child_running(os.getpid(), marks[which])

    async def height(self) -> int:
        """The height of the newest block; 0 where the node does not answer."""
        async with RpcClient(self.url, ONE_TRY) as client:
            try:
                return (await client.status()).height
            except RpcFailure:
                return 0

    async def reach(self, height: int) -> int:
        """Wait until the node has a block of this height or a later one; fails at once where the node ends."""
        async with asyncio.timeout(LIMIT_SECONDS):
            while (now := await self.height()) < height:
                if self._run is not None and self._run.done():
                    self._run.result()
                await asyncio.sleep(POLL_SECONDS)
        return now

    async def app_hashes(self, heights: range) -> list[bytes]:
        """The app hash after each of these heights, as this node's own application answered it.

        The headers after them would say the same on every node, whatever its state.
        """
        async with RpcClient(self.url) as client:
            return [(await client.block_results(height)).app_hash for height in heights]

    def open_state(self) -> StateStore:
        """The state on disk, of a node that is not running."""
        return StateStore(LevelDbBackend(self.home.app_folder / "state"))


@asynccontextmanager
async def running(*nodes: LocalnetNode) -> AsyncIterator[list[Node]]:
    """Started nodes, ended with the block whatever happens in it."""
    started = [Node(node) for node in nodes]
    try:
        for node in started:
            node.start()
        yield started
    finally:
        for node in started:
            await node.stop()
