"""The transcoder at work: takes segments over HTTP, and follows its claims on the chain, block by block."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import web
from prometheus_client import Counter, Gauge, Histogram

from app.messages import records
from app.messages.bodies import ClaimWork, Verify
from app.messages.bodies import Transcoder as TranscoderMessage
from app.messages.receipt import Receipt
from app.messages.record import decode
from app.messages.segment import Segment
from app.messages.transaction import encode_message
from app.primitives.address import to_checksum
from app.primitives.amounts import Wei, format_lpt
from app.primitives.fractions import Fraction
from app.primitives.hashing import Hash32, sha256
from app.primitives.merkle import merkle_path, merkle_root
from chain.failures import Failure
from chain.rpc.errors import RpcFailure
from transcoder.content.server import content_routes
from transcoder.journal.records import ClaimRecord, ClaimState, Intent, OutboxState, ReceiptRecord, ReceiptState
from transcoder.journal.transcoder import TranscoderJournal
from transcoder.net.shell import ServiceShell
from transcoder.roles import transcoder as role
from transcoder.roles.views import ChainMoment, ChallengeView, ClaimView, JobView
from transcoder.services.blocks import attempt
from transcoder.services.chain_reader import ChainReader, pick
from transcoder.services.outbox import OutboxSender
from transcoder.services.workshop import JobTerms, SegmentRefused, Workshop, answer_of, manifest_id

log = logging.getLogger(__name__)

TERMS_SECONDS = 1.0
"""How long what was read of a job is believed; about a block."""

MAX_RECEIVING = 4
"""How many bodies are read at once beyond those that may wait; each may have the shell's limit."""

MAX_NUMBER = 2**63 - 1
"""Of a job or a segment that the chain and the journal can hold."""

_FOLLOWED = (ClaimState.PREPARED, ClaimState.INCLUDED, ClaimState.VERIFYING, ClaimState.DISPUTED)


@dataclass(frozen=True, slots=True)
class StandingTerms:
    """How a transcoder presents itself on the chain.

    Attributes:
        public_url: where broadcasters reach it; empty for the address that it listens on.
        slots: jobs at a time; 0 offers none.
    """

    price_per_segment: Wei = Wei(50 * 10**9)
    block_reward_cut: Fraction = Fraction(10**8)
    fee_share: Fraction = Fraction(5 * 10**8)
    slots: int = 1
    public_url: str = ""

    def message(self, listening_url: str) -> TranscoderMessage:
        """The registration that says so."""
        url = self.public_url or listening_url
        return TranscoderMessage(self.price_per_segment, self.block_reward_cut, self.fee_share, url, b"")


@dataclass
class TranscoderService:
    """One transcoder: its HTTP routes and its beat.

    Attributes:
        policy: when to claim.
        calls_reward: whether to send Reward in every round in which it is active.
        terms: how to register: rates, address (filled in when it is known), slots.
    """

    workshop: Workshop
    reader: ChainReader
    sender: OutboxSender
    shell: ServiceShell
    policy: role.ClaimPolicy = field(default_factory=role.ClaimPolicy)
    calls_reward: bool = True
    terms: StandingTerms = field(default_factory=StandingTerms)

    def __post_init__(self) -> None:
        self._terms: dict[int, tuple[float, JobTerms]] = {}
        self._started_seconds = time.monotonic()
        self._asked_to_bond = False
        self._receiving = 0
        registry = self.shell.registry
        self._segments = Counter("headwater_segments", "Segments by outcome", ["outcome"], registry=registry)
        self._seconds = Histogram("headwater_segment_seconds", "From request to receipt", registry=registry)
        self._claims = Gauge("headwater_claims", "Claims in the journal by state", ["state"], registry=registry)
        self.shell.app.router.add_post("/jobs/{job_id}/segments/{number}", self._take_segment)
        self.shell.app.add_routes(content_routes(self.workshop.content))

    @property
    def journal(self) -> TranscoderJournal:
        """The transcoder's journal."""
        return self.workshop.journal

    # --- over HTTP

    async def _take_segment(self, request: web.Request) -> web.Response:
        started = time.monotonic()
        try:
            work = await self._work(request)
        except SegmentRefused as refusal:
            self._segments.labels(refusal.code).inc()
            log.warning("segment refused", extra={"path": request.path, "code": refusal.code, "text": str(refusal)})
            headers = {"Retry-After": "1"} if refusal.status in (429, 503) else {}
            return web.json_response(
                {"error": refusal.code, "text": str(refusal)}, status=refusal.status, headers=headers
            )
        self._segments.labels("done").inc()
        self._seconds.observe(time.monotonic() - started)
        return web.Response(text=work, content_type="application/json")

    async def _work(self, request: web.Request) -> str:
        job_id, number = _path_number(request, "job_id"), _path_number(request, "number")
        try:
            signature = bytes.fromhex(request.headers["Headwater-Signature"])
            stream_id = request.headers["Headwater-Stream"]
        except (KeyError, ValueError):
            raise SegmentRefused(
                400, "bad-request", "Headwater-Stream and a hex Headwater-Signature are needed"
            ) from None
        try:
            data = await self._receive(request, job_id, number)
            terms = await self._read_terms(job_id)
            segment = Segment(stream_id, number, sha256(data))
            return answer_of(await self.workshop.work(terms, segment, signature, data))
        except RpcFailure as error:
            raise SegmentRefused(503, "chain-unreachable", str(error)) from error
        except Failure as error:
            raise SegmentRefused(503, "unavailable", str(error)) from error

    async def _receive(self, request: web.Request, job_id: int, number: int) -> bytes:
        """The body, where it is ours to work on or already was, and few enough bodies are held."""
        terms = await self._read_terms(job_id)
        if await self.journal.call(self.journal.receipt, job_id, number) is None:
            self.workshop.check_assigned(terms)
        if self._receiving >= self.workshop.queue_limit + MAX_RECEIVING:
            raise SegmentRefused(429, "busy", f"{self._receiving} segments are being received already")
        self._receiving += 1
        try:
            return await request.read()
        finally:
            self._receiving -= 1

    async def _read_terms(self, job_id: int) -> JobTerms:
        known = self._terms.get(job_id)
        if known is not None and time.monotonic() - known[0] < TERMS_SECONDS:
            return known[1]
        terms = await self._ask_terms(job_id)
        if terms.job.transcoder == self.workshop.signer.address:
            self._terms[job_id] = (time.monotonic(), terms)
        return terms

    async def _ask_terms(self, job_id: int) -> JobTerms:
        found, moment = await self.reader.job(job_id), await self.reader.moment()
        if found is None:
            raise SegmentRefused(403, "not-assigned", f"there is no job {job_id}")
        deposit = await self.reader.deposit(found.job.broadcaster)
        params = moment.params
        judged = params.verification_period + params.commit_period + params.reveal_period + params.slashing_period
        keep = moment.height + 2 * judged + params.court_window + params.claim_period
        return JobTerms(job_id, found.job, deposit, keep)

    # --- block by block

    async def beat(self, height: int) -> None:
        """Do what this block asks for."""
        view = await self._read_view()
        self._say_what_is_missing(view)
        for action in role.decide(view, self.policy, time.monotonic()):
            await attempt(self._do(action), action)
        await self.sender.step()
        await self._tidy(view)

    async def _tidy(self, view: role.TranscoderView) -> None:
        counts = await self.journal.call(self.journal.count_claims)
        for state in ClaimState:
            self._claims.labels(state.value).set(counts.get(state, 0))
        over = [work.job.job_id for work in view.work if work.job.job.status is records.JobStatus.CLOSED]
        for job_id in over:
            self._terms.pop(job_id, None)
            self.workshop.last_segment_seconds.pop(job_id, None)
        await asyncio.to_thread(self.workshop.content.release_passed, height=view.moment.height)

    def _say_what_is_missing(self, view: role.TranscoderView) -> None:
        if view.registration.registered is None and not role.is_bonded_enough(view) and not self._asked_to_bond:
            self._asked_to_bond = True
            minimum, own = view.moment.params.min_self_bond, to_checksum(self.workshop.signer.address)
            log.warning(
                "not bonded: run `headwater tx bond %s --to %s --from …`", format_lpt(minimum), own, extra={"own": own}
            )

    async def _read_view(self) -> role.TranscoderView:
        moment = await self.reader.moment()
        address = to_checksum(self.workshop.signer.address)
        active = {item["address"]: item for item in await self.reader.items("/active")}.get(address)
        followed = await self.journal.call(self.journal.claims, _FOLLOWED)
        jobs = await self._open_jobs(followed)
        claims = [claim for job in jobs for claim in await self._open_claims(job.job_id, followed)]
        return role.TranscoderView(
            moment=moment,
            active=None if active is None else pick(records.ActiveTranscoder, active),
            work=[await self._work_of(job, followed) for job in jobs],
            claims=claims,
            challenges=await self._open_challenges(claims),
            calls_reward=self.calls_reward,
            registration=await self._registration(moment),
        )

    async def _registration(self, moment: ChainMoment) -> role.Registration:
        address = self.workshop.signer.address
        offers = await self.journal.call(self.journal.outbox.named, role.OFFER_PREFIX)
        now = f"{role.OFFER_PREFIX}{moment.round.number}"
        return role.Registration(
            wanted=self.terms.message(self.shell.url),
            slots=self.terms.slots,
            registered=await self.reader.find(records.Transcoder, f"/transcoder/{to_checksum(address)}"),
            own_stake=await self.reader.own_stake(address),
            has_offered=any(each.state is not OutboxState.FAILED or each.key == now for each in offers),
        )

    async def _open_jobs(self, followed: Sequence[ClaimRecord]) -> list[JobView]:
        kept = set(await self.journal.call(self.journal.jobs, [ReceiptState.KEPT]))
        kept |= {claim.job_id for claim in followed}
        found = [await self.reader.job(job_id) for job_id in sorted(kept)]
        return [job for job in found if job is not None]

    async def _open_claims(self, job_id: int, followed: Sequence[ClaimRecord]) -> list[ClaimView]:
        """The claims that something may still become of: those known by their ids, and what is new on the chain."""
        kept = [claim for claim in followed if claim.job_id == job_id]
        known = [claim.claim_id for claim in kept if claim.claim_id is not None]
        found = [await self.reader.claim(job_id, claim_id) for claim_id in known]
        open_claims = [claim for claim in found if claim is not None]
        if len(known) < len(kept):
            last = await self.journal.call(self.journal.last_claim_id, job_id)
            open_claims += await self.reader.claims(job_id, after=last)
        return [claim for claim in open_claims if claim.claim.transcoder == self.workshop.signer.address]

    async def _open_challenges(self, claims: Sequence[ClaimView]) -> list[ChallengeView]:
        places = [
            (claim.job_id, claim.claim_id, segment)
            for claim in claims
            if claim.claim.status is records.ClaimStatus.CHALLENGED
            for segment in claim.claim.challenged
        ]
        unanswered = [
            place for place in places if await self.journal.call(self.journal.outbox.get, _verify_key(*place)) is None
        ]
        found = [await self.reader.challenge(*place) for place in unanswered]
        return [challenge for challenge in found if challenge is not None]

    async def _work_of(self, job: JobView, followed: Sequence[ClaimRecord]) -> role.JobWork:
        receipts = await self.journal.call(self.journal.receipts, job.job_id, [ReceiptState.KEPT])
        return role.JobWork(
            job,
            [receipt.sequence_number for receipt in receipts],
            [await self._kept(claim) for claim in followed if claim.job_id == job.job_id],
            self.workshop.last_segment_seconds.get(job.job_id, self._started_seconds),
            await self._affordable(job.job) if receipts else 0,
        )

    async def _affordable(self, job: records.Job) -> int:
        deposit = await self.reader.deposit(job.broadcaster)
        return (job.escrow + deposit) // max(1, job.fee_per_segment)

    async def _kept(self, claim: ClaimRecord) -> role.KeptClaim:
        entry = await self.journal.call(self.journal.outbox.get, claim.intent_key)
        problem = entry.problem or "" if entry is not None and entry.state is OutboxState.FAILED else None
        return role.KeptClaim(claim.job_id, claim.number, claim.claim_id, claim.merkle_root, claim.state, problem)

    async def _do(self, action: role.Action) -> None:
        match action:
            case role.MakeClaim():
                await self._make_claim(action)
            case role.NoteIncluded(job_id, number, claim_id):
                await self.journal.call(self.journal.claim_included, job_id, number, claim_id)
                log.info("claim included", extra={"job": job_id, "claim": claim_id})
            case role.NoteRefused(job_id, number, is_final):
                await self.journal.call(self.journal.claim_refused, job_id, number, is_final)
                facts = {"job": job_id, "number": number, "is_final": is_final}
                log.log(logging.ERROR if is_final else logging.WARNING, "claim refused", extra=facts)
            case role.NoteState(job_id, number, state):
                await self.journal.call(self.journal.move_claim, job_id, number, state)
                log.info("claim moved", extra={"job": job_id, "number": number, "state": state.value})
            case role.ShowReceipt():
                await self._show_receipt(action)
            case role.Send(key, message):
                await self.journal.call(self.journal.outbox.enqueue, Intent(key, encode_message(message)))

    async def _make_claim(self, action: role.MakeClaim) -> None:
        receipts = [await self._receipt(action.job_id, number) for number in action.segments]
        root, ranges = merkle_root([receipt.receipt for receipt in receipts]), role.ranges_of(action.segments)
        number = await self.journal.call(self.journal.next_claim_number, action.job_id)
        message = encode_message(ClaimWork(action.job_id, ranges, root))
        claim = ClaimRecord(action.job_id, number, ranges, root, f"claim/{action.job_id}/{number}")
        await self.journal.call(self.journal.add_claim, claim, message)
        log.info("claim made", extra={"job": action.job_id, "number": number, "segments": len(receipts)})

    async def _show_receipt(self, action: role.ShowReceipt) -> None:
        key = _verify_key(action.job_id, action.claim_id, action.segment)
        if await self.journal.call(self.journal.outbox.get, key) is not None:
            return
        claim = await self.journal.call(self.journal.claim_with_id, action.job_id, action.claim_id)
        if claim is None:
            return
        receipts = await self.journal.call(self.journal.receipts_of_claim, action.job_id, claim.number)
        index = [receipt.sequence_number for receipt in receipts].index(action.segment)
        message = Verify(
            job_id=action.job_id,
            claim_id=action.claim_id,
            segment=action.segment,
            receipt=decode(Receipt, receipts[index].receipt),
            proof=merkle_path([receipt.receipt for receipt in receipts], index),
            input_cid=Hash32(decode(Receipt, receipts[index].receipt).data_hash),
            output_cid=manifest_id(receipts[index]),
        )
        await self.journal.call(self.journal.outbox.enqueue, Intent(key, encode_message(message)))

    async def _receipt(self, job_id: int, number: int) -> ReceiptRecord:
        receipt = await self.journal.call(self.journal.receipt, job_id, number)
        if receipt is None:
            raise Failure(f"the journal has no receipt of segment {number} of job {job_id}")
        return receipt


def _verify_key(job_id: int, claim_id: int, segment: int) -> str:
    return f"verify/{job_id}/{claim_id}/{segment}"


def _path_number(request: web.Request, name: str) -> int:
    text = request.match_info[name]
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= MAX_NUMBER):
        raise SegmentRefused(400, "bad-request", f"{text!r} is not a number")
    return int(text)
