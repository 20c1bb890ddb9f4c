"""Whatever happens between deposit and payment: no wei and no LPT appears or vanishes, and nothing is left behind.

The machine orders, ends, claims, shows, judges and pays in any order and at any height, with honest and dishonest
verdicts, silence, and late steps. After each step the chain's own list of invariants is checked.
"""

from contextlib import suppress
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.messages.attestation import Attested
from app.messages.bodies import (
    Challenge,
    Deposit,
    DistributeFees,
    DropReason,
    EndJob,
    ReassignJob,
    SlashDoubleClaim,
    SlashMissedVerification,
    TranscodeAvailability,
    Withdraw,
)
from app.messages.records import ChallengeStatus, ClaimStatus, JobStatus
from app.messages.rejections import Rejection
from app.primitives.amounts import Lpt, Wei
from app.primitives.hashing import keccak256
from app.primitives.merkle import merkle_path
from app.state import tables
from genesis.presets.test import TEST
from tests.support.judging import WRONG
from tests.support.work_world import LPT, Verdict, Work, World, make_work, output_of, signed_again

PICK = st.integers(0, 10**6)
MOSTLY_NONE = st.sampled_from([0, 0, 0, 0, 0, 1, 2, 6, 7])
"""Bits of those who do not do their part."""


class WorkMachine(RuleBasedStateMachine):
    """Two broadcasters, two transcoders, four verifiers, and every order of their messages."""

    @initialize(seed=st.binary(max_size=4), fee=st.integers(0, 9 * 10**8))
    def begin(self, seed, fee):
        self.world = World(
            replace(TEST, verification_fee=fee, verification_period=20, commit_period=6, reveal_period=6)
        )
        self.world.randomness_seed = seed
        self.broadcasters = [self.world.broadcaster(name, deposit=50_000) for name in ("b1", "b2")]
        self.transcoders = [self.world.transcoder(name, slots=2) for name in ("t1", "t2")]
        self.verifiers = [self.world.verifier(name) for name in ("v1", "v2", "v3", "v4")]
        self.validators = [self.world.validator(f"c{number}", power) for number, power in enumerate((4, 3, 2, 1))]
        self.works: dict[tuple[int, int], Work] = {}
        self.next_segment: dict[int, int] = {}
        self.world.assigned_job(self.broadcasters[0])

    def attempt(self, sender, message):
        """Send, whether or not it will be accepted; `World.send` checks that a refusal leaves no trace."""
        with suppress(Rejection):
            return self.world.send(sender, message)
        return []

    # --- time and money

    @rule(blocks=st.sampled_from([1, 1, 1, 1, 2, 5]))
    def blocks(self, blocks):
        self.world.advance(blocks)

    @rule(who=PICK, amount=st.integers(0, 20_000))
    def deposit(self, who, amount):
        self.attempt(self.broadcasters[who % 2], Deposit(Wei(amount)))

    @rule(who=PICK, deposit=st.integers(0, 60_000), fees=st.integers(0, 3_000))
    def withdraw(self, who, deposit, fees):
        party = (*self.broadcasters, *self.transcoders)[who % 4]
        self.attempt(party, Withdraw(Wei(deposit), Wei(fees)))

    # --- jobs

    @rule(who=PICK, segments=st.integers(1, 12), price=st.sampled_from([1, 1000, 1733]))
    def order(self, who, segments, price):
        with suppress(Rejection):
            self.world.open_job(self.broadcasters[who % 2], escrow_segments=segments, price=price)

    @rule(who=PICK, slots=st.integers(0, 2))
    def offer(self, who, slots):
        self.attempt(self.transcoders[who % 2], TranscodeAvailability(slots))

    @precondition(lambda self: self.jobs())
    @rule(which=PICK, by_transcoder=st.booleans())
    def end(self, which, by_transcoder):
        job_id, job = self.pick(self.jobs(), which)
        party = self.world.parties.get(job.transcoder if by_transcoder else job.broadcaster)
        if party is not None:
            self.attempt(party, EndJob(job_id))

    @precondition(lambda self: self.jobs(JobStatus.WAITING, JobStatus.ASSIGNED))
    @rule(which=PICK)
    def pass_on(self, which):
        job_id, job = self.pick(self.jobs(JobStatus.WAITING, JobStatus.ASSIGNED), which)
        self.attempt(self.world.parties[job.broadcaster], ReassignJob(job_id, DropReason.SLOW))

    # --- claims

    @precondition(lambda self: self.jobs(JobStatus.ASSIGNED, JobStatus.ENDED))
    @rule(which=PICK, length=st.integers(1, 6), gap=st.integers(0, 3), again=st.booleans())
    def claim(self, which, length, gap, again):
        job_id, job = self.pick(self.jobs(JobStatus.ASSIGNED, JobStatus.ENDED), which)
        if job.transcoder not in self.world.parties:
            return
        first = 0 if again else self.next_segment.get(job_id, 0) + gap
        ranges = [(first, first), (first + 2, first + length + 1)]
        parties = self.world.parties[job.broadcaster], self.world.parties[job.transcoder]
        work = make_work(job_id, *parties, *ranges)
        for event in self.attempt(parties[1], work.claim)[-1:]:
            self.works[job_id, event.claim_id] = work
            self.next_segment[job_id] = first + length + 2

    @precondition(lambda self: self.challenges(ChallengeStatus.AWAITING_RECEIPT))
    @rule(forgotten=MOSTLY_NONE)
    def show(self, forgotten):
        for place, _ in self.challenges(ChallengeStatus.AWAITING_RECEIPT):
            if forgotten and place[2] % 2:
                continue
            transcoder = self.world.parties[self.world.claim(*place[:2]).transcoder]
            self.world.send(transcoder, self.works[place[:2]].verify(place[1], place[2]))

    @precondition(lambda self: self.challenges(ChallengeStatus.COMMITTING))
    @rule(silent=MOSTLY_NONE)
    def commit(self, silent):
        for place, challenge in self.challenges(ChallengeStatus.COMMITTING):
            for party in self.speakers(challenge, silent):
                self.attempt(party, self.verdict(party, place).commit)

    @precondition(lambda self: self.challenges(ChallengeStatus.REVEALING))
    @rule(silent=MOSTLY_NONE)
    def reveal(self, silent):
        for place, challenge in self.challenges(ChallengeStatus.REVEALING):
            for party in self.speakers(challenge, silent):
                self.attempt(party, self.verdict(party, place).reveal)

    @rule(silent=MOSTLY_NONE)
    def everybody_does_the_next_step(self, silent):
        """One block in which whoever is asked for something does it."""
        self.show(0)
        self.world.next_block()
        self.commit(silent)
        self.reveal(silent)

    @precondition(lambda self: self.works)
    @rule(which=PICK)
    def distribute(self, which):
        job_id, claim_id = self.pick(sorted(self.works), which)
        self.attempt(self.verifiers[0], DistributeFees(job_id, claim_id))

    @precondition(lambda self: self.challenges(ChallengeStatus.DISPUTED))
    @rule(which=PICK, absent=MOSTLY_NONE, words=st.sampled_from(["truth", "truth", "other", "receipt", *Attested]))
    def attest(self, which, absent, words):
        """All validators but those whose bit is set say the same of one dispute; the truth is what verifiers saw."""
        (dispute_id,) = self.pick(list(tables.OPEN_DISPUTES.keys(self.world.state)), which)
        dispute = tables.DISPUTES.read(self.world.state, dispute_id)
        challenge = self.world.challenge((dispute.job_id, dispute.claim_id, dispute.segment))
        results = {
            "truth": output_of(dispute.segment),
            "other": keccak256(b"other"),
            "receipt": challenge.transcoded_hash,
        }
        for bit, validator in enumerate(self.validators):
            if not absent >> bit & 1:
                self.world.attest(validator, dispute_id, results.get(words, words))

    @precondition(lambda self: self.challenges(ChallengeStatus.MISSED))
    @rule(which=PICK)
    def report_a_miss(self, which):
        place, _ = self.pick(self.challenges(ChallengeStatus.MISSED), which)
        self.attempt(self.verifiers[1], SlashMissedVerification(*place))

    @precondition(lambda self: self.works)
    @rule(which=PICK)
    def report_two_outputs(self, which):
        place = self.pick(sorted(self.works), which)
        first = self.works[place].receipts[0]
        transcoder = self.world.parties[self.world.claim(*place).transcoder]
        self.attempt(self.verifiers[2], SlashDoubleClaim(first, signed_again(first, transcoder, transcoded_hash=WRONG)))

    @precondition(lambda self: self.works)
    @rule(which=PICK, segment=st.integers(0, 5), bond=st.integers(0, 3))
    def challenge_with_a_bond(self, which, segment, bond):
        place = self.pick(sorted(self.works), which)
        work = self.works[place]
        index = segment % len(work.receipts)
        receipt, path = work.receipts[index], merkle_path(work.leaves, index)
        message = Challenge(*place, receipt.sequence_number, receipt, path, "", Lpt(bond * LPT))
        self.attempt(self.verifiers[3], message)

    # --- what there is to pick from

    def verdict(self, verifier, place):
        """One verifier in a dozen sees something else."""
        honest = (place[2] + verifier.address[0]) % 12 != 0
        return Verdict(verifier, place, output_of(place[2]) if honest else WRONG)

    def speakers(self, challenge, silent):
        """The members of a committee but those whose bit is set."""
        seats = enumerate(challenge.committee)
        return [self.world.parties[seat.verifier] for index, seat in seats if not silent >> index & 1]

    def jobs(self, *statuses):
        found = [(key[0], job) for key, job in tables.JOBS.items(self.world.state)]
        return [each for each in found if not statuses or each[1].status in statuses]

    def challenges(self, status):
        return [each for each in tables.CHALLENGES.items(self.world.state) if each[1].status is status]

    @staticmethod
    def pick(choices, which):
        return choices[which % len(choices)]

    # --- what always holds

    @invariant()
    def the_chains_invariants_hold(self):
        self.world.require_sound()

    @invariant()
    def claims_hold_the_whole_fee_until_something_is_decided(self):
        for (job_id, _), claim in tables.CLAIMS.items(self.world.state):
            whole = claim.segments * self.world.job(job_id).fee_per_segment
            for_verifiers = whole * self.world.params.verification_fee // 10**9
            assert claim.fee in (0, whole - for_verifiers)
            if claim.status is ClaimStatus.PENDING:
                assert claim.fee + claim.verification_fee == whole

    def teardown(self):
        """In the end nothing waits for anything."""
        if not hasattr(self, "world"):
            return
        for job_id, job in self.jobs(JobStatus.WAITING, JobStatus.ASSIGNED):
            self.world.send(self.world.parties[job.broadcaster], EndJob(job_id))
        self.world.advance(60)
        for job_id, claim_id in sorted(self.works):
            self.attempt(self.verifiers[0], DistributeFees(job_id, claim_id))
        assert not list(tables.DUE.keys(self.world.state))
        assert {job.status for _, job in self.jobs()} <= {JobStatus.CLOSED}
        for _, claim in tables.CLAIMS.items(self.world.state):
            assert claim.open_challenges == 0
            assert claim.status in (ClaimStatus.PAID, ClaimStatus.MISSED, ClaimStatus.FAILED)
        self.world.require_sound()


WorkMachine.TestCase.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
TestWorkKeepsItsMoney = WorkMachine.TestCase
