"""Four validators with the application's mempool: what a client was told is accepted is on the chain exactly once.

Also where one sender's transactions go to all nodes in turns, and where a node is killed the moment it has answered:
what it has accepted may have reached nobody else.
"""

import asyncio
import json
from dataclasses import replace

import pytest

from chain.cometbft.config import APP
from chain.localnet.layout import Localnet
from chain.rpc.client import RpcClient
from tests.support.audit import Account, audit, in_groups, until_included
from tests.support.restarts import APPLICATION, COMETBFT, ONE_TRY, running, weighted_localnet
from tests.support.transfers import Sender, recipient
from tests.support.waiting import until

pytestmark = pytest.mark.network

LIMIT_SECONDS = 120
BUNDLE = 20
PER_SENDER = 400
VICTIM = 3


def test_every_accepted_transaction_is_on_the_chain_exactly_once_whoever_is_killed(tmp_path):
    senders = tuple(Sender(number) for number in range(5))
    net = weighted_localnet(tmp_path / "net", (1000,) * 4, senders, mempool=APP)
    accounts = [Account(sender, sender.transfers(PER_SENDER)) for sender in senders]
    wanderer, doomed = accounts[4], accounts[VICTIM]

    async def stream(account: Account, client: RpcClient) -> None:
        for group in in_groups(account.transfers, BUNDLE):
            await account.send(client, group)
            await asyncio.sleep(0.05)

    async def wander(clients: list[RpcClient]) -> None:
        for number, group in enumerate(in_groups(wanderer.transfers, BUNDLE)):
            order = clients[number % 4 :] + clients[: number % 4]
            await wanderer.send_somewhere(order, group)
            await asyncio.sleep(0.05)

    async def scenario() -> None:
        async with running(*net.nodes) as nodes:
            for node in nodes:
                await node.reach(2)
            clients = [RpcClient(node.url, ONE_TRY) for node in nodes]
            others = [asyncio.create_task(stream(accounts[number], clients[number])) for number in range(VICTIM)]
            others.append(asyncio.create_task(wander(clients)))
            await asyncio.gather(*(doomed.send(clients[VICTIM], g) for g in in_groups(doomed.transfers, BUNDLE)))
            for which in (COMETBFT, APPLICATION):
                nodes[VICTIM].kill(which)
            await nodes[VICTIM].failure()
            await asyncio.gather(*others)
            nodes[VICTIM].start()
            await nodes[VICTIM].reach(2)
            assert [len(account.accepted) for account in accounts] == [PER_SENDER] * 5
            last = await until_included(clients[0], accounts, LIMIT_SECONDS)
            await nodes[VICTIM].reach(last)
            for number in (0, VICTIM):
                await audit(clients[number], accounts, last)
            for client in clients:
                await client.close()

    asyncio.run(scenario())


def in_a_row(net: Localnet) -> Localnet:
    """The same network with each node connected to the next one only."""
    for place, node in enumerate(net.nodes):
        config = net.node_config(node)
        nearest = [other.home.node_key().node_id for other in net.nodes[max(0, place - 1) : place + 2]]
        peers = tuple(peer for peer in config.persistent_peers if peer.split("@")[0] in nearest)
        node.home.rewrite_config(replace(config, persistent_peers=peers, relays=True))
    return net


def test_in_a_row_of_nodes_a_transaction_is_handed_on_to_the_last_one(tmp_path):
    sender = Sender(0)
    net = in_a_row(weighted_localnet(tmp_path / "net", (1000,) * 4, (sender,), mempool=APP))
    early = sender.transfer(recipient(0), nonce=1)  # no block can hold it, so that it is not there by being included

    async def scenario() -> None:
        async with running(*net.nodes) as nodes:
            for node in nodes:
                await node.reach(2)
            async with RpcClient(nodes[0].url) as first, RpcClient(nodes[3].url) as last:
                assert (await first.broadcast_bundle([early])).codes == (0,)

                async def has_it() -> bool:
                    return json.loads((await last.abci_query("mempool")).value)["transactions"] == 1

                await until(has_it, "the transaction in the mempool of the last node", LIMIT_SECONDS)

    asyncio.run(scenario())
