"""Amounts as people write them, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.primitives.amounts import MAX_AMOUNT, format_lpt, format_wei, parse_lpt, parse_wei


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("12.5LPT", 125 * 10**17),
        (" 1 lpt ", 10**18),
        ("0.000000000000000001LPT", 1),
        ("7", 7),
        ("1.000LPT", 10**18),
        (str(MAX_AMOUNT), MAX_AMOUNT),
    ],
)
def test_lpt_is_read_in_tokens_or_base_units(text, units):
    assert parse_lpt(text) == units


@pytest.mark.parametrize(
    ("text", "wei"), [("3gwei", 3 * 10**9), ("0.1ETH", 10**17), ("5wei", 5), ("5", 5), ("1.5 Gwei", 15 * 10**8)]
)
def test_wei_is_read_in_eth_gwei_and_wei(text, wei):
    assert parse_wei(text) == wei


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not an amount"),
        ("-1LPT", "is not an amount"),
        ("1e18", "is not an amount"),
        ("1,5LPT", "is not an amount"),
        ("5ETH", "is not an amount"),
        ("٣LPT", "is not an amount"),
        ("0.5", "finer than the smallest unit"),
        (str(MAX_AMOUNT + 1), "more than 128 bits"),
        ("400000000000000000000LPT", "more than 128 bits"),
    ],
)
def test_what_is_no_amount_of_lpt_is_refused_with_its_text(text, says):
    with pytest.raises(ValueError, match=says) as caught:
        parse_lpt(text)
    assert repr(text) in str(caught.value)


def test_lpt_cannot_be_given_in_units_of_eth():
    with pytest.raises(ValueError, match=r"write 12\.5LPT"):
        parse_lpt("3gwei")


@given(st.integers(0, MAX_AMOUNT))
def test_every_amount_is_shown_so_that_reading_it_gives_it_back(amount):
    assert parse_lpt(format_lpt(amount)) == amount
    assert parse_wei(format_wei(amount)) == amount


def test_wei_are_shown_in_the_unit_that_reads_best():
    shown = [format_wei(wei) for wei in (999_999, 10**6, 25 * 10**8, 10**15, 10**18, -1)]
    assert shown == ["999999wei", "0.001gwei", "2.5gwei", "0.001ETH", "1ETH", "-1wei"]
