"""ReassignJob: the next backup, or another draw; the slot, the record, and what the first one can still claim."""

from dataclasses import replace

from app.messages.bodies import DropReason, EndJob, ReassignJob, SlashDoubleClaim, TranscodeAvailability
from app.messages.events import DoubleClaimReported, JobAssigned, JobClosed, JobReassigned
from app.messages.records import FormerTranscoder, JobStatus
from app.messages.rejections import Reason
from app.primitives.address import to_checksum
from app.protocol.environment import NOBODY
from app.state.tables import ACTIVE, FORMER_TRANSCODERS
from genesis.presets.test import TEST
from tests.support.judging import WRONG
from tests.support.work_world import NO_SEGMENT, World, events_of, make_work, signed_again

PASS_ON = ReassignJob(1, DropReason.SILENT)


class Passing:
    """One job, its transcoder and its backups."""

    def __init__(self, transcoders: int = 3, **params: int) -> None:
        self.world = World(replace(NO_SEGMENT, **params))
        self.everybody = [self.world.transcoder(f"t{number}", slots=1) for number in range(transcoders)]
        self.broadcaster = self.world.broadcaster()
        self.world.assigned_job(self.broadcaster)
        self.first, *self.backups = (self.world.parties[a] for a in (self.job.transcoder, *self.job.backups))

    @property
    def job(self):
        return self.world.job(1)

    def pass_on(self):
        return self.world.send(self.broadcaster, PASS_ON)


def test_a_job_goes_to_its_next_backup_and_the_drop_is_in_the_record_of_the_first():
    case = Passing()
    second, third = case.backups
    events = case.pass_on()
    assert events == [
        JobReassigned(1, case.first.address, second.address, DropReason.SILENT),
        JobAssigned(1, second.address),
    ]
    assert (case.job.transcoder, case.job.backups) == (second.address, (third.address,))
    first, now = case.world.record(case.first), case.world.record(second)
    assert (first.slots, first.jobs_accepted, first.jobs_dropped) == (1, 1, 1)
    assert (now.slots, now.jobs_accepted, now.jobs_dropped) == (0, 1, 0)
    case.world.require_sound()


def test_a_backup_without_a_slot_or_a_place_or_with_a_higher_price_is_passed_over():
    for number in range(3):
        case = Passing()
        second, third = case.backups
        active = ACTIVE.read(case.world.state, second.address)
        if number == 0:
            case.world.send(second, TranscodeAvailability(0))
        elif number == 1:
            ACTIVE.put(case.world.state, replace(active, left=True), second.address)
        else:
            dear = replace(active.rates, price_per_segment=10**6)
            ACTIVE.put(case.world.state, replace(active, rates=dear), second.address)
        case.pass_on()
        assert (case.job.transcoder, case.job.backups) == (third.address, ())


def test_without_a_backup_the_job_waits_and_is_drawn_afresh_without_those_who_had_it():
    case = Passing(1)
    assert case.pass_on() == [JobReassigned(1, case.first.address, NOBODY, DropReason.SILENT)]
    assert (case.job.status, case.job.transcoder) == (JobStatus.WAITING, NOBODY)
    assert case.world.record(case.first).slots == 1
    case.world.next_block()
    assert case.job.status is JobStatus.WAITING, "the one who had it is not drawn again"
    newcomer = case.world.transcoder("newcomer", slots=1)
    case.world.next_block()
    assert case.job.transcoder == newcomer.address
    case.world.require_sound()


def test_a_job_that_waits_again_has_the_whole_time_to_find_somebody_and_ends_by_itself_after_it():
    case = Passing(1, job_assignment_timeout=4)
    case.world.advance(20)
    case.pass_on()
    case.world.advance(3)
    assert case.job.status is JobStatus.WAITING
    case.world.next_block()
    assert case.job.status is JobStatus.ENDED
    events = case.world.advance(TEST.claim_period + 1)
    assert len(events_of(events, JobClosed)) == 1
    case.world.require_sound()


def test_who_had_the_job_can_claim_what_it_did_for_the_claim_period_and_the_next_one_the_rest():
    case = Passing()
    second = case.backups[0]
    done = make_work(1, case.broadcaster, case.first, (0, 4))
    late = make_work(1, case.broadcaster, case.first, (6, 6))
    case.pass_on()
    passed = case.world.height
    assert FORMER_TRANSCODERS.read(case.world.state, 1, case.first.address) == FormerTranscoder(passed)
    case.world.send(case.first, done.claim)
    case.world.send(second, make_work(1, case.broadcaster, second, (5, 5)).claim)
    case.world.refused(second, make_work(1, case.broadcaster, second, (4, 4)).claim, Reason.SEGMENTS_ALREADY_CLAIMED)
    case.world.advance_to(passed + TEST.claim_period + 1)
    text = case.world.refused(case.first, late.claim, Reason.CLAIM_PERIOD_OVER)
    assert text == (
        f"job 1 was passed on from you at height {passed} and could be claimed for {TEST.claim_period} blocks; "
        f"this is height {passed + TEST.claim_period + 1}"
    )
    case.world.require_sound()


def test_claims_of_before_are_possible_while_the_job_waits_and_after_its_end_but_not_when_it_is_closed():
    case = Passing(1, claim_period=30)
    case.pass_on()
    case.world.send(case.first, make_work(1, case.broadcaster, case.first, (0, 0)).claim)
    case.world.send(case.broadcaster, EndJob(1))
    assert case.job.status is JobStatus.ENDED
    case.world.send(case.first, make_work(1, case.broadcaster, case.first, (1, 1)).claim)
    case.world.advance(31)
    assert (case.job.status, case.job.escrow) == (JobStatus.CLOSED, 0)
    late = make_work(1, case.broadcaster, case.first, (2, 2))
    case.world.refused(case.first, late.claim, Reason.CLAIM_PERIOD_OVER)
    case.world.require_sound()


def test_who_had_the_job_is_slashed_for_two_outputs_like_who_has_it():
    case = Passing()
    second = case.backups[0]
    case.pass_on()
    for transcoder in (case.first, second):
        (receipt,) = make_work(1, case.broadcaster, transcoder, (0, 0)).receipts
        other = signed_again(receipt, transcoder, transcoded_hash=WRONG)
        events = case.world.send(case.broadcaster, SlashDoubleClaim(receipt, other))
        assert events[-1] == DoubleClaimReported(1, 0, transcoder.address, case.broadcaster.address)
        case.world.refused(case.broadcaster, SlashDoubleClaim(receipt, other), Reason.ALREADY_SLASHED)


def test_only_the_broadcaster_passes_a_job_on():
    case = Passing()
    text = case.world.refused(case.first, PASS_ON, Reason.NOT_A_PARTY)
    assert text == f"only {to_checksum(case.broadcaster.address)} can pass job 1 on"


def test_what_waits_or_has_ended_or_is_unknown_cannot_be_passed_on():
    case = Passing(1)
    case.world.refused(case.broadcaster, ReassignJob(2, DropReason.SLOW), Reason.UNKNOWN_JOB)
    case.pass_on()
    assert (
        case.world.refused(case.broadcaster, PASS_ON, Reason.JOB_NOT_ASSIGNED) == "job 1 waits for a transcoder already"
    )
    case.world.send(case.broadcaster, EndJob(1))
    height = case.world.height
    assert case.world.refused(case.broadcaster, PASS_ON, Reason.JOB_ENDED) == f"job 1 ended at height {height}"


def test_a_withdrawn_offer_gives_no_slot_back():
    case = Passing()
    case.world.advance(1)
    case.world.send(case.first, TranscodeAvailability(0))
    case.pass_on()
    assert case.world.record(case.first).slots == 0
