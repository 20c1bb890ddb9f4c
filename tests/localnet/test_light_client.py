"""Reading an account without trusting the node: through CometBFT's own light client, and with ours."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.messages.keyspace import ACCOUNTS
from app.messages.record import decode, encode
from app.messages.records import Account
from app.primitives.amounts import Lpt, Wei
from chain.cometbft.binary import find_binary
from chain.localnet import control
from chain.localnet.layout import Localnet
from chain.node.ports import choose_free_ports
from chain.rpc.client import RpcClient
from chain.rpc.errors import RpcError, RpcFailure
from chain.rpc.transport import RpcLimits
from chain.rpc.verified import STATE_QUERY_PATH, ProofRefused, verified_get, verified_read
from tests.support.forger import Forge, forging, in_query
from tests.support.nodes import ask, wait_for_height
from tests.support.restarts import weighted_localnet
from tests.support.transfers import SENDER_LPT, SENDER_WEI, Sender, recipient

pytestmark = pytest.mark.network

SENDER, OTHER = Sender(0), Sender(1)
KEY = ACCOUNTS.key(SENDER.address)
OTHER_KEY = ACCOUNTS.key(OTHER.address)
ABSENT = ACCOUNTS.key(recipient(1))
SPENT = 7
LIMIT_SECONDS = 60
Forging = Callable[[RpcClient], Awaitable[Forge]]


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[tuple[Localnet, int]]:
    """Two validators and the height at which an account has sent something, with blocks on top of it."""
    net = weighted_localnet(tmp_path_factory.mktemp("light") / "net", (1000, 1000), (SENDER, OTHER))
    control.start_detached(net)
    try:
        url = net.nodes[0].rpc_url
        sent = ask(url, lambda client: client.broadcast_tx_commit(SENDER.transfer(OTHER.address, SPENT)))
        assert sent.result.code == 0
        wait_for_height(url, sent.height + 3)
        yield net, sent.height
    finally:
        control.stop(net)


@pytest.fixture
def localnet(world) -> Localnet:
    return world[0]


@pytest.fixture
def height_of_transfer(world) -> int:
    return world[1]


@asynccontextmanager
async def light_client(localnet: Localnet, primary: str, home: Path) -> AsyncIterator[RpcClient]:
    """CometBFT's light client that trusts block 1 and asks `primary`; the second node is its witness."""
    async with RpcClient(localnet.nodes[0].rpc_url) as node:
        trusted = (await node.block(1)).hash
    (port,) = choose_free_ports(1)
    with (home / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(find_binary(), "light", localnet.chain_id, "-p", primary, "-w", localnet.nodes[1].rpc_url),
            *("--height", "1", "--hash", trusted.hex(), "--home-dir", home, "--laddr", f"tcp://127.0.0.1:{port}"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        async with RpcClient(f"http://127.0.0.1:{port}", RpcLimits(attempts=1)) as client:
            await _until_it_answers(client)
            yield client
    finally:
        process.kill()
        await process.wait()


async def _until_it_answers(client: RpcClient) -> None:
    """Wait until it listens and has verified its way to a block."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while True:
            try:
                await client.header(2)
                return
            except RpcFailure:
                await asyncio.sleep(0.1)


def test_the_stock_light_client_gives_an_account_with_its_proof_and_ours_reads_through_it(localnet, tmp_path):
    async def scenario():
        async with light_client(localnet, localnet.nodes[0].rpc_url, tmp_path) as client:
            answer = await client.abci_query(STATE_QUERY_PATH, KEY, prove=True)
            assert (answer.code, answer.key) == (0, KEY)
            assert [item.type for item in answer.proof] == ["simple:v", "simple:v"]
            account = decode(Account, answer.value)
            assert (account.nonce, account.lpt) == (1, SENDER_LPT - SPENT)
            assert account.wei < SENDER_WEI
            assert await verified_get(client, KEY) == answer.value

    asyncio.run(scenario())


def test_the_stock_light_client_refuses_a_forged_balance(localnet, tmp_path):
    async def scenario():
        async with (
            forging(localnet.nodes[0].rpc_url) as forger,
            light_client(localnet, forger.url, tmp_path) as client,
        ):
            honest = await client.abci_query(STATE_QUERY_PATH, KEY, prove=True)
            forger.forge = in_query(value=enriched(honest.value))
            with pytest.raises(RpcError, match="leaf hash mismatch"):
                await client.abci_query(STATE_QUERY_PATH, KEY, prove=True)
            forger.forge = None
            assert (await client.abci_query(STATE_QUERY_PATH, KEY, prove=True)).value == honest.value

    asyncio.run(scenario())


def enriched(record: bytes) -> bytes:
    return encode(replace(decode(Account, record), lpt=Lpt(10**30)))


def refusal_of(localnet: Localnet, forge_from: Forging, key: bytes = KEY, height: int | None = None) -> str:
    """What our client says to a node that forges; `forge_from` sees the honest node first."""

    async def scenario() -> str:
        async with forging(localnet.nodes[0].rpc_url) as forger, RpcClient(forger.url) as client:
            await verified_get(client, key, height)
            forger.forge = await forge_from(client)
            with pytest.raises(ProofRefused) as refused:
                await verified_get(client, key, height)
            return str(refused.value)

    return asyncio.run(scenario())


async def answer_to(client: RpcClient, key: bytes, height: int = 0) -> dict[str, Any]:
    """A whole honest answer, for use where it does not belong."""
    asked = {"path": STATE_QUERY_PATH, "data": key.hex(), "height": str(height), "prove": True}
    response: dict[str, Any] = (await client.transport.read("abci_query", asked))["response"]
    return response


def test_our_client_refuses_a_forged_value(localnet):
    async def forge(client):
        return in_query(value=enriched(await verified_get(client, KEY)))

    assert "the proof is for another value of this key" in refusal_of(localnet, forge)


def test_our_client_refuses_the_answer_for_another_key(localnet):
    async def forge(client):
        return in_query(**await answer_to(client, OTHER_KEY))

    assert f"answered for key {OTHER_KEY.hex()}, asked was {KEY.hex()}" in refusal_of(localnet, forge)


def test_our_client_refuses_the_answer_for_another_key_under_the_name_of_ours(localnet):
    async def forge(client):
        return in_query(**await answer_to(client, OTHER_KEY) | {"key": base64.b64encode(KEY).decode()})

    assert f"the proof is for key {OTHER_KEY.hex()}" in refusal_of(localnet, forge)


def test_our_client_refuses_the_answer_for_another_height(localnet, height_of_transfer):
    async def forge(client):
        return in_query(**await answer_to(client, KEY, height_of_transfer - 1))

    told = refusal_of(localnet, forge, height=height_of_transfer)
    assert f"answered for height {height_of_transfer - 1}, asked was {height_of_transfer}" in told


def test_our_client_refuses_an_older_state_under_the_name_of_the_height_that_it_asked_for(localnet, height_of_transfer):
    async def forge(client):
        return in_query(**await answer_to(client, KEY, height_of_transfer - 1) | {"height": str(height_of_transfer)})

    assert "the proof leads to another app hash" in refusal_of(localnet, forge, height=height_of_transfer)


def test_our_client_refuses_the_absence_of_a_key_that_is_there(localnet):
    async def forge(client):
        return in_query(**await answer_to(client, ABSENT) | {"key": base64.b64encode(KEY).decode()})

    assert f"the proof is for key {ABSENT.hex()}" in refusal_of(localnet, forge)


def test_our_client_refuses_an_empty_answer_without_a_proof(localnet):
    async def forge(_):
        return in_query(value="", proofOps=None)

    assert "the answer carries no proof" in refusal_of(localnet, forge)


def test_our_client_refuses_a_value_for_a_key_that_is_absent(localnet):
    async def forge(client):
        return in_query(value=await verified_get(client, KEY))

    assert "answered with a value and with a proof that there is none" in refusal_of(localnet, forge, ABSENT)


def test_our_client_refuses_the_header_of_another_block(localnet):
    async def forge(client):
        header = await client.transport.read("header", {"height": "2"})

        def replace_header(method, result):
            if method == "header":
                result.update(header)

        return replace_header

    assert "gave the header of height 2" in refusal_of(localnet, forge)


def test_absence_is_proven_until_the_account_exists(localnet):
    newcomer = recipient(2)

    async def scenario():
        async with RpcClient(localnet.nodes[0].rpc_url) as client:
            before = await verified_read(client, ACCOUNTS.key(newcomer))
            assert before.value is None
            sent = await client.broadcast_tx_commit(OTHER.transfer(newcomer, 5))
            async with client.subscribe("tm.event = 'NewBlock'") as blocks:
                async for block in blocks:
                    if block.height > sent.height + 1:
                        break
            after = await verified_read(client, ACCOUNTS.key(newcomer), sent.height)
            assert decode(Account, after.value) == Account(0, Lpt(5), Wei(0))
            assert await verified_get(client, ACCOUNTS.key(newcomer), before.height) is None

    asyncio.run(scenario())
