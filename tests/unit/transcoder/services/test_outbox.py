"""The sender against the real engine: each intent happens exactly once, whatever dies in between.

The intents are transfers of 1, 2, 4 and so on: the balance of the receiver shows which of them happened how often.
"""

import asyncio
import contextlib
import random
from dataclasses import replace

import pytest

from app.messages.bodies import Denom, EndJob, Transfer
from app.messages.rejections import Reason
from app.messages.transaction import decode_tx, encode_message
from app.primitives.amounts import Amount
from chain.keys.keyring import Signer
from chain.rpc.errors import RpcError, RpcUnreachable
from chain.tx.queries import Queries
from chain.tx.signing import make_body, sign, with_estimated_fee
from tests.support.engine_node import EngineNode
from tests.support.genesis_documents import CHAIN_ID, address_of, localnet_document, private_key
from transcoder.journal.core import Journal
from transcoder.journal.records import Intent, OutboxState
from transcoder.services import outbox
from transcoder.services.outbox import OutboxSender

ALICE = Signer.of(private_key("alice"))
BOB = address_of("bob")
DOCUMENT = localnet_document(preset="test")


class FaultyNode(EngineNode):
    """A node with an index of transactions that may have holes, and a mempool that may be full."""

    has_holes = False
    is_full = False

    async def tx(self, hash_):
        found = await super().tx(hash_)
        return None if self.has_holes else found

    async def broadcast_tx_sync(self, transaction):
        if self.is_full:
            raise RpcError(-32603, "Internal error", "mempool is full: number of txs 5000 (max: 5000)")
        return await super().broadcast_tx_sync(transaction)


@pytest.fixture
def node():
    return FaultyNode(DOCUMENT)


@pytest.fixture
def journal(tmp_path):
    with contextlib.closing(Journal(tmp_path / "journal.sqlite", "a")) as journal:
        yield journal


@pytest.fixture
def sender(journal, node):
    return sender_of(journal, node)


def sender_of(journal, node, passing=frozenset()):
    return OutboxSender(journal, node, ALICE, CHAIN_ID, passing)


def transfer(amount):
    return Intent(f"transfer/{amount}", encode_message(Transfer(BOB, Denom.LPT, Amount(amount))))


def steps(sender, count=6):
    async def run():
        for _ in range(count):
            left = await sender.step()
        return left

    return asyncio.run(run())


def balance(node, address=BOB):
    return int(asyncio.run(Queries(node).account(address))["lpt"])


def states(journal, intents):
    return [journal.outbox.get(intent.key).state for intent in intents]


def signed_elsewhere(node, nonce, message=None):
    """A transaction of the same key that the outbox does not know."""
    params = asyncio.run(Queries(node).params())
    body = make_body(CHAIN_ID, nonce, (message or Transfer(address_of("carol"), Denom.LPT, Amount(1)),))
    return sign(with_estimated_fee(body, params), ALICE).raw


# --- the usual way


def test_intents_are_sent_in_their_order_and_noted_as_included(journal, node, sender):
    intents = [transfer(2**each) for each in range(5)]
    for intent in intents:
        journal.outbox.enqueue(intent)
    assert steps(sender) == 0
    assert balance(node) == 31
    assert states(journal, intents) == [OutboxState.INCLUDED] * 5
    assert [decode_tx(raw).body.nonce for raw in node.received] == [0, 1, 2, 3, 4]
    assert journal.outbox.get("transfer/1").height == 2


def test_a_long_outbox_is_sent_in_portions_that_the_mempool_takes(journal, node, sender, monkeypatch):
    monkeypatch.setattr(outbox, "MAX_IN_FLIGHT", 3)
    for each in range(7):
        journal.outbox.enqueue(transfer(2**each))
    left = []

    async def run():
        for _ in range(4):
            left.append(await sender.step())
            assert len(node.mempool) <= 3
            node.make_block()

    asyncio.run(run())
    assert left == [7, 4, 1, 0]
    assert balance(node) == 127


def test_nothing_is_asked_while_there_is_nothing_to_send(sender, node):
    node.unreachable = 10**6
    assert steps(sender, 1) == 0


# --- crashes of this process


class Crash(BaseException):
    """The process is killed."""


class CrashPoint:
    """Kills at the n-th moment: before or after a call to the journal or the node takes effect."""

    def __init__(self, at):
        self.at = at
        self.moments = 0

    def pass_by(self):
        self.moments += 1
        if self.moments == self.at:
            raise Crash


class DyingNode:
    def __init__(self, node, point):
        self._node = node
        self._point = point

    def __getattr__(self, name):
        async def call(*args, **kwargs):
            self._point.pass_by()
            answer = await getattr(self._node, name)(*args, **kwargs)
            self._point.pass_by()
            return answer

        return call


def open_dying(path, point):
    journal = Journal(path, "a")
    calls = journal.call

    async def call(method, *args, **kwargs):
        point.pass_by()
        answer = await calls(method, *args, **kwargs)
        point.pass_by()
        return answer

    journal.call = call
    return journal


def run_until_crash(path, node, at, intents):
    """Send with a process that dies at a moment; whether it did."""
    point = CrashPoint(at)
    with contextlib.closing(open_dying(path, point)) as journal:
        for intent in intents:
            journal.outbox.enqueue(intent)
        try:
            steps(sender_of(journal, DyingNode(node, point)), 4)
        except Crash:
            return True
    return False


@pytest.mark.parametrize("has_holes", [False, True], ids=["indexed", "with holes in the index"])
@pytest.mark.parametrize("restarts", [False, True], ids=["node stays", "node restarts"])
def test_killed_at_any_moment_every_intent_happens_once(tmp_path, restarts, has_holes):
    intents = [transfer(1), transfer(2), transfer(4)]
    for at in range(1, 10**6):
        node = FaultyNode(DOCUMENT)
        path = tmp_path / f"{at}.sqlite"
        has_crashed = run_until_crash(path, node, at, intents)
        if restarts:
            node.restart()
        node.has_holes = has_holes
        with contextlib.closing(Journal(path, "a")) as journal:
            steps(sender_of(journal, node), 6)
            assert balance(node) == 7, f"killed at moment {at}"
            assert states(journal, intents) == [OutboxState.INCLUDED] * 3
        if not has_crashed:
            break
    assert at > 40


# --- the node


@pytest.mark.parametrize("seed", range(12))
def test_through_any_trouble_of_the_node_every_intent_happens_once(journal, node, sender, seed):
    """Lost connections and answers, forgotten mempools, blocks at any time, holes in the index, a full mempool."""
    dice = random.Random(seed)
    intents = [transfer(2**each) for each in range(12)]
    waiting = list(intents)

    def trouble():
        node.unreachable = dice.choice([0, 0, 0, 1, 3])
        node.lost_answers = dice.choice([0, 0, 1])
        node.makes_blocks = dice.random() < 0.5
        node.has_holes = dice.random() < 0.4
        node.is_full = dice.random() < 0.2
        if dice.random() < 0.2:
            node.restart()
        if dice.random() < 0.5:
            node.make_block()
        if waiting and dice.random() < 0.4:
            journal.outbox.enqueue(waiting.pop(0))

    async def run():
        for _ in range(120):
            trouble()
            with contextlib.suppress(RpcUnreachable):
                await sender.step()
        node.unreachable = node.lost_answers = 0
        node.makes_blocks, node.is_full = True, False
        return [await sender.step() for _ in range(4)][-1]

    assert asyncio.run(run()) == 0
    assert not waiting
    assert balance(node) == 2**12 - 1
    assert states(journal, intents) == [OutboxState.INCLUDED] * 12


def test_a_transaction_that_the_node_forgot_is_sent_again_as_it_was(journal, node, sender):
    node.makes_blocks = False
    journal.outbox.enqueue(transfer(1))
    steps(sender, 1)
    node.restart()
    steps(sender, 1)
    assert len(node.received) == 2
    assert len(set(node.received)) == 1
    node.make_block()
    assert steps(sender, 1) == 0
    assert balance(node) == 1


def test_without_an_index_the_blocks_tell(journal, node, sender):
    node.index_enabled = False
    journal.outbox.enqueue(transfer(1))
    steps(sender, 1)
    node.make_block()
    assert steps(sender, 1) == 0
    assert journal.outbox.get("transfer/1").height == 2


def test_nothing_is_sent_again_while_it_is_unknown_what_used_the_nonce(journal, node, sender):
    node.has_holes = True
    journal.outbox.enqueue(transfer(1))
    steps(sender, 1)
    node.make_block()
    kept = node._blocks.pop(2)
    with pytest.raises(RpcError, match="not available"):
        steps(sender, 1)
    assert journal.outbox.get("transfer/1").state is OutboxState.SENT
    node._blocks[2] = kept
    assert steps(sender, 1) == 0
    assert balance(node) == 1


# --- others with the same key


def test_a_nonce_that_another_transaction_used_is_replaced(journal, node, sender):
    node.makes_blocks = False
    journal.outbox.enqueue(transfer(1))
    steps(sender, 1)
    node.restart()
    node.make_block(signed_elsewhere(node, 0))
    assert balance(node, address_of("carol")) == 1
    node.makes_blocks = True
    assert steps(sender) == 0
    assert balance(node) == 1
    assert journal.outbox.get("transfer/1").nonce == 1


def test_both_in_one_block_the_second_has_no_effect_and_is_signed_again(journal, node, sender):
    """The block holds our transaction as well, refused for its nonce: it must not count as happened or as failed."""
    node.makes_blocks = False
    journal.outbox.enqueue(transfer(1))
    steps(sender, 1)
    ours = node.mempool.pop()
    node.make_block(signed_elsewhere(node, 0), ours)
    assert balance(node) == 0
    node.makes_blocks = True
    assert steps(sender) == 0
    assert balance(node) == 1


# --- refusals


def test_what_a_block_refuses_has_failed_with_the_reason(journal, node, sender):
    journal.outbox.enqueue(Intent("end/9", encode_message(EndJob(9))))
    journal.outbox.enqueue(transfer(1))
    assert steps(sender) == 0
    entry = journal.outbox.get("end/9")
    assert (entry.state, entry.problem) == (OutboxState.FAILED, "UNKNOWN_JOB: there is no job 9")
    assert balance(node) == 1


def test_what_passes_is_put_off_each_time_for_longer(journal, node):
    sender = sender_of(journal, node, frozenset({Reason.UNKNOWN_JOB}))
    journal.outbox.enqueue(Intent("end/9", encode_message(EndJob(9))))
    tried = []
    for _ in range(40):
        steps(sender, 1)
        node.make_block()
        entry = journal.outbox.get("end/9")
        tried.append(entry.attempts)
        assert entry.state is not OutboxState.FAILED
    assert [tried.count(number) for number in range(1, 4)] == pytest.approx([2, 4, 8], abs=3)
    assert 3 <= tried[-1] <= 5
    assert entry.problem == "UNKNOWN_JOB: there is no job 9"


def test_what_is_put_off_does_not_hold_up_the_rest(journal, node):
    sender = sender_of(journal, node, frozenset({Reason.UNKNOWN_JOB}))
    journal.outbox.enqueue(Intent("end/9", encode_message(EndJob(9))))
    steps(sender, 2)
    journal.outbox.enqueue(transfer(1))
    steps(sender, 3)
    assert balance(node) == 1


def test_an_empty_account_fails_at_once_unless_it_may_be_filled_up(journal, node):
    poor = Signer.of(private_key("poor"))
    for passing in ((), (Reason.INSUFFICIENT_FUNDS,)):
        sender = OutboxSender(journal, node, poor, CHAIN_ID, frozenset(passing))
        intent = Intent(f"{len(passing)}", encode_message(Transfer(BOB, Denom.LPT, Amount(1))))
        journal.outbox.enqueue(intent)
        steps(sender, 2)
    assert journal.outbox.get("0").state is OutboxState.FAILED
    assert "INSUFFICIENT_FUNDS" in journal.outbox.get("0").problem
    assert journal.outbox.get("1").state is OutboxState.SENT


def test_a_fee_that_has_become_too_low_is_signed_again_with_the_same_nonce(journal, node, sender, monkeypatch):
    real = outbox.with_estimated_fee
    monkeypatch.setattr(outbox, "with_estimated_fee", lambda body, params: replace(real(body, params), fee_wei=1))
    node.makes_blocks = False
    for amount in (1, 2):
        journal.outbox.enqueue(transfer(amount))
    steps(sender, 1)
    assert journal.outbox.get("transfer/1").state is OutboxState.SENT
    monkeypatch.undo()
    node.makes_blocks = True
    assert steps(sender) == 0
    assert balance(node) == 3
    assert journal.outbox.get("transfer/1").nonce == 0


def test_a_full_mempool_is_waited_for(journal, node, sender):
    node.is_full = True
    journal.outbox.enqueue(transfer(1))
    assert steps(sender) == 1
    node.is_full = False
    assert steps(sender) == 0
    assert balance(node) == 1


def test_a_message_that_no_node_could_read_fails_alone(journal, node, sender):
    journal.outbox.enqueue(Intent("garbage", b"\xff\xff"))
    journal.outbox.enqueue(transfer(1))
    assert steps(sender) == 0
    assert journal.outbox.get("garbage").state is OutboxState.FAILED
    assert balance(node) == 1
