"""Many transactions to one node: all get into blocks, whatever the node puts off, loses or does not answer."""

import asyncio

import pytest

from app.execution.mempool.own import MempoolOptions
from app.execution.mempool.pool import PoolLimits
from app.messages.bodies import Denom, Transfer
from app.messages.rejections import Rejection
from app.messages.transaction import TxBody, sign_body
from app.primitives.amounts import Amount, Wei
from chain.tx.batch import Batch, BatchLimits, BatchStalled, read_signed
from tests.support.engine_node import EngineNode
from tests.support.genesis_documents import CHAIN_ID, address_of, localnet_document, private_key

BOB = address_of("bob")
QUICK = BatchLimits(outstanding=20, poll_seconds=0.0, resend_seconds=0.05, stall_seconds=5)


class BlockNode(EngineNode):
    """Makes a block whenever somebody looks at an account."""

    async def abci_query(self, path, data=b"", height=0, prove=False):
        if "account" in path and not self.unreachable:
            self.make_block()
        return await super().abci_query(path, data, height, prove)


def signed(nonce, name="alice", fee=10**16):
    body = TxBody(CHAIN_ID, nonce, Wei(fee), 0, (Transfer(BOB, Denom.LPT, Amount(1)),))
    return sign_body(body, private_key(name))


def lines(count, name="alice"):
    return [signed(nonce, name).hex() for nonce in range(count)]


@pytest.fixture(params=["app", "flood"])
def node(request):
    return BlockNode(localnet_document(preset="test"), MempoolOptions() if request.param == "app" else None)


def run(node, source, limits=QUICK, observer=None):
    return asyncio.run(Batch(node, limits, observer).run(read_signed(source)))


def nonce_of(node, name="alice"):
    return node.engine.next_nonce(address_of(name))


def test_all_get_into_blocks_and_no_more_are_under_way_than_wanted(node):
    reports = []
    report = run(node, lines(90), observer=lambda now: reports.append((now.read, now.settled)))
    assert (report.read, report.included, report.refused) == (90, 90, [])
    assert nonce_of(node) == 90
    assert max(read - settled for read, settled in reports) <= QUICK.outstanding


def test_the_same_run_again_sends_nothing(node):
    run(node, lines(30))
    node.received.clear()
    report = run(node, lines(30))
    assert (report.included, node.received) == (30, [])


def test_a_run_that_was_interrupted_goes_on_where_it_stopped(node):
    run(node, lines(10))
    node.received.clear()
    assert run(node, lines(30)).included == 30
    assert node.received == [signed(nonce) for nonce in range(10, 30)]


def test_what_the_node_has_lost_is_sent_again_from_the_chains_nonce_on(node):
    class Forgetful:
        def __init__(self):
            self.times = 0

        def __call__(self, report):
            if report.accepted == 10 and not self.times:
                self.times += 1
                node.mempool.clear()
                node._cache.clear()
                if node.engine.owns_mempool:
                    node.engine._own._pool.drop_if(lambda entry: True)

    report = run(node, lines(10), observer=Forgetful())
    assert report.included == 10
    assert report.resent >= 10


def test_a_full_mempool_puts_off_what_it_does_not_take_and_gets_it_again():
    node = BlockNode(localnet_document(preset="test"), MempoolOptions(limits=PoolLimits(transactions=3)))
    report = run(node, lines(17))
    assert (report.included, report.refused) == (17, [])
    assert report.resent > 0


def test_a_node_that_does_not_answer_for_a_while_changes_nothing(node):
    outages = iter([2, 1])

    def observe(report):
        node.unreachable = next(outages, 0)

    node.lost_answers = 1
    assert run(node, lines(25), observer=observe).included == 25
    assert next(outages, None) is None


def test_what_the_chain_will_not_take_is_told_by_line_and_the_others_go_on(node):
    source = [*lines(3), "", signed(0, "validator0", fee=1).hex(), signed(3).hex()]
    report = run(node, source)
    assert report.included == 4
    ((place, reason, text),) = report.refused
    assert (place, reason) == (5, "FEE_TOO_LOW")
    assert "a fee of 1wei" in text


def test_a_gap_that_is_never_filled_ends_the_run_and_says_how_far_it_came(node):
    limits = BatchLimits(poll_seconds=0.01, resend_seconds=0.05, stall_seconds=0.3)
    with pytest.raises(BatchStalled, match=r"1 of 2 are done, and nothing gets into a block: try again later"):
        run(node, [signed(0).hex(), signed(2).hex()], limits)


@pytest.mark.parametrize("line", ["zz", "00ff", "é"])
def test_a_line_that_is_no_transaction_stops_before_anything_of_it_is_sent(node, line):
    with pytest.raises((ValueError, Rejection)):
        run(node, [line])
    assert node.received == []
