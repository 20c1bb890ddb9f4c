"""Steady transfers through every validator's published port, as a user's client sends them, and what became of each."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import fmean, quantiles

from app.messages.bodies import Denom, Transfer
from app.primitives.amounts import Amount
from chain.failures import Failure
from chain.keys.keyring import Signer
from chain.rpc.client import RpcClient
from chain.tx.client import TxClient, TxLimits
from tests.docker.network import Network
from tests.support.transfers import recipient

PATIENCE = TxLimits(inclusion_seconds=300, reconnect_seconds=300, rebroadcast_seconds=3, attempts=20)


@dataclass
class Load:
    """What was sent: accepted transactions by hash with seconds to inclusion, and what failed."""

    latencies: dict[bytes, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def describe(self) -> str:
        """Mean and 95th percentile of the time from submission to inclusion."""
        found = list(self.latencies.values())
        if len(found) < 2:
            return f"{len(found)} transfers"
        mean, p95 = fmean(found), quantiles(found, n=20)[-1]
        return f"{len(found)} transfers, included after {mean:.2f} s (mean), {p95:.2f} s (p95)"


@asynccontextmanager
async def steady_load(network: Network, per_second: float) -> AsyncIterator[Load]:
    """Transfers while inside; at the end all that were begun are waited for."""
    load, stop = Load(), asyncio.Event()
    pause = len(network.nodes) / per_second
    async with asyncio.TaskGroup() as tasks:
        for number in range(len(network.nodes)):
            tasks.create_task(_send_steadily(network, number, pause, load, stop))
        try:
            yield load
        finally:
            stop.set()


async def _send_steadily(network: Network, number: int, pause: float, load: Load, stop: asyncio.Event) -> None:
    signer = Signer.of(network.senders[number].key)
    async with RpcClient(network.nodes[number].url) as rpc, asyncio.TaskGroup() as tasks:
        client = TxClient(rpc, signer, network.chain_id, PATIENCE)
        sent = 0
        while not stop.is_set():
            tasks.create_task(_send(client, sent, load))
            sent += 1
            await asyncio.sleep(pause)


async def _send(client: TxClient, number: int, load: Load) -> None:
    began = time.monotonic()
    try:
        result = await client.send((Transfer(recipient(number), Denom.LPT, Amount(1)),))
    except Failure as failure:
        load.failures.append(f"{type(failure).__name__}: {failure}")
        return
    load.latencies[bytes(result.tx_hash)] = time.monotonic() - began
