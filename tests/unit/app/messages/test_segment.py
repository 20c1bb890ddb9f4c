"""A segment's signature covers all of it, and its stream names its origin."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.messages.rejections import Reason, Rejection
from app.messages.segment import (
    Segment,
    check_stream_id,
    make_stream_id,
    recover_broadcaster,
    segment_digest,
    sign_segment,
)
from app.primitives.hashing import sha256
from app.primitives.secp256k1 import InvalidSignature
from tests.support.chain_driver import ALICE, BOB

SEGMENT = Segment(make_stream_id(ALICE.address, "talk"), 7, sha256(b"payload"))


def test_the_broadcaster_is_recovered_from_its_signature():
    assert recover_broadcaster(SEGMENT, sign_segment(SEGMENT, ALICE.key)) == ALICE.address


@pytest.mark.parametrize(
    "other",
    [
        replace(SEGMENT, stream_id=make_stream_id(ALICE.address, "talk2")),
        replace(SEGMENT, sequence_number=8),
        replace(SEGMENT, data_hash=sha256(b"other")),
    ],
    ids=["stream", "number", "payload"],
)
def test_a_signature_of_one_segment_is_none_of_another(other):
    assert recover_broadcaster(other, sign_segment(SEGMENT, ALICE.key)) != ALICE.address


def test_a_signature_in_another_form_is_refused():
    with pytest.raises(InvalidSignature):
        recover_broadcaster(SEGMENT, sign_segment(SEGMENT, ALICE.key)[:64])


SEGMENTS = st.builds(
    Segment, st.text("ab0", max_size=4), st.integers(0, 2**64 - 1), st.binary(min_size=32, max_size=32)
)


@given(SEGMENTS, SEGMENTS)
def test_no_two_segments_share_a_digest(one, other):
    assert (segment_digest(one) == segment_digest(other)) == (one == other)


def test_a_stream_id_names_its_origin():
    check_stream_id(SEGMENT.stream_id, ALICE.address)
    with pytest.raises(Rejection) as caught:
        check_stream_id(SEGMENT.stream_id, BOB.address)
    assert caught.value.reason is Reason.STREAM_ID_INVALID
    assert make_stream_id(BOB.address, "NAME") in caught.value.text


@pytest.mark.parametrize("name", ["", "with space", "slash/", "é", "new\nline", "talk\n", "x" * 86])
def test_a_name_of_other_characters_or_too_many_is_refused(name):
    with pytest.raises(Rejection, match="STREAM_ID_INVALID"):
        check_stream_id(make_stream_id(ALICE.address, name), ALICE.address)


def test_a_name_may_be_as_long_as_the_limit():
    check_stream_id(make_stream_id(ALICE.address, "x" * 85), ALICE.address)
