"""Reports by anybody: a verification that was missed, two receipts of one segment."""

from dataclasses import replace

import pytest

from app.messages.bodies import SlashDoubleClaim, SlashMissedVerification, Unbond
from app.messages.events import DoubleClaimReported, FinderPaid, MissedVerificationReported, StakeSlashed
from app.messages.records import SlashReason
from app.messages.rejections import Reason
from app.primitives.address import to_checksum
from app.primitives.amounts import Lpt
from app.primitives.hashing import keccak256
from app.protocol.environment import NOBODY
from app.protocol.stake import get_stake
from app.state.tables import COMMON_POOL, LOCK_BATCHES
from genesis.presets.test import TEST
from tests.support.judging import WRONG, Case
from tests.support.work_world import EVERY_SEGMENT, LPT, World, events_of, signed_again

STAKE = 10 * LPT
MISSED = SlashMissedVerification(1, 1, 0)


def missed(segments: int = 1, **params: int) -> Case:
    """A claim of which nothing is shown in time, one block into the window of reports."""
    case = Case(replace(EVERY_SEGMENT, **params), segments)
    case.world.advance_to(case.world.claim(1).verify_deadline + 1)
    return case


# --- missed verification


def test_who_reports_a_missed_verification_earns_the_finders_fee_of_the_slash():
    case = missed()
    world, finder = case.world, case.world.account("finder")
    had, pool = world.lpt(finder), COMMON_POOL.read(world.state).lpt
    events = world.send(finder, MISSED)
    taken = STAKE // 10
    fee = taken // 20
    assert events == [
        StakeSlashed(
            case.transcoder.address,
            SlashReason.MISSED_VERIFICATION,
            world.claim(1).height,
            TEST.missed_verification_slash_amount,
            Lpt(taken),
            Lpt(0),
            finder.address,
            Lpt(fee),
        ),
        FinderPaid(finder.address, Lpt(fee)),
        MissedVerificationReported(1, 1, 0, case.transcoder.address, finder.address),
    ]
    assert get_stake(world.state, case.transcoder.address) == STAKE - taken
    assert (world.lpt(finder) - had, COMMON_POOL.read(world.state).lpt - pool) == (fee, taken - fee)
    world.require_sound()


def test_a_missed_verification_can_be_reported_from_the_block_after_its_deadline_to_the_end_of_the_slashing_period():
    for height, reason in ((-1, Reason.TOO_EARLY), (0, Reason.TOO_EARLY), (4, Reason.SLASHING_PERIOD_OVER)):
        case = Case()
        deadline = case.world.claim(1).verify_deadline
        case.world.advance_to(deadline + height)
        text = case.world.refused(case.broadcaster, MISSED, reason)
        limit = deadline if reason is Reason.TOO_EARLY else deadline + TEST.slashing_period
        assert text.endswith(f"until height {limit}; this is height {deadline + height}")
    for height in (1, 3):
        case = Case()
        case.world.advance_to(case.world.claim(1).verify_deadline + height)
        case.world.send(case.broadcaster, MISSED)


def test_all_that_one_claim_misses_is_slashed_once():
    case = missed(segments=3)
    case.world.send(case.broadcaster, MISSED)
    stake = get_stake(case.world.state, case.transcoder.address)
    for segment in (0, 1, 2):
        text = case.world.refused(case.broadcaster, replace(MISSED, segment=segment), Reason.ALREADY_SLASHED)
        assert text == "for this claim; what it misses is slashed once"
    assert get_stake(case.world.state, case.transcoder.address) == stake


def test_what_was_shown_in_time_is_no_miss():
    case = Case(segments=2)
    case.draw(0)
    case.world.judge((1, 1, 0))
    case.world.advance_to(case.world.claim(1).verify_deadline + 1)
    assert case.world.refused(case.broadcaster, MISSED, Reason.NOT_MISSED) == "the segment is verified"
    case.world.send(case.broadcaster, replace(MISSED, segment=1))


def test_only_a_challenged_segment_of_a_claim_that_exists_can_be_missed():
    case = missed()
    case.world.refused(case.broadcaster, replace(MISSED, claim_id=2), Reason.UNKNOWN_CLAIM)
    case.world.refused(case.broadcaster, replace(MISSED, segment=7), Reason.NOT_CHALLENGED)


def test_stake_that_left_between_the_claim_and_the_deadline_is_slashed_as_well():
    case = Case()
    case.world.send(case.transcoder, Unbond(Lpt(STAKE // 2)))
    case.world.advance_to(case.world.claim(1).verify_deadline + 1)
    (slashed,) = events_of(case.world.send(case.broadcaster, MISSED), StakeSlashed)
    assert (slashed.bonded, slashed.unbonding) == (STAKE // 20, STAKE // 20)
    assert [batch.stake for _, batch in LOCK_BATCHES.items(case.world.state)] == [STAKE // 2 - STAKE // 20]
    case.world.require_sound()


# --- double claim


def contradiction(case: Case, **changes: object) -> SlashDoubleClaim:
    """Two receipts of segment 0, the second with another output and whatever else is asked for."""
    first = case.work.receipts[0]
    return SlashDoubleClaim(first, signed_again(first, case.transcoder, **{"transcoded_hash": WRONG, **changes}))


def test_who_reports_two_outputs_of_one_segment_earns_the_finders_fee_of_the_slash():
    case = Case()
    world, finder = case.world, case.world.account("finder")
    had = world.lpt(finder)
    events = world.send(finder, contradiction(case))
    taken = STAKE * TEST.double_claim_slash_amount // 10**9
    assert events_of(events, StakeSlashed) == [
        StakeSlashed(
            case.transcoder.address,
            SlashReason.DOUBLE_CLAIM,
            world.claim(1).height,
            TEST.double_claim_slash_amount,
            Lpt(taken),
            Lpt(0),
            finder.address,
            Lpt(taken // 20),
        )
    ]
    assert events[-1] == DoubleClaimReported(1, 0, case.transcoder.address, finder.address)
    assert world.lpt(finder) - had == taken // 20
    world.require_sound()


def test_one_segment_is_slashed_once_whichever_receipts_show_it():
    case = Case()
    case.world.send(case.broadcaster, contradiction(case))
    first = case.work.receipts[0]
    third = signed_again(first, case.transcoder, transcoded_hash=keccak256(b"a third one"))
    for again in (
        contradiction(case),
        SlashDoubleClaim(contradiction(case).second, first),
        SlashDoubleClaim(first, third),
    ):
        assert case.world.refused(case.broadcaster, again, Reason.ALREADY_SLASHED) == "for segment 0 of job 1"


def test_two_segments_are_two_offences():
    case = Case(segments=2)
    for receipt in case.work.receipts:
        other = signed_again(receipt, case.transcoder, transcoded_hash=WRONG)
        case.world.send(case.broadcaster, SlashDoubleClaim(receipt, other))
    assert get_stake(case.world.state, case.transcoder.address) == STAKE * 97 * 97 // 10_000


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"job_id": 2}, "the receipts have different values of job_id"),
        ({"stream_id": "0x-other"}, "the receipts have different values of stream_id"),
        ({"sequence_number": 1}, "the receipts have different values of sequence_number"),
        ({"data_hash": WRONG}, "the receipts have different values of data_hash"),
    ],
)
def test_receipts_that_do_not_contradict_each_other_are_refused(changes, text):
    case = Case()
    assert case.world.refused(case.broadcaster, contradiction(case, **changes), Reason.NO_DOUBLE_CLAIM) == text


def test_one_output_signed_twice_is_no_double_claim():
    case = Case()
    first = case.work.receipts[0]
    again = SlashDoubleClaim(first, signed_again(first, case.transcoder, toolchain="another build"))
    text = case.world.refused(case.broadcaster, again, Reason.NO_DOUBLE_CLAIM)
    assert text == f"both receipts are of {first.transcoded_hash.hex()}"


@pytest.mark.parametrize("place", ["first", "second"])
def test_what_somebody_else_has_signed_proves_nothing(place):
    case = Case()
    stranger = case.world.account("stranger")
    good = contradiction(case)
    forged = replace(good, **{place: signed_again(getattr(good, place), stranger)})
    text = case.world.refused(stranger, forged, Reason.RECEIPT_SIGNATURE_INVALID)
    signer, transcoder = to_checksum(stranger.address), to_checksum(case.transcoder.address)
    assert text == f"{signer} signed as the transcoder, who is {transcoder}"
    unsigned = replace(good, **{place: replace(getattr(good, place), transcoder_signature=bytes(65))})
    case.world.refused(stranger, unsigned, Reason.RECEIPT_SIGNATURE_INVALID)


def test_receipts_of_a_job_that_does_not_exist_are_refused():
    case = Case()
    first = signed_again(case.work.receipts[0], case.transcoder, job_id=9)
    other = signed_again(first, case.transcoder, transcoded_hash=WRONG)
    case.world.refused(case.broadcaster, SlashDoubleClaim(first, other), Reason.UNKNOWN_JOB)


def test_nobody_has_signed_for_a_job_that_waits():
    world = World(EVERY_SEGMENT)
    broadcaster = world.broadcaster()
    case = Case()
    job_id = world.open_job(broadcaster)
    assert world.job(job_id).transcoder == NOBODY
    world.refused(broadcaster, contradiction(case), Reason.RECEIPT_SIGNATURE_INVALID)


def test_receipts_of_a_segment_that_was_never_claimed_slash_what_is_bonded_now():
    case = Case()
    case.world.send(case.transcoder, Unbond(Lpt(STAKE // 2)))
    case.world.advance(1)
    first = signed_again(case.work.receipts[0], case.transcoder, sequence_number=2**64 - 1)
    other = signed_again(first, case.transcoder, transcoded_hash=WRONG)
    (slashed,) = events_of(case.world.send(case.broadcaster, SlashDoubleClaim(first, other)), StakeSlashed)
    assert slashed.offence_height == case.world.height
