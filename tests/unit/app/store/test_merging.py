from hypothesis import given
from hypothesis import strategies as st

from app.store.merging import merge_changes, select_changes

KEYS = st.binary(max_size=2)


@given(
    st.dictionaries(KEYS, st.binary(max_size=1)),
    st.dictionaries(KEYS, st.none() | st.binary(max_size=1)),
    st.booleans(),
)
def test_changes_win_over_the_base_and_the_order_is_kept(base, changes, reverse):
    pairs = iter(sorted(base.items(), reverse=reverse))
    merged = list(merge_changes(pairs, select_changes(changes, b"", None), reverse))
    expected = {key: value for key, value in (base | changes).items() if value is not None}
    assert merged == sorted(expected.items(), reverse=reverse)


def test_a_range_has_its_start_and_not_its_stop():
    changes = {b"c": None, b"b": b"2", b"a": b"1", b"d": b"4"}
    assert select_changes(changes, b"b", b"d") == [(b"b", b"2"), (b"c", None)]
