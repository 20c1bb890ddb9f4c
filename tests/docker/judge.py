"""The checks that every network must pass, whatever was done to it."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from app.messages.transaction import hash_tx
from chain.rpc.client import RpcClient
from tests.docker.engine import GUARD_SECONDS, list_containers, read_log
from tests.docker.load import Load
from tests.docker.network import Network, Node
from transcoder.services.chain_reader import ChainReader

HEADERS_PER_CALL = 20
BAD_SIGNS = ("Traceback (most recent call last)", "panic:", "CONSENSUS FAILURE")
LOST_APPLICATION = re.compile(r"(read|write) message: .*(EOF|connection reset by peer|broken pipe)")
"""What CometBFT adds to its CONSENSUS FAILURE when the application is killed in the middle of a call."""


async def judge(network: Network, load: Load, tolerated: str = "", *, killed: bool = False) -> str:
    """Raise AssertionError with all that is wrong, or say what was compared.

    A log with the text `tolerated` may have bad signs: they were caused on purpose. `killed` says that applications
    were, so that CometBFT may say that it lost one.
    """
    height = max(await network.heights()) + 1
    await network.reach(height, GUARD_SECONDS)
    chains = await asyncio.gather(*(read_chain(node, height) for node in network.nodes))
    problems = [*_differences(network, chains), *load.failures]
    problems += await _transactions(network.nodes[0], height, load)
    problems += await _invariants(network)
    problems += await find_bad_signs(network, tolerated, killed)
    assert not problems, "\n".join(problems)
    return f"{len(chains)} nodes agree on {height} blocks"


async def read_chain(node: Node, height: int) -> list[tuple[str, str]]:
    """Of every height from 1 on the block, and the app hash that this node's own application answered."""
    found: dict[int, tuple[str, str]] = {}
    async with RpcClient(node.url) as client:
        while len(found) < height:
            top = height - len(found)
            params = {"minHeight": str(max(1, top - HEADERS_PER_CALL + 1)), "maxHeight": str(top)}
            metas = (await client.transport.read("blockchain", params))["block_metas"]
            assert metas, f"{node.name} has no block {top}"
            for meta in metas:
                number = int(meta["header"]["height"])
                found[number] = (meta["block_id"]["hash"], (await client.block_results(number)).app_hash.hex())
    return [found[number] for number in range(1, height + 1)]


def _differences(network: Network, chains: list[list[tuple[str, str]]]) -> Iterator[str]:
    for node, chain in zip(network.nodes, chains, strict=True):
        for height, (own, first) in enumerate(zip(chain, chains[0], strict=True), 1):
            if own != first:
                yield f"{node.name} has another block {height}: {own}, {network.nodes[0].name} has {first}"
                break


async def _transactions(node: Node, height: int, load: Load) -> list[str]:
    """Every accepted transaction stands in exactly one block, and no transaction in two."""
    counts: Counter[bytes] = Counter()
    async with RpcClient(node.url) as client:
        for number in range(1, height + 1):
            block = await client.block(number)
            counts.update(bytes(hash_tx(raw)) for raw in block.transactions)
    repeated = [f"{tx.hex()} is in {count} blocks" for tx, count in counts.items() if count > 1]
    return repeated + [f"accepted, but in no block: {tx.hex()}" for tx in load.latencies if tx not in counts]


async def _invariants(network: Network) -> list[str]:
    broken = []
    for node in network.nodes:
        async with RpcClient(node.url) as client:
            answer = await ChainReader(client).ask("/invariants")
        broken += [] if answer["holds"] else [f"{node.name}: {line}" for line in answer["broken"]]
    return broken


async def find_bad_signs(network: Network, tolerated: str = "", killed: bool = False) -> list[str]:
    """Lines of any log that no healthy program writes."""
    texts = {name: await read_log(name) for name in await list_containers(network.label)}
    for path in await asyncio.to_thread(lambda: sorted(network.root.rglob("*.log"))):
        texts[str(path)] = await asyncio.to_thread(Path.read_text, path, errors="replace")
    judged = {name: text for name, text in texts.items() if not tolerated or tolerated not in text}
    return [f"{name}: {line[:500]}" for name, text in judged.items() for line in _bad_lines(text, killed)]


def _bad_lines(text: str, killed: bool) -> Iterator[str]:
    for line in text.splitlines():
        if any(sign in line for sign in BAD_SIGNS) and not (killed and LOST_APPLICATION.search(line)):
            yield line
