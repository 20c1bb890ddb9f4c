import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.primitives.state_proof import decode_proof, encode_proof, verify_absence, verify_answer, verify_existence
from app.store.errors import HistoryUnavailable, StoreCorrupt
from app.store.layout import page_key, undo_key
from app.store.leveldb import LevelDbBackend
from app.store.memory import MemoryBackend
from app.store.state_store import StateStore

KEYS = [f"key {number:02}".encode() for number in range(60)]
HISTORY = 8


@pytest.fixture(params=["memory", "leveldb"])
def backend(request, tmp_path):
    backend = MemoryBackend() if request.param == "memory" else LevelDbBackend(tmp_path)
    yield backend
    backend.close()


@pytest.fixture
def store(backend):
    return StateStore(backend, history_heights=HISTORY)


def commit_random(store, source, model):
    changes = {key: source.choice([None, source.randbytes(3)]) for key in source.sample(KEYS, 10)}
    store.commit(store.height + 1, store.prepare(changes), {b"meta": (store.height + 1).to_bytes(4, "big")})
    return {key: value for key, value in (model | changes).items() if value is not None}


def assert_view_shows(view, model, app_hash):
    assert view.app_hash == app_hash
    assert list(view.iterate(b"", None)) == sorted(model.items())
    assert list(view.iterate(b"key 2", b"key 4", reverse=True)) == [
        (key, model[key]) for key in sorted(model, reverse=True) if b"key 2" <= key < b"key 4"
    ]
    for key in KEYS:
        assert view.get(key) == model.get(key)
        proof = view.prove(key)
        assert decode_proof(encode_proof(proof)) == proof
        verify_answer(app_hash, key, model.get(key), encode_proof(proof))


def test_a_view_stays_at_its_commit(store):
    source, model, taken = random.Random(1), {}, []
    for _ in range(5):
        model = commit_random(store, source, model)
        taken.append((store.view(), model, store.app_hash))
    for height, (view, pairs, app_hash) in enumerate(taken, 1):
        assert view.height == height
        assert_view_shows(view, pairs, app_hash)


def test_every_kept_height_shows_its_values_and_proves_them(store):
    source, model, past = random.Random(2), {}, [({}, store.app_hash)]
    for _ in range(HISTORY + 4):
        model = commit_random(store, source, model)
        past.append((model, store.app_hash))
    view = store.view()
    assert view.oldest_height == 4
    for height in range(4, HISTORY + 5):
        assert_view_shows(view.at(height), *past[height])
        assert view.at(height).height == height
        assert view.at(height).get_meta(b"meta") == height.to_bytes(4, "big")
    assert view.at(5).at(9).app_hash == past[9][1]


@pytest.mark.parametrize("height", [-1, 0, 3, 13, 2**63 - 1, 2**64])
def test_a_height_that_is_not_kept_is_named_with_those_that_are(store, height):
    source, model = random.Random(3), {}
    for _ in range(HISTORY + 4):
        model = commit_random(store, source, model)
    with pytest.raises(HistoryUnavailable, match=f"height {height} is not kept here; kept are 4 to 12"):
        store.view().at(height)


def test_a_chain_that_begins_higher_has_no_heights_before_except_the_empty_state(store):
    store.commit(100, store.prepare({b"a": b"1"}))
    store.commit(101, store.prepare({b"a": b"2"}))
    view = store.view()
    assert (view.oldest_height, view.at(0).get(b"a"), view.at(100).get(b"a")) == (0, None, b"1")
    with pytest.raises(HistoryUnavailable, match="height 99"):
        view.at(99)


def test_the_empty_state_proves_that_every_key_is_absent(store):
    view = store.view()
    assert (view.height, view.oldest_height, view.at(0).height) == (0, 0, 0)
    verify_absence(view.app_hash, b"any", view.prove(b"any"))


def test_absence_is_shown_by_a_neighbour_with_its_value_at_that_height(store):
    store.commit(1, store.prepare({b"only": b"old"}))
    store.commit(2, store.prepare({b"only": b"new"}))
    earlier = store.view().at(1)
    proof = earlier.prove(b"other")
    assert proof.neighbour.key == b"only"
    verify_absence(earlier.app_hash, b"other", proof)
    verify_existence(earlier.app_hash, b"only", b"old", earlier.prove(b"only"))


def test_a_view_read_in_another_thread_stays_at_its_commit_while_others_follow(store):
    source, model = random.Random(6), {}
    for _ in range(3):
        model = commit_random(store, source, model)
    view, app_hash = store.view(), store.app_hash
    with ThreadPoolExecutor(1) as reader:
        done = [reader.submit(assert_view_shows, view, model, app_hash) for _ in range(30)]
        newest = model
        while not done[-1].done():
            newest = commit_random(store, source, newest)
    assert [future.exception() for future in done] == [None] * 30
    assert_view_shows(store.view(), newest, store.app_hash)


def test_a_view_is_the_same_until_the_next_commit(store):
    assert store.view() is store.view()
    before = store.view()
    store.commit(1, store.prepare({}))
    assert store.view() is not before


def test_a_missing_page_or_undo_record_is_reported_as_damage(backend, store):
    store.commit(1, store.prepare({b"a": b"1"}))
    store.commit(2, store.prepare({b"a": b"2"}))
    backend.write([(page_key(store._head.root[1]), None), (undo_key(2, b"h"), None)], sync=True)
    damaged = StateStore(backend).view()
    with pytest.raises(StoreCorrupt, match="page 2 of the state tree is missing"):
        damaged.prove(b"a")
    with pytest.raises(StoreCorrupt, match="the undo record of height 2 is damaged"):
        damaged.at(1)
