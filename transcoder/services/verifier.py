"""The verifier at work: notices its draws, judges them, the most urgent first, commits and reveals."""

import asyncio
import logging
from dataclasses import dataclass, field

from prometheus_client import Counter

from app.messages import bodies, records
from app.messages.transaction import encode_message
from app.messages.verdict import Finding
from app.primitives.address import Address, to_checksum
from app.primitives.amounts import Lpt
from chain.failures import Failure
from transcoder.journal.records import Intent, VerdictState
from transcoder.journal.verifier import VerifierJournal
from transcoder.net.shell import ServiceShell
from transcoder.roles import verifier as role
from transcoder.roles.views import ChallengeView
from transcoder.services.blocks import attempt
from transcoder.services.chain_reader import ChainReader
from transcoder.services.judge import UNAVAILABLE, Case, Judge, NotYet, Opinion, make_verdict
from transcoder.services.outbox import OutboxSender

log = logging.getLogger(__name__)

MAX_WAITING = 64
AT_A_TIME = 8
"""Judgements under way. Most of them wait for content: a source that hardly answers must not make another one late."""
_OPEN = (VerdictState.COMPUTED, VerdictState.COMMITTED)
_Task = tuple[int, role.Place, role.Judge]
"""In the order of their deadlines; no two have the same place."""


@dataclass
class VerifierService:
    """One verifier: its beat, and the worker that judges.

    Attributes:
        bond: what to register with, in base units of LPT, as long as the chain does not know it.
    """

    address: Address
    journal: VerifierJournal
    reader: ChainReader
    sender: OutboxSender
    judge: Judge
    shell: ServiceShell
    bond: Lpt
    _queue: asyncio.PriorityQueue[_Task] = field(default_factory=lambda: asyncio.PriorityQueue(MAX_WAITING))

    def __post_init__(self) -> None:
        self._under_way: set[role.Place] = set()
        self._height = 0
        self._is_registered = False
        self._verdicts = Counter("headwater_verdicts", "Verdicts by finding", ["finding"], registry=self.shell.registry)

    async def beat(self, height: int) -> None:
        """Do what this block asks for."""
        self._height = height
        await self._register()
        for action in role.decide(await self._read_view()):
            await attempt(self._do(action), action)
        await self.sender.step()

    async def work(self) -> None:
        """Judge what is queued, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_A_TIME):
                tasks.create_task(self._judge_in_turn())

    async def _judge_in_turn(self) -> None:
        while True:
            _, place, task = await self._queue.get()
            try:
                await self._judge(task)
            finally:
                self._under_way.discard(place)
                self._queue.task_done()

    async def idle(self) -> None:
        """Wait until everything that was queued has been judged."""
        await self._queue.join()

    async def _register(self) -> None:
        """Ask for a place among the verifiers, once per bond: a refusal that another bond may cure is not repeated."""
        if self._is_registered:
            return
        found = await self.reader.find(records.Verifier, f"/verifier/{to_checksum(self.address)}")
        self._is_registered = found is not None
        if found is None:
            intent = Intent(f"register/{self.bond}", encode_message(bodies.RegisterVerifier(self.bond, "")))
            await self.journal.call(self.journal.outbox.enqueue, intent)

    async def _read_view(self) -> role.VerifierView:
        moment = await self.reader.moment()
        text = to_checksum(self.address)
        challenges = await self.reader.challenges(verifier=text, status="committing,revealing")
        unfinished = await self.journal.call(self.journal.verdicts, _OPEN)
        shown = {challenge.place for challenge in challenges}
        places = [(verdict.job_id, verdict.claim_id, verdict.segment) for verdict in unfinished]
        hidden = [place for place in places if place not in shown]
        challenges += [found for place in hidden if (found := await self.reader.challenge(*place))]
        kept = [await self.journal.call(self.journal.verdict, *challenge.place) for challenge in challenges]
        states = {(v.job_id, v.claim_id, v.segment): v.state for v in kept if v is not None}
        return role.VerifierView(moment, self.address, challenges, states)

    async def _do(self, action: role.Action) -> None:
        match action:
            case role.Judge():
                self._enqueue(action)
            case role.NoteCommitted(place):
                await self.journal.call(self.journal.move_verdict, *place, VerdictState.COMMITTED)
            case role.Reveal(place):
                await self._reveal(place)
            case role.NoteOver(place, revealed):
                state = VerdictState.REVEALED if revealed else VerdictState.EXPIRED
                await self.journal.call(self.journal.move_verdict, *place, state)

    def _enqueue(self, task: role.Judge) -> None:
        place = task.challenge.place
        if place in self._under_way:
            return
        if self._queue.full():
            log.warning("too much to judge; the next block tries again", extra={"place": place})
            return
        self._under_way.add(place)
        self._queue.put_nowait((task.deadline, place, task))

    async def _judge(self, task: role.Judge) -> None:
        place = task.challenge.place
        if await self.journal.call(self.journal.verdict, *place) is not None:
            return  # judged since this was queued; a second verdict would have another salt
        if self._height >= task.deadline:
            return  # no block can hold the commitment any more: the time is better spent on the others
        try:
            opinion = await self.judge.judge(await self._case(task.challenge))
        except Failure as error:
            log.info("content not there yet", extra={"place": place, "error": str(error)})
            opinion = None
        except Exception:
            # What strangers' bytes can do to our own code must not stop the other judgements.
            log.exception("a judgement broke", extra={"place": place})
            opinion = None
        if opinion is None and self._height < task.last_call:
            return  # the next block tries again
        await attempt(self._commit(place, opinion or UNAVAILABLE), task)

    async def _commit(self, place: role.Place, opinion: Opinion) -> None:
        verdict = make_verdict(self.address, place, opinion)
        message = bodies.CommitVerdict(*place, verdict.commitment)
        await self.journal.call(self.journal.add_verdict, verdict, _intent("commit", place, message))
        self._verdicts.labels(Finding(opinion.finding).name.lower()).inc()
        log.info("judged", extra={"place": place, "finding": opinion.finding.name.lower(), "text": opinion.text})

    async def _reveal(self, place: role.Place) -> None:
        verdict = await self.journal.call(self.journal.verdict, *place)
        assert verdict is not None, "only what was committed is revealed"
        message = bodies.RevealVerdict(
            *place,
            result=verdict.result,
            keyed_digest=verdict.keyed_digest,
            salt=verdict.salt,
            finding=verdict.finding,
            rendition=verdict.rendition,
        )
        await self.journal.call(self.journal.outbox.enqueue, _intent("reveal", place, message))

    async def _case(self, challenge: ChallengeView) -> Case:
        job = await self.reader.job(challenge.job_id)
        claim = await self.reader.find(records.Claim, f"/claim/{challenge.job_id}/{challenge.claim_id}")
        if job is None or claim is None:
            raise NotYet(f"job {challenge.job_id} is gone")
        transcoder = await self.reader.find(records.Transcoder, f"/transcoder/{to_checksum(claim.transcoder)}")
        sources = () if transcoder is None else (transcoder.service_uri,)
        return Case(challenge.place, challenge.challenge, job.job.options, sources)


def _intent(kind: str, place: role.Place, message: bodies.Body) -> Intent:
    return Intent("/".join([kind, *map(str, place)]), encode_message(message))
