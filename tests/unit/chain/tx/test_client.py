"""The client against the real application: order, nonces, lost connections, and what each refusal becomes."""

import asyncio
from dataclasses import replace

import pytest

from app.messages.bodies import Bond, Denom, EndJob, Reward, Transfer
from app.messages.events import FeePaid, TransferEvent
from app.messages.rejections import Reason, Rejection
from app.messages.transaction import decode_tx
from app.primitives.amounts import Amount, Lpt, Wei
from chain.keys.keyring import Signer
from chain.tx.client import IndexDisabled, TxClient, TxLimits, TxOptions
from chain.tx.errors import NodeUnreachable, TxRejected, TxTimeout
from chain.tx.queries import Queries
from tests.support.engine_node import EngineNode
from tests.support.genesis_documents import CHAIN_ID, address_of, localnet_document, private_key

IMMEDIATE = TxLimits(
    inclusion_seconds=0.3,
    reconnect_seconds=0.3,
    first_poll_seconds=0.0,
    longest_poll_seconds=0.01,
    rebroadcast_seconds=0.05,
)
BOB = address_of("bob")


@pytest.fixture
def node():
    return EngineNode(localnet_document(preset="test"))


@pytest.fixture
def client(node):
    return TxClient(node, Signer.of(private_key("alice")), CHAIN_ID, IMMEDIATE)


def _transfer(amount=1):
    return Transfer(BOB, Denom.LPT, Amount(amount))


def _lpt_of(node, address):
    return int(asyncio.run(Queries(node).account(address))["lpt"])


def _nonces(node):
    return [decode_tx(raw).body.nonce for raw in node.received]


def test_a_transfer_is_sent_included_and_understood(node, client):
    result = asyncio.run(client.send([_transfer(5)]))
    assert (result.code, result.reason, result.log) == (0, None, "")
    assert result.height == 2
    fee, transfer = result.events
    assert isinstance(fee, FeePaid)
    assert transfer == TransferEvent(client.signer.address, BOB, Denom.LPT, Amount(5))
    assert _lpt_of(node, BOB) == 5


def test_several_messages_are_one_transaction(node, client):
    result = asyncio.run(client.send([_transfer(1), _transfer(2)]))
    assert len(node.received) == 1
    assert len(result.events) == 3
    assert _lpt_of(node, BOB) == 3


def test_many_concurrent_transactions_of_one_key_keep_their_order(node, client):
    async def send_all():
        return await asyncio.gather(*(client.send([_transfer(amount)]) for amount in range(1, 51)))

    results = asyncio.run(send_all())
    assert _nonces(node) == list(range(50))
    assert [result.events[1].amount for result in results] == list(range(1, 51))
    assert _lpt_of(node, BOB) == sum(range(1, 51))


@pytest.mark.parametrize("amount", [1, 2])
def test_the_nonce_is_asked_for_again_when_somebody_else_has_used_it(node, client, amount):
    other = TxClient(node, client.signer, CHAIN_ID, IMMEDIATE)

    async def in_turns():
        await client.send([_transfer()])
        await other.send([_transfer(amount)])
        await other.send([_transfer(amount)])
        return await client.send([_transfer()])

    asyncio.run(in_turns())
    assert _lpt_of(node, BOB) == 2 + 2 * amount


def test_a_refusal_at_the_door_has_reason_and_text_and_uses_no_nonce(node, client):
    async def run():
        with pytest.raises(TxRejected) as caught:
            await client.send([_transfer()], TxOptions(fee_wei=Wei(1)))
        await client.send([_transfer()])
        return caught.value

    rejected = asyncio.run(run())
    assert (rejected.reason, rejected.code, rejected.height) == (Reason.FEE_TOO_LOW, 14, 0)
    assert "a fee of 1wei; at least" in rejected.text
    assert str(rejected).startswith("FEE_TOO_LOW: a fee of 1wei")
    assert _nonces(node) == [0, 0]


def test_a_refusal_in_the_block_has_reason_and_height_and_is_followed_by_the_next_nonce(node, client):
    async def run():
        with pytest.raises(TxRejected) as caught:
            await client.send([EndJob(77)])
        await client.send([_transfer()])
        return caught.value

    rejected = asyncio.run(run())
    assert (rejected.reason, rejected.height) == (Reason.UNKNOWN_JOB, 2)
    assert rejected.details()["reason"] == "UNKNOWN_JOB"
    assert "in block 2; the fee is paid" in str(rejected)
    assert _nonces(node) == [0, 1]


def test_no_answer_before_the_node_was_reached_is_tried_again(node, client):
    async def run():
        await client.send([_transfer()])
        node.unreachable = 3
        await client.send([_transfer()])

    asyncio.run(run())
    assert _lpt_of(node, BOB) == 2


def test_no_answer_to_the_question_for_the_nonce_is_waited_out_too(node, client):
    node.unreachable = 3
    asyncio.run(client.send([_transfer()]))
    assert _nonces(node) == [0]


def test_a_lost_answer_leads_to_the_same_bytes_again_and_to_one_transfer(node, client):
    node.lost_answers = 1
    asyncio.run(client.send([_transfer(5)]))
    assert len(node.received) == 2
    assert len(set(node.received)) == 1
    assert _lpt_of(node, BOB) == 5


def test_a_lost_answer_to_what_a_block_holds_already_is_found_in_the_index(node, client):
    async def run():
        signed = await client.prepare([_transfer(5)])
        await node.broadcast_tx_sync(signed.raw)
        node.make_block()
        node.restart()
        node.unreachable = 1
        await client.broadcast(signed.raw)
        return await client.wait(signed)

    assert asyncio.run(run()).code == 0
    assert _lpt_of(node, BOB) == 5


@pytest.mark.parametrize("blocks_since", [0, 1, 2, 7, 60])
def test_what_a_block_holds_and_the_index_does_not_is_found_in_the_block(node, client, blocks_since):
    """As after the end of a node between a block and its index."""

    async def run():
        await client.send([_transfer()])
        signed = await client.submit([_transfer(5)])
        node.make_block()
        height = int(node.engine.height)
        node.forget_index()
        for _ in range(blocks_since):
            node.make_block()
        node.restart()
        node.makes_blocks = False
        result = await client.wait(signed)
        node.unreachable = 1
        await client.broadcast(signed.raw)
        return result, height

    result, height = asyncio.run(run())
    assert (result.code, result.height) == (0, height)
    assert result.events[1] == TransferEvent(client.signer.address, BOB, Denom.LPT, Amount(5))
    assert _lpt_of(node, BOB) == 6


def test_after_a_lost_connection_a_nonce_that_another_transaction_used_is_a_rejection(node, client):
    async def run():
        signed = await client.prepare([_transfer(5)])
        await TxClient(node, client.signer, CHAIN_ID, IMMEDIATE).send([_transfer(7)])
        node.unreachable = 1
        with pytest.raises(TxRejected) as caught:
            await client.broadcast(signed.raw)
        return caught.value.reason

    assert asyncio.run(run()) is Reason.NONCE_TOO_LOW
    assert _lpt_of(node, BOB) == 7


def test_when_it_is_unknown_whether_a_copy_arrived_nothing_else_is_sent(node, client):
    async def run():
        signed = await client.prepare([_transfer(5)])
        rival = await TxClient(node, client.signer, CHAIN_ID, IMMEDIATE).prepare([_transfer(7)])
        await node.broadcast_tx_sync(rival.raw)
        node.unreachable, node.makes_blocks = 1, False
        with pytest.raises(NodeUnreachable) as caught:
            await client.broadcast(signed.raw)
        return caught.value.raw == signed.raw

    assert asyncio.run(run())


def test_a_node_that_never_answers_is_an_error_with_the_bytes_to_send_again(node, client):
    async def run():
        await client.send([_transfer()])
        node.unreachable = 10**9
        with pytest.raises(NodeUnreachable) as caught:
            await client.submit([_transfer(5)])
        node.unreachable = 0
        await client.broadcast(caught.value.raw)
        node.make_block()
        return caught.value

    lost = asyncio.run(run())
    assert lost.exit_code == 3
    assert lost.details()["transaction"] == lost.raw.hex()
    assert _lpt_of(node, BOB) == 6


def test_a_node_that_lost_its_mempool_gets_the_bytes_again(node, client):
    async def run():
        signed = await client.submit([_transfer(5)])
        node.restart()
        return await client.wait(signed)

    assert asyncio.run(run()).code == 0


def test_what_no_block_holds_in_time_is_a_timeout_that_names_the_transaction(node, client):
    async def run():
        node.makes_blocks = False
        signed = await client.submit([_transfer()])
        with pytest.raises(TxTimeout) as caught:
            await client.wait(signed)
        assert caught.value.tx_hash == signed.tx_hash
        return caught.value

    timeout = asyncio.run(run())
    assert timeout.exit_code == 3
    assert "it may still come, ask with: headwater query tx" in str(timeout)


def test_an_expired_transaction_is_a_rejection_and_no_timeout(node, client):
    async def run():
        node.makes_blocks = False
        signed = await client.submit([_transfer()], TxOptions(valid_for_blocks=1))
        node.restart()
        node.make_block()
        node.make_block()
        with pytest.raises(TxRejected) as caught:
            await client.wait(signed)
        return caught.value.reason

    assert asyncio.run(run()) is Reason.EXPIRED


def test_a_fee_that_became_too_low_is_estimated_again(node, client):
    async def run():
        await client.send([_transfer()])
        client._params = replace(client._params, base_fee_wei=Wei(0), fee_per_byte_wei=Wei(0))
        await client.send([_transfer()])

    asyncio.run(run())
    assert _lpt_of(node, BOB) == 2


def test_a_given_nonce_makes_sending_the_same_again_harmless(node, client):
    async def run():
        first = await client.send([_transfer()], TxOptions(nonce=0))
        assert await client.send([_transfer()], TxOptions(nonce=0)) == first

    asyncio.run(run())
    assert _lpt_of(node, BOB) == 1


def test_a_given_nonce_is_not_replaced(node, client):
    async def run():
        await client.send([_transfer()])
        with pytest.raises(TxRejected) as caught:
            await client.submit([_transfer(2)], TxOptions(nonce=0))
        return caught.value.reason

    assert asyncio.run(run()) is Reason.NONCE_TOO_LOW
    assert _lpt_of(node, BOB) == 1


def test_prepare_sends_nothing(node, client):
    signed = asyncio.run(client.prepare([_transfer()], TxOptions(memo="hello")))
    assert node.received == []
    assert (signed.body.memo, signed.body.nonce) == ("hello", 0)


def test_what_is_malformed_is_refused_before_it_is_sent(node, client):
    with pytest.raises(Rejection):
        asyncio.run(client.send([Reward()] * 17))
    assert node.received == []


def test_a_wrong_chain_id_is_refused_by_name(node):
    client = TxClient(node, Signer.of(private_key("alice")), "another-chain", IMMEDIATE)
    with pytest.raises(TxRejected) as caught:
        asyncio.run(client.send([_transfer()]))
    assert caught.value.reason is Reason.WRONG_CHAIN


def test_without_an_index_the_error_says_so(node, client):
    node.index_enabled = False
    with pytest.raises(IndexDisabled, match="keeps no index of transactions"):
        asyncio.run(client.send([_transfer()]))


def test_a_transaction_that_fails_does_not_hold_up_those_behind_it(node, client):
    async def run():
        failing = client.send([Bond(Lpt(10**30), client.signer.address)])
        return await asyncio.gather(failing, client.send([_transfer(3)]), return_exceptions=True)

    rejected, sent = asyncio.run(run())
    assert isinstance(rejected, TxRejected)
    assert rejected.reason is Reason.INSUFFICIENT_FUNDS
    assert sent.code == 0
