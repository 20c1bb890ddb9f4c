"""The court worker of one validator: re-executes what is disputed and leaves what came out on its node's desk.

It is a process beside the node, so that nothing it does can delay consensus: the node reads one small file when it
votes (`app.abci.court_desk`). It holds no key; the node's vote signs what it found. One case at a time, in the same
sandbox as a verifier's: a segment that breaks an encoder breaks no validator.
"""

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.messages import records
from app.messages.attestation import Attestation, Attestations, Attested
from app.messages.record import RecordError, from_json, to_json
from app.primitives.address import to_checksum
from app.primitives.hashing import ZERO_HASH
from chain.failures import Failure
from transcoder.media.sandbox import Unavailable, UnavailableReason
from transcoder.roles import court as role
from transcoder.roles.court import CourtView, DisputeView
from transcoder.services.chain_reader import ChainReader, pick
from transcoder.services.judge import Case, Judge, NotYet

log = logging.getLogger(__name__)

IDLE_BLOCKS = 30
_LOST = (records.ClaimStatus.MISSED, records.ClaimStatus.FAILED)
_OF_THE_INPUT = (UnavailableReason.INPUT_REFUSED, UnavailableReason.MEMORY, UnavailableReason.CRASHED)
"""Ends of a sandbox that are the input's doing on every machine; those of time say something about this one."""


@dataclass(frozen=True)
class Desk:
    """The file in which a node looks for attestations; it is replaced as a whole."""

    path: Path

    def read(self) -> dict[int, Attestation]:
        """What was left there before; nothing where it cannot be read."""
        try:
            found = from_json(Attestations, json.loads(self.path.read_text(encoding="utf-8"))).attestations
        except (OSError, ValueError, RecordError):
            return {}
        return {each.dispute_id: each for each in found}

    def write(self, attested: dict[int, Attestation]) -> None:
        """Leave this, and nothing else."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".new")
        content = Attestations(tuple([attested[dispute_id] for dispute_id in sorted(attested)]))
        draft.write_text(json.dumps(to_json(content)), encoding="utf-8")
        draft.replace(self.path)


@dataclass
class CourtWorker:
    """Looks for open disputes with each block, and works on them one after the other.

    Attributes:
        is_over: set once nothing has been disputed for `IDLE_BLOCKS`.
    """

    reader: ChainReader
    judge: Judge
    desk: Desk

    def __post_init__(self) -> None:
        self.is_over = asyncio.Event()
        self._attested = self.desk.read()
        self._cases: list[DisputeView] = []
        self._under_way: set[int] = set()
        self._has_cases, self._is_idle = asyncio.Event(), asyncio.Event()
        self._height = self._idle_blocks = 0

    async def beat(self, height: int) -> None:
        """Take up what is new, forget what is over."""
        self._height = height
        items = await self.reader.items("/disputes", outcome=records.CourtOutcome.OPEN.name.lower())
        disputes = [DisputeView(int(item["dispute_id"]), pick(records.Dispute, item)) for item in items]
        self._idle_blocks = 0 if disputes else self._idle_blocks + 1
        if self._idle_blocks >= IDLE_BLOCKS:
            self.is_over.set()
        lost = await self._lost_claims(disputes) if len(disputes) > 1 else ()
        view = CourtView(disputes, self._attested, self._under_way, lost)
        kept = role.keep_open(view)
        if kept != self._attested:
            self._attested = kept
            await self._leave()
        self._cases = role.choose_cases(view)
        if self._cases:
            self._is_idle.clear()
            self._has_cases.set()

    async def work(self) -> None:
        """Work on one case after the other, until cancelled."""
        while True:
            if not self._cases:
                self._has_cases.clear()
                self._is_idle.set()
                await self._has_cases.wait()
                continue
            case = self._cases.pop(0)
            self._under_way.add(case.dispute_id)
            try:
                await self._look_into(case)
            finally:
                self._under_way.discard(case.dispute_id)

    async def idle(self) -> None:
        """Wait until every case has been looked into."""
        if self._cases or self._under_way:
            await self._is_idle.wait()

    async def _lost_claims(self, disputes: Sequence[DisputeView]) -> list[tuple[int, int]]:
        found = []
        for job_id, claim_id in dict.fromkeys(each.claim for each in disputes):
            claim = await self.reader.claim(job_id, claim_id)
            if claim is not None and claim.claim.status in _LOST:
                found.append((job_id, claim_id))
        return found

    async def _look_into(self, view: DisputeView) -> None:
        said = None
        try:
            said = await self._attest(view)
        except Failure as error:
            log.info("not there yet", extra={"dispute": view.dispute_id, "error": str(error)})
            if self._height >= view.last_call:
                said = Attestation(view.dispute_id, Attested.UNAVAILABLE, ZERO_HASH)
        except Exception:
            # What strangers' bytes can do to our own code must not stop the other cases.
            log.exception("a case broke", extra={"dispute": view.dispute_id})
        if said is not None and self._attested.get(view.dispute_id) != said:
            self._attested[view.dispute_id] = said
            log.info("attested", extra={"dispute": view.dispute_id, "attested": said.attested.name.lower()})
            await self._leave()

    async def _attest(self, view: DisputeView) -> Attestation | None:
        """What re-execution gives; None where only this machine was too slow, which is an abstention."""
        was_shown = view.dispute.reason is not records.DisputeReason.CHALLENGED
        result = await self.judge.re_execute(await self._case(view.dispute), needs_outputs=was_shown)
        if not isinstance(result, Unavailable):
            return Attestation(view.dispute_id, Attested.EXECUTED, result)
        log.warning("not executed", extra={"dispute": view.dispute_id, "reason": result.reason, "text": result.text})
        if result.reason in _OF_THE_INPUT:
            return Attestation(view.dispute_id, Attested.UNEXECUTABLE, ZERO_HASH)
        return None

    async def _case(self, dispute: records.Dispute) -> Case:
        place = (dispute.job_id, dispute.claim_id, dispute.segment)
        challenge, job = await self.reader.challenge(*place), await self.reader.job(dispute.job_id)
        claim = await self.reader.claim(dispute.job_id, dispute.claim_id)
        if challenge is None or job is None or claim is None:
            raise NotYet(f"the node does not show segment {place}")
        address = to_checksum(claim.claim.transcoder)
        transcoder = await self.reader.find(records.Transcoder, f"/transcoder/{address}")
        named = ("" if transcoder is None else transcoder.service_uri, dispute.source_uri)
        return Case(place, challenge.challenge, job.job.options, tuple(uri for uri in named if uri))

    async def _leave(self) -> None:
        await asyncio.to_thread(self.desk.write, dict(self._attested))
