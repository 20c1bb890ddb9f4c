"""Tables: typed access to bytes, over committed state, a block, and a transaction in it alike."""

import pytest

from app.messages.records import Account, Empty, RangeEnd
from app.state.tables import ACCOUNTS, CLAIMED_RANGES, DUE, NO_ONE, SUPPLY
from app.store.overlay import Overlay
from tests.support.memory_state import MemoryState

A, B = b"\x01" * 20, b"\x02" * 20


@pytest.fixture
def state():
    state = MemoryState()
    for job_id, first, last in ((1, 0, 4), (1, 10, 14), (2, 0, 9)):
        CLAIMED_RANGES.put(state, RangeEnd(last, 1), job_id, first)
    return state


def test_what_was_put_is_got_and_what_was_dropped_is_not():
    state = MemoryState()
    ACCOUNTS.put(state, Account(1, 2, 3), A)
    assert (ACCOUNTS.get(state, A), ACCOUNTS.has(state, A)) == (Account(1, 2, 3), True)
    assert (ACCOUNTS.get(state, B), ACCOUNTS.has(state, B)) == (None, False)
    ACCOUNTS.drop(state, A)
    ACCOUNTS.drop(state, A)
    assert not ACCOUNTS.has(state, A)


def test_a_missing_record_is_its_default_or_a_mistake_of_our_own():
    assert ACCOUNTS.read(MemoryState(), A) == NO_ONE
    with pytest.raises(AssertionError, match="supply: no record"):
        SUPPLY.read(MemoryState())


def test_entries_come_in_the_order_of_their_keys(state):
    assert [key for key, _ in CLAIMED_RANGES.items(state)] == [(1, 0), (1, 10), (2, 0)]
    assert [key for key, _ in CLAIMED_RANGES.items(state, reverse=True)] == [(2, 0), (1, 10), (1, 0)]


def test_leading_parts_choose_the_entries_that_share_them(state):
    assert list(CLAIMED_RANGES.keys(state, 1)) == [(1, 0), (1, 10)]
    assert list(CLAIMED_RANGES.keys(state, 3)) == []


@pytest.mark.parametrize(
    ("key", "found"), [((1, 0), None), ((1, 1), (1, 0)), ((1, 10), (1, 0)), ((1, 99), (1, 10)), ((2, 0), None)]
)
def test_the_last_entry_before_a_key_shares_all_but_its_last_part(state, key, found):
    entry = CLAIMED_RANGES.last_before(state, *key)
    assert (None if entry is None else entry[0]) == found


def test_tables_do_not_see_each_others_entries(state):
    DUE.put(state, Empty(), 1, 1, 1, 0, 0)
    assert list(ACCOUNTS.keys(state)) == []
    assert len(list(CLAIMED_RANGES.keys(state))) == 3


def test_entries_may_be_changed_while_they_are_walked(state):
    overlay = Overlay(state)
    CLAIMED_RANGES.put(overlay, RangeEnd(30, 2), 1, 20)
    for key, _ in CLAIMED_RANGES.items(overlay, 1):
        CLAIMED_RANGES.drop(overlay, *key)
    assert list(CLAIMED_RANGES.keys(overlay)) == [(2, 0)]
    assert len(list(CLAIMED_RANGES.keys(state))) == 3
