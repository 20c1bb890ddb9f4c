"""The committee: who is drawn, and how it commits."""

from dataclasses import replace

from app.messages.events import CommitteeDrawn, SegmentDisputed, VerdictCommitted, VerifierSlashed
from app.messages.records import ChallengeStatus, DisputeReason
from app.messages.rejections import Reason
from app.primitives.hashing import ZERO_HASH
from app.protocol.stake import join_pool
from genesis.presets.test import TEST
from tests.support.environments import any_block
from tests.support.judging import Case
from tests.support.work_world import EVERY_SEGMENT, LPT, events_of


def test_the_block_after_verify_draws_the_committee():
    case = Case(verifiers=6)
    case.world.send(case.transcoder, case.work.verify(1, 0))
    events = case.world.next_block()
    challenge = case.challenge()
    drawn = [seat.verifier for seat in challenge.committee]
    assert len({*drawn}) == TEST.verifier_committee_size == 3
    assert {*drawn} < {party.address for party in case.verifiers}
    assert (challenge.status, challenge.deadline) == (
        ChallengeStatus.COMMITTING,
        case.world.height + TEST.commit_period,
    )
    assert events == [CommitteeDrawn(1, 1, 0, verifier) for verifier in drawn]
    assert [case.world.verifier_record(party).drawn for party in case.world.committee((1, 1, 0))] == [1, 1, 1]


def test_the_draw_differs_between_segments_of_one_block():
    case = Case(verifiers=12, segments=8)
    for segment in range(8):
        case.world.send(case.transcoder, case.work.verify(1, segment))
    case.world.next_block()
    committees = {tuple(seat.verifier for seat in case.challenge(segment).committee) for segment in range(8)}
    assert len(committees) == 8


def test_the_draw_is_weighted_by_bond():
    case = Case(replace(EVERY_SEGMENT, verifier_committee_size=1, verifier_quorum=1), verifiers=4, segments=60)
    heavy = case.world.verifier("heavy", bond=72 * LPT)
    for segment in range(60):
        case.world.send(case.transcoder, case.work.verify(1, segment))
    case.world.next_block()
    assert 45 <= case.world.verifier_record(heavy).drawn < 60


def test_parties_and_those_bonded_to_them_are_never_drawn():
    case = Case(verifiers=4)
    friend = case.verifiers[0]
    join_pool(case.world.state, any_block(), friend.address, case.transcoder.address, LPT)
    assert friend not in case.draw()
    assert len(case.challenge().committee) == 3


def test_a_smaller_committee_sits_as_long_as_it_can_reach_the_quorum():
    assert len(Case(verifiers=2).draw()) == TEST.verifier_quorum == 2


def test_without_enough_verifiers_the_segment_is_disputed_at_once():
    case = Case(verifiers=1)
    case.world.send(case.transcoder, case.work.verify(1, 0))
    events = case.world.next_block()
    assert events_of(events, SegmentDisputed) == [SegmentDisputed(1, 1, 0, 1, DisputeReason.NO_COMMITTEE)]
    assert case.challenge().status is ChallengeStatus.DISPUTED
    assert case.challenge().committee == ()


# --- commit


def test_a_drawn_verifier_commits_once():
    case = Case()
    verifier = case.draw()[0]
    commit = case.verdict(verifier).commit
    assert case.world.send(verifier, commit) == [VerdictCommitted(1, 1, 0, verifier.address)]
    assert case.challenge().committee[0].commitment == commit.commitment
    case.world.refused(verifier, replace(commit, commitment=ZERO_HASH), Reason.ALREADY_COMMITTED)


def test_who_was_not_drawn_cannot_commit():
    case = Case(verifiers=4)
    committee = case.draw()
    outsider = next(party for party in case.verifiers if party not in committee)
    case.world.refused(outsider, case.verdict(outsider).commit, Reason.NOT_DRAWN)


def test_nothing_can_be_committed_to_where_nothing_is_challenged():
    case = Case()
    verifier = case.draw()[0]
    case.world.refused(verifier, replace(case.verdict(verifier).commit, segment=1), Reason.NOT_CHALLENGED)


def test_nobody_commits_before_the_draw():
    case = Case()
    verifier = case.verifiers[0]
    text = case.world.refused(verifier, case.verdict(verifier).commit, Reason.NOT_DRAWN)
    assert "awaiting_receipt" in text


def test_once_all_have_committed_the_reveal_begins():
    case = Case()
    case.commit_all()
    challenge = case.challenge()
    assert challenge.status is ChallengeStatus.REVEALING
    assert challenge.deadline == case.world.height + TEST.reveal_period


def test_the_deadline_is_the_last_block_to_commit_in():
    case = Case()
    first, *others = case.draw()
    deadline = case.challenge().deadline
    case.world.send(first, case.verdict(first).commit)
    case.world.advance_to(deadline)
    case.world.send(others[0], case.verdict(others[0]).commit)
    case.world.next_block()
    assert (case.challenge().status, case.challenge().deadline) == (
        ChallengeStatus.REVEALING,
        deadline + TEST.reveal_period,
    )
    case.world.refused(others[1], case.verdict(others[1]).commit, Reason.DEADLINE_PASSED)


def test_where_nobody_commits_all_are_slashed_and_the_segment_is_disputed():
    case = Case()
    committee = case.draw()
    events = case.world.advance(TEST.commit_period + 1)
    assert [event.verifier for event in events_of(events, VerifierSlashed)] == [p.address for p in committee]
    assert events_of(events, SegmentDisputed)[0].reason is DisputeReason.TOO_FEW_REVEALS
    assert case.challenge().status is ChallengeStatus.DISPUTED
    case.world.advance(TEST.court_window + 1)
    assert case.world.advance(20) == []
