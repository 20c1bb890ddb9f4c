"""One phase of load on a running network, and its figures, taken from the blocks."""

import asyncio
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from chain.cometbft.config import APP
from chain.localnet.layout import Localnet
from chain.node.join import ask_for_mempool
from chain.rpc.client import RpcClient
from tests.benchmarks.load import Connection, Tally, connect
from tests.benchmarks.load_network import Watch, cpu_seconds, watching

DRAIN_SECONDS = 90.0
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Figures:
    """What a phase gave.

    Attributes:
        committed_per_second: over the blocks told of during the load, the first of them left out.
        latencies: seconds from the sending of a transaction to the news of its block.
        cpu_us: microseconds of CPU per committed transaction, by process.
        repeated: sent again because the mempool was full.
        drain_seconds: from the last that was sent until nothing waited any more.
    """

    committed: int
    committed_per_second: float
    block_seconds: float
    latency_mean: float
    latency_p50: float
    cpu_us: dict[str, float]
    accepted: int
    repeated: int
    refused: int
    drain_seconds: float = 0
    longest_block_seconds: float = 0


async def run_phase(
    localnet: Localnet,
    supervisor: int,
    queues: Sequence[list[bytes]],
    seconds: float,
    rate_per_second: float = 0,
    bundle: int = 1,
) -> Figures:
    """Load the network through one connection per queue, spread over its nodes, for so long; then let it drain.

    Queues are consumed: what was not sent stays in them. `rate_per_second` is of all together; 0 is as fast as it goes.
    `bundle` is how many transactions go together.
    """
    groups = [[queue[at : at + bundle] for at in range(0, len(queue), bundle)] for queue in queues]
    tally, nodes = Tally(), localnet.nodes
    async with watching(nodes[0].rpc_url) as watch, RpcClient(nodes[0].rpc_url) as client:
        await _until_empty(client)
        cpu, began = cpu_seconds(supervisor), time.monotonic()
        connections = [
            await connect(nodes[number % len(nodes)].rpc_url, own, tally, rate_per_second / len(queues) / bundle)
            for number, own in enumerate(groups)
        ]
        await asyncio.sleep(seconds)
        ended, client_cpu = time.monotonic(), cpu_seconds(supervisor)["client"]
        await _stop(connections)
        stopped = time.monotonic()
        for node in nodes:
            async with RpcClient(node.rpc_url) as other:
                await _until_empty(other)
        drained = time.monotonic() - stopped
        spent = cpu_seconds(supervisor) | {"client": client_cpu}
        await asyncio.sleep(POLL_SECONDS)
        blocks = await _read_blocks(client, watch, began)
    sent = _take_sent(connections, groups, queues)
    return _figures(tally, sent, blocks, (ended, drained), {name: spent[name] - cpu[name] for name in cpu})


Block = tuple[float, tuple[bytes, ...]]
"""When it was told of, and its transactions."""


async def _stop(connections: Sequence[Connection]) -> None:
    for connection in connections:
        connection.stop()
    await asyncio.wait_for(asyncio.gather(*(connection.done for connection in connections)), DRAIN_SECONDS)
    for connection in connections:
        connection.close()


async def _until_empty(client: RpcClient) -> None:
    async with asyncio.timeout(DRAIN_SECONDS):
        while True:
            if await _waiting(client) == 0:
                return
            await asyncio.sleep(POLL_SECONDS)


async def _waiting(client: RpcClient) -> int:
    """How many transactions wait, in the application's mempool or in CometBFT's."""
    if await ask_for_mempool(client) == APP:
        described = json.loads((await client.abci_query("mempool")).value)
        return int(described["transactions"])
    return int((await client.transport.read("num_unconfirmed_txs"))["total"])


async def _read_blocks(client: RpcClient, watch: Watch, began: float) -> list[Block]:
    told = sorted((at, height) for height, at in watch.blocks.items() if at > began)
    return [(at, (await client.block(height)).transactions) for at, height in told]


def _take_sent(
    connections: Sequence[Connection], groups: Sequence[Sequence[Sequence[bytes]]], queues: Sequence[list[bytes]]
) -> dict[bytes, float]:
    """When each transaction was sent first; the queues keep the rest."""
    sent: dict[bytes, float] = {}
    for connection, own, queue in zip(connections, groups, queues, strict=True):
        for group, at in zip(own[: connection.sent], connection.sent_at, strict=False):
            sent.update(dict.fromkeys(group, at))
        queue[:] = [raw for group in own[connection.sent :] for raw in group]
    return sent


def _figures(
    tally: Tally, sent: dict[bytes, float], blocks: Sequence[Block], times: tuple[float, float], cpu: dict[str, float]
) -> Figures:
    ended, drained = times
    committed = sum(len(transactions) for _, transactions in blocks)
    waits = [at - sent[raw] for at, transactions in blocks for raw in transactions if raw in sent]
    during = [block for block in blocks if block[0] <= ended]
    if len(during) < 2:
        raise RuntimeError(f"{len(during)} blocks during the load: this machine is too busy to measure anything")
    lasted = during[-1][0] - during[0][0]
    return Figures(
        committed=committed,
        committed_per_second=sum(len(transactions) for _, transactions in during[1:]) / lasted,
        block_seconds=lasted / (len(during) - 1),
        latency_mean=statistics.fmean(waits),
        latency_p50=statistics.median(waits),
        cpu_us={name: 1e6 * seconds / committed for name, seconds in cpu.items()},
        accepted=tally.accepted,
        repeated=tally.repeated,
        refused=len(tally.refused),
        drain_seconds=drained,
        longest_block_seconds=max(after[0] - before[0] for before, after in pairwise(during)),
    )
