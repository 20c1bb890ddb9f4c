import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcoder.content.address import content_id_of
from transcoder.content.failures import StoreFull
from transcoder.content.retention import Kept, choose_evictions

SIZES = st.lists(st.integers(1, 100), max_size=20)


def kept(sizes):
    return [Kept(content_id_of(bytes([number])), size) for number, size in enumerate(sizes)]


def test_nothing_goes_while_there_is_room():
    assert choose_evictions(kept([5]), used_bytes=5, wanted_bytes=5, limit_bytes=10) == []


def test_the_oldest_go_first_and_no_more_than_needed():
    pieces = kept([4, 4, 4])
    assert choose_evictions(pieces, used_bytes=12, wanted_bytes=5, limit_bytes=12) == pieces[:2]


def test_a_store_full_of_pins_says_how_much_is_missing():
    with pytest.raises(StoreFull, match=r"no room for 10 bytes: of 100 allowed, 95 are pinned; .* at least 5 bytes"):
        choose_evictions(kept([5]), used_bytes=100, wanted_bytes=10, limit_bytes=100)


@given(SIZES, st.integers(0, 500), st.integers(0, 300), st.integers(0, 600))
def test_what_is_left_always_fits_or_nothing_is_chosen(sizes, pinned_bytes, wanted_bytes, limit_bytes):
    used = sum(sizes) + pinned_bytes
    bounds = {"used_bytes": used, "wanted_bytes": wanted_bytes, "limit_bytes": limit_bytes}
    if pinned_bytes + wanted_bytes > limit_bytes:
        with pytest.raises(StoreFull):
            choose_evictions(kept(sizes), **bounds)
        return
    chosen = choose_evictions(kept(sizes), **bounds)
    freed = sum(each.size_bytes for each in chosen)
    assert used - freed + wanted_bytes <= limit_bytes
    assert not chosen or used - freed + chosen[-1].size_bytes + wanted_bytes > limit_bytes
