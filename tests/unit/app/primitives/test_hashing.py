"""The two hash functions against published vectors, and joining without ambiguity."""

from hypothesis import given
from hypothesis import strategies as st

from app.primitives.hashing import keccak256, length_prefixed, sha256


def test_keccak256_is_ethereums():
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(b"abc").hex() == "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"


def test_sha256_is_that_of_fips_180():
    assert sha256(b"abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


PARTS = st.lists(st.binary(max_size=6), max_size=4)


@given(PARTS, PARTS)
def test_two_lists_of_parts_never_share_an_encoding(first, second):
    assert (length_prefixed(*first) == length_prefixed(*second)) == (first == second)
