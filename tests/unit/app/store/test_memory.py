import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.store.errors import StoreClosed
from app.store.memory import MemoryBackend

BATCHES = st.lists(
    st.dictionaries(st.binary(min_size=1, max_size=2), st.one_of(st.none(), st.binary(max_size=1)), max_size=8),
    max_size=6,
)


@given(BATCHES, st.booleans())
def test_every_snapshot_stays_as_it_was_taken(batches, reverse):
    backend, model, taken = MemoryBackend(), {}, []
    for batch in batches:
        taken.append((backend.snapshot(), dict(model)))
        backend.write(batch.items(), sync=False)
        model = {key: value for key, value in (model | batch).items() if value is not None}
    taken.append((backend.snapshot(), model))
    for snapshot, pairs in taken:
        assert list(snapshot.iterate(b"", None, reverse)) == sorted(pairs.items(), reverse=reverse)
        assert all(snapshot.get(key) == pairs.get(key) for batch in batches for key in batch)


def test_an_iteration_over_a_snapshot_survives_a_write_in_its_middle():
    backend = MemoryBackend()
    backend.write([(b"a", b"1"), (b"b", b"2"), (b"c", b"3")], sync=False)
    pairs = backend.iterate(b"", None)
    first = next(pairs)
    backend.write([(b"b", b"9"), (b"c", None), (b"d", b"4")], sync=False)
    assert [first, *pairs] == [(b"a", b"1"), (b"b", b"2"), (b"c", b"3")]


def test_many_new_keys_at_once_come_out_in_order():
    backend = MemoryBackend()
    backend.write([(bytes([number * 37 % 256]), b"") for number in range(200)], sync=False)
    keys = [key for key, _ in backend.iterate(b"", None)]
    assert keys == sorted(keys)
    assert len(keys) == 200


def test_of_one_key_twice_in_a_batch_the_later_counts():
    backend = MemoryBackend()
    backend.write([(b"a", b"1"), (b"a", None), (b"b", None), (b"b", b"2")], sync=False)
    assert list(backend.iterate(b"", None)) == [(b"b", b"2")]


def test_snapshots_that_nobody_holds_are_not_kept():
    backend = MemoryBackend()
    for number in range(50):
        backend.snapshot()
        backend.write([(bytes([number]), b"")], sync=False)
    gc.collect()
    backend.write([(b"z", b"")], sync=False)
    assert len(backend._snapshots) == 0


def test_a_closed_backend_says_so():
    backend = MemoryBackend()
    backend.close()
    for call in (lambda: backend.get(b"a"), lambda: backend.write([], sync=True), backend.snapshot):
        with pytest.raises(StoreClosed, match="closed"):
            call()
