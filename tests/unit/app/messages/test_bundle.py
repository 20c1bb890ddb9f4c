"""Bundles: what goes in comes out, and nothing else is one."""

import pytest

from app.messages.bundle import (
    decode_codes,
    encode_bundle,
    encode_codes,
    is_bundle,
    split_bundle,
    split_into_bundles,
)
from app.messages.limits import MAX_BUNDLE_BYTES, MAX_BUNDLE_MEMBERS
from app.messages.rejections import Reason, Rejection
from app.messages.transaction import decode_tx

MEMBERS = [b"one", b"", b"three" * 100]


def test_a_bundle_gives_its_members_in_order():
    assert split_bundle(encode_bundle(MEMBERS, 7)) == MEMBERS


def test_another_salt_makes_other_bytes_of_the_same_members():
    first, second = encode_bundle(MEMBERS, 1), encode_bundle(MEMBERS, 2**64 - 1)
    assert first != second
    assert split_bundle(first) == split_bundle(second)


def test_a_bundle_is_never_a_transaction():
    bundle = encode_bundle(MEMBERS, 0)
    assert is_bundle(bundle)
    with pytest.raises(Rejection) as refused:
        decode_tx(bundle)
    assert refused.value.reason is Reason.UNDECODABLE


@pytest.mark.parametrize("cut", [0, 3, 11, 12, 13, 20, -1])
def test_what_is_cut_off_empty_or_no_bundle_is_refused(cut):
    with pytest.raises(Rejection) as refused:
        split_bundle(encode_bundle(MEMBERS, 1)[:cut])
    assert str(refused.value) == "UNDECODABLE: not a bundle of transactions, or one that is cut off or empty"


def test_a_length_that_goes_beyond_the_end_is_refused():
    with pytest.raises(Rejection):
        split_bundle(encode_bundle([], 0) + b"\xff\xff\xff\xffrest")


def test_both_limits_of_a_bundle_hold():
    for members in ([bytes(MAX_BUNDLE_BYTES)], [b""] * (MAX_BUNDLE_MEMBERS + 1)):
        with pytest.raises(Rejection) as refused:
            split_bundle(encode_bundle(members, 0))
        assert refused.value.reason is Reason.LIMIT_EXCEEDED


def test_many_transactions_are_split_so_that_each_group_fits():
    transactions = [bytes([number % 256]) * (number % 700) for number in range(3000)] + [b""] * 2000
    groups = split_into_bundles(transactions)
    assert [raw for group in groups for raw in group] == transactions
    assert all(split_bundle(encode_bundle(group, 0)) == group for group in groups)
    assert len(groups) < sum(map(len, transactions)) / MAX_BUNDLE_BYTES + 6


def test_a_transaction_that_is_too_large_for_a_bundle_is_a_group_of_its_own():
    large = bytes(MAX_BUNDLE_BYTES)
    assert split_into_bundles([b"a", large, b"b"]) == [[b"a"], [large], [b"b"]]


def test_codes_come_back_as_they_were_and_only_for_as_many_members():
    codes = [0, 17, 32_016]
    assert decode_codes(encode_codes(codes), 3) == codes
    with pytest.raises(ValueError, match="6 bytes of codes for 4 transactions"):
        decode_codes(encode_codes(codes), 4)
