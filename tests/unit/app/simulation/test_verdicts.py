"""The simulation's verdicts: what they leave is what receipts, commitments, reveals and attestations leave."""

import pytest

from app.messages.records import ChallengeStatus, CourtOutcome
from app.primitives.hashing import Hash32
from app.protocol.environment import NOBODY, BlockEnv
from app.simulation.verdicts import give_verdict
from app.state.tables import CHALLENGES, DISPUTES
from tests.support.judging import TRUTH, Case

PLACE = (1, 1, 0)
POWERS = (10, 10, 10, 10)
APART = (CHALLENGES.layout.prefix, DISPUTES.layout.prefix)
"""Where heights, hashes and commitments are written down, which the two ways do not share."""


def make_case(verifiers=3):
    case = Case(segments=2, verifiers=verifiers)
    case.validators = [case.world.validator(f"validator{number}", power) for number, power in enumerate(POWERS)]
    return case


def by_the_simulation(is_faked, verifiers=3):
    case = make_case(verifiers)
    world = case.world
    env = BlockEnv("test", world.height, Hash32(world.randomness), NOBODY, world.params)
    give_verdict(world.state, env, PLACE, world.claim(1), is_faked)
    return case, env.events


def what_is_left(case):
    return {key: value for key, value in case.world.state.pairs.items() if not key.startswith(APART)}


def test_a_faked_segment_ends_as_one_that_committee_and_court_find_wrong():
    real = make_case()
    real.world.show_receipt(real.transcoder, real.work, 1, 0)
    real.world.judge(PLACE, [TRUTH] * 3)
    real.attest(TRUTH, TRUTH, TRUTH)
    made, events = by_the_simulation(is_faked=True)
    assert what_is_left(made) == what_is_left(real)
    for case in (real, made):
        assert case.challenge().status is ChallengeStatus.FAILED
        assert DISPUTES.read(case.world.state, 1).outcome is CourtOutcome.OVERTURNED
        assert case.world.record(case.transcoder).segments_failed == 1
        case.world.require_sound()
    assert {"StakeSlashed", "SegmentFailed", "CourtDecided"} <= {type(event).__name__ for event in events}


def test_a_segment_with_work_behind_it_ends_as_one_that_the_committee_confirms():
    real = make_case()
    real.world.show_receipt(real.transcoder, real.work, 1, 0)
    real.world.judge(PLACE)
    made, _ = by_the_simulation(is_faked=False)
    assert what_is_left(made) == what_is_left(real)
    assert made.challenge().status is real.challenge().status is ChallengeStatus.VERIFIED
    made.world.require_sound()


@pytest.mark.parametrize(("is_faked", "status"), [(True, ChallengeStatus.FAILED), (False, ChallengeStatus.VERIFIED)])
def test_where_there_are_too_few_verifiers_the_court_decides_alone(is_faked, status):
    made, _ = by_the_simulation(is_faked, verifiers=1)
    assert made.challenge().status is status
    made.world.require_sound()
