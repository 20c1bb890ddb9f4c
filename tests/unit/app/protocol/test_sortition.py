"""Draws: a pure function of the block's hash, independent by purpose, in proportion to weight."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.primitives.hashing import keccak256
from app.protocol.sortition import block_randomness, draw_in_order, draw_number, draw_weighted, is_challenged

RANDOMNESS = block_randomness(b"h" * 32)
WEIGHTS = st.lists(st.integers(0, 2**100), min_size=1, max_size=12)


def test_randomness_is_of_the_block_hash_and_of_nothing_else():
    assert block_randomness(b"h" * 32) == RANDOMNESS != block_randomness(b"i" * 32)
    assert len(RANDOMNESS) == 32


def test_purposes_and_ids_draw_independently():
    drawn = [
        draw_number(RANDOMNESS, b"a", 1),
        draw_number(RANDOMNESS, b"a", 2),
        draw_number(RANDOMNESS, b"a", 1, 0),
        draw_number(RANDOMNESS, b"b", 1),
        draw_number(block_randomness(b""), b"a", 1),
    ]
    assert len(set(drawn)) == 5
    assert draw_number(RANDOMNESS, b"a", 1) == drawn[0]


@given(WEIGHTS, st.integers(0, 2**256 - 1))
def test_a_number_falls_on_the_index_whose_weights_hold_it(weights, number):
    if not any(weights):
        with pytest.raises(ValueError, match="nothing to draw from"):
            draw_weighted(number, weights)
        return
    index, rest = draw_weighted(number, weights), number % sum(weights)
    assert sum(weights[:index]) <= rest < sum(weights[: index + 1])


def test_every_unit_of_weight_is_drawn_once_in_a_full_turn():
    weights = [3, 0, 1, 6]
    drawn = [draw_weighted(number, weights) for number in range(10)]
    assert [drawn.count(index) for index in range(4)] == weights


@given(WEIGHTS, st.integers(0, 14), st.binary(min_size=32, max_size=32))
def test_an_order_has_nobody_twice_and_nobody_without_weight(weights, count, randomness):
    drawn = draw_in_order(randomness, b"p", (1, 2), weights, count)
    assert len(set(drawn)) == len(drawn) == min(count, sum(weight > 0 for weight in weights))
    assert all(weights[index] > 0 for index in drawn)
    assert draw_in_order(randomness, b"p", (1, 2), weights, max(0, count - 1)) == drawn[: max(0, count - 1)]


def test_a_segment_is_challenged_by_the_formula_of_the_whitepaper_with_the_next_blocks_randomness():
    for segment in range(40):
        digest = keccak256((9).to_bytes(8, "big") + RANDOMNESS + segment.to_bytes(8, "big"))
        assert is_challenged(9, RANDOMNESS, segment, 3) == (int.from_bytes(digest, "big") % 3 == 0)
    assert all(is_challenged(9, RANDOMNESS, segment, 1) for segment in range(40))


def test_about_one_segment_in_the_verification_rate_is_challenged():
    chosen = sum(is_challenged(1, RANDOMNESS, segment, 50) for segment in range(10_000))
    assert 150 <= chosen <= 250
