"""The tree over receipts: every leaf provable, nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.messages.limits import MAX_PROOF_LENGTH
from app.primitives.merkle import hash_inner, hash_leaf, merkle_path, merkle_root, verify_merkle_path

LEAVES = st.lists(st.binary(max_size=8), min_size=1, max_size=40)


def root_of(leaves):
    """RFC 6962's recursive definition, with our hashes."""
    if len(leaves) == 1:
        return hash_leaf(leaves[0])
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hash_inner(root_of(leaves[:half]), root_of(leaves[half:]))


@given(LEAVES)
def test_the_root_is_that_of_rfc_6962(leaves):
    assert merkle_root(leaves) == root_of(leaves)


@given(LEAVES, st.data())
def test_every_leaf_is_proven_at_its_own_index_alone(leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))
    root, path = merkle_root(leaves), merkle_path(leaves, index)
    assert verify_merkle_path(root, leaves[index], index, len(leaves), path)
    assert len(path) <= (len(leaves) - 1).bit_length() <= MAX_PROOF_LENGTH
    for other in range(len(leaves)):
        if leaves[other] != leaves[index] and other != index:
            assert not verify_merkle_path(root, leaves[other], index, len(leaves), path)


@given(LEAVES, st.data())
def test_a_path_that_was_changed_proves_nothing(leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))
    root, path = merkle_root(leaves), list(merkle_path(leaves, index))
    assert not verify_merkle_path(root, leaves[index], index, len(leaves), [*path, bytes(32)])
    assert not verify_merkle_path(root, leaves[index] + b"x", index, len(leaves), path)
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        assert not verify_merkle_path(root, leaves[index], index, len(leaves), path[:at] + path[at + 1 :])
        changed = [*path[:at], bytes(32), *path[at + 1 :]]
        assert not verify_merkle_path(root, leaves[index], index, len(leaves), changed)


def test_an_inner_node_does_not_pass_for_a_leaf():
    leaves = [b"a", b"b", b"c", b"d"]
    inner = hash_leaf(b"a") + hash_leaf(b"b")
    path = [merkle_path(leaves, 0)[1]]
    assert not verify_merkle_path(merkle_root(leaves), inner, 0, 2, path)


@pytest.mark.parametrize(("index", "count"), [(-1, 2), (2, 2), (0, 0), (5, 3)])
def test_an_index_outside_the_leaves_proves_nothing(index, count):
    leaves = [b"a", b"b"]
    assert not verify_merkle_path(merkle_root(leaves), b"a", index, count, merkle_path(leaves, 0))


def test_a_tree_without_leaves_has_no_root():
    with pytest.raises(ValueError, match="at least one leaf"):
        merkle_root([])
