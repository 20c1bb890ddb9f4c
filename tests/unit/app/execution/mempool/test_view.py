"""CheckTx: consecutive nonces for one block, a short queue for early ones, fees that are promised only once."""

import pytest

from app.execution.mempool.view import MAX_AHEAD, MAX_WAIT_BLOCKS
from app.messages.bodies import Denom, Transfer
from app.messages.rejections import Reason
from app.messages.transaction import TxBody, sign_body
from app.primitives.address import to_checksum
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, BOB, CHAIN_ID, ETH, Party, start

NOTHING_WRONG = 0


class Mempool:
    """CheckTx of one engine, transactions of Alice by nonce."""

    def __init__(self):
        self.chain = start(TEST)
        self.next_block = self.chain.block

    def tx(self, nonce, party=ALICE, **options):
        return self.chain.sign(party, Transfer(BOB.address, Denom.ETH, 1), nonce=nonce, **options)

    def check(self, nonce, **options):
        return self.chain.engine.check_tx(self.tx(nonce, **options)).code

    def next_nonce(self, party=ALICE):
        return self.chain.engine.next_nonce(party.address)


def test_consecutive_nonces_of_one_sender_are_accepted_for_one_block():
    pool = Mempool()
    assert [pool.check(nonce) for nonce in range(5)] == [NOTHING_WRONG] * 5
    assert pool.next_nonce() == 5


def test_the_same_transaction_is_accepted_once():
    pool = Mempool()
    assert [pool.check(0), pool.check(0)] == [NOTHING_WRONG, Reason.NONCE_TOO_LOW]


def test_an_early_nonce_waits_for_those_before_it():
    pool = Mempool()
    assert [pool.check(nonce) for nonce in (2, 1)] == [NOTHING_WRONG] * 2
    assert pool.next_nonce() == 0
    assert pool.check(0) == NOTHING_WRONG
    assert pool.next_nonce() == 3


def test_a_nonce_too_far_ahead_is_refused_with_the_bounds():
    pool = Mempool()
    assert pool.check(MAX_AHEAD) == NOTHING_WRONG
    result = pool.chain.engine.check_tx(pool.tx(MAX_AHEAD + 1))
    assert (result.code, result.log) == (
        Reason.NONCE_TOO_HIGH,
        f"nonce {MAX_AHEAD + 1} waits for 0; at most {MAX_AHEAD} may wait, each once and for {MAX_WAIT_BLOCKS} blocks",
    )


def test_one_nonce_waits_once():
    pool = Mempool()
    assert [pool.check(3), pool.check(3, fee=10**16 + 1)] == [NOTHING_WRONG, Reason.NONCE_TOO_HIGH]


def recheck(pool, *raws):
    """What CometBFT does after a block: every transaction that is left, in the order of its coming."""
    pool.next_block()
    return [pool.chain.engine.check_tx(raw).code for raw in raws]


def test_a_recheck_after_a_block_accepts_again_what_still_holds():
    pool = Mempool()
    raws = [pool.tx(nonce) for nonce in (4, 0, 1)]
    for raw in raws:
        pool.chain.engine.check_tx(raw)
    assert recheck(pool, *raws) == [NOTHING_WRONG] * 3
    assert pool.next_nonce() == 2


def test_a_recheck_drops_what_a_block_has_included():
    pool = Mempool()
    raws = [pool.tx(nonce) for nonce in (0, 1, 2)]
    for raw in raws:
        pool.chain.engine.check_tx(raw)
    pool.next_block(raws[0])
    assert [pool.chain.engine.check_tx(raw).code for raw in raws] == [Reason.NONCE_TOO_LOW, 0, 0]


def test_an_early_nonce_is_given_up_after_its_blocks_and_stays_refused_however_late_the_recheck_comes():
    for late in (0, 1, 5):
        pool = Mempool()
        raw = pool.tx(3)
        assert pool.chain.engine.check_tx(raw).code == NOTHING_WRONG
        for _ in range(MAX_WAIT_BLOCKS):
            assert recheck(pool, raw) == [NOTHING_WRONG]
        for _ in range(late):
            pool.next_block()
        assert recheck(pool, raw) == [Reason.NONCE_TOO_HIGH]


def test_fees_are_promised_only_once():
    pool = Mempool()
    fee = 60 * ETH
    assert pool.check(0, fee=fee) == NOTHING_WRONG
    result = pool.chain.engine.check_tx(pool.tx(1, fee=fee))
    assert (result.code, result.log) == (
        Reason.INSUFFICIENT_FUNDS,
        f"{to_checksum(ALICE.address)} has 40ETH; the fee is 60ETH",
    )
    assert pool.next_nonce() == 1


def test_a_fee_that_cannot_be_paid_is_refused_before_it_waits():
    pool = Mempool()
    assert pool.check(5, fee=101 * ETH) == Reason.INSUFFICIENT_FUNDS
    assert pool.check(5) == NOTHING_WRONG


def test_who_has_nothing_cannot_fill_the_mempool():
    pool = Mempool()
    assert pool.check(0, party=Party("poor")) == Reason.INSUFFICIENT_FUNDS


@pytest.mark.parametrize(
    ("raw", "reason", "text"),
    [
        (b"garbage", Reason.UNDECODABLE, "not a Tx"),
        (
            sign_body(TxBody("other", 0, 10**16, 0, (Transfer(BOB.address, Denom.ETH, 1),)), ALICE.key),
            Reason.WRONG_CHAIN,
            "signed for 'other'; this is 'headwater-test'",
        ),
        (
            sign_body(TxBody(CHAIN_ID, 0, 10**16, 1, (Transfer(BOB.address, Denom.ETH, 1),)), ALICE.key),
            Reason.EXPIRED,
            "valid until height 1; this is 2",
        ),
        (
            sign_body(TxBody(CHAIN_ID, 0, 1, 0, (Transfer(BOB.address, Denom.ETH, 1),)), ALICE.key),
            Reason.FEE_TOO_LOW,
            "a fee of 1wei; at least",
        ),
    ],
    ids=["garbage", "another chain", "expired", "fee too low"],
)
def test_what_could_never_be_included_is_refused(raw, reason, text):
    result = Mempool().chain.engine.check_tx(raw)
    assert result.code == reason
    assert text in result.log


def test_the_last_height_of_a_transaction_is_its_own():
    pool = Mempool()
    assert pool.check(0, valid_until=2) == NOTHING_WRONG
    assert pool.chain.block(pool.tx(0, valid_until=2)).tx_results[0].code == 0


def test_checking_changes_no_state():
    pool = Mempool()
    before = pool.chain.state.app_hash
    for nonce in (0, 1, 5):
        pool.check(nonce)
    assert pool.chain.block().app_hash == start(TEST).block().app_hash
    assert pool.chain.results[0].app_hash == before


def test_what_a_block_says_is_final_whatever_the_mempool_thought():
    pool = Mempool()
    pool.check(0, fee=90 * ETH)
    (result,) = pool.chain.block(pool.tx(0, fee=10**16)).tx_results
    assert result.code == 0
    assert pool.check(1, fee=90 * ETH) == NOTHING_WRONG
