"""Jobs and claims: orders, draws, challenges, verdicts, refunds and payments are the protocol's own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.messages.bodies import (
    ClaimWork,
    Deposit,
    DistributeFees,
    EndJob,
    Job,
    RegisterVerifier,
    SegmentRange,
    TranscodeAvailability,
)
from app.messages.economy import OPTIONS, Scenario
from app.messages.records import JobStatus
from app.messages.segment import make_stream_id
from app.primitives.address import Address
from app.primitives.amounts import Wei
from app.primitives.fractions import ONE
from app.primitives.hashing import sha256
from app.protocol.claims import is_lost
from app.protocol.environment import BlockEnv
from app.protocol.fee_distribution import are_fees_due
from app.protocol.sortition import is_challenged
from app.protocol.transcoders import consensus_address
from app.simulation.cast import Cast, Chance, Operator
from app.simulation.verdicts import give_verdict
from app.simulation.world import World
from app.state.tables import ACTIVE, CLAIMS, JOBS, OPEN_JOBS, State

DEPOSIT = Wei(10**5 * 10**18)
_APART = 10**9


@dataclass(slots=True)
class Stream:
    """A broadcaster's stream: its running job, 0 for none, and how far it is claimed."""

    broadcaster: Address
    job_id: int = 0
    next_segment: int = 0


@dataclass(slots=True)
class Tally:
    """Segments of one transcoder that were claimed without work, and those of them that were challenged."""

    faked: int = 0
    caught: int = 0


class Work:
    """All streams, and the claims that wait for their money."""

    def __init__(self, world: World, scenario: Scenario, cast: Cast, chance: Chance) -> None:
        self._world, self._scenario, self._chance = world, scenario, chance
        self._operators = {operator.address: operator for operator in cast.operators}
        # Challenges depend on a segment's number and not on its job: streams with other numbers have other luck.
        self._streams = [Stream(address, 0, _APART * place) for place, address in enumerate(cast.broadcasters)]
        self._verifiers = cast.verifiers
        self._fresh: list[tuple[int, int]] = []
        self._unpaid: list[tuple[int, int]] = []
        self.tallies = {operator.address: Tally() for operator in cast.operators}

    def open(self) -> None:
        """Before the first job: broadcasters make deposits, verifiers register, transcoders offer slots."""
        for stream in self._streams:
            self._world.send(stream.broadcaster, Deposit(DEPOSIT))
        for verifier in self._verifiers:
            self._world.send(verifier, RegisterVerifier(self._world.params.min_verifier_bond, ""))
        for operator in self._operators.values():
            self._world.send(operator.address, TranscodeAvailability(operator.group.slots))

    def order(self) -> None:
        """End jobs whose transcoder is not in the active set any more, and order those that streams lack."""
        for stream in self._streams:
            job = JOBS.get(self._world.state, stream.job_id)
            if job is not None and job.status is JobStatus.ASSIGNED:
                active = ACTIVE.get(self._world.state, job.transcoder)
                if active is not None and not active.left:
                    continue
                self._world.send(stream.broadcaster, EndJob(stream.job_id))
            stream.job_id = 0
            name = make_stream_id(stream.broadcaster, "live")
            self._world.send(
                stream.broadcaster, Job(name, OPTIONS, self._scenario.price_per_segment, self._scenario.segments)
            )

    def claim(self) -> Operator | None:
        """Claim what all transcoders have done and faked; returns the first that would try hashes for its own."""
        grinder = None
        for stream in self._streams:
            stream.job_id = self._find_job(stream)
            job = JOBS.get(self._world.state, stream.job_id)
            if job is None or job.status is not JobStatus.ASSIGNED:
                continue
            first, last = stream.next_segment, stream.next_segment + self._scenario.segments - 1
            root = sha256(first.to_bytes(8, "big"))
            self._world.send(job.transcoder, ClaimWork(stream.job_id, (SegmentRange(first, last),), root))
            self._fresh.append((stream.job_id, job.next_claim_id))
            stream.next_segment = last + 1
            operator = self._operators[job.transcoder]
            self.tallies[job.transcoder].faked += sum(1 for _ in self._faked(stream.job_id, operator, first, last))
            grinder = grinder or (operator if operator.group.tries else None)
        return grinder

    def grind(self, grinder: Operator, claim_height: int) -> int:
        """The first hash, of those that this proposer tries, under which nothing that it faked is challenged."""
        rate, mine = self._world.params.verification_rate, []
        for job_id, claim_id in self._fresh:
            claim = CLAIMS.get(self._world.state, job_id, claim_id)
            if claim is not None and claim.transcoder == grinder.address:
                mine += list(self._faked(job_id, grinder, claim.ranges[0].first, claim.ranges[0].last))
        for attempt in range(grinder.group.tries):
            randomness = self._world.randomness(claim_height + 1, attempt)
            if not any(is_challenged(claim_height, randomness, segment, rate) for segment in mine):
                return attempt
        return 0

    def judge(self) -> None:
        """Give the verdict on each challenge of the fresh claims."""
        fresh, self._fresh = self._fresh, []
        claims = [place for place in fresh if CLAIMS.has(self._world.state, *place)]
        self._world.enact(lambda state, env: self._judge_all(state, env, claims))
        self._unpaid += claims

    def collect(self) -> None:
        """Ask for the fees that are due; what was lost is forgotten."""
        waiting, self._unpaid = self._unpaid, []
        for job_id, claim_id in waiting:
            claim = CLAIMS.read(self._world.state, job_id, claim_id)
            if are_fees_due(claim, self._world.height):
                self._world.send(claim.transcoder, DistributeFees(job_id, claim_id))
            elif not is_lost(claim):
                self._unpaid.append((job_id, claim_id))

    def proposer_key(self, operator: Operator) -> Address:
        """How CometBFT names a transcoder that proposes a block."""
        return consensus_address(operator.consensus_key)

    def _find_job(self, stream: Stream) -> int:
        for _, job_id in OPEN_JOBS.keys(self._world.state, stream.broadcaster):
            return int(job_id)
        return 0

    def _faked(self, job_id: int, operator: Operator, first: int, last: int) -> Iterator[int]:
        share = operator.group.fakes
        if share >= ONE:
            yield from range(first, last + 1)
        elif share:
            yield from (s for s in range(first, last + 1) if self._is_faked(job_id, operator, s))

    def _is_faked(self, job_id: int, operator: Operator, segment: int) -> bool:
        return self._chance.happens(operator.group.fakes, b"fake", job_id, segment)

    def _judge_all(self, state: State, env: BlockEnv, claims: Sequence[tuple[int, int]]) -> None:
        for job_id, claim_id in claims:
            self._judge(state, env, job_id, claim_id)

    def _judge(self, state: State, env: BlockEnv, job_id: int, claim_id: int) -> None:
        claim = CLAIMS.read(state, job_id, claim_id)
        operator = self._operators[claim.transcoder]
        for segment in claim.challenged:
            is_faked = self._is_faked(job_id, operator, segment)
            self.tallies[claim.transcoder].caught += is_faked
            give_verdict(state, env, (job_id, claim_id, segment), claim, is_faked)
