"""Localnets under load: the same network around Headwater's application and around CometBFT's `abci-cli kvstore`."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

from chain.cometbft.binary import ABCI_CLI
from chain.cometbft.config import DEFAULT_MEMPOOL, FLOOD
from chain.cometbft.install import install
from chain.localnet import control
from chain.localnet.create import GenesisWriter, create, plain_genesis
from chain.localnet.genesis import Funded, headwater_genesis
from chain.localnet.layout import Localnet, LocalnetSettings
from chain.rpc.client import RpcClient
from chain.rpc.subscription import EventMessage
from genesis.document import build_consensus_params
from genesis.presets.registry import get_preset
from tests.support.processes import children_of, command_of

HEADWATER, KVSTORE = "headwater", "kvstore"


@contextmanager
def network(
    root: Path, application: str, validators: int, accounts: Sequence[Funded], mempool: str = DEFAULT_MEMPOOL
) -> Iterator[tuple[Localnet, int]]:
    """A running localnet that indexes nothing, and its supervisor's process id."""
    settings = LocalnetSettings(log_level="error", mempool=FLOOD if application == KVSTORE else mempool)
    localnet = create(root, validators, _genesis(application, accounts), settings)
    for node in localnet.nodes:
        node.home.rewrite_config(replace(localnet.node_config(node), index_transactions=False))
    command = (str(install(ABCI_CLI)), "kvstore", "--address") if application == KVSTORE else ()
    supervisor = control.start_detached(localnet, command)
    try:
        yield localnet, supervisor
    finally:
        control.stop(localnet)


def _genesis(application: str, accounts: Sequence[Funded]) -> GenesisWriter:
    if application == HEADWATER:
        return headwater_genesis(accounts=accounts)
    params = build_consensus_params(get_preset("localnet"))
    return lambda root, validators: plain_genesis(root, validators) | {"consensus_params": params}


class Watch:
    """When each block was told of."""

    def __init__(self) -> None:
        self.blocks: dict[int, float] = {}

    async def follow(self, client: RpcClient) -> None:
        """Note every block until cancelled."""
        async with client.subscribe("tm.event = 'NewBlockHeader'") as items:
            async for item in items:
                if isinstance(item, EventMessage):
                    self.blocks[item.height] = time.monotonic()


@asynccontextmanager
async def watching(url: str) -> AsyncIterator[Watch]:
    """Follow the blocks of a node."""
    watch = Watch()
    async with RpcClient(url) as client:
        task = asyncio.create_task(watch.follow(client))
        try:
            yield watch
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def cpu_seconds(supervisor: int) -> dict[str, float]:
    """User and system time so far: the applications together, the CometBFT processes together, this client."""
    spent = {"application": 0.0, "cometbft": 0.0, "client": sum(os.times()[:2])}
    for child in children_of(supervisor):
        kind = "cometbft" if "cometbft start" in command_of(child) else "application"
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        spent[kind] += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return spent
