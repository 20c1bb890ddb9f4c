"""What described actors come to, by the protocol's own rules."""

from dataclasses import replace

import pytest

from app.execution.invariants import find_broken
from app.messages.economy import DelegatorGroup, EconomyOrder, Scenario, TranscoderGroup
from app.primitives.amounts import Lpt
from app.primitives.fractions import ONE, Fraction
from app.simulation.run import Economy
from genesis.presets.registry import get_preset

LPT = 10**18
PERCENT = 10**7
STAKE = Lpt(1000 * LPT)
PARAMS = replace(get_preset("test"), n=20)


def transcoders(name, count=1, **traits):
    return TranscoderGroup(name, count, STAKE, **traits)


def scenario(*groups, delegators=(), **traits):
    return Scenario("test", Lpt(10_000 * LPT), groups, delegators, **traits)


def play(made, rounds, seed=1, params=PARAMS):
    economy = Economy(EconomyOrder(params, made, rounds, seed))
    reports = list(economy.play())
    assert find_broken(economy.world.state) == []
    return reports, {group.name: group for group in reports[-1].groups}


def test_equal_orders_give_equal_reports_and_another_seed_gives_others():
    made = scenario(
        transcoders("honest", 3),
        transcoders("faking", fakes=Fraction(50 * PERCENT)),
        delegators=(DelegatorGroup("following", 8, Lpt(500 * LPT), review_rounds=3),),
        streams=4,
        segments=20,
        work_every=2,
    )
    assert play(made, 12)[0] == play(made, 12)[0]
    assert play(made, 12)[0] != play(made, 12, seed=2)[0]


def test_each_round_is_reported_once_and_mints_what_its_rewards_are():
    reports, groups = play(scenario(transcoders("honest", 3)), 10)
    assert [report.round for report in reports] == list(range(10))
    assert groups["honest"].rewards == sum(report.minted for report in reports) > 0
    assert groups["honest"].stake == 3 * STAKE + groups["honest"].rewards
    assert all(report.refused == 0 for report in reports)


def test_who_does_not_call_reward_earns_less_and_is_slashed_at_last():
    made = scenario(transcoders("honest", 2), transcoders("lazy", 2, misses=Fraction(100 * PERCENT)))
    _, groups = play(made, 8)
    assert (groups["lazy"].rewards, groups["lazy"].missed) == (0, 14)
    assert groups["lazy"].slashed > 0 == groups["honest"].slashed
    assert groups["lazy"].stake < 2 * STAKE < groups["honest"].stake


def test_who_fakes_segments_is_caught_loses_stake_and_is_not_paid_for_them():
    made = scenario(
        transcoders("honest"),
        transcoders("faking", fakes=Fraction(100 * PERCENT)),
        streams=2,
        segments=10,
        work_every=1,
    )
    _, groups = play(made, 6)
    assert groups["faking"].caught > 0
    assert groups["faking"].fees == 0 < groups["honest"].fees
    assert groups["faking"].slashed > 0 == groups["honest"].slashed


def test_failures_within_the_threshold_cost_the_claim_and_no_stake():
    made = scenario(transcoders("faking", fakes=Fraction(30 * PERCENT)), streams=1, segments=10, work_every=1)
    tolerant = replace(PARAMS, verification_failure_threshold=ONE)
    _, groups = play(made, 12, params=tolerant)
    assert groups["faking"].caught > 0
    assert groups["faking"].slashed == 0


def test_a_proposer_that_tries_hashes_is_not_caught_where_one_that_does_not_is():
    def caught(tries):
        made = scenario(
            transcoders("grinding", fakes=Fraction(30 * PERCENT), tries=tries), streams=1, segments=10, work_every=1
        )
        return play(made, 10)[1]["grinding"]

    assert caught(0).caught > 0
    assert (caught(2000).caught, caught(2000).slashed) == (0, 0)
    assert caught(2000).faked > 0


def test_a_stake_divided_over_several_candidates_earns_no_more_than_a_whole_one():
    _, groups = play(scenario(transcoders("whole"), transcoders("splitting", parts=4)), 30)
    assert groups["splitting"].active == 4
    assert groups["splitting"].rewards <= groups["whole"].rewards


def test_who_resigns_leaves_the_active_set_and_takes_its_delegators_attention_with_it():
    made = scenario(
        transcoders("staying", 2),
        transcoders("leaving", 2, resigns_round=5),
        delegators=(DelegatorGroup("loyal", 6, Lpt(100 * LPT), Fraction(10**9), False, review_rounds=2),),
    )
    reports, groups = play(made, 10)
    assert [report.candidates for report in reports[3:7]] == [4, 4, 2, 2]
    assert groups["leaving"].active == 0
    assert groups["loyal"].moves > 0


def test_who_follows_the_yield_goes_to_the_smaller_cut():
    made = scenario(
        transcoders("dear", 2, block_reward_cut=Fraction(90 * PERCENT)),
        transcoders("cheap", 1, block_reward_cut=Fraction(0)),
        delegators=(
            DelegatorGroup(
                "following",
                6,
                Lpt(100 * LPT),
                Fraction(10**9),
                review_rounds=1,
                least_yield=Fraction(0),
                most_yield=Fraction(0),
            ),
        ),
    )
    reports, groups = play(made, 12)
    assert groups["following"].moves > 0
    assert reports[-1].top_share > reports[0].top_share


def test_stake_that_wants_more_than_there_is_leaves_and_comes_back_when_it_pays_again():
    made = scenario(
        transcoders("honest", 2),
        delegators=(
            DelegatorGroup(
                "choosy", 1, Lpt(100 * LPT), Fraction(10**9), review_rounds=1,
                least_yield=Fraction(10**9), most_yield=Fraction(10**9),
            ),
        ),
    )  # fmt: skip
    poor, rich = replace(PARAMS, inflation_rate=Fraction(0)), replace(PARAMS, inflation_rate=Fraction(PERCENT))
    assert play(made, 5, params=poor)[1]["choosy"].stake == 0
    assert play(made, 5, params=rich)[1]["choosy"].stake > 100 * LPT


@pytest.mark.parametrize("preset", ["whitepaper", "localnet", "test"])
def test_every_preset_can_be_played(preset):
    reports, _ = play(
        scenario(transcoders("honest", 3), streams=2, segments=5, work_every=1), 4, params=get_preset(preset)
    )
    assert reports[-1].round == 3
    assert reports[-1].refused == 0
