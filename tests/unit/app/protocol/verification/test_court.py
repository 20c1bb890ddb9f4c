"""The court: counting what validators attest, and what each outcome brings about."""

from dataclasses import replace

import pytest

from app.messages import bodies
from app.messages.attestation import Attestation, Attested
from app.messages.bodies import DistributeFees, Unbond
from app.messages.events import (
    ClaimRefunded,
    CourtDecided,
    DisputeAttested,
    FinderPaid,
    ProfileFrozen,
    SegmentFailed,
    SegmentVerified,
    StakeSlashed,
    VerificationMissed,
    VerifierPaid,
    VerifierSlashed,
)
from app.messages.records import ChallengeStatus, ClaimStatus, CourtOutcome, SlashReason
from app.messages.rejections import Reason
from app.primitives.amounts import Lpt, Wei
from app.primitives.hashing import ZERO_HASH, keccak256
from app.protocol.stake import get_stake
from app.protocol.verification.court import is_slashable, is_two_thirds
from app.state.tables import ATTESTATIONS, DISPUTES, OPEN_DISPUTES, PROFILES, TRANSCODERS
from genesis.presets.test import TEST
from tests.support.judging import TRUTH, WRONG, Case
from tests.support.work_world import EVERY_SEGMENT, LPT, PROFILE_ID, events_of, output_of

STAKE, BOND = 10 * LPT, 2 * LPT
PENALTY = BOND // 100
RECEIPT = output_of(0)
"""The transcoded hash of the receipt."""


def outcome_of(case, dispute_id=1):
    return DISPUTES.read(case.world.state, dispute_id).outcome


# --- counting


def test_more_than_two_thirds_is_not_two_thirds():
    assert [is_two_thirds(power, 30) for power in (19, 20, 21)] == [False, False, True]
    assert not is_two_thirds(0, 0)


def test_the_vote_that_makes_two_thirds_decides_at_once():
    case = Case()
    case.dispute()
    assert events_of(case.attest(RECEIPT, RECEIPT), CourtDecided) == []
    assert [key for key, _ in OPEN_DISPUTES.items(case.world.state)] == [(1,)]
    events = case.attest(None, None, RECEIPT)
    assert events[0] == DisputeAttested(1, case.validators[2].address, Attested.EXECUTED, RECEIPT)
    assert events[1] == CourtDecided(1, 1, 1, 0, CourtOutcome.UPHELD, 30, 40)
    decided = DISPUTES.read(case.world.state, 1)
    assert (decided.outcome, decided.result, decided.decided_height) == (
        CourtOutcome.UPHELD,
        RECEIPT,
        case.world.height,
    )
    assert list(OPEN_DISPUTES.keys(case.world.state)) == list(ATTESTATIONS.keys(case.world.state)) == []
    case.world.require_sound()


def test_it_is_power_that_counts_and_not_the_number_of_validators():
    case = Case()
    case.dispute(power=(70, 10, 10, 10))
    case.attest(None, TRUTH, TRUTH, TRUTH)
    assert outcome_of(case) is CourtOutcome.OPEN
    case.attest(RECEIPT)
    assert outcome_of(case) is CourtOutcome.UPHELD


def test_the_last_word_of_a_validator_counts_and_none_twice():
    case = Case()
    case.dispute()
    for _ in range(5):
        case.attest(RECEIPT)
    assert case.attest(RECEIPT) == []
    case.attest(RECEIPT, RECEIPT)
    case.attest(TRUTH, None, TRUTH)
    assert outcome_of(case) is CourtOutcome.OPEN
    case.attest(None, TRUTH)
    assert outcome_of(case) is CourtOutcome.OVERTURNED


def test_who_is_no_validator_has_no_power():
    case = Case()
    case.dispute()
    stranger = case.world.account("stranger")
    for _ in range(4):
        case.world.attest(stranger, 1, TRUTH)
    case.attest(RECEIPT, RECEIPT)
    assert outcome_of(case) is CourtOutcome.OPEN


def test_words_about_what_is_decided_or_unknown_are_passed_over():
    case = Case()
    case.dispute()
    case.attest(RECEIPT, RECEIPT, RECEIPT)
    before = dict(case.world.state.pairs)
    assert case.attest(TRUTH, TRUTH, TRUTH, TRUTH) == case.attest(TRUTH, dispute_id=9) == []
    assert case.world.state.pairs == before


def test_nothing_falls_due_after_the_decision():
    case = Case()
    case.dispute()
    case.attest(RECEIPT, RECEIPT, RECEIPT)
    assert case.world.advance(TEST.court_window + 3) == []


# --- for the transcoder


def test_a_result_that_two_thirds_get_as_well_is_verified_and_dissenters_pay():
    case = Case()
    case.dispute([RECEIPT, RECEIPT, TRUTH])
    honest, other, dissenter = case.world.committee((1, 1, 0))
    events = case.attest(RECEIPT, TRUTH, RECEIPT, RECEIPT)
    assert events_of(events, SegmentVerified) == [SegmentVerified(1, 1, 0)]
    assert events_of(events, VerifierPaid) == [VerifierPaid(p.address, Wei(150), 1, 1) for p in (honest, other)]
    assert events_of(events, VerifierSlashed) == [VerifierSlashed(dissenter.address, Lpt(PENALTY))]
    assert case.challenge().status is ChallengeStatus.VERIFIED
    assert case.world.claim(1).status is ClaimStatus.VERIFIED
    assert get_stake(case.world.state, case.transcoder.address) == STAKE
    record = case.world.record(case.transcoder)
    assert (record.segments_verified, record.segments_disputed, record.segments_failed) == (1, 1, 0)
    case.world.advance_to(case.world.claim(1).slashing_end + 1)
    case.world.send(case.transcoder, DistributeFees(1, 1))
    case.world.require_sound()


def test_who_could_not_fetch_has_said_nothing_untrue():
    case = Case()
    case.dispute([RECEIPT, RECEIPT, ZERO_HASH])
    case.attest(RECEIPT, RECEIPT, RECEIPT)
    blind = case.world.committee((1, 1, 0))[2]
    assert (case.world.verifier_record(blind).bond, case.world.verifier_record(blind).fees_earned) == (BOND, 0)


# --- against it


def test_one_other_result_refunds_the_broadcaster_slashes_the_transcoder_and_pays_those_who_were_right():
    case = Case(segments=2)
    deposit = case.world.deposit(case.broadcaster)
    case.dispute([TRUTH, TRUTH, RECEIPT])
    case.draw(1)
    case.world.judge((1, 1, 1))
    first, second, liar = case.world.committee((1, 1, 0))
    had = [case.world.lpt(party) for party in (first, second)]
    events = case.attest(TRUTH, TRUTH, TRUTH)
    taken = STAKE * TEST.failed_verification_slash_amount // 10**9
    share = taken // 20 // 2
    assert events_of(events, CourtDecided) == [CourtDecided(1, 1, 1, 0, CourtOutcome.OVERTURNED, 30, 40)]
    assert events_of(events, SegmentFailed) == [SegmentFailed(1, 1, 0, case.transcoder.address, 1, 1)]
    (slashed,) = events_of(events, StakeSlashed)
    assert (slashed.reason, slashed.bonded, slashed.finder_fee) == (SlashReason.FAILED_VERIFICATION, taken, 2 * share)
    assert events_of(events, FinderPaid) == [FinderPaid(p.address, Lpt(share)) for p in (first, second)]
    assert [case.world.lpt(party) - n for party, n in zip((first, second), had, strict=True)] == [share, share]
    assert events_of(events, VerifierSlashed) == [VerifierSlashed(liar.address, Lpt(PENALTY))]
    assert events_of(events, VerifierPaid) == [VerifierPaid(p.address, Wei(150), 1, 1) for p in (first, second)]
    # The committees of both segments were paid 300 each from the fee of 2,000; the rest is the broadcaster's again.
    assert events_of(events, ClaimRefunded) == [ClaimRefunded(1, 1, case.broadcaster.address, Wei(1_400))]
    assert case.world.deposit(case.broadcaster) == deposit + 1_400
    assert case.world.claim(1).status is ClaimStatus.FAILED
    assert "the claim is failed" in case.world.refused(case.transcoder, DistributeFees(1, 1), Reason.CLAIM_CLOSED)
    case.world.require_sound()


def test_a_refund_waits_until_nothing_of_the_claim_is_judged_any_more():
    case = Case(segments=2)
    case.dispute()
    case.draw(1)
    assert events_of(case.attest(TRUTH, TRUTH, TRUTH), ClaimRefunded) == []
    assert case.world.claim(1).status is ClaimStatus.FAILED
    assert len(events_of(case.world.judge((1, 1, 1)), ClaimRefunded)) == 1
    assert case.world.claim(1).status is ClaimStatus.FAILED
    case.world.require_sound()


def test_failures_up_to_the_threshold_are_not_slashed():
    percent = TEST.verification_failure_threshold
    assert is_slashable(1, 0, percent)
    assert is_slashable(1, 98, percent)
    assert not is_slashable(1, 99, percent)
    assert is_slashable(2, 99, percent)


def test_a_long_run_of_honest_work_with_one_unlucky_failure_costs_the_claim_and_no_stake():
    case = Case()
    record = replace(case.world.record(case.transcoder), segments_verified=99)
    TRANSCODERS.put(case.world.state, record, case.transcoder.address)
    case.dispute()
    events = case.attest(TRUTH, TRUTH, TRUTH)
    assert events_of(events, StakeSlashed) == []
    assert events_of(events, SegmentFailed) == [SegmentFailed(1, 1, 0, case.transcoder.address, 1, 99)]
    assert case.world.claim(1).status is ClaimStatus.FAILED
    assert get_stake(case.world.state, case.transcoder.address) == STAKE


def test_all_that_fails_of_one_claim_is_slashed_once():
    case = Case(segments=2)
    case.dispute()
    case.draw(1)
    case.world.judge((1, 1, 1), [TRUTH] * 3)
    case.attest(TRUTH, TRUTH, TRUTH)
    stake = get_stake(case.world.state, case.transcoder.address)
    events = case.attest(TRUTH, TRUTH, TRUTH, dispute_id=2)
    assert events_of(events, StakeSlashed) == []
    assert get_stake(case.world.state, case.transcoder.address) == stake
    assert case.world.record(case.transcoder).segments_failed == 2


def test_stake_that_left_since_the_claim_is_slashed_as_well():
    case = Case()
    case.world.send(case.transcoder, Unbond(Lpt(STAKE // 2)))
    case.dispute()
    (slashed,) = events_of(case.attest(TRUTH, TRUTH, TRUTH), StakeSlashed)
    assert slashed.bonded == slashed.unbonding == STAKE // 2 * TEST.failed_verification_slash_amount // 10**9


def test_without_a_verifier_that_was_right_nobody_finds_and_all_goes_to_the_common_pool():
    case = Case()
    case.dispute([keccak256(b"nonsense")] * 3)
    (slashed,) = events_of(case.attest(TRUTH, TRUTH, TRUTH), StakeSlashed)
    assert (slashed.finder, slashed.finder_fee) == (bytes(20), 0)


# --- neither


def test_what_two_thirds_cannot_fetch_is_a_missed_verification():
    case = Case()
    case.dispute([WRONG, WRONG, RECEIPT])
    said, also, _ = case.world.committee((1, 1, 0))
    events = case.attest(*[Attested.UNAVAILABLE] * 3)
    assert events_of(events, VerificationMissed) == [VerificationMissed(1, 1, 0)]
    (slashed,) = events_of(events, StakeSlashed)
    assert (slashed.reason, slashed.bonded) == (SlashReason.MISSED_VERIFICATION, STAKE // 10)
    assert [event.finder for event in events_of(events, FinderPaid)] == [said.address, also.address]
    assert events_of(events, VerifierSlashed) == []
    assert (case.world.claim(1).status, case.challenge().status) == (ClaimStatus.MISSED, ChallengeStatus.MISSED)
    case.world.require_sound()


def test_what_two_thirds_cannot_execute_is_paid_and_nobody_is_slashed():
    case = Case()
    case.dispute([WRONG] * 3)
    events = case.attest(*[Attested.UNEXECUTABLE] * 3)
    assert (
        events_of(events, StakeSlashed) == events_of(events, VerifierSlashed) == events_of(events, ProfileFrozen) == []
    )
    assert (case.world.claim(1).status, case.challenge().status) == (ClaimStatus.VERIFIED, ChallengeStatus.VOID)
    assert [event.amount for event in events_of(events, VerifierPaid)] == [100, 100, 100]


def void(case):
    """Let the window pass; returns the events of the block that closes the case."""
    case.world.advance_to(DISPUTES.read(case.world.state, 1).closes_height)
    assert outcome_of(case) is CourtOutcome.OPEN
    return case.world.next_block()


@pytest.mark.parametrize("words", [(RECEIPT, RECEIPT, TRUTH, TRUTH), (RECEIPT, TRUTH, keccak256(b"a third result"))])
def test_disagreement_of_validators_voids_the_case_and_freezes_the_profile(words):
    case = Case()
    case.dispute([RECEIPT, RECEIPT, TRUTH])
    case.attest(*words)
    events = void(case)
    assert events_of(events, CourtDecided) == [CourtDecided(1, 1, 1, 0, CourtOutcome.VOID, 10 * len(words), 40)]
    assert events_of(events, ProfileFrozen) == [ProfileFrozen(PROFILE_ID, 1)]
    assert PROFILES.read(case.world.state, PROFILE_ID).frozen
    assert events_of(events, StakeSlashed) == events_of(events, VerifierSlashed) == []
    assert [event.amount for event in events_of(events, VerifierPaid)] == [100, 100, 100]
    assert (case.world.claim(1).status, case.challenge().status) == (ClaimStatus.VERIFIED, ChallengeStatus.VOID)
    job = case.world.job(1)
    again = bodies.Job(job.stream_id, job.options, job.price_per_segment, 1)
    case.world.refused(case.broadcaster, again, Reason.PROFILE_FROZEN)
    case.world.require_sound()


TOO_FEW = [(), (TRUTH, TRUTH), (TRUTH, RECEIPT), (Attested.UNAVAILABLE,)]


@pytest.mark.parametrize("words", TOO_FEW)
def test_too_few_attestations_void_the_case_and_say_nothing_about_the_profile(words):
    case = Case()
    case.dispute([RECEIPT, RECEIPT, TRUTH])
    case.attest(*words)
    events = void(case)
    assert events_of(events, ProfileFrozen) == []
    assert not PROFILES.read(case.world.state, PROFILE_ID).frozen
    assert (case.world.claim(1).status, case.challenge().status) == (ClaimStatus.VERIFIED, ChallengeStatus.VOID)
    case.world.require_sound()


@pytest.mark.parametrize("words", TOO_FEW)
def test_where_too_few_look_and_no_verifier_agrees_the_work_is_unproven_and_not_paid(words):
    case = Case()
    case.dispute([TRUTH, TRUTH, WRONG])
    case.attest(*words)
    events = void(case)
    assert events_of(events, ClaimRefunded) == [ClaimRefunded(1, 1, case.broadcaster.address, Wei(700))]
    assert [event for event in events if isinstance(event, (StakeSlashed, VerifierSlashed, ProfileFrozen))] == []
    assert (case.world.claim(1).status, case.challenge().status) == (ClaimStatus.FAILED, ChallengeStatus.UNPROVEN)
    assert case.world.record(case.transcoder).segments_failed == 0
    case.world.require_sound()


def test_less_than_a_quorum_of_verifiers_cannot_disown_work():
    case = Case()
    committee = case.commit_all()
    for verifier in committee[:1]:
        case.world.send(verifier, case.verdict(verifier).reveal)
    case.world.advance(TEST.reveal_period + 1)
    void(case)
    assert case.challenge().status is ChallengeStatus.VOID


def test_the_last_block_of_the_window_still_counts():
    case = Case()
    case.dispute()
    case.world.advance_to(DISPUTES.read(case.world.state, 1).closes_height)
    case.attest(TRUTH, TRUTH, TRUTH)
    assert outcome_of(case) is CourtOutcome.OVERTURNED
    assert events_of(case.world.next_block(), CourtDecided) == []


def test_a_dispute_without_a_committee_is_decided_all_the_same():
    case = Case(verifiers=1)
    case.validators = [case.world.validator(f"validator{number}") for number in range(4)]
    case.world.send(case.transcoder, case.work.verify(1, 0))
    case.world.next_block()
    events = case.attest(TRUTH, TRUTH, TRUTH)
    assert events_of(events, VerifierPaid) == []
    assert events_of(events, ClaimRefunded) == [ClaimRefunded(1, 1, case.broadcaster.address, Wei(1_000))]
    case.world.require_sound()


def test_one_vote_may_bring_words_on_several_disputes():
    case = Case(replace(EVERY_SEGMENT, verifier_quorum=2), segments=2)
    case.dispute()
    case.draw(1)
    case.world.judge((1, 1, 1), [TRUTH] * 3)
    assert [len(case.attest(TRUTH, dispute_id=dispute_id)) for dispute_id in (1, 2)] == [1, 1]
    kept = [said for _, said in ATTESTATIONS.items(case.world.state)]
    assert kept == [Attestation(dispute_id, Attested.EXECUTED, TRUTH) for dispute_id in (1, 2)]
