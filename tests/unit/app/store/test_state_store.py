import random
import shutil
import signal
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.primitives.state_proof import EMPTY_HASH
from app.store.errors import HistoryUnavailable, StoreCorrupt, StoreError
from app.store.layout import HEAD_KEY, PAGE_PREFIX, UNDO_PREFIX, end_of_prefix, page_key
from app.store.leveldb import LevelDbBackend
from app.store.memory import MemoryBackend
from app.store.pages import MANY, Fan
from app.store.state_store import HISTORY_HEIGHTS, StateStore
from tests.support.naive_tree import naive_root

KEYS = [bytes([1, number]) for number in range(80)]
CHANGES = st.dictionaries(st.sampled_from(KEYS), st.none() | st.binary(max_size=2), max_size=20)


@pytest.fixture(params=["memory", "leveldb"])
def backend(request, tmp_path):
    backend = MemoryBackend() if request.param == "memory" else LevelDbBackend(tmp_path)
    yield backend
    backend.close()


def contents(backend):
    return dict(backend.iterate(b"", None))


def with_prefix(backend, prefix):
    return dict(backend.iterate(prefix, end_of_prefix(prefix)))


def applied(model, changes):
    return {key: value for key, value in (model | changes).items() if value is not None}


def random_changes(source):
    return {key: source.choice([None, source.randbytes(2), b""]) for key in source.sample(KEYS, 15)}


def commit(store, changes, meta=None):
    store.commit(store.height + 1, store.prepare(changes), meta)


def describe(store):
    return store.height, store.root, store.app_hash, list(store.iterate(b"", None)), store.get_meta(b"meta")


class TestEmptyState:
    def test_it_is_at_height_zero_with_the_agreed_app_hash(self, backend):
        store = StateStore(backend)
        assert (store.height, store.root, store.get(b"a"), list(store.iterate(b"", None))) == (0, EMPTY_HASH, None, [])
        assert store.app_hash.hex() == "547bfe2fb050069598319189391ada6d4cce2a067a4818c9c0960d2259b90207"

    def test_committing_nothing_keeps_the_root_and_moves_the_height(self, backend):
        store = StateStore(backend)
        commit(store, {})
        commit(store, {b"absent": None})
        assert (store.height, store.root) == (2, EMPTY_HASH)
        assert describe(StateStore(backend)) == describe(store)

    def test_there_is_nothing_to_go_back_to(self, backend):
        with pytest.raises(HistoryUnavailable, match="cannot go back from height 0"):
            StateStore(backend).rollback()


class TestPrepare:
    def test_it_writes_nothing_and_changes_no_answer(self, backend):
        store = StateStore(backend)
        commit(store, dict.fromkeys(KEYS, b"old"))
        before, answers = contents(backend), describe(store)
        prepared = store.prepare(dict.fromkeys(KEYS[:9], b"new"))
        assert (contents(backend), describe(store)) == (before, answers)
        assert prepared.root == naive_root(dict.fromkeys(KEYS, b"old") | dict.fromkeys(KEYS[:9], b"new"))
        assert prepared.app_hash != store.app_hash

    def test_of_several_only_one_is_committed_and_the_others_leave_no_trace(self, backend):
        store = StateStore(backend)
        discarded, chosen = store.prepare({b"a": b"1"}), store.prepare({b"b": b"2"})
        store.commit(1, chosen)
        assert list(store.iterate(b"", None)) == [(b"b", b"2")]
        assert store.root == naive_root({b"b": b"2"}) == store.recompute_root()
        with pytest.raises(AssertionError, match="prepared from another state"):
            store.commit(2, discarded)

    def test_values_that_stay_the_same_are_not_written_again(self, backend):
        store = StateStore(backend)
        commit(store, dict.fromkeys(KEYS, b"value"))
        prepared = store.prepare(dict.fromkeys(KEYS, b"value") | {b"absent": None})
        assert (prepared.changes, prepared.pages, prepared.root) == ({}, {}, store.root)

    @pytest.mark.parametrize("key", [b"", bytes(1025)])
    def test_a_key_without_length_or_with_too_much_is_our_own_mistake(self, key):
        with pytest.raises(AssertionError, match="a key of"):
            StateStore(MemoryBackend()).prepare({key: b"value"})


class TestCommit:
    def test_it_is_one_synced_batch(self):
        writes = []

        class Recorder(MemoryBackend):
            def write(self, batch, sync):
                batch = list(batch)
                writes.append((batch, sync))
                super().write(batch, sync)

        store = StateStore(Recorder(), history_heights=2)
        for number in range(5):
            commit(store, {b"a": bytes([number])}, {b"meta": b"x"})
        assert len(writes) == 5
        assert all(sync for _, sync in writes)

    def test_heights_follow_each_other_after_the_first(self):
        store = StateStore(MemoryBackend())
        with pytest.raises(AssertionError, match="height 0"):
            store.commit(0, store.prepare({}))
        store.commit(7, store.prepare({}))
        for height in (7, 9):
            with pytest.raises(AssertionError, match=f"height {height}"):
                store.commit(height, store.prepare({}))

    def test_reopening_gives_the_same_state(self, tmp_path):
        source, store = random.Random(1), StateStore(LevelDbBackend(tmp_path))
        for number in range(12):
            commit(store, random_changes(source), {b"meta": bytes([number])})
            before = describe(store)
            store.close()
            store = StateStore(LevelDbBackend(tmp_path))
            assert describe(store) == before
            assert store.recompute_root() == store.root
        store.close()

    def test_memory_and_leveldb_agree_at_every_height_with_and_without_restarts_and_cache(self, tmp_path):
        source = random.Random(2)
        memory = StateStore(MemoryBackend())
        disk = StateStore(LevelDbBackend(tmp_path), page_cache_bytes=0)
        for _ in range(10):
            changes = random_changes(source)
            commit(memory, changes)
            disk.close()
            disk = StateStore(LevelDbBackend(tmp_path), page_cache_bytes=0)
            commit(disk, dict(reversed(changes.items())))
            assert describe(disk) == describe(memory)
        disk.close()

    def test_meta_lies_beside_the_tree(self, backend):
        store = StateStore(backend)
        commit(store, {b"a": b"1"}, {b"meta": b"x", b"other": b"y"})
        assert store.root == naive_root({b"a": b"1"})
        commit(store, {}, {b"other": None})
        assert (store.get_meta(b"meta"), store.get_meta(b"other"), store.get(b"meta")) == (b"x", None, None)

    def test_pages_and_undo_records_go_when_their_height_expires(self, backend):
        source, store, history = random.Random(3), StateStore(backend, history_heights=3), 3
        for _ in range(20):
            commit(store, random_changes(source))
        heights = {int.from_bytes(key[1:9], "big") for key in with_prefix(backend, UNDO_PREFIX)}
        assert sorted(heights) == list(range(21 - history, 21))
        view, reachable = store.view(), set()
        for height in range(20 - history, 21):
            reachable |= reachable_pages(backend, view.at(height)._head.root)
        assert {page_key(number) for number in reachable} == set(with_prefix(backend, PAGE_PREFIX))


def reachable_pages(backend, node):
    if not node[1]:
        return set()
    pages = {node[1]}
    if node[2] == MANY:
        for child in Fan(backend.get(page_key(node[1]))).get_nodes():
            pages |= reachable_pages(backend, child)
    return pages


class TestRollback:
    def test_a_hundred_heights_go_back_one_by_one_and_no_more(self, backend):
        source, store, past = random.Random(4), StateStore(backend), []
        for number in range(HISTORY_HEIGHTS + 5):
            past.append(describe(store))
            commit(store, random_changes(source), {b"meta": bytes([number])})
        for expected in reversed(past[5:]):
            assert store.rollback() == expected[0]
            assert describe(store) == expected
        with pytest.raises(HistoryUnavailable, match="cannot go back from height 5"):
            store.rollback()
        assert store.recompute_root() == store.root

    def test_it_leaves_every_byte_as_it_was_before_the_commit(self, backend):
        source, store, past = random.Random(6), StateStore(backend), []
        for number in range(10):
            past.append(contents(backend))
            commit(store, random_changes(source), {b"meta": bytes([number]), bytes([number % 3]): b"x"})
        for expected in reversed(past):
            store.rollback()
            assert contents(backend) == expected

    def test_going_back_to_the_beginning_leaves_nothing_behind(self, backend):
        store = StateStore(backend)
        for number in range(4):
            commit(store, dict.fromkeys(KEYS[number : number + 40], bytes([number])), {b"meta": b"x"})
        for _ in range(4):
            store.rollback()
        assert (store.height, contents(backend)) == (0, {})

    def test_the_way_forward_again_gives_the_same_hashes_and_views_are_not_confused(self, backend):
        store, source = StateStore(backend), random.Random(5)
        batches = [random_changes(source) for _ in range(6)]
        hashes = []
        for changes in batches:
            commit(store, changes)
            hashes.append(store.app_hash)
        view = store.view()
        for _ in range(4):
            store.rollback()
        commit(store, {b"another": b"branch"})
        assert view.at(3).app_hash == hashes[2]
        view.prove(KEYS[0])
        store.rollback()
        for height, changes in enumerate(batches[2:], 3):
            commit(store, changes)
            assert store.app_hash == hashes[height - 1]
            assert store.view().at(height - 1).app_hash == hashes[height - 2]

    @given(st.lists(st.one_of(CHANGES, st.sampled_from(["rollback", "reopen"])), max_size=25))
    @settings(max_examples=80, deadline=None)
    def test_any_commits_rollbacks_and_restarts_end_in_the_state_of_the_pairs(self, steps):
        backend = MemoryBackend()
        store, past = StateStore(backend, history_heights=5), [{}]
        undoable = 0
        for step in steps:
            if step == "reopen":
                store = StateStore(backend, history_heights=5)
            elif step == "rollback" and undoable:
                store.rollback()
                past.pop()
                undoable -= 1
            elif step != "rollback":
                commit(store, step)
                past.append(applied(past[-1], step))
                undoable = min(undoable + 1, 5)
            assert store.height == len(past) - 1
            assert store.root == naive_root(past[-1]) == store.recompute_root()
            assert dict(store.iterate(b"", None)) == past[-1]
            assert dict(store.view().at(store.height - undoable).iterate(b"", None)) == past[-1 - undoable]


class TestDamage:
    def test_a_value_changed_behind_its_back_is_found_by_the_audit(self, backend):
        store = StateStore(backend)
        commit(store, dict.fromkeys(KEYS, b"value"))
        backend.write([(b"s" + KEYS[3], b"forged")], sync=True)
        assert store.recompute_root() != store.root

    def test_a_store_of_another_format_is_refused(self, backend):
        backend.write([(HEAD_KEY, b"\x09" + bytes(60))], sync=True)
        with pytest.raises(StoreError, match="another format than 1"):
            StateStore(backend)

    def test_a_damaged_head_is_reported(self, backend):
        backend.write([(HEAD_KEY, b"\x01\x00")], sync=True)
        with pytest.raises(StoreCorrupt, match="last commit is damaged"):
            StateStore(backend)

    def test_a_missing_page_stops_the_next_change(self, backend):
        store = StateStore(backend)
        commit(store, {b"a": b"1"})
        backend.write([(page_key(store._head.root[1]), None)], sync=True)
        with pytest.raises(StoreCorrupt, match="page 1 of the state tree is missing"):
            StateStore(backend).prepare({b"a": b"2"})


WRITER = """
import sys
from pathlib import Path
from app.store.leveldb import LevelDbBackend
from app.store.state_store import StateStore

store = StateStore(LevelDbBackend(Path(sys.argv[1])), history_heights=4)
while True:
    height = store.height + 1
    changes = {bytes([1, number % 250]): height.to_bytes(4, "big") for number in range(height, height + 150)}
    store.commit(height, store.prepare(changes), {b"meta": height.to_bytes(4, "big")})
    print(height, flush=True)
"""


def assert_whole(path):
    """The store is at one height with everything that belongs to it; returns that height."""
    store = StateStore(LevelDbBackend(path), history_heights=4)
    model = {}
    for height in range(1, store.height + 1):
        model |= {bytes([1, number % 250]): height.to_bytes(4, "big") for number in range(height, height + 150)}
    assert dict(store.iterate(b"", None)) == model
    assert store.root == naive_root(model) == store.recompute_root()
    assert store.get_meta(b"meta") == (store.height.to_bytes(4, "big") if store.height else None)
    height = store.height
    store.close()
    return height


class TestCrash:
    def test_killed_at_any_moment_it_is_at_a_height_it_had_reported_or_the_next(self, tmp_path):
        before = 0
        for kill_after in (1, 2, 5, 3, 1):
            writer = subprocess.Popen([sys.executable, "-c", WRITER, tmp_path], stdout=subprocess.PIPE, text=True)
            reported = [int(writer.stdout.readline()) for _ in range(kill_after)]
            writer.send_signal(signal.SIGKILL)
            reported += [int(line) for line in writer.stdout.read().split()]
            writer.wait()
            writer.stdout.close()
            height = assert_whole(tmp_path)
            assert reported == list(range(before + 1, before + 1 + len(reported)))
            assert height in (reported[-1], reported[-1] + 1)
            before = height

    def test_a_log_cut_anywhere_opens_at_one_height_or_the_other(self, tmp_path):
        store = StateStore(LevelDbBackend(tmp_path / "whole"), history_heights=4)
        for height in range(1, 5):
            changes = {bytes([1, number % 250]): height.to_bytes(4, "big") for number in range(height, height + 150)}
            store.commit(height, store.prepare(changes), {b"meta": height.to_bytes(4, "big")})
        store.close()
        log = next((tmp_path / "whole").glob("*.log"))
        size, heights = log.stat().st_size, []
        for cut in range(0, size + 1, size // 24):
            copy = tmp_path / "cut"
            shutil.copytree(tmp_path / "whole", copy)
            with (copy / log.name).open("r+b") as stream:
                stream.truncate(cut)
            heights.append(assert_whole(copy))
            shutil.rmtree(copy)
        assert heights == sorted(heights)
        assert {0, 1, 2, 3} <= set(heights)
