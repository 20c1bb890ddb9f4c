"""One transaction has one form, and decoding answers anything else with a rejection."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.messages import headwater_pb2 as pb
from app.messages.bodies import Bond, Denom, Reward, TranscodeAvailability, Transfer
from app.messages.limits import MAX_CHAIN_ID_LENGTH, MAX_MEMO_LENGTH, MAX_MESSAGES, MAX_TX_BYTES
from app.messages.rejections import Reason, Rejection
from app.messages.transaction import (
    TxBody,
    body_digest,
    compute_gas,
    decode_message,
    decode_tx,
    encode_body,
    encode_message,
    hash_tx,
    message_weight,
    recover_sender,
    seal,
    sign_body,
)
from app.primitives.hashing import sha256
from app.primitives.secp256k1 import private_key_to_address
from tests.support.messages import BODIES, TX_BODIES

KEY = bytes(sha256(b"key"))
TRANSFER = Transfer(bytes(20), Denom.ETH, 5)
BODY = TxBody("chain", 7, 100, 0, (TRANSFER, Bond(3, b"\x01" * 20)), "memo")
RAW = sign_body(BODY, KEY)
BODY_BYTES = encode_body(BODY)
SIGNATURE = decode_tx(RAW).signature


def refuse(raw, reason):
    with pytest.raises(Rejection) as caught:
        decode_tx(raw)
    assert caught.value.reason is reason, str(caught.value)
    return caught.value.text


def field(number, wire_type, payload=b""):
    """A protobuf field with a number below 2048."""
    tag, length = number << 3 | wire_type, bytes([len(payload)]) if wire_type == 2 else b""
    return (bytes([tag]) if tag < 128 else bytes([tag & 127 | 128, tag >> 7])) + length + payload


@settings(max_examples=150)
@given(TX_BODIES)
def test_every_body_is_decoded_as_it_was_encoded(body):
    tx = decode_tx(sign_body(body, KEY))
    assert tx.body == body
    assert tx.body_bytes == encode_body(body)
    assert recover_sender(tx) == private_key_to_address(KEY)


@given(BODIES)
def test_a_message_alone_is_decoded_as_it_was_encoded(message):
    assert decode_message(encode_message(message)) == message


# --- canonical form


def test_a_number_in_more_bytes_than_it_needs_is_not_canonical():
    nonce = field(2, 0, b"\x07")
    assert nonce in BODY_BYTES
    refuse(seal(BODY_BYTES.replace(nonce, field(2, 0, b"\x87\x00")), SIGNATURE), Reason.NOT_CANONICAL)


def test_a_length_in_more_bytes_than_it_needs_is_not_canonical():
    assert RAW[0] == 0x0A
    assert RAW[1] == len(BODY_BYTES) < 128
    refuse(RAW[:1] + bytes([RAW[1] | 0x80, 0]) + RAW[2:], Reason.NOT_CANONICAL)


def test_a_default_that_is_written_out_is_not_canonical():
    refuse(seal(BODY_BYTES.replace(field(2, 0, b"\x07"), field(2, 0, b"\x00")), SIGNATURE), Reason.NOT_CANONICAL)


def test_fields_in_another_order_are_not_canonical():
    swapped = pb.Tx(signature=SIGNATURE).SerializeToString() + pb.Tx(body=BODY_BYTES).SerializeToString()
    refuse(swapped, Reason.NOT_CANONICAL)


def test_a_field_that_is_given_twice_is_not_canonical():
    refuse(RAW + pb.Tx(signature=SIGNATURE).SerializeToString(), Reason.NOT_CANONICAL)


def test_a_message_with_two_bodies_is_not_canonical():
    both = field(1, 2, b"\x0a\x01\x05") + b"\x92\x01\x00"  # bond, then reward
    refuse(seal(pb.TxBody(chain_id="chain").SerializeToString() + field(5, 2, both), SIGNATURE), Reason.NOT_CANONICAL)


def test_trailing_bytes_are_refused():
    refuse(RAW + b"\x00", Reason.UNDECODABLE)
    refuse(seal(BODY_BYTES + b"\x00", SIGNATURE), Reason.UNDECODABLE)


def test_an_amount_with_leading_zeros_is_not_canonical():
    wire = pb.TxBody.FromString(BODY_BYTES)
    wire.fee_wei = b"\x00\x64"
    assert refuse(seal(wire.SerializeToString(), SIGNATURE), Reason.NOT_CANONICAL) == "fee_wei has leading zeros"


def test_an_unknown_field_is_refused_as_unknown():
    for raw in (RAW + field(3, 0, b"\x01"), seal(BODY_BYTES + field(7, 0, b"\x01"), SIGNATURE)):
        assert "does not know" in refuse(raw, Reason.UNKNOWN_MESSAGE)


def test_a_message_of_a_type_not_built_yet_is_unknown():
    propose = field(5, 2, field(23, 2, b"\x0a\x01\x05"))
    body = pb.TxBody(chain_id="chain", fee_wei=b"\x01").SerializeToString() + propose
    refuse(seal(body, SIGNATURE), Reason.UNKNOWN_MESSAGE)


def test_an_empty_message_is_unknown():
    body = pb.TxBody(chain_id="chain", messages=[pb.Message()]).SerializeToString()
    refuse(seal(body, SIGNATURE), Reason.UNKNOWN_MESSAGE)


def test_text_that_is_not_utf_8_is_undecodable():
    refuse(seal(b"\x0a\x01\xff" + BODY_BYTES, SIGNATURE), Reason.UNDECODABLE)


# --- limits


def signed(**changes):
    fields = {"chain_id": "c", "nonce": 0, "fee_wei": 0, "valid_until_height": 0, "messages": (TRANSFER,), "memo": ""}
    return sign_body(TxBody(**{**fields, **changes}), KEY)


@pytest.mark.parametrize(
    ("most", "too_much"),
    [
        ({"chain_id": "c" * MAX_CHAIN_ID_LENGTH}, {"chain_id": "c" * (MAX_CHAIN_ID_LENGTH + 1)}),
        ({"memo": "é" * (MAX_MEMO_LENGTH // 2)}, {"memo": "é" * (MAX_MEMO_LENGTH // 2 + 1)}),
        ({"messages": (Reward(),) * MAX_MESSAGES}, {"messages": (Reward(),) * (MAX_MESSAGES + 1)}),
    ],
    ids=["chain id", "memo in bytes", "messages"],
)
def test_every_length_has_its_limit(most, too_much):
    decode_tx(signed(**most))
    refuse(signed(**too_much), Reason.LIMIT_EXCEEDED)


def test_a_transaction_has_a_limit_before_anything_is_read():
    text = refuse(b"\xff" * (MAX_TX_BYTES + 1), Reason.LIMIT_EXCEEDED)
    assert text == f"the transaction has a length of {MAX_TX_BYTES + 1}; at most {MAX_TX_BYTES}"
    refuse(b"\xff" * MAX_TX_BYTES, Reason.UNDECODABLE)


def test_a_transaction_without_messages_is_refused():
    refuse(signed(messages=()), Reason.INVALID_FIELD)


def test_an_amount_beyond_128_bits_is_refused():
    body = pb.TxBody(chain_id="c", fee_wei=b"\x01" * 17, messages=[pb.Message(reward={})])
    assert refuse(seal(body.SerializeToString(), SIGNATURE), Reason.LIMIT_EXCEEDED) == (
        "fee_wei has 136 bits; amounts fit in 128"
    )


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        (pb.Message(transfer={"to": b"\x01" * 19, "denom": 1, "amount": b"\x01"}), "transfer.to has 19 bytes; 20"),
        (pb.Message(transfer={"to": bytes(20), "denom": 9, "amount": b"\x01"}), "transfer.denom is 9"),
        (pb.Message(transfer={"to": bytes(20), "denom": 0, "amount": b"\x01"}), "transfer.denom is 0"),
        (pb.Message(transcoder={"block_reward_cut": 10**9 + 1}), "transcoder.block_reward_cut is 1000000001"),
        (pb.Message(claim_work={"merkle_root": b"\x01"}), "claim_work.merkle_root has 1 bytes; 32"),
        (pb.Message(job={"stream_id": "s"}), "job.options is missing"),
    ],
    ids=["short address", "unknown denomination", "no denomination", "fraction above one", "short hash", "no options"],
)
def test_a_field_out_of_its_range_is_named(wire, text):
    body = pb.TxBody(chain_id="c", messages=[wire])
    assert text in refuse(seal(body.SerializeToString(), SIGNATURE), Reason.INVALID_FIELD)


@pytest.mark.parametrize(("name", "value"), [("nonce", -1), ("nonce", 2**64), ("valid_until_height", 2**64)])
def test_numbers_that_do_not_fit_are_refused_when_they_are_encoded(name, value):
    with pytest.raises(Rejection, match=f"INVALID_FIELD: {name} is {value}"):
        signed(**{name: value})


# --- signatures


def test_a_signature_covers_every_byte_of_the_body():
    other = encode_body(TxBody("chain", 7, 101, 0, BODY.messages, "memo"))
    assert recover_sender(decode_tx(seal(other, SIGNATURE))) != private_key_to_address(KEY)


def test_a_signature_for_another_purpose_is_none_for_a_transaction():
    assert body_digest(BODY_BYTES) != sha256(BODY_BYTES)
    assert body_digest(BODY_BYTES) != body_digest(BODY_BYTES + b"\x00")


@pytest.mark.parametrize("length", [0, 64, 66])
def test_a_signature_of_another_length_is_refused(length):
    with pytest.raises(Rejection) as caught:
        recover_sender(decode_tx(seal(BODY_BYTES, SIGNATURE[:length].ljust(length, b"\x00"))))
    assert caught.value.reason is Reason.INVALID_SIGNATURE
    assert caught.value.text == f"a signature has 65 bytes, this one {length}"


# --- whatever comes


def decode_and_recover(raw):
    try:
        tx = decode_tx(raw)
        recover_sender(tx)
    except Rejection as rejection:
        assert rejection.text
        return
    assert seal(encode_body(tx.body), tx.signature) == raw, "an accepted transaction has a second form"


@settings(max_examples=300)
@given(st.binary(max_size=300))
@example(b"")
@example(b"\x0a")
@example(b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
@example(b"\x0b" * 200)
def test_random_bytes_raise_nothing_but_a_rejection(raw):
    decode_and_recover(raw)


@settings(max_examples=400)
@given(TX_BODIES, st.data())
def test_a_mutated_transaction_is_refused_or_has_one_form(body, data):
    raw = bytearray(sign_body(body, KEY))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        kind = data.draw(st.sampled_from(["flip", "insert", "drop", "cut"]))
        if kind == "flip":
            raw[at] ^= 1 << data.draw(st.integers(0, 7))
        elif kind == "insert":
            raw[at:at] = data.draw(st.binary(min_size=1, max_size=4))
        elif kind == "drop" and len(raw) > 1:
            del raw[at]
        elif kind == "cut":
            del raw[at + 1 :]
    decode_and_recover(bytes(raw))


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_a_random_body_in_a_good_envelope_raises_nothing_but_a_rejection(body):
    decode_and_recover(seal(body, SIGNATURE))


@settings(max_examples=300)
@given(st.integers(1, 40), st.binary(max_size=60))
def test_a_random_message_in_a_good_body_raises_nothing_but_a_rejection(number, payload):
    tag = (number << 3 | 2).to_bytes(1, "big") if number < 16 else bytes([(number << 3 | 2) & 0x7F | 0x80, number >> 4])
    message = tag + bytes([len(payload)]) + payload
    body = pb.TxBody(chain_id="c", fee_wei=b"\x01").SerializeToString() + field(5, 2, message)
    decode_and_recover(seal(body, SIGNATURE))


def test_a_deeply_nested_message_is_refused():
    payload = b"\x0a\x00"
    for _ in range(60):
        payload = field(5, 2, payload)
    decode_and_recover(seal(payload, SIGNATURE))


# --- gas and names


def test_gas_follows_from_the_transaction_alone():
    tx = decode_tx(RAW)
    assert compute_gas(tx) == len(RAW) + message_weight(TRANSFER) + message_weight(Bond(3, bytes(20)))
    assert message_weight(TranscodeAvailability(1)) == 10


def test_a_transaction_has_the_name_that_cometbft_gives_it():
    assert hash_tx(RAW) == sha256(RAW)
