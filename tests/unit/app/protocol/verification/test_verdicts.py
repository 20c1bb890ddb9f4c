"""Verdicts: opening commitments, judgement, what it pays, and what silence costs."""

from dataclasses import replace

import pytest

from app.messages.events import (
    ClaimVerified,
    SegmentDisputed,
    SegmentVerified,
    VerdictRevealed,
    VerifierPaid,
    VerifierSlashed,
)
from app.messages.records import ChallengeStatus, ClaimStatus, Dispute, DisputeReason
from app.messages.rejections import Reason
from app.messages.verdict import Finding
from app.primitives.amounts import Lpt, Wei
from app.primitives.hashing import ZERO_HASH
from app.state.tables import COMMON_POOL, DISPUTES, JOBS, TOTALS
from genesis.presets.test import TEST
from tests.support.judging import WRONG, Case
from tests.support.work_world import EVERY_SEGMENT, LPT, events_of, ladder

PENALTY = 2 * LPT // 100
"""`verifier_miss_slash_amount`, 1 %, of the verifiers' bonds of 2 LPT."""


def test_agreement_of_all_verifies_the_segment_and_pays_the_committee():
    case = Case()
    committee = case.draw()
    before = [case.world.wei(party) for party in committee]
    events = case.world.judge((1, 1, 0))
    assert events[0] == VerdictRevealed(1, 1, 0, committee[-1].address, True, 0, 0)
    assert events[1] == SegmentVerified(1, 1, 0)
    assert events_of(events, VerifierPaid) == [VerifierPaid(party.address, Wei(100), 1, 1) for party in committee]
    assert [case.world.wei(party) - had for party, had in zip(committee, before, strict=True)] == [100, 100, 100]
    assert case.challenge().status is ChallengeStatus.VERIFIED
    assert [case.world.verifier_record(party).fees_earned for party in committee] == [100, 100, 100]
    assert [case.world.verifier_record(party).revealed for party in committee] == [1, 1, 1]
    assert case.world.record(case.transcoder).segments_verified == 1


def test_the_last_verified_segment_verifies_the_claim():
    case = Case(segments=2)
    case.draw(0)
    case.draw(1)
    assert events_of(case.world.judge((1, 1, 0)), ClaimVerified) == []
    assert case.world.claim(1).status is ClaimStatus.CHALLENGED
    events = case.world.judge((1, 1, 1))
    assert events_of(events, ClaimVerified) == [ClaimVerified(1, 1, case.world.claim(1).slashing_end + 1)]
    assert (case.world.claim(1).status, case.world.claim(1).open_challenges) == (ClaimStatus.VERIFIED, 0)


def test_a_verdict_after_the_slashing_period_makes_the_fee_due_at_once():
    case = Case(replace(EVERY_SEGMENT, commit_period=50))
    case.draw()
    case.world.advance_to(case.world.claim(1).slashing_end + 20)
    events = case.world.judge((1, 1, 0))
    assert events_of(events, ClaimVerified) == [ClaimVerified(1, 1, case.world.height)]


def test_what_the_division_leaves_stays_in_the_claim():
    case = Case(replace(EVERY_SEGMENT, verification_fee=10**9 // 10))
    case.draw()
    case.world.judge((1, 1, 0))
    assert case.world.claim(1).verification_fee == 100 - 3 * 33


# --- reveal


def test_nobody_reveals_while_others_can_still_commit():
    case = Case()
    verifier = case.draw()[0]
    case.world.send(verifier, case.verdict(verifier).commit)
    text = case.world.refused(verifier, case.verdict(verifier).reveal, Reason.TOO_EARLY)
    assert f"height {case.challenge().deadline}" in text


def test_a_verdict_is_revealed_once():
    case = Case()
    verifier = case.commit_all()[0]
    case.world.send(verifier, case.verdict(verifier).reveal)
    case.world.refused(verifier, case.verdict(verifier).reveal, Reason.ALREADY_REVEALED)


def test_who_was_not_drawn_cannot_reveal():
    case = Case(verifiers=4)
    committee = case.commit_all()
    outsider = next(party for party in case.verifiers if party not in committee)
    case.world.refused(outsider, case.verdict(outsider).reveal, Reason.NOT_DRAWN)


def test_who_has_not_committed_cannot_reveal():
    case = Case()
    first, second, silent = case.draw()
    for verifier in (first, second):
        case.world.send(verifier, case.verdict(verifier).commit)
    case.world.advance(TEST.commit_period + 1)
    case.world.refused(silent, case.verdict(silent).reveal, Reason.NOT_COMMITTED)


@pytest.mark.parametrize(
    "change",
    [
        {"result": ZERO_HASH},
        {"keyed_digest": ZERO_HASH},
        {"salt": ZERO_HASH},
        {"finding": int(Finding.BYTES_DIFFER)},
        {"rendition": 1},
    ],
)
def test_other_values_than_those_committed_to_are_refused(change):
    case = Case()
    JOBS.put(case.world.state, replace(case.world.job(1), options=ladder((852, 480), (426, 240))), 1)
    verifier = case.commit_all()[0]
    message = replace(case.verdict(verifier).reveal, **change)
    case.world.refused(verifier, message, Reason.COMMITMENT_MISMATCH)


@pytest.mark.parametrize("change", [{"finding": 7}, {"rendition": 1}])
def test_a_finding_that_means_nothing_is_refused(change):
    case = Case()
    verifier = case.commit_all()[0]
    case.world.refused(verifier, replace(case.verdict(verifier).reveal, **change), Reason.INVALID_FIELD)


def test_the_deadline_is_the_last_block_to_reveal_in():
    case = Case()
    first, second, third = case.commit_all()
    for verifier in (first, second):
        case.world.send(verifier, case.verdict(verifier).reveal)
    case.world.advance_to(case.challenge().deadline)
    case.world.send(third, case.verdict(third).reveal)
    assert case.challenge().status is ChallengeStatus.VERIFIED
    assert case.world.next_block() == []


def test_after_the_judgement_nobody_reveals():
    case = Case()
    first, second, third = case.commit_all()
    for verifier in (first, second):
        case.world.send(verifier, case.verdict(verifier).reveal)
    case.world.advance(TEST.reveal_period + 1)
    case.world.refused(third, case.verdict(third).reveal, Reason.DEADLINE_PASSED)


# --- silence


def test_a_quorum_verifies_without_the_silent_and_shares_their_fee():
    case = Case()
    first, second, silent = case.draw()
    for verifier in (first, second):
        case.world.send(verifier, case.verdict(verifier).commit)
    case.world.advance(TEST.commit_period + 1)
    before = [case.world.wei(party) for party in (first, second, silent)]
    for verifier in (first, second):
        events = case.world.send(verifier, case.verdict(verifier).reveal)
    assert events_of(events, VerifierSlashed) == [VerifierSlashed(silent.address, Lpt(PENALTY))]
    assert SegmentVerified(1, 1, 0) in events
    after = [case.world.wei(party) for party in (first, second, silent)]
    assert [now - had for now, had in zip(after, before, strict=True)] == [150, 150, 0]


def test_silence_costs_a_part_of_the_bond_which_goes_to_the_common_pool():
    case = Case()
    _, _, silent = committee = case.commit_all()
    for verifier in committee[:2]:
        case.world.send(verifier, case.verdict(verifier).reveal)
    case.world.advance(TEST.reveal_period + 1)
    record = case.world.verifier_record(silent)
    assert (record.bond, record.silent, record.fees_earned) == (2 * LPT - PENALTY, 1, 0)
    assert COMMON_POOL.read(case.world.state).lpt == PENALTY
    assert TOTALS.read(case.world.state).verifier_bonds == 6 * LPT - PENALTY
    case.world.require_sound()
    assert case.challenge().status is ChallengeStatus.VERIFIED


# --- disputes


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_any_single_disagreement_disputes_the_segment(wrong):
    case = Case()
    committee = case.draw()
    results = [case.work.receipts[0].transcoded_hash] * 3
    results[wrong] = WRONG
    before = [case.world.wei(party) for party in committee]
    events = case.world.judge((1, 1, 0), results)
    assert events_of(events, SegmentDisputed) == [SegmentDisputed(1, 1, 0, 1, DisputeReason.VERDICTS_DIFFER)]
    assert [case.world.wei(party) for party in committee] == before
    assert case.challenge().status is ChallengeStatus.DISPUTED
    height = case.world.height
    opened = Dispute(1, 1, 0, DisputeReason.VERDICTS_DIFFER, height, height + TEST.court_window)
    assert DISPUTES.read(case.world.state, 1) == opened
    assert case.world.record(case.transcoder).segments_disputed == 1


def test_a_unanimous_other_result_is_a_dispute_as_well():
    case = Case()
    case.draw()
    events = case.world.judge((1, 1, 0), [WRONG] * 3)
    assert events_of(events, SegmentDisputed)[0].reason is DisputeReason.VERDICTS_DIFFER


def test_too_few_reveals_dispute_the_segment():
    case = Case()
    committee = case.commit_all()
    case.world.send(committee[0], case.verdict(committee[0]).reveal)
    events = case.world.advance(TEST.reveal_period + 1)
    assert events_of(events, SegmentDisputed)[0].reason is DisputeReason.TOO_FEW_REVEALS
    assert len(events_of(events, VerifierSlashed)) == 2
    assert case.world.verifier_record(committee[0]).bond == 2 * LPT


def test_a_disputed_claim_keeps_its_fee_for_the_court():
    case = Case(segments=2)
    case.draw(0)
    case.draw(1)
    case.world.judge((1, 1, 0), [WRONG] * 3)
    assert case.world.claim(1).status is ClaimStatus.DISPUTED
    case.world.judge((1, 1, 1))
    claim = case.world.claim(1)
    assert (claim.status, claim.open_challenges, claim.open_disputes) == (ClaimStatus.DISPUTED, 1, 1)
    assert (claim.fee, claim.verification_fee) == (1_400, 300)


def test_disputes_are_numbered():
    case = Case(segments=2)
    case.draw(0)
    case.draw(1)
    case.world.judge((1, 1, 0), [WRONG] * 3)
    case.world.judge((1, 1, 1), [WRONG] * 3)
    assert [key for key, _ in DISPUTES.items(case.world.state)] == [(1,), (2,)]


def test_what_a_verifier_saw_is_told():
    case = Case()
    committee = case.draw()
    verdicts = [case.verdict(party, WRONG, finding=Finding.SIZE_DIFFERS) for party in committee]
    for verdict in verdicts:
        case.world.send(verdict.verifier, verdict.commit)
    events = case.world.send(committee[0], verdicts[0].reveal)
    assert events == [VerdictRevealed(1, 1, 0, committee[0].address, False, int(Finding.SIZE_DIFFERS), 0)]
    assert case.challenge().committee[0].finding == Finding.SIZE_DIFFERS
