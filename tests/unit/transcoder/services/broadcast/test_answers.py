import json
from dataclasses import replace

import pytest

from app.messages.options import Rendition, TranscodingOptions
from app.messages.receipt import Leaf, Receipt, sign_receipt, transcoded_hash_of
from app.messages.record import to_json
from app.messages.segment import Segment
from app.primitives.hashing import sha256
from tests.support.chain_driver import Party
from transcoder.services.broadcast.answers import Answer, AnswerRefused, Question, check_answer, read_answer

WORKER = Party("worker")
OPTIONS = TranscodingOptions("p", (Rendition("a", 256, 144, 25, 1, 23), Rendition("b", 128, 72, 25, 1, 23)))
SEGMENT = Segment("0x01-s", 5, sha256(b"input"))
QUESTION = Question(7, OPTIONS, SEGMENT, b"\1" * 65, WORKER.address)
LEAVES = tuple(
    Leaf(7, "p", 5, index, SEGMENT.data_hash, sha256(b"%d" % index), 50, sha256(b"stages")) for index in range(2)
)


def answer(leaves=LEAVES, party=WORKER, **changes):
    root = transcoded_hash_of(leaves)
    receipt = Receipt(7, "0x01-s", 5, SEGMENT.data_hash, root, QUESTION.signature, "x264", b"")
    return Answer(sign_receipt(replace(receipt, **changes), party.key), leaves)


def test_a_right_answer_is_accepted():
    check_answer(answer(), QUESTION)


@pytest.mark.parametrize(
    "changes",
    [
        {"job_id": 8},
        {"stream_id": "0x01-t"},
        {"sequence_number": 6},
        {"data_hash": sha256(b"other")},
        {"broadcaster_signature": b"\2" * 65},
    ],
)
def test_a_receipt_for_anything_else_is_refused_even_when_it_is_signed(changes):
    (name,) = changes
    with pytest.raises(AnswerRefused, match=name):
        check_answer(answer(**changes), QUESTION)


@pytest.mark.parametrize(
    "changes",
    [
        {"job_id": 8},
        {"profile_id": "q"},
        {"sequence_number": 6},
        {"rendition": 0},
        {"input_hash": sha256(b"other")},
    ],
)
def test_a_leaf_of_anything_else_is_refused_even_when_the_receipt_commits_to_it(changes):
    leaves = (LEAVES[0], replace(LEAVES[1], **changes))
    with pytest.raises(AnswerRefused, match="leaf 1"):
        check_answer(answer(leaves), QUESTION)


@pytest.mark.parametrize("leaves", [LEAVES[:1], (*LEAVES, LEAVES[1])])
def test_every_rendition_has_one_leaf(leaves):
    with pytest.raises(AnswerRefused, match="leaves for 2 renditions"):
        check_answer(answer(leaves), QUESTION)


def test_leaves_that_the_receipt_does_not_commit_to_are_refused():
    changed = (replace(LEAVES[0], output_hash=sha256(b"other")), LEAVES[1])
    with pytest.raises(AnswerRefused, match="transcoded hash"):
        check_answer(Answer(answer().receipt, changed), QUESTION)


def test_a_strangers_signature_is_refused():
    with pytest.raises(AnswerRefused, match="signed by"):
        check_answer(answer(party=Party("stranger")), QUESTION)


@pytest.mark.parametrize("signature", [b"", b"\0" * 65])
def test_a_signature_that_is_none_is_refused(signature):
    made = answer()
    with pytest.raises(AnswerRefused, match="signature"):
        check_answer(Answer(replace(made.receipt, transcoder_signature=signature), LEAVES), QUESTION)


def written(made):
    return {"receipt": to_json(made.receipt), "leaves": [to_json(leaf) for leaf in made.leaves]}


def test_what_was_written_is_read():
    assert read_answer(json.dumps(written(answer())).encode()) == answer()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"leaves": [], "receipt": 5}',
        b'{"leaves": 5, "receipt": {}}',
        json.dumps(written(answer()) | {"leaves": [{}]}).encode(),
        json.dumps(written(answer()) | {"leaves": [to_json(LEAVES[0])] * 100}).encode(),
    ],
)
def test_anything_else_is_refused_without_another_exception(body):
    with pytest.raises(AnswerRefused):
        read_answer(body)
