"""The presets: the whitepaper's example values, and relations that every chain keeps."""

import pytest

from app.params import check_params, compute_lock_length
from app.primitives.amounts import UNITS_PER_TOKEN
from genesis.presets.registry import PRESETS, get_preset
from genesis.presets.units import blocks

DAY_SECONDS = 86_400
EXAMPLES = {
    "t": 2000,
    "n": 144,
    "inflation_rate": 400_000,
    "participation_rate": 500_000_000,
    "round_lock_amount": 100_000_000,
    "verification_rate": 500,
    "failed_verification_slash_amount": 50_000_000,
    "missed_reward_slash_amount": 30_000_000,
    "missed_verification_slash_amount": 100_000_000,
    "competitiveness_tolerance": 900_000_000,
    "verification_failure_threshold": 10_000_000,
    "finder_fee": 50_000_000,
}
DURATIONS_SECONDS = {
    "round_length": DAY_SECONDS,
    "unbonding_period": 30 * DAY_SECONDS,
    "verification_period": 6 * 3600,
    "slashing_period": 3600,
}


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_keeps_every_range_and_relation(name):
    check_params(get_preset(name))


@pytest.mark.parametrize("row", EXAMPLES)
def test_the_whitepaper_preset_has_the_example_value_of(row):
    assert getattr(get_preset("whitepaper"), row) == EXAMPLES[row]


@pytest.mark.parametrize("row", DURATIONS_SECONDS)
def test_the_whitepaper_preset_lasts_as_long_as_the_example_of(row):
    params = get_preset("whitepaper")
    assert getattr(params, row) * params.block_time == 1000 * DURATIONS_SECONDS[row]


def test_the_whitepaper_preset_leaves_rounds_and_rewards_to_calls():
    assert not get_preset("whitepaper").auto_initialize_round
    assert not get_preset("whitepaper").auto_reward


def test_a_round_of_the_localnet_is_a_minute_and_starts_by_itself():
    params = get_preset("localnet")
    assert params.round_length * params.block_time == 60_000
    assert params.auto_initialize_round


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_has_a_lock_period(name):
    assert compute_lock_length(get_preset(name)) >= 1


@pytest.mark.parametrize("name", PRESETS)
def test_a_committee_speaks_before_the_slashing_period_of_its_claim_could_end_the_stake(name):
    params = get_preset(name)
    assert params.verification_period + params.commit_period + params.reveal_period < params.unbonding_period


@pytest.mark.parametrize("name", PRESETS)
def test_the_least_self_bond_gives_consensus_power(name):
    assert get_preset(name).min_self_bond >= UNITS_PER_TOKEN


def test_an_unknown_preset_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="'mainnet' is not a preset; choose one of whitepaper, localnet, test"):
        get_preset("mainnet")


def test_a_duration_that_is_no_whole_number_of_blocks_is_refused():
    assert blocks(10, 5000) == 2
    with pytest.raises(ValueError, match="12 s is not a whole number of blocks of 5000 ms"):
        blocks(12, 5000)
