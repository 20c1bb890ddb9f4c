from hypothesis import given
from hypothesis import strategies as st

from app.store.memory import MemoryBackend
from app.store.overlay import Overlay

KEYS = st.binary(min_size=1, max_size=2)
CHANGES = st.dictionaries(KEYS, st.one_of(st.none(), st.binary(max_size=2)), max_size=12)
BOUNDS = st.one_of(st.none(), st.binary(max_size=2))


def backend_with(pairs):
    backend = MemoryBackend()
    backend.write(pairs.items(), sync=False)
    return backend


def fill(overlay, changes):
    for key, value in changes.items():
        if value is None:
            overlay.delete(key)
        else:
            overlay.set(key, value)


def applied(model, changes):
    merged = model | changes
    return {key: value for key, value in merged.items() if value is not None}


def in_range(model, start, stop, reverse):
    keys = [key for key in model if start <= key and (stop is None or key < stop)]
    return [(key, model[key]) for key in sorted(keys, reverse=reverse)]


@given(CHANGES, CHANGES, CHANGES, st.binary(max_size=2), BOUNDS, st.booleans())
def test_an_overlay_over_an_overlay_reads_as_if_all_changes_were_written(base, block, tx, start, stop, reverse):
    base = applied({}, base)
    parent = Overlay(backend_with(base))
    fill(parent, block)
    child = Overlay(parent)
    fill(child, tx)
    model = applied(applied(base, block), tx)
    assert list(child.iterate(start, stop, reverse)) == in_range(model, start, stop, reverse)
    assert {key: child.get(key) for key in base | block | tx} == {key: model.get(key) for key in base | block | tx}
    child.apply_to_parent()
    assert list(parent.iterate(start, stop, reverse)) == in_range(model, start, stop, reverse)
    assert parent.changes() == block | tx
    assert child.changes() == {}


@given(CHANGES, CHANGES)
def test_a_dropped_child_leaves_its_parent_as_it_was(block, tx):
    parent = Overlay(MemoryBackend())
    fill(parent, block)
    fill(Overlay(parent), tx)
    assert parent.changes() == block


@given(st.lists(CHANGES, max_size=5))
def test_iteration_between_changes_keeps_seeing_the_newest(batches):
    overlay, model = Overlay(MemoryBackend()), {}
    for changes in batches:
        fill(overlay, changes)
        model = applied(model, changes)
        assert list(overlay.iterate(b"", None)) == in_range(model, b"", None, False)


def test_an_iteration_shows_the_moment_it_was_asked_for():
    overlay = Overlay(backend_with({b"a": b"1", b"c": b"3"}))
    overlay.set(b"b", b"2")
    pairs = overlay.iterate(b"", None)
    for key in (b"a", b"b", b"c"):
        overlay.delete(key)
    overlay.set(b"d", b"4")
    assert list(pairs) == [(b"a", b"1"), (b"b", b"2"), (b"c", b"3")]


def test_deleting_what_one_iterates_over_deletes_everything():
    overlay = Overlay(backend_with({bytes([number]): b"x" for number in range(9)}))
    overlay.set(b"\x04a", b"y")
    for key, _ in overlay.iterate(b"", None):
        overlay.delete(key)
    assert list(overlay.iterate(b"", None)) == []


def test_an_overlay_keeps_its_changes_to_itself():
    backend = backend_with({b"a": b"1"})
    overlay = Overlay(backend)
    overlay.set(b"a", b"2")
    overlay.delete(b"b")
    assert backend.get(b"a") == b"1"
    overlay.clear()
    assert overlay.get(b"a") == b"1"
    assert overlay.changes() == {}


def test_the_copy_of_the_changes_is_not_the_overlay_s_own():
    overlay = Overlay(MemoryBackend())
    overlay.set(b"a", b"1")
    overlay.changes()[b"b"] = b"2"
    assert overlay.get(b"b") is None
