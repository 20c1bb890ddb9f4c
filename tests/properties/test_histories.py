"""Random histories over every message type, garbled ones included: all invariants after each block."""

import pytest

from app.messages.rejections import Reason
from tests.support.histories import History

BLOCKS = 100


@pytest.mark.parametrize("seed", range(8))
def test_every_invariant_holds_after_every_block_of_a_random_history(seed):
    history = History(seed)
    for _ in range(BLOCKS):
        txs, said = history.block()
        result = history.chain.block(*txs, **said)  # checks all invariants
        assert all(tx.code == 0 or Reason(tx.code) for tx in result.tx_results)
        assert all(tx.log for tx in result.tx_results if tx.code), "a refusal without a text"
