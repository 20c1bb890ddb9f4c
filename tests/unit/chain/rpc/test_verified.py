"""Only what the proof shows under the right header is believed."""

import asyncio
from dataclasses import replace
from hashlib import sha256

import pytest

from app.primitives.state_proof import (
    AbsenceProof,
    ExistenceProof,
    compute_app_hash,
    compute_inner_hash,
    compute_leaf_hash,
    encode_proof,
)
from chain.rpc.types import Header, ProofOp, QueryResult
from chain.rpc.verified import ProofRefused, QueryRefused, verified_get, verified_read

KEY, VALUE, ABSENT = b"account/alice", b"12 LPT", b"account/nobody"


def leaf(key, value):
    return compute_leaf_hash(key, sha256(value).digest())


def tree_of_two():
    """A tree with KEY on one side of the root and another leaf on the other; its app hash and both proofs."""
    bit = sha256(KEY).digest()[0] >> 7
    other = next(k for k in (b"other/%d" % n for n in range(99)) if sha256(k).digest()[0] >> 7 != bit)
    mine, theirs = leaf(KEY, VALUE), leaf(other, b"1")
    root = compute_inner_hash(theirs, mine) if bit else compute_inner_hash(mine, theirs)
    return compute_app_hash(root), encode_proof(ExistenceProof(KEY, mine, (theirs,)))


APP_HASH, EXISTENCE = tree_of_two()
EMPTY_APP_HASH = compute_app_hash(bytes(32))
ABSENCE = encode_proof(AbsenceProof(ABSENT, None, ()))


class Node:
    """A client of a node that answers so."""

    url = "http://node"

    def __init__(self, answer, app_hash=APP_HASH, header_height=8):
        self.answer, self.app_hash, self.header_height = answer, app_hash, header_height
        self.asked = []

    async def abci_query(self, path, data, height, prove):
        self.asked.append((path, data, height, prove))
        return self.answer

    async def header(self, height):
        self.asked.append(height)
        return Header("c", self.header_height, "", b"", b"", b"", b"", self.app_hash, b"", b"")


def answer(proof=EXISTENCE, key=KEY, value=VALUE, height=7, code=0):
    operators = tuple(ProofOp(*item) for item in proof)
    return QueryResult(code, "", "log", "", 0, key, value, height, operators)


def read(node, key=KEY, height=None):
    return asyncio.run(verified_get(node, key, height))


def test_a_proven_value_is_returned_with_the_next_blocks_header_asked():
    node = Node(answer())
    assert read(node) == VALUE
    assert node.asked == [("/store/state/key", KEY, 0, True), 8]
    seen = asyncio.run(verified_read(node, KEY, 7))
    assert (seen.value, seen.height, seen.app_hash) == (VALUE, 7, APP_HASH)


def test_a_proven_absence_is_none():
    assert read(Node(answer(ABSENCE, ABSENT, b""), EMPTY_APP_HASH), ABSENT) is None


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (answer(value=b"13 LPT"), "another value"),
        (answer(proof=()), "no proof"),
        (answer(proof=EXISTENCE[:1]), "contradict"),
        (answer(height=6), "header of height"),
        (answer(key=b"account/bob"), "answered for key"),
        (answer(height=0), "answered for height 0"),
        (answer(proof=ABSENCE, value=b""), "asked was"),
        (answer(proof=ABSENCE), "proof that there is none"),
    ],
)
def test_a_forged_answer_is_refused(given, problem):
    with pytest.raises(ProofRefused, match=problem):
        read(Node(given))


def test_another_key_with_its_own_good_proof_is_refused():
    with pytest.raises(ProofRefused):
        read(Node(answer(key=b"")), ABSENT)


def test_a_height_that_was_not_asked_for_is_refused():
    with pytest.raises(ProofRefused, match="answered for height 7, asked was 5"):
        read(Node(answer()), height=5)


def test_another_app_hash_is_refused():
    with pytest.raises(ProofRefused, match="another app hash"):
        read(Node(answer(), app_hash=bytes(32)))


def test_an_error_code_is_told_with_its_text():
    with pytest.raises(QueryRefused, match=r"^log") as raised:
        read(Node(replace(answer(), code=4)))
    assert raised.value.code == 4
