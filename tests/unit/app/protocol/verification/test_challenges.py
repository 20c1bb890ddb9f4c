"""Challenge: a bond sends any segment of a claim to the court, and comes back or not."""

from dataclasses import replace

import pytest

from app.messages.attestation import Attested
from app.messages.bodies import DistributeFees
from app.messages.events import (
    ChallengeSettled,
    ClaimPaid,
    ClaimRefunded,
    ProfileFrozen,
    SegmentChallenged,
    StakeSlashed,
    VerifierPaid,
    VerifierSlashed,
)
from app.messages.records import ChallengeStatus, ClaimStatus, CourtOutcome, SlashReason
from app.messages.rejections import Reason
from app.primitives.amounts import Lpt, Wei
from app.protocol.stake import get_stake
from app.protocol.verification.challenges import MAX_CHALLENGES_PER_BLOCK, MAX_OPEN_CHALLENGES
from app.state.tables import COMMON_POOL, DISPUTES, OPEN_CHALLENGES, TOTALS
from genesis.presets.test import TEST
from tests.support.judging import TRUTH, Case
from tests.support.work_world import EVERY_SEGMENT, LPT, NO_SEGMENT, Party, events_of, output_of, signed_again

STAKE = 10 * LPT
UNSAMPLED = replace(NO_SEGMENT, slashing_period=9)


class Open(Case):
    """A claim of which nothing was drawn, four validators, and somebody who doubts it."""

    def __init__(self, segments: int = 2, params=UNSAMPLED) -> None:
        super().__init__(params, segments)
        self.validators = [self.world.validator(f"validator{number}") for number in range(4)]
        self.doubter: Party = self.world.account("doubter", lpt=200_000 * LPT)

    def send(self, segment: int = 0, **changes):
        return self.world.send(self.doubter, self.challenge_message(segment, **changes))

    def refused(self, reason: Reason, segment: int = 0, **changes) -> str:
        return self.world.refused(self.doubter, self.challenge_message(segment, **changes), reason)


def test_a_bond_sends_a_segment_that_was_not_drawn_to_the_court():
    case = Open()
    had = case.world.lpt(case.doubter)
    assert case.send() == [SegmentChallenged(1, case.doubter.address, Lpt(LPT))]
    assert had - case.world.lpt(case.doubter) == TOTALS.read(case.world.state).challenge_bonds == LPT
    dispute = DISPUTES.read(case.world.state, 1)
    assert (dispute.challenger, dispute.bond, dispute.source_uri) == (case.doubter.address, LPT, "http://127.0.0.1:9")
    shown = case.challenge()
    assert (shown.status, shown.transcoded_hash) == (ChallengeStatus.DISPUTED, output_of(0))
    assert case.world.claim(1).status is ClaimStatus.DISPUTED
    case.world.refused(case.transcoder, DistributeFees(1, 1), Reason.FEES_NOT_DUE)
    case.world.require_sound()


def test_when_the_work_is_wrong_the_challenger_is_its_finder_and_gets_the_bond_back():
    case = Open()
    had = case.world.lpt(case.doubter)
    case.send()
    events = case.attest(TRUTH, TRUTH, TRUTH)
    (slashed,) = events_of(events, StakeSlashed)
    fee = STAKE * TEST.failed_verification_slash_amount // 10**9 // 20
    assert (slashed.reason, slashed.finder, slashed.finder_fee) == (
        SlashReason.FAILED_VERIFICATION,
        case.doubter.address,
        fee,
    )
    assert events_of(events, ChallengeSettled) == [ChallengeSettled(1, case.doubter.address, Lpt(LPT), True)]
    assert case.world.lpt(case.doubter) == had + fee
    assert events_of(events, ClaimRefunded) == [ClaimRefunded(1, 1, case.broadcaster.address, Wei(2_000))]
    assert (case.world.claim(1).status, case.challenge().status) == (ClaimStatus.FAILED, ChallengeStatus.FAILED)
    assert list(OPEN_CHALLENGES.keys(case.world.state)) == []
    case.world.require_sound()


@pytest.mark.parametrize("word", [output_of(0), Attested.UNAVAILABLE, Attested.UNEXECUTABLE])
def test_when_it_is_right_or_nobody_can_get_or_execute_it_the_bond_is_lost_and_nobody_is_slashed(word):
    case = Open()
    case.send()
    pool = COMMON_POOL.read(case.world.state).lpt
    events = case.attest(word, word, word)
    assert events_of(events, ChallengeSettled) == [ChallengeSettled(1, case.doubter.address, Lpt(LPT), False)]
    assert COMMON_POOL.read(case.world.state).lpt == pool + LPT
    assert events_of(events, StakeSlashed) == []
    assert case.world.claim(1).status is ClaimStatus.VERIFIED
    assert get_stake(case.world.state, case.transcoder.address) == STAKE
    record = case.world.record(case.transcoder)
    assert (record.segments_verified, record.segments_failed, record.segments_missed) == (0, 0, 0)
    case.world.require_sound()


@pytest.mark.parametrize(("words", "frozen"), [((), 0), ((TRUTH, TRUTH, output_of(0), output_of(0)), 1)])
def test_when_the_court_does_not_decide_the_bond_comes_back_and_the_claim_stands(words, frozen):
    case = Open()
    case.send()
    case.attest(*words)
    events = case.world.advance(TEST.court_window + 1)
    assert events_of(events, ChallengeSettled) == [ChallengeSettled(1, case.doubter.address, Lpt(LPT), True)]
    assert len(events_of(events, ProfileFrozen)) == frozen
    assert (case.world.claim(1).status, case.challenge().status) == (ClaimStatus.VERIFIED, ChallengeStatus.VOID)
    case.world.require_sound()


def test_what_a_whole_committee_verified_can_still_be_found_wrong_and_costs_all_of_it():
    case = Open(1, replace(EVERY_SEGMENT, slashing_period=9))
    committee = case.draw()
    case.world.judge((1, 1, 0))
    paid = [case.world.verifier_record(party).fees_earned for party in committee]
    case.send()
    events = case.attest(TRUTH, TRUTH, TRUTH)
    assert [event.verifier for event in events_of(events, VerifierSlashed)] == [party.address for party in committee]
    assert events_of(events, VerifierPaid) == []
    assert [case.world.verifier_record(party).fees_earned for party in committee] == paid
    assert events_of(events, StakeSlashed)[0].finder == case.doubter.address
    assert case.world.claim(1).status is ClaimStatus.FAILED
    case.world.require_sound()


def test_a_challenge_of_verified_work_makes_no_better_record_when_it_is_upheld():
    case = Open(1, replace(EVERY_SEGMENT, slashing_period=9))
    case.draw()
    case.world.judge((1, 1, 0))
    case.send()
    case.attest(*[output_of(0)] * 3)
    assert case.world.record(case.transcoder).segments_verified == 1
    assert case.challenge().status is ChallengeStatus.VERIFIED
    assert case.world.claim(1).status is ClaimStatus.VERIFIED


def test_a_claim_that_is_paid_already_can_be_slashed_but_not_reclaimed():
    case = Open()
    assert len(events_of(case.world.send(case.transcoder, DistributeFees(1, 1)), ClaimPaid)) == 1
    case.send()
    assert case.world.claim(1).status is ClaimStatus.PAID
    events = case.attest(TRUTH, TRUTH, TRUTH)
    assert len(events_of(events, StakeSlashed)) == 1
    assert events_of(events, ClaimRefunded) == []
    assert case.world.claim(1).status is ClaimStatus.FAILED
    case.world.require_sound()


def test_a_paid_claim_stays_paid_when_the_challenge_fails():
    case = Open()
    case.world.send(case.transcoder, DistributeFees(1, 1))
    case.send()
    case.attest(*[output_of(0)] * 3)
    assert case.world.claim(1).status is ClaimStatus.PAID
    case.world.refused(case.transcoder, DistributeFees(1, 1), Reason.CLAIM_CLOSED)
    case.world.require_sound()


# --- limits


def test_the_bond_doubles_with_each_case_that_its_owner_has_open():
    case = Open(4)
    case.send(0)
    assert case.refused(Reason.CHALLENGE_BOND_TOO_LOW, 1) == "a bond of 1 LPT; at least 2 LPT now".replace(
        " LPT", "LPT"
    )
    case.send(1, bond=Lpt(2 * LPT))
    case.refused(Reason.CHALLENGE_BOND_TOO_LOW, 2, bond=Lpt(4 * LPT - 1))
    other = case.world.account("another one")
    case.world.send(other, case.challenge_message(2))
    case.attest(*[output_of(0)] * 3, dispute_id=1)
    case.send(3, bond=Lpt(2 * LPT))
    case.world.require_sound()


def test_a_block_opens_only_so_many_cases():
    case = Open(MAX_CHALLENGES_PER_BLOCK + 1)
    for number in range(MAX_CHALLENGES_PER_BLOCK):
        case.world.send(case.world.account(f"doubter {number}"), case.challenge_message(number))
    text = case.refused(Reason.TOO_MANY_CHALLENGES, MAX_CHALLENGES_PER_BLOCK)
    assert text == "this block has opened 4 cases; try the next one"
    case.world.next_block()
    case.send(MAX_CHALLENGES_PER_BLOCK)


def test_nobody_has_more_than_so_many_cases_open():
    case = Open(MAX_OPEN_CHALLENGES + 1, replace(UNSAMPLED, court_window=50, slashing_period=50))
    for number in range(MAX_OPEN_CHALLENGES):
        case.send(number, bond=Lpt(LPT << number))
        case.world.next_block()
    text = case.refused(Reason.TOO_MANY_CHALLENGES, MAX_OPEN_CHALLENGES, bond=Lpt(LPT << MAX_OPEN_CHALLENGES))
    assert text == "you have 16 open; wait until the court has decided one"


# --- refusals


def test_the_window_ends_with_the_slashing_period():
    case = Open()
    end = case.world.claim(1).slashing_end
    case.world.advance_to(end)
    case.send(0)
    case.world.next_block()
    text = case.refused(Reason.DEADLINE_PASSED, 1, bond=Lpt(2 * LPT))
    assert text == f"the claim could be challenged until height {end}; this is height {end + 1}"


def test_what_is_being_judged_or_lost_cannot_be_challenged():
    case = Open(2, EVERY_SEGMENT)
    assert case.refused(Reason.NOT_CHALLENGEABLE) == "the segment is awaiting_receipt"
    case.world.advance(TEST.verification_period)
    assert case.refused(Reason.NOT_CHALLENGEABLE) == "the claim is missed"
    other = Open()
    other.send()
    assert other.refused(Reason.NOT_CHALLENGEABLE, bond=Lpt(2 * LPT)) == "the segment is disputed"


def test_a_claim_whose_challenges_are_not_drawn_yet_cannot_be_challenged():
    case = Open()
    later = replace(case.work.claim, ranges=(replace(case.work.ranges[0], first=5, last=6),))
    case.world.send(case.transcoder, later)
    assert case.refused(Reason.NOT_CHALLENGEABLE, claim_id=2) == "the claim is pending"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"claim_id": 9}, Reason.UNKNOWN_CLAIM),
        ({"segment": 9}, Reason.NOT_CHALLENGEABLE),
        ({"segment": 1}, Reason.RECEIPT_MISMATCH),
        ({"proof": ()}, Reason.PROOF_INVALID),
        ({"source_uri": "ftp://x"}, Reason.INVALID_FIELD),
        ({"bond": Lpt(LPT - 1)}, Reason.CHALLENGE_BOND_TOO_LOW),
        ({"bond": Lpt(10**30)}, Reason.INSUFFICIENT_FUNDS),
    ],
)
def test_a_challenge_that_says_something_else_than_the_claim_is_refused(changes, reason):
    case = Open()
    case.world.refused(case.doubter, replace(case.challenge_message(), **changes), reason)


def test_a_receipt_that_the_claim_does_not_hold_is_refused():
    case = Open()
    forged = signed_again(case.work.receipts[0], case.transcoder, transcoded_hash=TRUTH)
    case.refused(Reason.PROOF_INVALID, receipt=forged)


def test_who_is_not_challenged_loses_nothing_and_the_outcomes_are_told():
    case = Open()
    case.send()
    case.attest(*[output_of(0)] * 3)
    assert DISPUTES.read(case.world.state, 1).outcome is CourtOutcome.UPHELD
