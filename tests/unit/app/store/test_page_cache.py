from hypothesis import given
from hypothesis import strategies as st

from app.store.page_cache import PageCache

LIMIT_BYTES = 2000


@given(st.lists(st.tuples(st.sampled_from(["add", "get", "remove"]), st.integers(0, 15)), max_size=60))
def test_it_stays_within_its_limit_and_never_gives_a_wrong_page(steps):
    cache = PageCache(LIMIT_BYTES)
    for step, number in steps:
        if step == "add":
            cache.add([(number, bytes([number]) * 100)])
        elif step == "remove":
            cache.remove([number])
            assert cache.get(number) is None
        else:
            assert cache.get(number) in (None, bytes([number]) * 100)
        assert 0 <= cache.size_bytes <= LIMIT_BYTES
    cache.remove(range(16))
    assert cache.size_bytes == 0


def test_the_least_recently_used_page_goes_first():
    cache = PageCache(LIMIT_BYTES)
    cache.add((number, bytes(300)) for number in range(4))  # four of 500 bytes with their overhead
    cache.get(0)
    cache.add([(4, bytes(300))])
    assert [cache.get(number) is not None for number in range(5)] == [True, False, True, True, True]


def test_a_page_larger_than_the_whole_cache_is_not_kept():
    cache = PageCache(LIMIT_BYTES)
    cache.add([(1, bytes(3000))])
    assert cache.get(1) is None
