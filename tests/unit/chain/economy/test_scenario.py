"""Scenario files: what they say, and what they are told when they cannot be meant."""

import tomllib

import pytest

from app.primitives.amounts import Lpt
from app.primitives.fractions import Fraction
from chain.economy.default import DEFAULT_SCENARIO
from chain.economy.scenario import ScenarioWrong, load_scenario, parse_scenario
from genesis.presets.registry import PRESETS, get_preset

GOOD = """
name = "small"
idle = "1000LPT"
[[transcoders]]
name = "honest"
count = 2
stake = "500LPT"
"""
TEST = get_preset("test")


def refused(tmp_path, text, params=TEST):
    file = tmp_path / "scenario.toml"
    file.write_text(text)
    with pytest.raises(ScenarioWrong) as caught:
        load_scenario(file, params)
    assert caught.value.exit_code == 2
    assert str(caught.value) == "\n".join(f"{file}: {problem}" for problem in caught.value.problems)
    return caught.value.problems


@pytest.mark.parametrize("preset", PRESETS)
def test_the_built_in_scenario_can_be_played_with_every_preset(preset):
    assert load_scenario(None, get_preset(preset)) == parse_scenario(tomllib.loads(DEFAULT_SCENARIO))


def test_amounts_have_units_shares_are_percentages_and_the_rest_has_defaults(tmp_path):
    file = tmp_path / "scenario.toml"
    file.write_text(GOOD + 'misses = "12.5%"\n')
    made = load_scenario(file, TEST)
    (group,) = made.transcoders
    assert (made.idle, group.stake, group.misses) == (Lpt(10**21), Lpt(5 * 10**20), Fraction(125_000_000))
    assert (made.delegators, made.streams, group.slots) == ((), 0, 1)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('misses = "often"', "transcoders[0].misses: 'often' is not a fraction; write 5% or 0.05, "
         "with at most 9 decimals"),
        ('fees = "5%"', "transcoders[0].fees: unknown field; known are name, count, stake, block_reward_cut, "
         "fee_share, misses, fakes, tries, parts, slots, resigns_round"),
        ("tries = -1", "transcoders[0].tries: -1 is not a whole number of 0 or more"),
        ("parts = 600", "transcoders[0].stake: is 500LPT; at least 600LPT"),
        ("parts = 0", "transcoders[0].parts: is 0; at least 1"),
        ("slots = 0", "transcoders[0].slots: is 0; at least 1"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_told_with_its_place_and_its_name(tmp_path, line, problem):
    assert refused(tmp_path, GOOD + line) == [problem]


def test_every_wrong_field_is_told_at_once(tmp_path):
    text = GOOD.replace("count = 2", 'count = "two"').replace('"500LPT"', '"500ABC"').replace('"1000LPT"', '"1000"')
    assert refused(tmp_path, text.replace('name = "small"', "")) == [
        "transcoders[0].stake: '500ABC' is not an amount; write 12.5LPT or a whole number of base units",
        "name: missing",
        "transcoders[0].count: 'two' is not a whole number of 0 or more",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (GOOD + GOOD[GOOD.index("[[") :], "name: two groups have the same one"),
        (GOOD.replace("[[", "segments = 101\n[[", 1), "segments: is 101; 1 to 100 (max_segments_per_claim)"),
        (GOOD.replace("[[", "work_every = 0\n[[", 1), "work_every: is 0; at least 1"),
        (GOOD.replace("[[", 'price_per_segment = "0wei"\n[[', 1), "price_per_segment: is 0; at least 1 wei"),
        (GOOD.replace("count = 2", "count = 0"), "transcoders[0].count: is 0; at least 1"),
        (GOOD.replace("count = 2", "count = 100001"), "count: 100001 members in all; at most 100000"),
        ('name = "none"\nidle = "0LPT"\ntranscoders = []', "transcoders: at least one group is needed"),
    ],
)
def test_what_cannot_be_played_is_told(tmp_path, text, problem):
    assert refused(tmp_path, text) == [problem]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("count = 0", "delegators[0].count: is 0; at least 1"),
        ("count = 3000000000000000000", "delegators[0].wealth: is 1LPT, nothing for the poorest"),
        ("count = 1\nreview_rounds = 0", "delegators[0].review_rounds: is 0; at least 1"),
        ('count = 1\nleast_yield = "50%"', "delegators[0].least_yield: is more than most_yield"),
    ],
)
def test_delegators_that_cannot_be_played_are_told(tmp_path, line, problem):
    text = GOOD + f'[[delegators]]\nname = "some"\nwealth = "1LPT"\n{line}\n'
    assert problem in refused(tmp_path, text)


def test_a_file_that_is_not_there_and_one_that_is_no_toml_are_told(tmp_path):
    with pytest.raises(ScenarioWrong, match=r"none.toml: cannot be read: No such file or directory"):
        load_scenario(tmp_path / "none.toml", TEST)
    assert refused(tmp_path, "name =")[0].startswith("is not TOML: ")


def test_a_field_of_another_shape_is_told(tmp_path):
    text = 'name = "odd"\nidle = "0LPT"\ntranscoders = 5\n'
    assert refused(tmp_path, text) == ["transcoders: 5 is not a list"]
