"""Two running nodes with one validator key: nobody posts evidence, the network finds it by itself.

Twins that are in step vote alike, which is no offence. Here each keeps its transactions to itself, so that in the turn
of their key each proposes, and votes for, a block of its own. A node does not send a vote to a peer that says it has
one of this validator already; so both send theirs quickly, and the peer is slow to say so.
"""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from app.primitives.address import Address
from app.primitives.amounts import UNITS_PER_TOKEN as LPT
from chain.cometbft.home import NodeHome
from chain.localnet.layout import Localnet, LocalnetNode
from chain.node.ports import choose_free_ports
from chain.rpc.client import RpcClient
from chain.tx.queries import Queries
from tests.support.genesis_documents import address_of
from tests.support.restarts import LIMIT_SECONDS, Node, running, weighted_localnet
from tests.support.transfers import Sender

pytestmark = pytest.mark.network

KEEPS_TO_ITSELF = ("[mempool]\n", "[mempool]\nbroadcast = false\n")
SENDS_QUICKLY = ("[consensus]", '[consensus]\npeer_gossip_sleep_duration = "5ms"')
SAYS_SLOWLY = ('flush_throttle_timeout = "10ms"', 'flush_throttle_timeout = "100ms"')


def rewrite(home: NodeHome, *changes: tuple[str, str]) -> None:
    """Change a node's config.toml where it says these things."""
    text = home.config_file.read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    home.config_file.write_text(text)


def make_twin(localnet: Localnet, node: LocalnetNode, peer: LocalnetNode) -> LocalnetNode:
    """Another node with the validator key of `node`, which knows only `peer`, as `node` does."""
    rpc_port, p2p_port = choose_free_ports(2)
    twin = LocalnetNode("twin", NodeHome(localnet.root / "twin"), rpc_port, p2p_port)
    twin.home.config_file.parent.mkdir(parents=True)
    twin.home.validator_key_file.write_bytes(node.home.validator_key_file.read_bytes())
    twin.home.initialise(replace(localnet, nodes=(peer, twin)).node_config(twin))
    twin.home.write_genesis(node.home.genesis_file.read_bytes())
    return twin


async def offer(node: Node, sender: Sender) -> None:
    """Keep a transfer in this node's own mempool."""
    async with RpcClient(node.url) as client:
        for transfer in sender.transfers(1000):
            await client.broadcast_tx_sync(transfer)
            await asyncio.sleep(0.3)


async def tombstoned(node: Node, address: Address) -> dict[str, Any]:
    """The transcoder's record, as soon as it is tombstoned."""
    async with RpcClient(node.url) as client, asyncio.timeout(LIMIT_SECONDS):
        for _ in range(10**6):
            found = await Queries(client).transcoder(address)
            if found["tombstoned"]:
                return found
            await asyncio.sleep(0.1)
    raise AssertionError("not found")


def test_two_nodes_with_one_key_are_found_slashed_and_tombstoned_by_the_network_itself(tmp_path):
    sender = Sender(0)
    localnet = weighted_localnet(tmp_path / "net", (3000, 1000), (sender,))
    honest, doubled = localnet.nodes
    twin = make_twin(localnet, doubled, honest)
    rewrite(doubled.home, KEEPS_TO_ITSELF, SENDS_QUICKLY)
    rewrite(twin.home, KEEPS_TO_ITSELF, SENDS_QUICKLY)
    rewrite(honest.home, SAYS_SLOWLY)

    async def scenario():
        async with running(honest, doubled, twin) as (witness, first, second):
            await asyncio.gather(witness.reach(2), first.reach(2), second.reach(2))
            load = asyncio.create_task(offer(first, sender))
            found = await tombstoned(witness, address_of(doubled.name))
            load.cancel()
            await asyncio.gather(load, return_exceptions=True)
            last = await witness.height() + 3
            await asyncio.gather(*(node.reach(last) for node in (witness, first, second)))
            async with RpcClient(witness.url) as client:
                return found, await client.validators(last)

    found, validators = asyncio.run(scenario())
    assert found["own_stake"] == str(950 * LPT)
    assert [item.address for item in validators] == [honest.home.validator_key().address]
