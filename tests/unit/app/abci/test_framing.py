"""Frames: any split gives the same, limits hold, and every bad stream has its own error."""

import itertools
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.abci.errors import BadLength, FrameTooLarge, ProtocolError, TruncatedFrame
from app.abci.framing import MAX_FRAME_BYTES, FrameReader, encode_frame, encode_uvarint


def feed_all(reader, pieces):
    return [payload for piece in pieces for payload in reader.feed(piece)]


def cut(stream, cuts):
    bounds = [0, *sorted(min(place, len(stream)) for place in cuts), len(stream)]
    return [stream[start:stop] for start, stop in itertools.pairwise(bounds)]


payload_lists = st.lists(st.binary(max_size=300) | st.sampled_from([b"", bytes(127), bytes(128), bytes(20_000)]))


@given(payload_lists, st.lists(st.integers(0, 60_000), max_size=40))
def test_any_split_of_a_stream_gives_the_same_payloads(payloads, cuts):
    stream = b"".join(map(encode_frame, payloads))
    reader = FrameReader()
    assert feed_all(reader, cut(stream, cuts)) == payloads
    assert reader.is_at_boundary
    reader.feed_eof()


def test_a_stream_split_after_every_byte_gives_the_same_payloads():
    payloads = [b"a", b"", bytes(127), bytes(128), bytes(16_384), b"z"]
    stream = b"".join(map(encode_frame, payloads))
    assert feed_all(FrameReader(), [stream[place : place + 1] for place in range(len(stream))]) == payloads


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
def test_any_bytes_give_payloads_or_a_protocol_error_and_hold_less_than_a_frame(data, cuts):
    reader = FrameReader(max_frame_bytes=64)
    try:
        payloads = feed_all(reader, cut(data, cuts))
        reader.feed_eof()
    except ProtocolError:
        return
    assert all(len(payload) <= 64 for payload in payloads)


@pytest.mark.parametrize("length", [0, 1, 127, 128, 16_383, 16_384, 2**21])
def test_a_length_takes_seven_bits_a_byte_without_zigzag(length):
    assert len(encode_uvarint(length)) == max((length.bit_length() + 6) // 7, 1)
    assert FrameReader().feed(encode_frame(bytes(length))) == [bytes(length)]


def test_a_length_that_is_longer_than_it_needs_to_be_is_accepted_as_go_does():
    assert FrameReader().feed(b"\x83\x80\x00abc") == [b"abc"]


def test_a_length_that_does_not_end_within_ten_bytes_is_refused():
    with pytest.raises(BadLength, match="does not end within 10 bytes"):
        FrameReader().feed(b"\xff" * 10)


def test_a_length_that_comes_byte_by_byte_and_never_ends_is_refused_at_the_tenth():
    reader = FrameReader()
    assert feed_all(reader, [b"\xff"] * 9) == []
    with pytest.raises(BadLength):
        reader.feed(b"\xff")


def test_a_length_above_64_bits_is_refused():
    with pytest.raises(BadLength, match="64 bits"):
        FrameReader().feed(b"\xff" * 9 + b"\x02")


@pytest.mark.parametrize("length", [MAX_FRAME_BYTES + 1, 2**63, 2**64 - 1])
def test_a_frame_above_the_limit_is_refused_before_its_bytes_come(length):
    with pytest.raises(FrameTooLarge, match=str(length)):
        FrameReader().feed(encode_uvarint(length))


def test_a_short_frame_above_a_small_limit_is_refused_although_it_is_there():
    with pytest.raises(FrameTooLarge):
        FrameReader(max_frame_bytes=3).feed(encode_frame(b"four"))


@pytest.mark.parametrize(("begun", "text"), [(b"\x05abc", "5 bytes announced, 3 bytes came"), (b"\x85", "a length")])
def test_a_stream_that_ends_inside_a_frame_is_truncated(begun, text):
    reader = FrameReader()
    assert reader.feed(begun) == []
    with pytest.raises(TruncatedFrame, match=text):
        reader.feed_eof()


def test_an_announced_frame_takes_no_memory_before_its_bytes_come():
    tracemalloc.start()
    try:
        reader = FrameReader()
        reader.feed(encode_uvarint(MAX_FRAME_BYTES) + bytes(1000))
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_a_large_frame_in_many_reads_is_held_about_twice_at_most():
    size, piece = 8_000_000, bytes(65_536)
    tracemalloc.start()
    try:
        reader = FrameReader()
        reader.feed(encode_uvarint(size))
        payloads = [payload for _ in range(size // len(piece) + 1) for payload in reader.feed(piece)]
        assert [len(payload) for payload in payloads if payload] == [size]
        assert tracemalloc.get_traced_memory()[1] < 3 * size
    finally:
        tracemalloc.stop()
