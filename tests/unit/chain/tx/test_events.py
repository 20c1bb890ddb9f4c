"""Events come back as the classes that the application made them from."""

import dataclasses
import inspect
from enum import IntEnum
from typing import get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.messages import events
from app.messages.bodies import Denom
from app.messages.events import TransferEvent, event_attributes, event_name
from app.primitives.address import Address
from app.primitives.amounts import Amount
from app.primitives.hashing import Hash32
from chain.rpc.types import Event, EventAttribute
from chain.tx.events import UnknownEvent, decode_event, event_json

CLASSES = [cls for _, cls in inspect.getmembers(events, inspect.isclass) if dataclasses.is_dataclass(cls)]


def _values(hint):
    if hint is Address:
        return st.binary(min_size=20, max_size=20)
    if hint is Hash32:
        return st.binary(min_size=32, max_size=32)
    if hint is bytes:
        return st.binary(max_size=40)
    if hint is bool:
        return st.booleans()
    if hint is str:
        return st.text(max_size=20)
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return st.sampled_from(list(hint))
    return st.integers(0, 2**128 - 1)


def _on_the_wire(event):
    return Event(event_name(event), tuple(EventAttribute(k, v, True) for k, v in event_attributes(event)))


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
@settings(max_examples=20)
@given(data=st.data())
def test_an_event_survives_the_way_through_the_node(cls, data):
    event = cls(**{name: data.draw(_values(hint)) for name, hint in get_type_hints(cls).items()})
    assert decode_event(_on_the_wire(event)) == event
    assert event_json(event)["event"] == event_name(event)


def test_amounts_of_events_are_decimal_strings_in_json():
    event = TransferEvent(Address(bytes(20)), Address(bytes(20)), Denom.LPT, Amount(5 * 10**18))
    assert event_json(event) == {
        "event": "transfer",
        "sender": "0x" + "0" * 40,
        "recipient": "0x" + "0" * 40,
        "denom": "lpt",
        "amount": "5000000000000000000",
    }


@pytest.mark.parametrize(
    "event",
    [
        Event("court_opened", (EventAttribute("case", "5", True),)),
        Event("transfer", (EventAttribute("sender", "nobody", True),)),
        Event("transfer", ()),
        Event("job_ended", (EventAttribute("job_id", "five", True), EventAttribute("by", "0x" + "0" * 40, True))),
    ],
)
def test_an_event_that_cannot_be_understood_is_kept_as_it_came(event):
    found = decode_event(event)
    assert found == UnknownEvent(event.type, tuple((item.key, item.value) for item in event.attributes))
    assert event_json(found)["event"] == event.type
