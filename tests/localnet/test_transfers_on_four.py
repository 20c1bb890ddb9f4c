"""Four validators and many senders: whatever order gossip makes of it, every transfer is in the chain exactly once."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest

from app.messages.rejections import Reason
from chain.cometbft.config import MEMPOOLS
from chain.localnet import control
from chain.localnet.layout import Localnet
from chain.rpc.client import RpcClient
from chain.rpc.errors import AlreadyInMempool, SeenBefore
from chain.tx.queries import Queries
from tests.support.nodes import wait_for_height
from tests.support.processes import headwater
from tests.support.restarts import weighted_localnet
from tests.support.transfers import SENDER_LPT, Sender, recipient

pytestmark = pytest.mark.network

LIMIT_SECONDS = 90
TEN, WANDERER, DOUBLE, TWIN, FILED = range(10), 10, 11, 12, (13, 14, 15)


@pytest.fixture(scope="module", params=MEMPOOLS)
def localnet(request, tmp_path_factory) -> Iterator[Localnet]:
    accounts = tuple(Sender(number) for number in range(16))
    net = weighted_localnet(tmp_path_factory.mktemp("four") / "net", (1000,) * 4, accounts, mempool=request.param)
    control.start_detached(net)
    try:
        for node in net.nodes:
            wait_for_height(node.rpc_url, 2)
        yield net
    finally:
        control.stop(net)


class Clients:
    """A client per node, open for one test."""

    def __init__(self, localnet: Localnet) -> None:
        self.all = [RpcClient(node.rpc_url) for node in localnet.nodes]

    async def __aenter__(self) -> list[RpcClient]:
        return self.all

    async def __aexit__(self, *_: object) -> None:
        for client in self.all:
            await client.close()


async def nonce_of(client: RpcClient, sender: Sender) -> int:
    return int((await Queries(client).account(sender.address))["nonce"])


async def until_nonces(client: RpcClient, wanted: dict[Sender, int]) -> int:
    """Wait until the chain has so many transactions of each sender; the height then."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while True:
            nonces = {sender: await nonce_of(client, sender) for sender in wanted}
            if nonces == wanted:
                return (await client.abci_info()).height
            await asyncio.sleep(0.1)


async def chain_of(client: RpcClient, last: int) -> list[tuple[bytes, int]]:
    """All transactions up to a height, in order, with their codes."""
    found: list[tuple[bytes, int]] = []
    for height in range(1, last + 1):
        block, results = await client.block(height), await client.block_results(height)
        found += zip(block.transactions, [result.code for result in results.transactions], strict=True)
    return found


async def code_of(client: RpcClient, raw: bytes) -> int:
    """What the application says of a transaction, also where CometBFT has met it before and does not ask."""
    try:
        return (await client.broadcast_tx_sync(raw)).code
    except SeenBefore:
        return (await client.broadcast_bundle([raw])).codes[0]


async def send_in_order(client: RpcClient, transactions: Sequence[bytes]) -> None:
    for raw in transactions:
        answer = await client.broadcast_tx_sync(raw)
        assert answer.code == 0, answer.log


def test_200_transfers_of_ten_senders_are_all_included_exactly_once_and_all_nodes_agree(localnet):
    senders = [Sender(number) for number in TEN]
    transfers = {sender: sender.transfers(20) for sender in senders}

    async def scenario():
        async with Clients(localnet) as clients:
            await asyncio.gather(
                *(send_in_order(clients[number % 4], transfers[sender]) for number, sender in enumerate(senders))
            )
            last = await until_nonces(clients[0], dict.fromkeys(senders, 20))
            for client in clients[1:]:
                await until_nonces(client, dict.fromkeys(senders, 20))
            chains = [await chain_of(client, last) for client in clients]
            assert chains[1:] == chains[:1] * 3
            included = Counter(raw for raw, code in chains[0] if code == 0)
            assert included == Counter(raw for own in transfers.values() for raw in own)
            for sender in senders:
                own = set(transfers[sender])
                assert [raw for raw, _ in chains[0] if raw in own] == transfers[sender]
            return [await app_hashes(client, last) for client in clients]

    hashes = asyncio.run(scenario())
    assert hashes[1:] == hashes[:1] * 3


async def app_hashes(client: RpcClient, last: int) -> list[bytes]:
    return [(await client.block_results(height)).app_hash for height in range(1, last + 1)]


def test_the_invariants_hold_on_every_node_and_the_sent_amounts_have_left(localnet):
    async def scenario():
        async with Clients(localnet) as clients:
            for client in clients:
                answer = await Queries(client).invariants()
                assert (answer["holds"], answer["broken"]) == (True, [])
                account = await Queries(client).account(Sender(0).address)
                assert int(account["lpt"]) == SENDER_LPT - account["nonce"]

    asyncio.run(scenario())


def test_one_senders_nonces_spread_over_all_nodes_are_all_included(localnet):
    sender = Sender(WANDERER)
    transfers = sender.transfers(40)

    async def scenario():
        async with Clients(localnet) as clients:
            for number, raw in enumerate(transfers):
                answer = await clients[number % 4].broadcast_tx_sync(raw)
                assert answer.code == 0, answer.log
            last = await until_nonces(clients[3], {sender: 40})
            mine = set(transfers)
            assert [item for item in await chain_of(clients[3], last) if item[0] in mine] == [(r, 0) for r in transfers]

    asyncio.run(scenario())


def test_a_file_of_signed_transfers_is_submitted_and_once_more_is_only_counted(localnet, tmp_path):
    senders = [Sender(number) for number in FILED]
    queues = [sender.transfers(100) for sender in senders]
    file = tmp_path / "signed.txt"
    file.write_text("".join(f"{raw.hex()}\n" for turn in zip(*queues, strict=True) for raw in turn))
    command = ("tx", "submit", "--file", str(file), "--node", localnet.nodes[1].rpc_url, "-o", "json")
    for _ in range(2):
        done = headwater(*command)
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert (report["read"], report["included"], report["refused"]) == (300, 300, [])

    async def scenario():
        async with Clients(localnet) as clients:
            last = await until_nonces(clients[0], dict.fromkeys(senders, 100))
            chain = [raw for raw, code in await chain_of(clients[0], last) if code == 0]
            for own in queues:
                assert [raw for raw in chain if raw in own] == own

    asyncio.run(scenario())


def test_one_transaction_sent_to_every_node_at_once_is_included_once(localnet):
    sender = Sender(TWIN)
    raw = sender.transfer(recipient(1))

    async def scenario():
        async with Clients(localnet) as clients:
            answers = await asyncio.gather(*(c.broadcast_tx_sync(raw) for c in clients), return_exceptions=True)
            for answer in answers:
                assert isinstance(answer, AlreadyInMempool) or answer.code in (0, Reason.ALREADY_KNOWN), answer
            await until_nonces(clients[0], {sender: 1})
            last = (await clients[0].status()).height
            await asyncio.to_thread(wait_for_height, clients[0].url, last + 2)
            assert (await chain_of(clients[0], last + 1)).count((raw, 0)) == 1

    asyncio.run(scenario())


def test_of_two_transactions_with_one_nonce_one_is_included_and_the_other_never(localnet):
    sender = Sender(DOUBLE)
    first, second = sender.transfer(recipient(1), nonce=0), sender.transfer(recipient(2), nonce=0)

    async def scenario():
        async with Clients(localnet) as clients:
            await asyncio.gather(clients[0].broadcast_tx_sync(first), clients[2].broadcast_tx_sync(second))
            await until_nonces(clients[0], {sender: 1})
            last = (await clients[0].status()).height
            await asyncio.to_thread(wait_for_height, clients[0].url, last + 3)
            codes = {raw: code for raw, code in await chain_of(clients[0], last + 2) if raw in (first, second)}
            assert Counter(codes.values())[0] == 1
            loser = first if codes.get(second) == 0 else second
            assert codes.get(loser, Reason.NONCE_TOO_LOW) == Reason.NONCE_TOO_LOW
            for client in clients:
                assert await code_of(client, loser) == Reason.NONCE_TOO_LOW

    asyncio.run(scenario())
