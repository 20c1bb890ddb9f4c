"""What a real node answers: codes to transactions that are wrong, and queries by path, key and height."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

import pytest

from app.messages.bodies import Denom, Deposit, EndJob, Transfer
from app.messages.keyspace import ACCOUNTS, SUPPLY
from app.messages.record import decode
from app.messages.records import Account, Supply
from app.messages.rejections import Reason
from app.messages.transaction import TxBody, decode_tx, encode_body, seal, sign_body
from app.params import Params
from app.primitives.address import to_checksum
from app.primitives.amounts import Amount, Wei
from chain.localnet import control
from chain.localnet.genesis import CHAIN_ID
from chain.rpc.client import RpcClient
from chain.rpc.types import BroadcastCommitResult
from chain.rpc.verified import STATE_QUERY_PATH
from chain.tx.errors import reason_of
from tests.support.nodes import wait_for_height
from tests.support.restarts import weighted_localnet
from tests.support.transfers import FEE_WEI, SENDER_LPT, SENDER_WEI, Sender, recipient

pytestmark = pytest.mark.network

UNCHANGED, FAILING, QUEUED, POOR = Sender(0), Sender(1), Sender(2), Sender(99)
TO = recipient(1)
GOOD = TxBody(CHAIN_ID, 0, FEE_WEI, 0, (Transfer(TO, Denom.LPT, Amount(1)),))


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> Iterator[str]:
    net = weighted_localnet(tmp_path_factory.mktemp("one") / "net", (1000,), (UNCHANGED, FAILING, QUEUED))
    control.start_detached(net)
    try:
        wait_for_height(net.nodes[0].rpc_url, 3)
        yield net.nodes[0].rpc_url
    finally:
        control.stop(net)


def run(url: str, scenario: Callable[[RpcClient], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with RpcClient(url) as client:
            await scenario(client)

    asyncio.run(inside())


async def ask(client: RpcClient, path: str, height: int = 0) -> dict:
    answer = await client.abci_query(path, height=height)
    assert answer.code == 0, answer.log
    return json.loads(answer.value)


def signed(**changes) -> bytes:
    return sign_body(replace(GOOD, **changes), UNCHANGED.key)


def with_another_body() -> bytes:
    """A signature over something else: it names a sender that nobody has the key of, and that owns nothing."""
    return seal(encode_body(replace(GOOD, memo="changed")), decode_tx(signed()).signature)


WRONG = {
    "bytes that are nothing": (b"\xff" * 40, Reason.UNDECODABLE),
    "an unknown field": (signed() + b"\x78\x01", Reason.UNKNOWN_MESSAGE),
    "everything twice": (2 * signed(), Reason.NOT_CANONICAL),
    "no message": (signed(messages=()), Reason.INVALID_FIELD),
    "seventeen messages": (signed(messages=GOOD.messages * 17), Reason.LIMIT_EXCEEDED),
    "no signature": (seal(encode_body(GOOD), b""), Reason.INVALID_SIGNATURE),
    "another chain": (signed(chain_id="headwater-other"), Reason.WRONG_CHAIN),
    "a height that is over": (signed(valid_until_height=1), Reason.EXPIRED),
    "a nonce far ahead": (signed(nonce=10**6), Reason.NONCE_TOO_HIGH),
    "a fee below the minimum": (signed(fee_wei=Wei(1)), Reason.FEE_TOO_LOW),
    "a fee that nobody has": (signed(fee_wei=Wei(2 * SENDER_WEI)), Reason.INSUFFICIENT_FUNDS),
    "a sender without anything": (POOR.transfer(TO), Reason.INSUFFICIENT_FUNDS),
    "a signature over something else": (with_another_body(), Reason.INSUFFICIENT_FUNDS),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_transaction_is_refused_at_the_door_with_its_code_and_changes_nothing(url, what):
    raw, reason = WRONG[what]

    async def scenario(client):
        answer = await client.broadcast_tx_sync(raw)
        assert (reason_of(answer.code), answer.codespace) == (reason, "headwater"), answer.log
        assert answer.log
        account = await ask(client, f"/account/{to_checksum(UNCHANGED.address)}")
        assert (account["nonce"], account["lpt"], account["wei"]) == (0, str(SENDER_LPT), str(SENDER_WEI))

    run(url, scenario)


async def commit(client: RpcClient, raw: bytes) -> BroadcastCommitResult:
    sent = await client.broadcast_tx_commit(raw)
    assert sent.check.code == 0, sent.check.log
    return sent


def test_a_message_that_fails_in_a_block_takes_the_fee_and_the_nonce_and_nothing_else(url):
    async def scenario(client):
        before = await ask(client, f"/account/{to_checksum(FAILING.address)}")
        failing = {
            Reason.INSUFFICIENT_FUNDS: Transfer(TO, Denom.LPT, Amount(SENDER_LPT + 1)),
            Reason.ZERO_AMOUNT: Transfer(TO, Denom.LPT, Amount(0)),
            Reason.UNKNOWN_JOB: EndJob(12345),
        }
        for nonce, (reason, message) in enumerate(failing.items()):
            good_first = (Deposit(Wei(5)), message)
            sent = await commit(client, sign_body(TxBody(CHAIN_ID, nonce, FEE_WEI, 0, good_first), FAILING.key))
            assert (sent.result.code, sent.result.codespace) == (reason, "headwater"), sent.result.log
            assert [event.type for event in sent.result.events] == ["fee_paid"]
        after = await ask(client, f"/account/{to_checksum(FAILING.address)}")
        assert after["nonce"] == before["nonce"] + len(failing)
        assert after["lpt"] == before["lpt"]
        assert int(after["wei"]) == int(before["wei"]) - len(failing) * FEE_WEI
        assert (await ask(client, f"/deposit/{to_checksum(FAILING.address)}"))["amount"] == "0"

    run(url, scenario)


def test_a_used_nonce_is_refused_and_the_nonce_query_counts_what_waits_in_the_mempool(url):
    async def scenario(client):
        sent = await commit(client, QUEUED.transfer(TO))
        assert sent.result.code == 0, sent.result.log
        again = await client.broadcast_tx_sync(QUEUED.transfer(recipient(2), nonce=0))
        assert again.code == Reason.NONCE_TOO_LOW
        for _ in range(3):
            assert (await client.broadcast_tx_sync(QUEUED.transfer(TO))).code == 0
        assert (await ask(client, f"/nonce/{to_checksum(QUEUED.address)}"))["nonce"] == 4

    run(url, scenario)


def test_every_query_without_arguments_answers_json_with_its_height(url):
    paths = (
        *("status", "params", "round", "supply", "transcoders", "active", "election", "validators", "jobs"),
        *("challenges", "disputes", "verifiers", "profiles", "invariants", "due"),
    )

    async def scenario(client):
        for path in paths:
            assert (await ask(client, f"/{path}"))["height"] >= 3, path
        assert (await ask(client, "/invariants"))["holds"] is True
        assert set(await ask(client, "/params")) == {"height", *Params.__dataclass_fields__}

    run(url, scenario)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/nothing",
        "/account",
        "/account/0x12",
        "/job/9",
        "/job/minus",
        "/claims/\u00e9",
        "/p2p",
        "/store/x/key",
    ],
)
def test_a_query_that_has_no_answer_gets_a_code_and_a_text_and_the_node_lives(url, path):
    async def scenario(client):
        answer = await client.abci_query(path)
        assert answer.code != 0
        assert answer.log
        await client.health()
        assert (await client.abci_info()).height >= 3

    run(url, scenario)


def test_a_height_that_is_kept_answers_as_it_was_and_others_are_refused(url):
    async def scenario(client):
        first = await ask(client, "/status", 1)
        assert first["height"] == 1
        assert first["app_hash"] == (await client.header(2)).app_hash.hex()
        for height in (10**6, -1):
            answer = await client.abci_query("/status", height=height)
            assert answer.code != 0, height

    run(url, scenario)


def test_a_record_is_read_by_its_key_and_a_key_without_record_is_empty(url):
    async def scenario(client):
        answer = await client.abci_query(STATE_QUERY_PATH, ACCOUNTS.key(UNCHANGED.address))
        assert decode(Account, answer.value) == Account(0, SENDER_LPT, SENDER_WEI)
        supply = decode(Supply, (await client.abci_query(STATE_QUERY_PATH, SUPPLY.key())).value)
        assert str(supply.lpt) == (await ask(client, "/supply"))["supply"]["lpt"]
        nothing = await client.abci_query(STATE_QUERY_PATH, b"no such key")
        assert (nothing.code, nothing.value) == (0, b"")
        assert (await client.abci_query(STATE_QUERY_PATH, b"", prove=True)).value == b""

    run(url, scenario)
