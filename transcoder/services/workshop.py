"""Where segments become receipts: check what came, transcode it, keep everything, and only then answer.

The receipt is in the journal before it leaves this machine. The same segment again gives the same receipt; other bytes
under a number that has one are refused, because two receipts of one segment are slashed.
"""

import asyncio
import json
import logging
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field

from app.messages.receipt import Leaf, Receipt, sign_receipt, transcoded_hash_of
from app.messages.record import decode, encode, to_json
from app.messages.records import Job, JobStatus
from app.messages.segment import Segment, recover_broadcaster
from app.primitives.hashing import Hash32, sha256
from app.primitives.secp256k1 import InvalidSignature
from chain.keys.keyring import Signer
from transcoder.content.retention import pin_until_height
from transcoder.content.store import ContentStore
from transcoder.journal.records import ReceiptRecord
from transcoder.journal.transcoder import TranscoderJournal
from transcoder.media.errors import MediaError
from transcoder.media.leaf import TranscodedSegment
from transcoder.media.toolchain import fingerprint
from transcoder.media.transcode import transcode_segment
from transcoder.receipts.manifest import decode_manifest, encode_manifest, leaves_of, media_ladder

log = logging.getLogger(__name__)

Tamper = Callable[[TranscodedSegment], TranscodedSegment]
"""What a cheat does to its work before it signs it; for demonstrations and tests."""


class SegmentRefused(Exception):
    """A segment that this transcoder will not work on, or not now."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class JobTerms:
    """A job as last read from the chain: the record, what is left in its broadcaster's deposit, until when to keep."""

    job_id: int
    job: Job
    deposit: int
    keep_until_height: int


@dataclass(frozen=True, slots=True)
class Work:
    """What the broadcaster gets back."""

    receipt: Receipt
    leaves: tuple[Leaf, ...]


@dataclass
class Workshop:
    """The work of one transcoder.

    Attributes:
        parallel: how many segments are worked on at a time; more wait, up to `queue_limit`.
        last_segment_seconds: when each job's last segment came, on the monotonic clock.
    """

    signer: Signer
    journal: TranscoderJournal
    content: ContentStore
    parallel: int = 1
    queue_limit: int = 8
    tamper: Tamper | None = None
    last_segment_seconds: dict[int, float] = field(default_factory=dict)
    waiting: int = 0

    def __post_init__(self) -> None:
        self._turn = asyncio.Semaphore(self.parallel)
        self._in_work = 0
        # A repetition that comes while the first is worked on waits for it, and gets its receipt.
        self._of_segment: weakref.WeakValueDictionary[tuple[int, int], asyncio.Lock] = weakref.WeakValueDictionary()

    async def work(self, terms: JobTerms, segment: Segment, signature: bytes, data: bytes) -> Work:
        """Turn a segment into a receipt.

        Raises:
            SegmentRefused: with the HTTP status to answer.
        """
        known = await self._known(terms, segment)
        if known is not None:
            return known
        self._check(terms, segment, signature, data)
        self.last_segment_seconds[terms.job_id] = time.monotonic()
        if self.waiting >= self.queue_limit:
            raise SegmentRefused(429, "busy", f"{self.waiting} segments wait already")
        self.waiting += 1
        try:
            return await self._work_in_turn(terms, segment, signature, data)
        finally:
            self.waiting -= 1
            self.last_segment_seconds[terms.job_id] = time.monotonic()

    async def _work_in_turn(self, terms: JobTerms, segment: Segment, signature: bytes, data: bytes) -> Work:
        lock = self._of_segment.setdefault((terms.job_id, segment.sequence_number), asyncio.Lock())
        async with lock, self._turn:
            known = await self._known(terms, segment)
            if known is not None:
                return known
            await self._check_deposit(terms)
            self._in_work += 1
            try:
                return await self._transcode(terms, segment, signature, data)
            finally:
                self._in_work -= 1

    async def _known(self, terms: JobTerms, segment: Segment) -> Work | None:
        known = await self.journal.call(self.journal.receipt, terms.job_id, segment.sequence_number)
        return None if known is None else _same_again(known, segment)

    def check_assigned(self, terms: JobTerms) -> None:
        """Refuse a job that is not ours to work on.

        Raises:
            SegmentRefused: not-assigned.
        """
        job = terms.job
        if job.transcoder != self.signer.address or job.status is not JobStatus.ASSIGNED:
            raise SegmentRefused(
                403, "not-assigned", f"job {terms.job_id} is {job.status.name.lower()}, not ours to do"
            )

    def _check(self, terms: JobTerms, segment: Segment, signature: bytes, data: bytes) -> None:
        job = terms.job
        self.check_assigned(terms)
        if segment.stream_id != job.stream_id:
            raise SegmentRefused(403, "not-assigned", f"job {terms.job_id} is for stream {job.stream_id}")
        if sha256(data) != segment.data_hash:
            raise SegmentRefused(422, "cannot-transcode", "the body is not what was signed")
        try:
            signed_by = recover_broadcaster(segment, signature)
        except InvalidSignature as error:
            raise SegmentRefused(403, "not-assigned", str(error)) from error
        if signed_by != job.broadcaster:
            raise SegmentRefused(403, "not-assigned", "the segment is not signed by the job's broadcaster")

    async def _check_deposit(self, terms: JobTerms) -> None:
        unclaimed = await self.journal.call(self.journal.count_unpaid, terms.job_id)
        needed = terms.job.fee_per_segment * (unclaimed + self._in_work + 1)
        if terms.job.escrow + terms.deposit < needed:
            raise SegmentRefused(
                402,
                "deposit-exhausted",
                f"escrow and deposit hold {terms.job.escrow + terms.deposit} wei; the work so far needs {needed}",
            )

    async def _transcode(self, terms: JobTerms, segment: Segment, signature: bytes, data: bytes) -> Work:
        try:
            options = media_ladder(terms.job.options)
            result = await asyncio.to_thread(transcode_segment, data, options.renditions)
        except (MediaError, ValueError) as error:
            raise SegmentRefused(422, "cannot-transcode", str(error)) from error
        if self.tamper is not None:
            result = await asyncio.to_thread(self.tamper, result)
        leaves = leaves_of(terms.job_id, terms.job.options, segment.sequence_number, result)
        receipt = self._sign(terms, segment, signature, leaves)
        await asyncio.to_thread(self._keep, terms, data, result, leaves)
        meta = {"leaves": encode_manifest(leaves).hex(), "at": int(time.time())}
        record = ReceiptRecord(terms.job_id, segment.sequence_number, encode(receipt), meta)
        await self.journal.call(self.journal.add_receipt, record)
        return Work(receipt, leaves)

    def _sign(self, terms: JobTerms, segment: Segment, signature: bytes, leaves: tuple[Leaf, ...]) -> Receipt:
        receipt = Receipt(
            job_id=terms.job_id,
            stream_id=segment.stream_id,
            sequence_number=segment.sequence_number,
            data_hash=segment.data_hash,
            transcoded_hash=transcoded_hash_of(leaves),
            broadcaster_signature=signature,
            toolchain=fingerprint(),
            transcoder_signature=b"",
        )
        return sign_receipt(receipt, self.signer.private_key)

    def _keep(self, terms: JobTerms, data: bytes, result: TranscodedSegment, leaves: tuple[Leaf, ...]) -> None:
        sequence_number = leaves[0].sequence_number
        pin = pin_until_height(f"job/{terms.job_id}/{sequence_number}", terms.keep_until_height)
        for piece in (data, encode_manifest(leaves), *(output.data for output in result.renditions)):
            self.content.put(piece, pin)


def answer_of(work: Work) -> str:
    """The JSON that the broadcaster reads."""
    return json.dumps({"receipt": to_json(work.receipt), "leaves": [to_json(leaf) for leaf in work.leaves]})


def manifest_id(record: ReceiptRecord) -> Hash32:
    """The content address of a kept receipt's manifest."""
    return sha256(bytes.fromhex(record.meta["leaves"]))


def _same_again(known: ReceiptRecord, segment: Segment) -> Work:
    receipt = decode(Receipt, known.receipt)
    if receipt.data_hash != segment.data_hash:
        raise SegmentRefused(
            409, "conflict", f"segment {segment.sequence_number} was transcoded from other bytes already"
        )
    return Work(receipt, decode_manifest(bytes.fromhex(known.meta["leaves"])))
