"""Records as canonical bytes and as JSON: both ways, and no second form."""

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.messages.bodies import SegmentRange
from app.messages.genesis_state import GenesisAccount, GenesisState
from app.messages.keyspace import LAYOUTS
from app.messages.record import RecordError, codec_of, decode, encode, from_json, to_json
from app.messages.records import Account, CommonPool, Delegator, RoundState, Seat, Transcoder
from app.primitives.amounts import MAX_AMOUNT
from tests.support.messages import instances_of

RECORDS = sorted({layout.record for layout in LAYOUTS}, key=lambda record: record.__name__)
ANY_RECORD = st.one_of([instances_of(record) for record in RECORDS])
ACCOUNT = Account(3, 10**18, 0)


@settings(max_examples=300)
@given(ANY_RECORD)
def test_every_record_of_the_keyspace_reads_back_from_bytes_and_from_json(record):
    assert decode(type(record), encode(record)) == record
    assert from_json(type(record), json.loads(json.dumps(to_json(record)))) == record


@settings(max_examples=300)
@given(st.sampled_from(RECORDS), st.binary(max_size=80))
def test_bytes_are_a_record_in_its_one_form_or_a_record_error(cls, data):
    try:
        record = decode(cls, data)
    except RecordError:
        return
    assert encode(record) == data, "a record has two encodings"


@settings(max_examples=300)
@given(ANY_RECORD, st.data())
def test_a_changed_byte_is_another_record_or_a_record_error(record, data):
    raw = bytearray(encode(record))
    if not raw:
        return
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        assert decode(type(record), bytes(raw)) != record
    except RecordError as error:
        assert type(record).__name__ in str(error)


def test_the_bytes_of_a_record_are_pinned():
    # Proofs are over these bytes: changing them changes every app hash.
    assert encode(ACCOUNT).hex() == "0103" + "080de0b6b3a7640000" + "00"
    assert encode(Seat(b"\x01" * 20, b"\x02" * 32)).hex() == "01" * 20 + "01" + "02" * 32 + "0000" + "00" + "00"
    assert encode(SegmentRange(0, 256)).hex() == "00" + "020100"


@pytest.mark.parametrize(
    ("cls", "data", "says"),
    [
        (Account, b"", "index out of range"),
        (Account, bytes.fromhex("0103080de0"), "cut off"),
        (Account, encode(ACCOUNT) + b"\x00", "1 bytes too many"),
        (Account, bytes.fromhex("02000100" + "00"), "leading zero"),
        (Delegator, b"\x01" * 19, "20 bytes are expected"),
    ],
    ids=["empty", "cut off", "too long", "leading zero", "short address"],
)
def test_bytes_that_are_no_record_are_refused_with_the_reason(cls, data, says):
    with pytest.raises(RecordError, match=f"{cls.__name__}: .*{says}"):
        decode(cls, data)


def test_a_list_that_claims_more_elements_than_bytes_is_refused_at_once():
    with pytest.raises(RecordError, match="a list is longer than its bytes"):
        codec = dataclasses.make_dataclass("Listed", [("ranges", tuple[SegmentRange, ...])], frozen=True)
        decode(codec, b"\xff\xff\xff\xff")


def test_amounts_are_decimal_strings_and_numbers_are_numbers_in_json():
    assert to_json(ACCOUNT) == {"nonce": 3, "lpt": "1000000000000000000", "wei": "0"}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([], "account: [] is not an object"),
        ({"nonce": 0, "lpt": "1"}, "account.wei: missing"),
        ({"nonce": 0, "lpt": "1", "wei": "1", "more": 1}, "account.more: unknown field"),
        ({"nonce": "0", "lpt": "1", "wei": "1"}, "account.nonce: '0' is not a whole number"),
        ({"nonce": True, "lpt": "1", "wei": "1"}, "account.nonce: True is not a whole number"),
        ({"nonce": -1, "lpt": "1", "wei": "1"}, "account.nonce: -1 is not a whole number"),
        ({"nonce": 0, "lpt": 1, "wei": "1"}, "account.lpt: 1 is not a decimal string"),
        ({"nonce": 0, "lpt": "1.5", "wei": "1"}, "account.lpt: '1.5' is not a decimal string"),
        ({"nonce": 0, "lpt": "٣", "wei": "1"}, "account.lpt: '٣' is not a decimal string"),
        ({"nonce": 0, "lpt": str(MAX_AMOUNT + 1), "wei": "1"}, "is not a decimal string of base units below 2^128"),
    ],
)
def test_json_that_is_no_record_is_refused_with_its_path(value, says):
    with pytest.raises(RecordError) as caught:
        from_json(Account, value, "account")
    assert says in str(caught.value)


def test_a_path_leads_into_lists():
    with pytest.raises(RecordError, match=r"app_state\.accounts\[1\]\.address: .*checksum"):
        good = to_json(GenesisAccount(bytes(20), 0, 0))
        bad = {**good, "address": "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"}
        from_json(GenesisState, _genesis_with([good, bad]), "app_state")


def _genesis_with(accounts):
    from genesis.presets.test import TEST

    return {"params": to_json(TEST), "accounts": accounts, "transcoders": [], "bonds": [], "profiles": []}


def test_fields_with_a_default_may_be_missing_in_json_but_never_in_bytes():
    assert from_json(Seat, {"verifier": "0x" + "11" * 20}) == Seat(b"\x11" * 20)
    with pytest.raises(RecordError):
        decode(Seat, b"\x11" * 20)


def test_every_field_of_a_record_has_a_type_that_records_may_hold():
    with pytest.raises(TypeError, match="cannot be part of a record"):
        codec_of(float)


def test_two_records_of_one_type_share_no_encoding():
    assert encode(CommonPool(1, 0)) != encode(CommonPool(0, 1))
    assert {field.name for field in dataclasses.fields(RoundState)} >= {"number", "lowest_price"}
    assert dataclasses.fields(Transcoder)[0].name == "rates"
