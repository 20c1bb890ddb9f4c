"""Parts per billion, and division with a named rounding."""

from fractions import Fraction as Exact
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.primitives.fractions import ONE, format_fraction, fraction_of, mul_ceil, mul_floor, parse_fraction

AMOUNTS = st.integers(0, 2**128)


@given(AMOUNTS, AMOUNTS, st.integers(1, 2**128))
def test_multiplication_rounds_once_and_in_the_named_direction(amount, numerator, denominator):
    exact = Exact(amount * numerator, denominator)
    assert mul_floor(amount, numerator, denominator) == floor(exact)
    assert mul_ceil(amount, numerator, denominator) == ceil(exact)


@given(AMOUNTS, st.integers(0, ONE))
def test_two_parts_that_make_the_whole_never_pay_more_than_it(amount, fraction):
    parts = fraction_of(amount, fraction) + fraction_of(amount, ONE - fraction)
    assert amount - 1 <= parts <= amount
    assert fraction_of(amount, ONE) == amount


@given(st.integers(0, ONE))
def test_every_fraction_is_shown_so_that_reading_it_gives_it_back(fraction):
    assert parse_fraction(format_fraction(fraction)) == fraction


@pytest.mark.parametrize(("text", "parts"), [("5%", 5 * 10**7), ("0.04%", 400_000), ("0.05", 5 * 10**7), ("1", ONE)])
def test_a_fraction_is_read_as_a_percentage_or_a_decimal_number(text, parts):
    assert parse_fraction(text) == parts


@pytest.mark.parametrize("text", ["", "-1%", "five", "100.0000001%", "1.1", "0.0000000001", "0.00000001%", "1/2"])
def test_what_is_no_fraction_is_refused_with_its_text(text):
    with pytest.raises(ValueError, match=r"is not a fraction|is more than the whole") as caught:
        parse_fraction(text)
    assert repr(text) in str(caught.value)
