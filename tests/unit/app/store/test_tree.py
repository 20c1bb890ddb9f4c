from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.primitives.state_proof import EMPTY_HASH, compute_inner_hash
from app.store import tree
from app.store.pages import EMPTY_NODE, MANY, Fan, decode_bucket
from app.store.tree import TreeUpdate, compute_root, find_leaf, make_leaf
from tests.support.naive_tree import bits_of, naive_leaf_hash, naive_root


def keys_with_common_paths():
    """Few keys whose paths meet often: some share four bits, some twelve."""
    candidates = [number.to_bytes(3, "big") for number in range(60_000)]
    deep = [key for key in candidates if sha256(key).digest()[0] == 0xA5 and sha256(key).digest()[1] >> 4 == 0x5]
    return candidates[:24] + deep[:12]


KEYS = keys_with_common_paths()
BATCHES = st.lists(
    st.dictionaries(st.sampled_from(KEYS), st.none() | st.binary(max_size=1), max_size=len(KEYS)), max_size=8
)


class PageTable:
    """The pages of one tree, and its root: what the store does with an update, without the store."""

    def __init__(self):
        self.pages, self.root, self.next_page = {}, EMPTY_NODE, 1

    def apply(self, changes):
        update = TreeUpdate(self.pages.__getitem__, self.next_page)
        self.root = update.apply(self.root, sorted(make_leaf(key, value) for key, value in changes.items()))
        self.next_page = update.next_page
        for number in update.dropped:
            del self.pages[number]
        self.pages |= update.written

    def reachable(self, node):
        if not node[1]:
            return []
        if node[2] < MANY:
            assert len(decode_bucket(self.pages[node[1]])) == node[2]
            return [node[1]]
        return [
            node[1],
            *(number for child in Fan(self.pages[node[1]]).get_nodes() for number in self.reachable(child)),
        ]


@pytest.fixture(params=[(1, 1), (2, 1), (4, 2), (32, 16)], ids=lambda sizes: f"buckets of {sizes[0]}")
def page_sizes(request, monkeypatch):
    monkeypatch.setattr(tree, "BUCKET_LEAVES", request.param[0])
    monkeypatch.setattr(tree, "MERGE_LEAVES", request.param[1])


class TestWithEveryPageSize:
    @pytest.fixture(autouse=True)
    def sizes(self, page_sizes):
        """Small pages make deep trees of few keys."""

    def test_the_root_is_that_of_the_pairs_after_any_batches_of_sets_and_deletes(self):
        @given(BATCHES)
        @settings(max_examples=60, deadline=None)
        def check(batches):
            table, model = PageTable(), {}
            for batch in batches:
                table.apply(batch)
                model = {key: value for key, value in (model | batch).items() if value is not None}
                assert table.root[0] == naive_root(model)
                assert sorted(table.reachable(table.root)) == sorted(table.pages)

        check()

    def test_deleting_everything_one_by_one_collapses_the_tree_step_by_step(self):
        table, left = PageTable(), dict.fromkeys(KEYS, b"value")
        table.apply(left)
        for key in KEYS:
            del left[key]
            table.apply({key: None})
            assert table.root[0] == naive_root(left)
        assert (table.root, table.pages) == (EMPTY_NODE, {})

    def test_every_way_to_a_key_folds_back_to_the_root(self):
        table = PageTable()
        table.apply(dict.fromkeys(KEYS[::2], b"value"))
        for key in KEYS:
            leaf, aunts = find_leaf(table.pages.__getitem__, table.root, key)
            node, bits = leaf[2] if leaf else EMPTY_HASH, bits_of(sha256(key).digest())[: len(aunts)]
            for bit, aunt in zip(reversed(bits), aunts, strict=True):
                node = compute_inner_hash(aunt, node) if bit == "1" else compute_inner_hash(node, aunt)
            assert node == table.root[0]
            assert (leaf is not None and leaf[1] == key) == (key in KEYS[::2])


def test_a_large_batch_and_many_small_ones_meet_at_the_same_root():
    pairs = {number.to_bytes(4, "big"): bytes([number % 256]) for number in range(3000)}
    at_once, in_steps, items = PageTable(), PageTable(), list(pairs.items())
    at_once.apply(pairs)
    for first in range(2900, -1, -100):
        in_steps.apply(dict(items[first : first + 100]))
    assert at_once.root[0] == in_steps.root[0] == naive_root(pairs)
    in_steps.apply({key: None for key, _ in items[7:]})
    assert in_steps.root[0] == naive_root(dict(items[:7]))
    assert len(in_steps.pages) == 1


def test_changing_one_key_of_many_rewrites_only_the_pages_on_its_way():
    table = PageTable()
    table.apply({number.to_bytes(4, "big"): b"value" for number in range(20_000)})
    before = set(table.pages)
    table.apply({bytes(4): b"other"})
    assert len(before - set(table.pages)) == len(set(table.pages) - before) <= 5


def test_an_update_only_reads_until_it_is_written():
    table = PageTable()
    table.apply(dict.fromkeys(KEYS, b"value"))
    pages, root = dict(table.pages), table.root
    update = TreeUpdate(table.pages.__getitem__, table.next_page)
    assert update.apply(root, [make_leaf(KEYS[0], None)])[0] != root[0]
    assert (table.pages, table.root) == (pages, root)


def test_a_single_pair_is_its_leaf_and_nothing_is_zero():
    assert compute_root([]) == EMPTY_HASH == bytes(32)
    assert compute_root([make_leaf(b"key", b"value")]) == naive_leaf_hash(b"key", b"value")


def test_a_long_key_has_its_length_in_two_bytes():
    key = bytes(300)
    expected = sha256(b"\x00\xac\x02" + key + b"\x20" + sha256(b"value").digest()).digest()
    assert make_leaf(key, b"value") == (sha256(key).digest(), key, expected)
