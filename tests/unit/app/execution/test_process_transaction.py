"""A transaction in a block: envelope, fee and nonce first, then all of its messages or none."""

import pytest

from app.execution import dispatch, process_transaction
from app.messages.bodies import Bond, Denom, Reward, Transfer
from app.messages.codec import message_class, message_names
from app.messages.events import FeePaid, TransferEvent
from app.messages.fees import compute_min_fee
from app.messages.rejections import Reason
from app.messages.transaction import TxBody, compute_gas, decode_tx, sign_body
from app.primitives.address import to_checksum
from app.protocol.clock import DueKind
from app.state.tables import COMMON_POOL
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, BOB, ETH, LPT, VERA, Party, start

SEND = Transfer(BOB.address, Denom.LPT, LPT)
TOO_MUCH = Transfer(BOB.address, Denom.LPT, 10**6 * LPT)
FEE = 10**16


def test_every_message_that_can_be_decoded_has_a_chapter_that_processes_it():
    assert {message_class(name) for name in message_names()} == set(dispatch.HANDLERS)


def test_every_kind_of_due_work_has_a_chapter_that_does_it():
    assert set(DueKind) == set(dispatch.DUE_HANDLERS)


def test_messages_take_effect_in_order_and_their_events_follow_the_fee():
    chain = start(TEST)
    back = Transfer(ALICE.address, Denom.LPT, 1)
    result = chain.must(ALICE, SEND, Transfer(BOB.address, Denom.ETH, 5))
    assert result.events == [
        FeePaid(ALICE.address, FEE),
        TransferEvent(ALICE.address, BOB.address, Denom.LPT, LPT),
        TransferEvent(ALICE.address, BOB.address, Denom.ETH, 5),
    ]
    chain.must(BOB, back, back)


def test_all_messages_take_effect_or_none():
    chain = start(TEST)
    chain.refused(ALICE, SEND, Bond(LPT, VERA.address), TOO_MUCH, reason=Reason.INSUFFICIENT_FUNDS)
    assert (chain.account(BOB).lpt, chain.stake(ALICE)) == (10_000 * LPT, 0)


def test_a_failed_transaction_has_paid_its_fee_and_used_its_nonce():
    chain = start(TEST)
    chain.refused(ALICE, TOO_MUCH, reason=Reason.INSUFFICIENT_FUNDS)
    assert chain.account(ALICE) == type(chain.account(ALICE))(1, 10_000 * LPT, 100 * ETH - FEE)
    assert COMMON_POOL.read(chain.state).wei == FEE
    assert chain.results[-1].tx_results[0].events == [FeePaid(ALICE.address, FEE)]


def test_gas_is_the_same_whether_a_transaction_succeeds_or_fails():
    chain = start(TEST)
    for message in (SEND, TOO_MUCH, Reward()):
        raw = chain.sign(ALICE, message)
        assert chain.block(raw).tx_results[0].gas == compute_gas(decode_tx(raw))


# --- the envelope


@pytest.mark.parametrize(
    ("nonce", "reason", "text"),
    [
        (0, Reason.NONCE_TOO_LOW, "nonce 0 has been used; 1 is next"),
        (2, Reason.NONCE_TOO_HIGH, "nonce 2 leaves a gap; 1 is next"),
        (2**64 - 1, Reason.NONCE_TOO_HIGH, f"nonce {2**64 - 1} leaves a gap; 1 is next"),
    ],
)
def test_nonces_are_strictly_sequential(nonce, reason, text):
    chain = start(TEST)
    chain.must(ALICE, SEND)
    assert chain.ignored(chain.sign(ALICE, SEND, nonce=nonce), reason) == text


def test_a_transaction_is_executed_once():
    chain = start(TEST)
    raw = chain.sign(ALICE, SEND)
    assert [tx.code for tx in chain.block(raw, raw).tx_results] == [0, Reason.NONCE_TOO_LOW]
    chain.ignored(raw, Reason.NONCE_TOO_LOW)
    assert chain.account(BOB).lpt == 10_001 * LPT


def test_a_transaction_for_another_chain_is_worth_nothing_here():
    chain = start(TEST)
    raw = sign_body(TxBody("headwater-other", 0, FEE, 0, (SEND,)), ALICE.key)
    assert chain.ignored(raw, Reason.WRONG_CHAIN) == "signed for 'headwater-other'; this is 'headwater-test'"


def test_a_transaction_expires_after_its_last_height():
    chain = start(TEST)
    raw, late = chain.sign(ALICE, SEND, valid_until=2), chain.sign(ALICE, SEND, valid_until=2)
    assert chain.block(raw).tx_results[0].code == 0
    assert chain.ignored(late, Reason.EXPIRED) == "valid until height 2; this is 3"


def test_the_minimum_fee_is_by_size_and_weight_and_a_wei_less_is_refused():
    chain = start(TEST)
    tx = decode_tx(chain.sign(ALICE, SEND, SEND, nonce=0))
    assert compute_min_fee(tx, TEST) == 100 + tx.size + 2 * 2  # base fee, a wei for each byte and unit of weight

    def fitting(fee):
        return chain.sign(ALICE, SEND, fee=fee, nonce=0)

    least = next(fee for fee in range(100, 1000) if fee >= compute_min_fee(decode_tx(fitting(fee)), TEST))
    text = chain.ignored(fitting(least - 1), Reason.FEE_TOO_LOW)
    assert text == f"a fee of {least - 1}wei; at least {least}wei ({least} wei)"
    assert chain.block(fitting(least)).tx_results[0].code == 0


def test_a_fee_that_the_sender_does_not_have_is_not_taken():
    chain = start(TEST)
    text = chain.ignored(chain.sign(ALICE, SEND, fee=100 * ETH + 1), Reason.INSUFFICIENT_FUNDS)
    assert text == f"{to_checksum(ALICE.address)} has 100ETH; the fee is 100.000000000000000001ETH"
    assert chain.account(Party("poor")).nonce == 0


def test_the_whole_balance_can_go_into_the_fee():
    chain = start(TEST)
    chain.block(chain.sign(ALICE, SEND, fee=100 * ETH))
    assert (chain.account(ALICE).wei, chain.account(BOB).lpt) == (0, 10_001 * LPT)


def test_bytes_that_are_no_transaction_change_nothing():
    chain = start(TEST)
    assert chain.ignored(b"\x00garbage", Reason.UNDECODABLE).startswith("not a Tx: ")
    assert chain.ignored(b"", Reason.INVALID_FIELD) == "a transaction holds at least one message"


def test_a_mistake_of_our_own_stops_the_block_and_is_no_result(monkeypatch):
    def broken(state, env, message):
        raise KeyError("a bug")

    monkeypatch.setitem(process_transaction.HANDLERS, Transfer, broken)
    chain = start(TEST)
    with pytest.raises(KeyError, match="a bug"):
        chain.block(chain.sign(ALICE, SEND))
