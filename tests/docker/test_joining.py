"""A fifth machine joins four validators that are at work, with nothing but the address of one of them."""

import asyncio
import hashlib

import pytest

from chain.cometbft.home import NodeHome
from chain.rpc.client import RpcClient
from tests.docker.engine import GUARD_SECONDS, docker
from tests.docker.judge import judge
from tests.docker.load import steady_load
from tests.docker.manifest import Manifest
from tests.docker.network import HOME, Network, Node, choose_ports, running, start_node
from tests.support.waiting import until

pytestmark = [pytest.mark.docker(seconds=80), pytest.mark.usefixtures("image")]
NEWCOMER, JOIN_HEIGHT = "newcomer", 50
MANIFEST = Manifest("late joiner", transfers_per_second=4, accounts=(NEWCOMER,), commit_ms=300)
TERMS = ("--price", "5gwei", "--cut", "2%", "--share", "25%", "--uri", "http://127.0.0.1:1")


async def _join(network: Network) -> Node:
    """Make the newcomer's home from what a validator answers, and start it."""
    (port,) = choose_ports(1)
    home = network.root / NEWCOMER
    node = Node(NEWCOMER, f"{network.label}-{NEWCOMER}", f"{network.subnet}.50", f"http://127.0.0.1:{port}", home)
    genesis = hashlib.sha256((network.nodes[0].home / "config" / "genesis.json").read_bytes()).hexdigest()
    command = ("node", "init", "--moniker", NEWCOMER, "--rpc", "tcp://0.0.0.0:26657")
    asked = ("--join", "http://validator0:26657", "--genesis-hash", genesis)
    await network.run_once(home, *command, *asked)
    await start_node(network, node)
    return node


async def _has_caught_up(node: Node, height: int) -> None:
    async def is_there() -> bool:
        status = await node.status()
        return status is not None and status.height >= height and not status.catching_up

    await until(is_there, f"height {height} and the end of block sync", GUARD_SECONDS)


async def _signs(node: Node, address: bytes) -> None:
    """Wait for a commit with this validator's signature."""
    async with RpcClient(node.url) as client:

        async def has_signed() -> bool:
            commit = (await client.transport.read("commit"))["signed_header"]["commit"]
            return address.hex().upper() in {e["validator_address"] for e in commit["signatures"] if e["signature"]}

        await until(has_signed, "a commit with the newcomer's signature", GUARD_SECONDS)


async def test_a_fifth_node_catches_up_by_block_sync_and_becomes_a_validator_that_signs():
    loop = asyncio.get_running_loop()
    async with running(MANIFEST) as network:
        async with steady_load(network, MANIFEST.transfers_per_second) as load:
            await network.reach(JOIN_HEIGHT, GUARD_SECONDS)
            began = loop.time()
            node = await _join(network)
            await _has_caught_up(node, JOIN_HEIGHT)
            caught_up = loop.time() - began
            for words in (("bond", "1000LPT"), ("transcoder", "--node-home", HOME, *TERMS)):
                await docker("exec", node.container, "headwater", "tx", *words, "--from", NEWCOMER)
            await _signs(node, NodeHome(node.home).validator_key().address)
            signed = loop.time() - began
        network.nodes.append(node)
        told = await judge(network, load)
    return [f"late joiner: caught up {caught_up:.1f} s after its start, signed after {signed:.1f} s; {told}"]
