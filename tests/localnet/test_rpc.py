"""The RPC client against a real node."""

import asyncio
import hashlib
import os
import signal

import pytest

from chain.localnet import control
from chain.rpc.client import RpcClient
from chain.rpc.errors import AlreadyInMempool, RpcError, RpcUnreachable
from chain.rpc.subscription import Backoff, EventMessage, Subscription, SubscriptionGap
from chain.rpc.transport import RpcLimits
from chain.rpc.verified import ProofRefused, verified_get, verified_read
from tests.support.nodes import headwater_localnet, kvstore_localnet, wait_for_height
from tests.support.processes import Running

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def kvstore_url(tmp_path_factory):
    localnet = kvstore_localnet(tmp_path_factory.mktemp("kv") / "net")
    control.start_detached(localnet)
    yield localnet.nodes[0].rpc_url
    control.stop(localnet)


def run(url, scenario):
    async def inside():
        async with RpcClient(url) as client:
            return await scenario(client)

    return asyncio.run(inside())


async def until(question):
    """The first answer that is something."""
    while True:
        answer = await question()
        if answer:
            return answer
        await asyncio.sleep(0.05)


async def is_at(client, height):
    return (await client.status()).height >= height


def test_a_transaction_can_be_sent_found_and_queried(kvstore_url):
    async def scenario(client):
        sent = await client.broadcast_tx_commit(b"river=thames")
        assert (sent.check.code, sent.result.code) == (0, 0)
        assert sent.hash == hashlib.sha256(b"river=thames").digest()
        found = await until(lambda: client.tx(sent.hash))  # the node indexes after it tells
        assert (found.transaction, found.height, found.index) == (b"river=thames", sent.height, 0)
        assert found.result.events[0].attribute("key") == "river"
        block = await client.block(sent.height)
        assert block.transactions == (b"river=thames",)
        results = await client.block_results(sent.height)
        await until(lambda: is_at(client, sent.height + 1))
        assert (await client.header(sent.height + 1)).app_hash == results.app_hash
        answer = await client.abci_query("/store", b"river")
        assert answer.value == b"thames"

    run(kvstore_url, scenario)


def test_what_the_node_says_of_itself_is_typed(kvstore_url):
    async def scenario(client):
        await client.health()
        status = await client.status()
        validators = await client.validators()
        assert [v.public_key for v in validators] == [status.validator_public_key]
        assert (await client.genesis())["chain_id"] == status.chain_id
        assert (await client.abci_info()).height >= status.height - 1
        assert (await client.consensus_step()).height >= status.height
        assert await client.peers() == ()

    run(kvstore_url, scenario)


def test_errors_of_the_node_are_typed_and_an_unknown_transaction_is_none(kvstore_url):
    async def scenario(client):
        with pytest.raises(RpcError, match="must be less than or equal"):
            await client.block(10**9)
        assert await client.tx(bytes(32)) is None
        await client.broadcast_tx_sync(b"twice=1")
        with pytest.raises(AlreadyInMempool):
            await client.broadcast_tx_sync(b"twice=1")
        many = await client.broadcast_many_sync([b"m=1", b"m=1", b"n=2"])
        assert [type(answer).__name__ for answer in many] == ["BroadcastResult", "AlreadyInMempool", "BroadcastResult"]
        with pytest.raises(RpcError, match="parse query"):
            async with client.subscribe("not a query"):
                pass

    run(kvstore_url, scenario)


def test_a_subscription_delivers_blocks_in_order_and_transactions(kvstore_url):
    async def scenario(client):
        mine = f"tm.event = 'Tx' AND tx.hash = '{hashlib.sha256(b'event=1').hexdigest().upper()}'"
        async with client.subscribe("tm.event = 'NewBlock'") as blocks, client.subscribe(mine) as txs:
            await client.broadcast_tx_sync(b"event=1")
            seen = await anext(aiter(txs))
            assert isinstance(seen, EventMessage)
            assert seen.events["app.key"] == ["event", "1"]
            heights = []
            async for item in blocks:
                heights.append(item.height)
                if len(heights) == 3:
                    break
            assert heights == [heights[0], heights[0] + 1, heights[0] + 2]

    run(kvstore_url, scenario)


def test_a_subscription_survives_a_restart_of_the_node_and_tells_the_gap(tmp_path):
    node = kvstore_localnet(tmp_path / "net").nodes[0]
    start = ("node", "start", "--home", node.home.root)

    async def scenario(client):
        backoff = Backoff(first_seconds=0.1, longest_seconds=0.5)
        async with Subscription(client.transport, "tm.event = 'NewBlock'", backoff) as blocks:
            items = aiter(blocks)
            first = await anext(items)
            running.signal(signal.SIGTERM)
            await asyncio.to_thread(running.wait)
            restarted.append(Running(tmp_path / "log2", *start))
            async for item in items:
                if isinstance(item, SubscriptionGap):
                    assert item.last_height >= first.height
                    break
            after = await anext(items)
            assert after.height > first.height

    restarted: list[Running] = []
    with Running(tmp_path / "log", *start) as running:
        wait_for_height(node.rpc_url, 1)
        try:
            run(node.rpc_url, scenario)
        finally:
            for other in restarted:
                other.__exit__()


def test_no_node_is_unreachable_and_a_stopped_one_times_out(tmp_path):
    node = kvstore_localnet(tmp_path / "net").nodes[0]
    with pytest.raises(RpcUnreachable, match="cannot reach a node"):
        run(node.rpc_url, lambda client: client.status())
    with Running(tmp_path / "log", "node", "start", "--home", node.home.root) as running:
        wait_for_height(node.rpc_url, 1)
        cometbft = running.child("cometbft start")
        os.kill(cometbft, signal.SIGSTOP)

        async def scenario():
            async with RpcClient(node.rpc_url, RpcLimits(timeout_seconds=0.5, attempts=1)) as client:
                with pytest.raises(RpcUnreachable, match=r"did not answer within 0\.5 s"):
                    await client.status()

        asyncio.run(scenario())
        os.kill(cometbft, signal.SIGCONT)


def test_values_and_absences_are_proven_against_the_header(tmp_path):
    localnet = headwater_localnet(tmp_path / "net")
    node = localnet.nodes[0]
    with Running(tmp_path / "log", "node", "start", "--home", node.home.root):
        wait_for_height(node.rpc_url, 3)

        async def scenario(client):
            proven = await verified_read(client, b"params/")
            assert proven.value
            assert (await client.header(proven.height + 1)).app_hash == proven.app_hash
            assert await verified_get(client, b"params/", proven.height) == proven.value
            assert await verified_get(client, b"no such key") is None

        run(node.rpc_url, scenario)


def test_a_value_from_a_lying_node_is_refused(tmp_path):
    node = headwater_localnet(tmp_path / "net").nodes[0]
    with Running(tmp_path / "log", "node", "start", "--home", node.home.root):
        wait_for_height(node.rpc_url, 3)

        class Liar(RpcClient):
            """Believes one thing too little: the header of another height."""

            async def header(self, height=None):
                return await super().header(1)

        async def scenario():
            async with Liar(node.rpc_url) as client:
                with pytest.raises(ProofRefused, match="gave the header of height 1"):
                    await verified_get(client, b"params/")

        asyncio.run(scenario())
