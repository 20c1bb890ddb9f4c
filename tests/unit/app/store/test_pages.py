import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.store.errors import StoreCorrupt
from app.store.pages import (
    BUCKET_LEAVES,
    EMPTY_NODE,
    FAN_SLOTS,
    MANY,
    Fan,
    compute_slots_hash,
    compute_subtree_hash,
    decode_bucket,
    encode_bucket,
)
from app.store.tree import make_leaf
from tests.support.naive_tree import bits_of, naive_subtree

NODES = st.tuples(st.binary(min_size=32, max_size=32), st.integers(1, 2**64 - 1), st.integers(1, MANY))


@given(st.lists(st.binary(min_size=1, max_size=1024), min_size=1, max_size=BUCKET_LEAVES, unique=True))
def test_a_bucket_page_gives_its_leaves_back(keys):
    leaves = sorted(make_leaf(key, b"value") for key in keys)
    assert decode_bucket(encode_bucket(leaves)) == leaves


@given(st.dictionaries(st.integers(0, FAN_SLOTS - 1), NODES))
def test_a_fan_page_gives_its_slots_back(nodes):
    fan = Fan()
    for slot, node in nodes.items():
        fan.set_slot(slot, node)
    again = Fan(fan.encode())
    assert again.get_nodes() == [nodes.get(slot, EMPTY_NODE) for slot in range(FAN_SLOTS)]


@given(st.lists(NODES, min_size=FAN_SLOTS, max_size=FAN_SLOTS))
def test_the_short_way_over_full_slots_gives_the_hash_of_the_long_one(nodes):
    fan = Fan()
    for slot, node in enumerate(nodes):
        fan.set_slot(slot, node)
    assert fan.compute_hash() == compute_slots_hash(nodes)


# Hash functions give no long common prefixes, so paths are made by hand here: two leaves may part at the very last bit.
PATHS = st.tuples(st.integers(0, 32), st.sampled_from([0, 1, 2, 128, 255]), st.binary(max_size=2)).map(
    lambda parts: (bytes(parts[0]) + bytes([parts[1]]) + parts[2] + bytes(32))[:32]
)


@given(st.lists(PATHS, max_size=20, unique=True))
def test_the_hash_of_a_subtree_is_that_of_its_definition_at_any_depth(paths):
    leaves = [(path, b"", bytes([number]) * 32) for number, path in enumerate(sorted(paths))]
    assert compute_subtree_hash(leaves, 0) == naive_subtree([(bits_of(path), digest) for path, _, digest in leaves])


@pytest.mark.parametrize("page", [b"", b"\x00", b"\x01\x00", b"\x07" + bytes(700)])
def test_bytes_that_are_no_page_are_reported_as_damage(page):
    with pytest.raises(StoreCorrupt):
        Fan(page)
    with pytest.raises(StoreCorrupt):
        decode_bucket(page)


@given(st.binary(max_size=200))
def test_a_damaged_page_raises_nothing_but_the_store_s_own_error(tail):
    for decode in (decode_bucket, Fan):
        for tag in (b"\x00", b"\x01"):
            try:
                decode(tag + tail)
            except StoreCorrupt:
                continue
