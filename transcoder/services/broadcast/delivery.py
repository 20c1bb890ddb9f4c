"""One attempt to have one segment transcoded: send it, check the receipt, fetch every rendition by its hash."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import aiohttp

from chain.failures import Failure
from transcoder.content.client import ContentClient
from transcoder.content.failures import FetchFailed
from transcoder.net.http import MIB, HttpAnswer, HttpFailure, HttpPolicy, request_once
from transcoder.services.broadcast.answers import Answer, AnswerRefused, Question, check_answer, read_answer

MAX_PAUSE_SECONDS = 30.0
_FINAL_STATUSES = {400, 404, 409, 413, 422}
"""Answers that another attempt with the same bytes would not change."""


class DeliveryFailed(Failure):
    """The attempt failed.

    Attributes:
        is_final: another attempt would fail alike.
        pause_seconds: how long the transcoder asks to be left alone.
        is_lie: the transcoder answered, and what it answered is wrong.
    """

    def __init__(self, text: str, *, is_final: bool = False, pause_seconds: float = 0.0, is_lie: bool = False) -> None:
        super().__init__(text)
        self.is_final = is_final
        self.pause_seconds = pause_seconds
        self.is_lie = is_lie


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came back and was found right: the answer, and the bytes of each rendition in the job's order."""

    answer: Answer
    outputs: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Courier:
    """Sends segments over one HTTP session.

    Attributes:
        policy: the bounds of the request that waits for the transcoding, and those of one rendition's download.
    """

    session: aiohttp.ClientSession
    policy: HttpPolicy = HttpPolicy(attempts=1, timeout_seconds=30.0, stall_seconds=30.0, answer_limit_bytes=MIB)
    output_limit_bytes: int = 64 * MIB

    async def deliver(self, question: Question, data: bytes, service_uri: str) -> Delivery:
        """Send a segment and bring back what it became.

        Raises:
            DeliveryFailed: the text says what happened, in words for the broadcaster's log.
        """
        answer = await self._post(question, data, service_uri)
        try:
            receipt = read_answer(answer.body)
            check_answer(receipt, question)
        except AnswerRefused as refused:
            raise DeliveryFailed(f"a wrong receipt: {refused}", is_lie=True) from refused
        return Delivery(receipt, await self._fetch(receipt, service_uri))

    async def _post(self, question: Question, data: bytes, service_uri: str) -> HttpAnswer:
        segment = question.segment
        url = f"{service_uri.rstrip('/')}/jobs/{question.job_id}/segments/{segment.sequence_number}"
        headers = {
            "Content-Type": "video/mp2t",
            "Headwater-Stream": segment.stream_id,
            "Headwater-Signature": question.signature.hex(),
        }
        try:
            answer = await request_once(self.session, "POST", url, body=data, headers=headers, policy=self.policy)
        except HttpFailure as failure:
            raise DeliveryFailed(str(failure)) from failure
        if answer.status != 200:
            raise _refusal(answer)
        return answer

    async def _fetch(self, answer: Answer, service_uri: str) -> tuple[bytes, ...]:
        policy = replace(self.policy, answer_limit_bytes=self.output_limit_bytes)
        client = ContentClient(self.session, policy)
        wanted = [client.fetch(leaf.output_hash, [service_uri]) for leaf in answer.leaves]
        try:
            return tuple(await asyncio.gather(*wanted))
        except FetchFailed as failure:
            is_lie = any("wrong content" in problem for _, problem in failure.reports)
            raise DeliveryFailed(f"a rendition cannot be had: {failure}", is_lie=is_lie) from failure


def _refusal(answer: HttpAnswer) -> DeliveryFailed:
    text = f"HTTP {answer.status} {_said(answer)}".strip()
    return DeliveryFailed(
        text, is_final=answer.status in _FINAL_STATUSES, pause_seconds=_retry_after_seconds(answer.headers)
    )


def _said(answer: HttpAnswer) -> str:
    try:
        said = json.loads(answer.body)
        return f"{said['error']}: {said['text']}"[:300]
    except (ValueError, KeyError, TypeError, RecursionError):
        return answer.excerpt()


def _retry_after_seconds(headers: Mapping[str, str]) -> float:
    text = headers.get("Retry-After", "")
    return min(float(text), MAX_PAUSE_SECONDS) if text.isascii() and text.isdigit() else 0.0
