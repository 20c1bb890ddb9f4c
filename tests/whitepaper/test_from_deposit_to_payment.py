"""Whitepaper, *The Job* and *Verification of Work*, from end to end: signed transactions through the real engine."""

from dataclasses import replace

from app.messages.bodies import (
    ClaimWork,
    Deposit,
    DistributeFees,
    EndJob,
    Job,
    RegisterVerifier,
    TranscodeAvailability,
    Withdraw,
)
from app.messages.records import ClaimStatus, JobStatus
from app.messages.rejections import Reason
from app.messages.segment import make_stream_id
from app.primitives.amounts import Lpt, Wei
from app.primitives.hashing import ZERO_HASH
from app.protocol.environment import NOBODY
from app.protocol.stake import get_pending_fees
from app.state.tables import CHALLENGES, CLAIMS, JOBS, ROUND
from genesis.presets.test import TEST
from tests.support.chain_driver import ETH, LPT, Chain, Party, make_genesis
from tests.support.work_world import Verdict, ladder, make_work

SEGMENTS = 12
OPTIONS = replace(ladder((852, 480), (426, 240)), profile_id="h264-crf-1")


class Line:
    """Two transcoders, one broadcaster and four verifiers on a chain, and one job of twelve segments."""

    def __init__(self) -> None:
        self.transcoders = [Party("transcoder a"), Party("transcoder b")]
        self.broadcaster = Party("broadcaster")
        self.verifiers = [Party(f"verifier {number}") for number in range(4)]
        everyone = [*self.transcoders, self.broadcaster, *self.verifiers]
        self.parties = {party.address: party for party in everyone}
        self.chain = Chain(make_genesis(TEST, [self.broadcaster, *self.verifiers], self.transcoders))

    def begin(self) -> None:
        """Everybody offers what they have; the job is ordered, drawn and worked on."""
        for verifier in self.verifiers:
            self.chain.must(verifier, RegisterVerifier(Lpt(2 * LPT), ""))
        for transcoder in self.transcoders:
            self.chain.must(transcoder, TranscodeAvailability(1))
        stream_id = make_stream_id(self.broadcaster.address, "s")
        self.chain.must(
            self.broadcaster, Deposit(Wei(ETH)), Job(stream_id, OPTIONS, Wei(1_000_000), escrow_segments=SEGMENTS // 2)
        )
        self.chain.block()
        self.transcoder = self.parties[self.job.transcoder]
        self.work = make_work(1, self.broadcaster, self.transcoder, (0, 7), (20, 23))

    def claim_and_verify(self) -> None:
        """Claim, show what is challenged, let the committees judge it."""
        self.chain.must(self.transcoder, self.work.claim)
        self.chain.block()
        shown = [self.chain.sign(self.transcoder, self.work.verify(1, each)) for each in self.claim.challenged]
        self.must_all(shown)
        self.chain.block()
        verdicts = [
            Verdict(self.parties[seat.verifier], (1, 1, segment), challenge.transcoded_hash)
            for (_, _, segment), challenge in CHALLENGES.items(self.chain.state)
            for seat in challenge.committee
        ]
        self.must_all([self.chain.sign(each.verifier, each.commit) for each in verdicts])
        self.must_all([self.chain.sign(each.verifier, each.reveal) for each in verdicts])

    def must_all(self, txs: list[bytes]) -> None:
        for result in self.chain.block(*txs).tx_results:
            assert result.code == 0, result.log

    @property
    def job(self):
        return JOBS.read(self.chain.state, 1)

    @property
    def claim(self):
        return CLAIMS.read(self.chain.state, 1, 1)


def test_a_job_goes_from_deposit_to_payment():
    line = Line()
    line.begin()
    assert line.job.transcoder != NOBODY
    line.claim_and_verify()
    assert 0 < len(line.claim.challenged) < SEGMENTS
    assert line.claim.status is ClaimStatus.VERIFIED
    early = line.chain.send(line.broadcaster, DistributeFees(1, 1))
    assert early.code == Reason.FEES_NOT_DUE
    line.chain.blocks(line.claim.slashing_end - line.chain.engine.height)
    before = get_pending_fees(line.chain.state, line.transcoder.address)
    line.chain.must(line.broadcaster, DistributeFees(1, 1))
    fee = SEGMENTS * 5 * 1_000_000
    gained = get_pending_fees(line.chain.state, line.transcoder.address) - before
    assert fee * 7 // 10 <= gained < fee, "the transcoder's part, and what verifiers did not take"
    line.chain.must(line.transcoder, Withdraw(Wei(0), Wei(gained)))
    assert line.claim.status is ClaimStatus.PAID


def test_a_job_is_ended_and_its_remaining_escrow_comes_back():
    line = Line()
    line.begin()
    line.chain.must(line.transcoder, replace(line.work.claim, ranges=line.work.ranges[1:], merkle_root=ZERO_HASH))
    line.chain.must(line.broadcaster, EndJob(1))
    line.chain.blocks(TEST.claim_period + 1)
    assert (line.job.status, line.job.escrow) == (JobStatus.CLOSED, 0)
    line.chain.must(line.broadcaster, Withdraw(Wei(ETH - 4 * 5_000_000), Wei(0)))


def test_a_rejected_claim_takes_its_fee_and_changes_nothing_else():
    line = Line()
    line.begin()
    result = line.chain.send(line.broadcaster, ClaimWork(1, line.work.ranges, ZERO_HASH))
    assert result.code == Reason.NOT_A_PARTY
    assert line.job.segments_claimed == 0
    assert ROUND.read(line.chain.state).work == 0


def test_the_same_messages_give_the_same_app_hash_at_every_height():
    hashes = []
    for _ in range(2):
        line = Line()
        line.begin()
        line.claim_and_verify()
        hashes.append(line.chain.app_hashes)
    assert hashes[0] == hashes[1]
