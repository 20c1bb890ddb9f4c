"""The application's mempool does what its rules say, whatever comes in which order: compared with a naive model."""

import random
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.execution.mempool.pool import Pool, PoolLimits
from app.messages.records import Account
from app.messages.rejections import Rejection
from tests.support.naive_pool import Item, NaivePool

LIMITS = PoolLimits(transactions=8, size_bytes=1200, per_sender=5, bytes_per_sender=900, parked_per_sender=4)
SENDERS = [bytes([65 + number]) * 20 for number in range(3)]
WEI = 1500
SEEDS = (*range(40), 279)
STEPS = 150


class Both:
    """The pool and the model, given the same."""

    def __init__(self):
        self.accounts = dict.fromkeys(SENDERS, (0, WEI))
        self.gone = []
        self.pool = Pool(LIMITS, self.gone.append)
        self.model = NaivePool(LIMITS, dict(self.accounts))
        self.height = 1

    def offer(self, sender, nonce, fee, size, valid_until):
        if valid_until and valid_until < self.height:
            return
        raw = (sender[:1] + f"{nonce}.{fee}.{valid_until}".encode()).ljust(size, b".")
        body = SimpleNamespace(nonce=nonce, fee_wei=fee, valid_until_height=valid_until)
        tx = SimpleNamespace(body=body, weight=1)
        expected = self.model.offer(Item(raw, sender, nonce, fee, valid_until), self.height)
        try:
            self.pool.offer(
                raw, tx, sender, lambda who: Account(self.accounts[who][0], 0, self.accounts[who][1]), self.height
            )
            found = None
        except Rejection as rejection:
            found = rejection.reason
        assert found == expected

    def block(self, count, poorer, wei):
        """A block with the first so many of what a proposer would take, and somebody who has spent money."""
        chosen = self.pool.choose(700, count)
        assert chosen == self.model.choose(700, count)
        changed = {}
        for raw in chosen:
            sender = next(who for who in SENDERS if who[:1] == raw[:1])
            nonce, _ = changed.get(sender, self.accounts[sender])
            changed[sender] = nonce + 1, self.accounts[sender][1]
        if poorer is not None:
            changed[poorer] = changed.get(poorer, self.accounts[poorer])[0], wei
        self.settle(changed)

    def wait(self, blocks):
        for _ in range(blocks):
            self.settle({})

    def settle(self, changed):
        self.height += 1
        self.accounts |= changed
        self.model.settle(changed, self.height)
        self.pool.settle(self.height, {who: Account(nonce, 0, wei) for who, (nonce, wei) in changed.items()})

    def compare(self):
        waiting = {entry.raw for entry in self.pool}
        assert waiting == {item.raw for item in self.model.items}
        assert len(self.pool) == len(waiting) <= LIMITS.transactions
        assert self.pool.size_bytes == sum(map(len, waiting)) <= LIMITS.size_bytes
        assert not waiting & {entry.raw for entry in self.gone if entry.is_gone} - {e.raw for e in self.pool}
        assert all(entry.is_gone for entry in self.gone) and not any(entry.is_gone for entry in self.pool)
        for sender in SENDERS:
            if self.model.of(sender):
                assert self.pool.next_nonce(sender) == self.model.end(sender)
        assert self.pool.choose(10**6, 100) == self.model.choose(10**6, 100)


def one_step(both: Both, chance: random.Random) -> None:
    """Mostly a transaction near its sender's next nonce, at one of a few prices; sometimes a block, or a wait."""
    kind = chance.random()
    if kind < 0.8:
        sender = chance.choice(SENDERS)
        nonce = max(0, both.model.end(sender) + chance.choice([-1, 0, 0, 0, 1, 2, 5]))
        valid_until = chance.choice([0, 0, 0, both.height, both.height + 2, both.height + 30])
        fee, size = (
            chance.choice([100, 105, 109, 110, 111, 120, 121, 200, 900]),
            chance.choice([100, 100, 100, 200, 500]),
        )
        both.offer(sender, nonce, fee, size, valid_until)
    elif kind < 0.92:
        both.block(chance.randrange(5), chance.choice([None, *SENDERS]), chance.choice([250, WEI, WEI]))
    else:
        both.wait(chance.choice([1, 1, 2, 9, 21]))


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_comes_in_which_order_the_pool_holds_and_proposes_what_the_rules_say(seed):
    both, chance = Both(), random.Random(seed)
    for _ in range(STEPS):
        one_step(both, chance)
        both.compare()


@settings(max_examples=100, deadline=None)
@given(st.permutations(range(5)))
def test_whatever_the_order_of_coming_a_senders_nonces_are_proposed_in_order(order):
    both = Both()
    for nonce in order:
        both.offer(SENDERS[0], nonce, 100, 100, 0)
    assert [raw[1:2] for raw in both.pool.choose(10**6, 10)] == [b"0", b"1", b"2", b"3", b"4"]


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_a_block_holds_no_more_transactions_than_it_may(limit):
    both = Both()
    for nonce in range(5):
        both.offer(SENDERS[0], nonce, 100, 100, 0)
    assert len(both.pool.choose(10**6, limit)) == limit
