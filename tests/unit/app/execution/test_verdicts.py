"""What is known of bytes is kept, within bounds, and never for bytes that were refused."""

import tracemalloc

import pytest

from app.execution import verdicts as module
from app.execution.verdicts import Verdicts
from app.messages.bodies import Reward
from app.messages.rejections import Rejection
from app.messages.transaction import TxBody, sign_body
from tests.support.chain_driver import ALICE


def tx(nonce):
    return sign_body(TxBody("chain", nonce, 0, 0, (Reward(),), "m" * 100), ALICE.key)


@pytest.fixture
def recovered(monkeypatch):
    """The transactions whose sender was recovered."""
    calls = []
    real = module.recover_sender
    monkeypatch.setattr(module, "recover_sender", lambda found: calls.append(found.body.nonce) or real(found))
    return calls


def test_a_signature_is_looked_at_once(recovered):
    verdicts = Verdicts()
    found = [verdicts.judge(tx(1)) for _ in range(3)]
    assert recovered == [1]
    assert found[0][1] == ALICE.address
    assert found[0] is found[2]


def test_what_is_forgotten_is_looked_at_again(recovered):
    verdicts = Verdicts()
    verdicts.judge(tx(1))
    verdicts.forget(tx(1))
    verdicts.forget(b"never seen")
    verdicts.judge(tx(1))
    assert recovered == [1, 1]


def test_the_oldest_give_way_to_new_ones(recovered):
    verdicts = Verdicts(max_bytes=3 * len(tx(1)))
    for nonce in (1, 2, 3, 4):
        verdicts.judge(tx(nonce))
    verdicts.judge(tx(4))
    assert recovered == [1, 2, 3, 4]
    verdicts.judge(tx(1))
    assert recovered == [1, 2, 3, 4, 1]


def test_a_transaction_larger_than_the_memory_is_judged_and_not_kept(recovered):
    verdicts = Verdicts(max_bytes=10)
    assert verdicts.judge(tx(1))[1] == verdicts.judge(tx(1))[1] == ALICE.address
    assert recovered == [1, 1]


def test_refused_bytes_take_no_memory():
    verdicts = Verdicts()

    def refuse(number):
        with pytest.raises(Rejection):
            verdicts.judge(b"\xff%d" % number)

    refuse(0)
    tracemalloc.start()
    for number in range(2000):
        refuse(number % 5)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 100_000
