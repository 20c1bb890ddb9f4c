"""Addresses and their checksum."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.primitives.address import parse_address, to_checksum

EIP_55 = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]


@pytest.mark.parametrize("text", EIP_55)
def test_the_examples_of_eip_55_are_read_and_written(text):
    assert parse_address(text) == bytes.fromhex(text[2:])
    assert to_checksum(parse_address(text)) == text


@given(st.binary(min_size=20, max_size=20))
def test_the_checksum_form_reads_back(address):
    assert parse_address(to_checksum(address)) == address


def test_an_address_without_mixed_case_needs_no_checksum():
    text = EIP_55[2]
    assert parse_address(text.lower()) == parse_address("0x" + text[2:].upper()) == parse_address(text[2:])


def test_one_letter_in_the_wrong_case_is_noticed():
    with pytest.raises(ValueError, match="fails its checksum"):
        parse_address("0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")


@pytest.mark.parametrize("text", ["", "0x", "0x" + "0" * 39, "0x" + "0" * 41, "0x" + "g" * 40, "0X" + "0" * 40])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ValueError, match="is not an address"):
        parse_address(text)
