"""Fees that cover their own bytes, and transactions that every node can read."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.messages.bodies import Denom, EndJob, Reward, Transfer
from app.messages.fees import compute_min_fee
from app.messages.rejections import Reason, Rejection
from app.messages.transaction import decode_tx, hash_tx, recover_sender
from app.primitives.amounts import Amount, Wei
from chain.keys.keyring import Signer
from chain.tx.signing import FEE_MARGIN_PERCENT, make_body, sign, with_estimated_fee
from genesis.presets.registry import get_preset
from tests.support.genesis_documents import address_of, private_key

ALICE = Signer.of(private_key("alice"))


def _transfer(amount=5):
    return Transfer(address_of("bob"), Denom.LPT, Amount(amount))


def test_a_signed_transaction_decodes_to_its_body_and_sender():
    body = make_body("chain", 7, (_transfer(),), "hello", 99)
    signed = sign(body, ALICE)
    tx = decode_tx(signed.raw)
    assert tx.body == body
    assert recover_sender(tx) == ALICE.address
    assert signed.tx_hash == hash_tx(signed.raw)


@given(
    st.integers(0, 2**64 - 1),
    st.text(max_size=60),
    st.integers(0, 10**30),
    st.integers(0, 10**30),
    st.integers(1, 16),
)
def test_an_estimated_fee_always_covers_the_minimum_and_little_more(nonce, memo, base, per_byte, count):
    params = replace(get_preset("localnet"), base_fee_wei=Wei(base), fee_per_byte_wei=Wei(per_byte))
    body = with_estimated_fee(make_body("chain", nonce, (_transfer(),) * count, memo), params)
    minimum = compute_min_fee(decode_tx(sign(body, ALICE).raw), params)
    assert minimum <= body.fee_wei
    # Above the margin there is at most the price of the bytes that the fee itself needs.
    assert body.fee_wei <= minimum * (100 + FEE_MARGIN_PERCENT) // 100 + 1 + 20 * per_byte


def test_a_transfer_on_a_localnet_costs_less_than_a_hundred_thousandth_of_an_eth():
    body = with_estimated_fee(make_body("headwater-localnet", 1000, (_transfer(10**20),)), get_preset("localnet"))
    assert body.fee_wei < 10**13


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (make_body("chain", 0, ()), Reason.INVALID_FIELD),
        (make_body("chain", 0, (Reward(),) * 17), Reason.LIMIT_EXCEEDED),
        (make_body("chain", 0, (Reward(),), "x" * 300), Reason.LIMIT_EXCEEDED),
        (make_body("x" * 60, 0, (Reward(),)), Reason.LIMIT_EXCEEDED),
        (make_body("chain", -1, (Reward(),)), Reason.INVALID_FIELD),
        (make_body("chain", 0, (_transfer(2**128),)), Reason.INVALID_FIELD),
        (make_body("chain", 0, (EndJob(2**64),)), Reason.INVALID_FIELD),
        (make_body("chain", 0, (Reward(),), "\ud800"), Reason.INVALID_FIELD),
    ],
)
def test_what_no_node_would_take_is_not_signed(body, reason):
    for attempt in (lambda: sign(body, ALICE), lambda: with_estimated_fee(body, get_preset("test"))):
        with pytest.raises(Rejection) as caught:
            attempt()
        assert caught.value.reason is reason


def test_a_signer_does_not_show_its_key():
    assert ALICE.private_key.hex() not in repr(ALICE)
    assert repr(ALICE.private_key) not in repr(ALICE)
