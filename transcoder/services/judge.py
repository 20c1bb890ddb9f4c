"""One judgement: fetch what a transcoder claims, do the work again in a sandbox, and say what came out."""

import asyncio
import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from app.messages.options import TranscodingOptions
from app.messages.receipt import Leaf, transcoded_hash_of
from app.messages.record import RecordError
from app.messages.records import Challenge
from app.messages.verdict import SALT_LENGTH, Finding, verdict_commitment
from app.primitives.address import Address
from app.primitives.hashing import ZERO_HASH, Hash32
from chain.failures import Failure
from transcoder.content.client import ContentClient
from transcoder.content.failures import FetchFailed
from transcoder.journal.records import VerdictRecord
from transcoder.media import compare, sandbox
from transcoder.media.leaf import TranscodedSegment
from transcoder.receipts.manifest import (
    MANIFEST_LIMIT_BYTES,
    decode_manifest,
    leaves_of,
    media_ladder,
    media_leaf,
)

log = logging.getLogger(__name__)

CLAIMED_OUTPUT_LIMIT_BYTES = 32 << 20
"""Of one rendition of a segment that a receipt is wrong about; a larger one counts as missing."""

_FINDINGS = {
    compare.Verdict.AGREE: Finding.AGREES,
    compare.Verdict.WRONG_SIZE: Finding.SIZE_DIFFERS,
    compare.Verdict.FRAMES_DIFFER: Finding.PICTURES_DIFFER,
    compare.Verdict.WRONG_BYTES: Finding.BYTES_DIFFER,
    compare.Verdict.WRONG_LEAF: Finding.BYTES_DIFFER,
    compare.Verdict.UNPLAYABLE: Finding.UNPLAYABLE,
    compare.Verdict.MISSING: Finding.UNAVAILABLE,
}


class NotYet(Failure):
    """The content cannot be fetched now; while there is time, the next block tries again."""


@dataclass(frozen=True, slots=True)
class Case:
    """A challenged segment and where to get what it is about."""

    place: tuple[int, int, int]
    challenge: Challenge
    options: TranscodingOptions
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a re-execution gave, and one sentence about it."""

    result: Hash32
    keyed_digest: Hash32
    finding: Finding
    rendition: int
    text: str


UNAVAILABLE = Opinion(ZERO_HASH, ZERO_HASH, Finding.UNAVAILABLE, 0, "the content could not be fetched or executed")


@dataclass(frozen=True)
class Judge:
    """Judges cases for one verifier.

    Attributes:
        slots: how many re-executions run at a time; whoever waits for one has its content already.
    """

    address: Address
    client: ContentClient
    limits: sandbox.SandboxLimits = field(default_factory=sandbox.SandboxLimits)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    async def judge(self, case: Case) -> Opinion:
        """Form an opinion.

        Raises:
            NotYet: no source gives the content now; the outputs of a right receipt are a part of it.
        """
        challenge = case.challenge
        assert challenge.input_cid is not None and challenge.output_cid is not None, "a committee follows a receipt"
        data = await self._fetch(challenge.input_cid, case, self.limits.segment.input_bytes)
        manifest = await self._fetch(challenge.output_cid, case, MANIFEST_LIMIT_BYTES)
        result = await self._execute(data, case, ())
        if isinstance(result, sandbox.Unavailable):
            return Opinion(ZERO_HASH, ZERO_HASH, Finding.UNAVAILABLE, 0, f"{result.reason}: {result.text}")
        own = self._leaves(case, result.result)
        if transcoded_hash_of(own) != challenge.transcoded_hash:
            return await self._look_closer(data, case, _claimed_leaves(manifest, case), result.result)
        for leaf, output in zip(own, result.result.renditions, strict=True):
            await self._fetch(leaf.output_hash, case, len(output.data))
        return _opinion(own, result.result, Finding.AGREES, 0, "agrees with the receipt")

    async def re_execute(self, case: Case, needs_outputs: bool) -> Hash32 | sandbox.Unavailable:
        """For the court: the transcoded hash that this node gets, whatever anybody says about it.

        Raises:
            NotYet: no source gives the content now; the outputs of a right receipt are a part of it where they are
                needed, which is where the transcoder was asked to show them.
        """
        challenge = case.challenge
        assert challenge.input_cid is not None, "a dispute follows a receipt"
        data = await self._fetch(challenge.input_cid, case, self.limits.segment.input_bytes)
        if needs_outputs and challenge.output_cid is not None:
            await self._fetch(challenge.output_cid, case, MANIFEST_LIMIT_BYTES)
        result = await self._execute(data, case, ())
        if isinstance(result, sandbox.Unavailable):
            return result
        own = self._leaves(case, result.result)
        if needs_outputs and transcoded_hash_of(own) == challenge.transcoded_hash:
            for leaf, output in zip(own, result.result.renditions, strict=True):
                await self._fetch(leaf.output_hash, case, len(output.data))
        return transcoded_hash_of(own)

    async def _look_closer(self, data: bytes, case: Case, claimed: Sequence[Leaf], own: TranscodedSegment) -> Opinion:
        """What exactly differs; where the manifest does not tell, that the receipt's hash is another one."""
        claims = [await self._fetch_claim(case, own.renditions[leaf.rendition].name, leaf) for leaf in claimed]
        result = await self._execute(data, case, claims) if claims else None
        leaves = self._leaves(case, own)
        if isinstance(result, sandbox.Reexecution):
            for index, finding in enumerate(result.findings):
                if not finding.is_agreed:
                    text = f"{finding.name}: {finding.text}"
                    return _opinion(leaves, own, _FINDINGS[finding.verdict], index, text)
        return _opinion(leaves, own, Finding.BYTES_DIFFER, 0, "another transcoded hash than the receipt's")

    async def _fetch(self, content_id: Hash32, case: Case, limit_bytes: int) -> bytes:
        try:
            return await self.client.fetch(content_id, case.sources, limit_bytes=limit_bytes)
        except FetchFailed as error:
            raise NotYet(str(error)) from error

    async def _fetch_claim(self, case: Case, name: str, leaf: Leaf) -> compare.Claim:
        try:
            data = await self.client.fetch(leaf.output_hash, case.sources, limit_bytes=CLAIMED_OUTPUT_LIMIT_BYTES)
        except FetchFailed:
            return compare.Claim(name, media_leaf(leaf))
        return compare.Claim(name, media_leaf(leaf), data)

    async def _execute(
        self, data: bytes, case: Case, claims: Sequence[compare.Claim]
    ) -> sandbox.Reexecution | sandbox.Unavailable:
        ladder, stop = media_ladder(case.options), threading.Event()
        work = partial(sandbox.reexecute, key=self.address, claims=claims, limits=self.limits, stop=stop)
        async with self.slots:
            try:
                return await asyncio.to_thread(work, data, ladder)
            except asyncio.CancelledError:
                stop.set()  # else the end of this process would wait for the sandbox
                raise

    def _leaves(self, case: Case, result: TranscodedSegment) -> tuple[Leaf, ...]:
        return leaves_of(case.place[0], case.options, case.place[2], result)


def make_verdict(address: Address, place: tuple[int, int, int], opinion: Opinion) -> VerdictRecord:
    """An opinion as a verdict with a fresh salt and its commitment."""
    salt = Hash32(os.urandom(SALT_LENGTH))
    finding = (int(opinion.finding), opinion.rendition)
    commitment = verdict_commitment(address, place, opinion.result, opinion.keyed_digest, finding, salt)
    return VerdictRecord(
        *place,
        salt=salt,
        result=opinion.result,
        keyed_digest=opinion.keyed_digest,
        finding=finding[0],
        rendition=finding[1],
        commitment=commitment,
    )


def _claimed_leaves(manifest: bytes, case: Case) -> tuple[Leaf, ...]:
    """The leaves that the receipt commits to; none where the manifest does not show them.

    Nothing of another manifest is looked at: it would have us fetch what nobody has signed for.
    """
    try:
        leaves = decode_manifest(manifest)
    except RecordError as error:
        log.warning("the manifest is none", extra={"place": case.place, "error": str(error)})
        return ()
    is_ordered = [leaf.rendition for leaf in leaves] == list(range(len(case.options.renditions)))
    if not is_ordered or transcoded_hash_of(leaves) != case.challenge.transcoded_hash:
        log.warning("the manifest is not what the receipt commits to", extra={"place": case.place})
        return ()
    return leaves


def _opinion(
    leaves: tuple[Leaf, ...], result: TranscodedSegment, finding: Finding, rendition: int, text: str
) -> Opinion:
    digest = Hash32(result.keyed_digest or ZERO_HASH)
    return Opinion(transcoded_hash_of(leaves), digest, finding, rendition, text)
