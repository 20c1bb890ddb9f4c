"""A receipt is signed as a whole; its transcoded hash commits to every rendition in order."""

from dataclasses import fields, replace

import pytest

from app.messages.receipt import (
    Leaf,
    Receipt,
    receipt_digest,
    receipt_segment,
    recover_transcoder,
    sign_receipt,
    transcoded_hash_of,
)
from app.messages.record import encode
from app.messages.segment import Segment
from app.primitives.hashing import sha256
from app.primitives.merkle import merkle_path, verify_merkle_path
from app.primitives.secp256k1 import InvalidSignature
from tests.support.chain_driver import ALICE

RECEIPT = sign_receipt(
    Receipt(1, "stream", 7, sha256(b"in"), sha256(b"out"), b"\x01" * 65, "x264 build", b""), ALICE.key
)
LEAVES = [
    Leaf(1, "p", 7, number, sha256(b"in"), sha256(b"out %d" % number), 60, sha256(b"stages")) for number in (0, 1, 2)
]


def test_the_transcoder_is_recovered_from_its_signature():
    assert recover_transcoder(RECEIPT) == ALICE.address


def test_the_signature_covers_every_other_field():
    others = {
        "job_id": 2,
        "stream_id": "strean",
        "sequence_number": 8,
        "data_hash": sha256(b"other"),
        "transcoded_hash": sha256(b"other"),
        "broadcaster_signature": b"\x02" * 65,
        "toolchain": "another build",
    }
    assert {field.name for field in fields(Receipt)} == {*others, "transcoder_signature"}
    for name, value in others.items():
        assert recover_transcoder(replace(RECEIPT, **{name: value})) != ALICE.address


def test_the_digest_does_not_depend_on_the_signature_itself():
    assert receipt_digest(RECEIPT) == receipt_digest(replace(RECEIPT, transcoder_signature=b""))


def test_a_receipt_that_nobody_signed_has_no_transcoder():
    with pytest.raises(InvalidSignature):
        recover_transcoder(replace(RECEIPT, transcoder_signature=b""))


def test_a_receipt_answers_its_segment():
    assert receipt_segment(RECEIPT) == Segment("stream", 7, sha256(b"in"))


def test_the_transcoded_hash_depends_on_every_leaf_and_on_their_order():
    root = transcoded_hash_of(LEAVES)
    assert transcoded_hash_of(LEAVES[::-1]) != root != transcoded_hash_of(LEAVES[:2])
    for name, value in {"frames": 61, "output_hash": sha256(b"x"), "stage_root": sha256(b"x"), "rendition": 5}.items():
        assert transcoded_hash_of([LEAVES[0], replace(LEAVES[1], **{name: value}), LEAVES[2]]) != root


def test_one_leaf_can_be_shown_alone():
    encoded = [encode(leaf) for leaf in LEAVES]
    assert verify_merkle_path(transcoded_hash_of(LEAVES), encoded[1], 1, 3, merkle_path(encoded, 1))
