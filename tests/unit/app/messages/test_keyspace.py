"""The keyspace: no two tables meet, keys sort as their parts do, and a key tells its parts."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.messages.keyspace import AMOUNT, LAYOUTS, NUMBER
from app.primitives.address import Address
from app.primitives.hashing import Hash32
from app.state import tables
from app.store.state_store import MAX_KEY_BYTES

PARTS = {
    NUMBER: st.integers(0, 2**64 - 1),
    AMOUNT: st.integers(0, 2**128 - 1),
    Address: st.binary(min_size=20, max_size=20),
    Hash32: st.binary(min_size=32, max_size=32),
    str: st.text(max_size=60),
}


def keys_of(layout):
    return st.tuples(*[PARTS[kind] for kind in layout.parts])


ANY_KEYS = st.sampled_from(LAYOUTS).flatmap(lambda layout: st.tuples(st.just(layout), keys_of(layout), keys_of(layout)))


def test_no_tables_keys_begin_like_anothers():
    for one, other in permutations(LAYOUTS, 2):
        assert not one.prefix.startswith(other.prefix), f"{one.name} and {other.name}"


def test_every_layout_has_one_table_and_every_table_its_own_layout():
    layouts = [table.layout for table in vars(tables).values() if isinstance(table, tables.Table)]
    assert sorted(layout.name for layout in layouts) == sorted(layout.name for layout in LAYOUTS)


@settings(max_examples=300)
@given(ANY_KEYS)
def test_a_key_is_split_into_the_parts_that_made_it(case):
    layout, parts, _ = case
    key = layout.key(*parts)
    assert layout.split(key) == parts
    assert len(key) <= MAX_KEY_BYTES


@settings(max_examples=300)
@given(ANY_KEYS)
def test_keys_sort_as_their_parts_do(case):
    layout, one, other = case
    if str in layout.parts:
        return
    assert (layout.key(*one) < layout.key(*other)) == (one < other)


@settings(max_examples=200)
@given(ANY_KEYS, st.data())
def test_the_first_parts_of_a_key_are_the_beginning_of_all_that_share_them(case, data):
    layout, parts, other = case
    leading = data.draw(st.integers(0, len(parts)))
    start = layout.key(*parts[:leading])
    stop = tables.end_of_prefix(start)
    assert start <= layout.key(*parts) < stop
    inside = start <= layout.key(*other) < stop
    assert inside == (other[:leading] == parts[:leading])


@pytest.mark.parametrize(
    ("prefix", "stop"),
    [(b"a/", b"a0"), (b"a/\xff", b"a0"), (b"a/\x01\xff\xff", b"a/\x02"), (b"a/\xff\x00", b"a/\xff\x01")],
)
def test_the_end_of_a_prefix_is_the_first_key_after_it(prefix, stop):
    assert tables.end_of_prefix(prefix) == stop
