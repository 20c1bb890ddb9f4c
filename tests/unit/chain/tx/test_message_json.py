"""Messages in files: the same fields as on the wire, with units where people want them."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.messages import bodies
from app.messages.codec import message_class, message_names
from app.messages.options import check_options
from app.primitives.address import to_checksum
from chain.failures import UsageFailure
from chain.tx.ladders import LADDERS, find_ladder
from chain.tx.message_json import (
    MessageInvalid,
    message_from_json,
    message_to_json,
    messages_from_json,
    read_json_file,
)
from tests.support.genesis_documents import address_of

BOB = to_checksum(address_of("bob"))


def _transfer(**fields):
    return {"type": "transfer", "to": BOB, "denom": "lpt", "amount": "5LPT"} | fields


def test_amounts_and_fractions_may_have_units():
    assert message_from_json(_transfer()).amount == 5 * 10**18
    assert message_from_json(_transfer(denom="eth", amount="3gwei")).amount == 3 * 10**9
    assert message_from_json(_transfer(amount="7")).amount == 7
    rates = {"type": "transcoder", "price_per_segment": "5gwei", "block_reward_cut": "2%", "fee_share": 250_000_000}
    message = message_from_json(rates | {"service_uri": "http://h:1", "consensus_pubkey": ""})
    assert (message.price_per_segment, message.block_reward_cut, message.fee_share) == (
        5 * 10**9,
        2 * 10**7,
        25 * 10**7,
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "message: 5 is not an object"),
        ({}, "message.type: None is none of bond, unbond"),
        ({"type": "slash"}, "message.type: 'slash' is none of"),
        (_transfer(amount="5gwei"), "message.amount: '5gwei' is not an amount"),
        (_transfer(amount=5), "message.amount: 5 is not a decimal string"),
        (_transfer(to="0x12"), "message.to: '0x12' is not an address"),
        (_transfer(denom="doge", amount="5"), "message.denom: 'doge' is none of lpt, eth"),
        (_transfer(note="x"), "message.note: unknown field"),
        ({"type": "end_job"}, "message.job_id: missing"),
        ({"type": "end_job", "job_id": -1}, "message.job_id: -1 is not a whole number"),
    ],
)
def test_a_wrong_message_is_named_by_its_field(value, text):
    with pytest.raises(MessageInvalid) as caught:
        message_from_json(value)
    assert str(caught.value).startswith(text)


def test_a_file_holds_one_message_a_list_or_a_transaction():
    one, memo = messages_from_json(_transfer())
    assert (len(one), memo) == (1, "")
    assert messages_from_json([_transfer(), _transfer()])[0] == one * 2
    assert messages_from_json({"messages": [_transfer()], "memo": "hi"}) == (one, "hi")


@pytest.mark.parametrize(
    "value", [{"messages": {}}, {"messages": [], "memo": 5}, {"messages": [], "fee": "5"}, [5], None]
)
def test_another_form_of_file_is_refused(value):
    with pytest.raises(MessageInvalid):
        messages_from_json(value)


def test_the_place_of_a_wrong_message_is_told():
    with pytest.raises(MessageInvalid, match=r"messages\[1\]\.type"):
        messages_from_json([_transfer(), {"type": "x"}])


@given(st.recursive(st.none() | st.integers() | st.text(max_size=9), lambda s: st.dictionaries(st.text(max_size=6), s)))
def test_any_json_is_a_message_or_an_error_in_words(value):
    for name in message_names():
        try:
            message_from_json({"type": name, **value} if isinstance(value, dict) else value)
        except MessageInvalid as error:
            assert str(error)


def test_every_message_without_fields_of_its_own_is_read_back():
    for name in message_names():
        cls = message_class(name)
        if not dataclasses.fields(cls):
            assert message_from_json(message_to_json(cls())) == cls()
    assert message_from_json(message_to_json(bodies.EndJob(5))) == bodies.EndJob(5)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000, b" " * (2**20 + 1)])
def test_a_file_that_is_not_json_or_too_large_is_refused(tmp_path, data):
    path = tmp_path / "file.json"
    path.write_bytes(data)
    with pytest.raises(MessageInvalid, match=r"file\.json"):
        read_json_file(path)


@pytest.mark.parametrize("name", LADDERS)
def test_a_named_ladder_can_be_encoded_and_goes_down_from_its_name(name):
    options = find_ladder(name)
    check_options(options)
    assert options.renditions[0].name == name


def test_a_ladder_from_a_file_gets_the_usual_profile(tmp_path):
    path = tmp_path / "ladder.json"
    path.write_text(
        '{"renditions": [{"name": "a", "width": 320, "height": 180, "frame_rate_numerator": 25,'
        ' "frame_rate_denominator": 1, "constant_rate_factor": 30}]}'
    )
    options = find_ladder(str(path))
    assert (options.profile_id, options.renditions[0].width) == ("h264-verified-1", 320)
    path.write_text(path.read_text().replace("320", "321"))
    with pytest.raises(UsageFailure, match="a side of 321 pixels"):
        find_ladder(str(path))


@pytest.mark.parametrize("text", ["[]", "{}", '{"renditions": 5}'])
def test_a_file_that_is_no_ladder_is_refused(tmp_path, text):
    path = tmp_path / "ladder.json"
    path.write_text(text)
    with pytest.raises(UsageFailure):
        find_ladder(str(path))
