"""Verifiers that copy, collude or do not show up (media.md, section 3)."""

from dataclasses import replace

from app.messages.bodies import CommitVerdict, RegisterVerifier
from app.messages.records import ChallengeStatus, ClaimStatus, DisputeReason
from app.messages.rejections import Reason
from app.primitives.amounts import Lpt
from app.protocol.stake import get_stake, join_pool
from app.state.tables import DISPUTES
from genesis.presets.test import TEST
from tests.support.environments import any_block
from tests.support.judging import WRONG, Case
from tests.support.work_world import EVERY_SEGMENT, LPT


def test_a_copied_commitment_opens_to_nothing():
    case = Case()
    honest, thief, third = case.draw()
    for verifier in (honest, third):
        case.world.send(verifier, case.verdict(verifier).commit)
    case.world.send(thief, case.verdict(honest).commit)
    case.world.send(honest, case.verdict(honest).reveal)
    case.world.refused(thief, case.verdict(honest).reveal, Reason.COMMITMENT_MISMATCH)
    case.world.refused(thief, case.verdict(thief).reveal, Reason.COMMITMENT_MISMATCH)


def test_a_commitment_of_one_segment_opens_to_nothing_at_another():
    case = Case(segments=2)
    case.draw(0)
    case.draw(1)
    verifier = case.world.committee((1, 1, 0))[0]
    for segment in (0, 1):
        for party in case.world.committee((1, 1, segment)):
            commit = case.verdict(party, segment=segment).commit
            if party is verifier and segment == 1:
                commit = replace(case.verdict(verifier, segment=0).commit, segment=1)
            case.world.send(party, commit)
    case.world.send(verifier, case.verdict(verifier, segment=0).reveal)
    moved = replace(case.verdict(verifier, segment=0).reveal, segment=1)
    case.world.refused(verifier, moved, Reason.COMMITMENT_MISMATCH)


def test_nobody_learns_a_verdict_while_commitments_are_still_open():
    case = Case()
    first, second, _ = case.draw()
    for verifier in (first, second):
        case.world.send(verifier, case.verdict(verifier).commit)
        case.world.refused(verifier, case.verdict(verifier).reveal, Reason.TOO_EARLY)


def test_a_verdict_cannot_be_changed_after_others_have_revealed():
    case = Case()
    first, second, _ = case.commit_all()
    case.world.send(first, case.verdict(first).reveal)
    case.world.refused(second, case.verdict(second, WRONG).reveal, Reason.COMMITMENT_MISMATCH)


def test_a_single_honest_verifier_stops_a_colluding_committee():
    case = Case()
    case.draw()
    case.world.judge((1, 1, 0), [WRONG, WRONG, case.work.receipts[0].transcoded_hash])
    assert case.challenge().status is ChallengeStatus.DISPUTED
    assert case.world.claim(1).status is ClaimStatus.DISPUTED


def test_a_committee_alone_never_slashes_a_transcoder():
    case = Case()
    before = get_stake(case.world.state, case.transcoder.address)
    case.draw()
    case.world.judge((1, 1, 0), [WRONG] * 3)
    assert get_stake(case.world.state, case.transcoder.address) == before
    record = case.world.record(case.transcoder)
    assert (record.segments_disputed, record.jailed_until) == (1, 0)


def test_a_transcoder_cannot_sit_in_judgement_on_itself():
    case = Case()
    case.world.send(case.transcoder, RegisterVerifier(Lpt(90 * LPT), ""))
    case.world.send(case.broadcaster, RegisterVerifier(Lpt(90 * LPT), ""))
    assert {*case.draw()} == {*case.verifiers}


def test_neither_can_those_who_earn_with_it():
    case = Case()
    friend = case.world.verifier("friend", bond=90 * LPT)
    join_pool(case.world.state, any_block(), friend.address, case.transcoder.address, LPT)
    assert friend not in case.draw()


def test_who_was_not_drawn_cannot_vote():
    case = Case()
    case.draw()
    late = case.world.verifier("late")
    case.world.refused(late, CommitVerdict(1, 1, 0, case.verdict(late).commit.commitment), Reason.NOT_DRAWN)


def test_silence_is_dearer_every_time_until_the_silent_are_not_drawn_any_more():
    params = replace(EVERY_SEGMENT, verifier_miss_slash_amount=4 * 10**8, verification_period=60)
    case = Case(params, segments=3)
    for segment, left in ((0, 120), (1, 72)):
        case.draw(segment)
        case.world.advance(TEST.commit_period + 1)
        bonds = [case.world.verifier_record(verifier).bond for verifier in case.verifiers]
        assert bonds == [left * LPT // 100] * 3
    assert bonds[0] < TEST.min_verifier_bond
    assert case.draw(2) == []
    assert DISPUTES.read(case.world.state, 3).reason is DisputeReason.NO_COMMITTEE
