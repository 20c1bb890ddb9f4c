"""Events: stable names, typed attributes, one text for each."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.messages import events
from app.messages.bodies import Denom
from app.messages.events import (
    BondMoved,
    TransferEvent,
    ValidatorChanged,
    VerdictRevealed,
    event_attributes,
    event_name,
)
from tests.support.messages import instances_of

EVENTS = [cls for cls in vars(events).values() if dataclasses.is_dataclass(cls)]


@pytest.mark.parametrize(
    ("event", "name", "attributes"),
    [
        (
            TransferEvent(b"\x01" * 20, b"\xab" * 20, Denom.ETH, 10**18),
            "transfer",
            [
                ("sender", "0x" + "01" * 20),
                ("recipient", "0x" + "ab" * 20),
                ("denom", "eth"),
                ("amount", "1000000000000000000"),
            ],
        ),
        (
            ValidatorChanged(b"\x01" * 20, b"\x02" * 32, 5),
            "validator_changed",
            [("operator", "0x" + "01" * 20), ("pubkey", "02" * 32), ("power", "5")],
        ),
        (
            BondMoved(b"\x01" * 20, b"\x02" * 20, b"\x03" * 20, 7),
            "bond_moved",
            [
                ("delegator", "0x" + "01" * 20),
                ("from_candidate", "0x" + "02" * 20),
                ("to_candidate", "0x" + "03" * 20),
                ("amount", "7"),
            ],
        ),
    ],
    ids=["transfer", "validator_changed", "bond_moved"],
)
def test_an_event_has_a_name_and_attributes_in_the_order_of_its_fields(event, name, attributes):
    assert event_name(event) == name
    assert event_attributes(event) == attributes


def test_truth_is_told_in_lower_case():
    shown = dict(event_attributes(VerdictRevealed(1, 2, 3, bytes(20), True, 0, 0)))
    assert shown["agrees"] == "true"


def test_no_two_events_share_a_name():
    names = [event_name(object.__new__(cls)) for cls in EVENTS]
    assert len(set(names)) == len(names) >= 30
    assert all(name.islower() and name.isascii() for name in names)


@given(st.one_of([instances_of(cls) for cls in EVENTS]))
def test_every_event_is_told_in_text_without_loss_of_its_field_names(event):
    attributes = event_attributes(event)
    assert [name for name, _ in attributes] == [field.name for field in dataclasses.fields(event)]
    assert all(isinstance(text, str) for _, text in attributes)
