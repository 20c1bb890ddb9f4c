"""Whether a transcoder's answer is worth anything: the receipt, its leaves, and who signed it.

A broadcaster believes nothing that it has not compared: with the segment that it signed, with the job, and with the
key of the transcoder that the chain drew.
"""

import json
from dataclasses import dataclass

from app.messages.options import TranscodingOptions
from app.messages.receipt import Leaf, Receipt, recover_transcoder, transcoded_hash_of
from app.messages.record import RecordError, from_json
from app.messages.segment import Segment
from app.primitives.address import Address, to_checksum
from app.primitives.secp256k1 import InvalidSignature
from chain.failures import Failure

MAX_LEAVES = 64


class AnswerRefused(Failure):
    """The answer is not what the job asks for; the text names the first thing that is wrong."""


@dataclass(frozen=True, slots=True)
class Question:
    """What was sent to whom, for which job."""

    job_id: int
    options: TranscodingOptions
    segment: Segment
    signature: bytes
    transcoder: Address


@dataclass(frozen=True, slots=True)
class Answer:
    """A receipt and its leaves, in the order of the job's renditions."""

    receipt: Receipt
    leaves: tuple[Leaf, ...]


def read_answer(body: bytes) -> Answer:
    """Read the JSON of an answer; nothing is compared yet.

    Raises:
        AnswerRefused: it is none.
    """
    try:
        answer = json.loads(body)
        if not isinstance(answer, dict) or not isinstance(answer.get("leaves"), list):
            raise AnswerRefused("the answer holds no receipt with leaves")
        if len(answer["leaves"]) > MAX_LEAVES:
            raise AnswerRefused(f"the answer has {len(answer['leaves'])} leaves")
        receipt = from_json(Receipt, answer.get("receipt"), "receipt")
        leaves = tuple(from_json(Leaf, leaf, f"leaves[{i}]") for i, leaf in enumerate(answer["leaves"]))
    except (RecordError, ValueError, RecursionError) as error:
        raise AnswerRefused(f"the answer cannot be read: {error}") from error
    return Answer(receipt, leaves)


def check_answer(answer: Answer, question: Question) -> None:
    """Refuse an answer that is not one to this question, or that the job's transcoder has not signed.

    Raises:
        AnswerRefused: with the first difference.
    """
    _check_receipt(answer.receipt, question)
    _check_leaves(answer, question)
    try:
        signed_by = recover_transcoder(answer.receipt)
    except InvalidSignature as error:
        raise AnswerRefused(f"the receipt's signature is none: {error}") from error
    if signed_by != question.transcoder:
        raise AnswerRefused(
            f"the receipt is signed by {to_checksum(signed_by)}, the job's transcoder is "
            f"{to_checksum(question.transcoder)}"
        )


def _check_receipt(receipt: Receipt, question: Question) -> None:
    segment = question.segment
    expected = {
        "job_id": question.job_id,
        "stream_id": segment.stream_id,
        "sequence_number": segment.sequence_number,
        "data_hash": segment.data_hash,
        "broadcaster_signature": question.signature,
    }
    for name, value in expected.items():
        if getattr(receipt, name) != value:
            raise AnswerRefused(f"the receipt's {name} is not that of the segment that was sent")


def _check_leaves(answer: Answer, question: Question) -> None:
    if len(answer.leaves) != len(question.options.renditions):
        raise AnswerRefused(f"{len(answer.leaves)} leaves for {len(question.options.renditions)} renditions")
    for index, leaf in enumerate(answer.leaves):
        place = (question.job_id, question.options.profile_id, question.segment.sequence_number, index)
        if (leaf.job_id, leaf.profile_id, leaf.sequence_number, leaf.rendition) != place:
            raise AnswerRefused(f"leaf {index} is of another job, profile, segment or rendition")
        if leaf.input_hash != question.segment.data_hash:
            raise AnswerRefused(f"leaf {index} comes from other bytes than were sent")
    if transcoded_hash_of(answer.leaves) != answer.receipt.transcoded_hash:
        raise AnswerRefused("the leaves do not make the receipt's transcoded hash")
