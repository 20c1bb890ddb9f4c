"""Every row of the whitepaper's reference is a parameter, and no set of them contradicts itself."""

import re
from dataclasses import fields, replace

import pytest

from app.messages.record import RecordError, from_json, to_json
from app.params import Params, ParamsError, check_params, compute_lock_length
from app.primitives.fractions import ONE
from genesis.presets.test import TEST
from genesis.presets.whitepaper import WHITEPAPER

ROWS = [
    "T",
    "N",
    "RoundLength",
    "InflationRate",
    "ParticipationRate",
    "RoundLockAmount",
    "UnbondingPeriod",
    "VerificationPeriod",
    "VerificationRate",
    "FailedVerificationSlashAmount",
    "MissedRewardSlashAmount",
    "MissedVerificationSlashAmount",
    "CompetitivenessTolerance",
    "VerificationFailureThreshold",
    "FinderFee",
    "SlashingPeriod",
]
NAMES = [field.name for field in fields(Params)]


def snake_case(row):
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", row).lower()


@pytest.mark.parametrize("row", ROWS)
def test_a_row_of_the_whitepaper_is_a_parameter_under_its_name_in_snake_case(row):
    (field,) = [field for field in fields(Params) if field.metadata["row"] == row]
    assert field.name == snake_case(row)


def test_no_parameter_claims_a_row_that_the_whitepaper_does_not_have():
    assert {field.metadata["row"] for field in fields(Params)} - {""} == set(ROWS)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_has_a_unit_a_text_and_a_range_that_its_ends_belong_to(name):
    (field,) = [field for field in fields(Params) if field.name == name]
    bounds = field.metadata
    assert bounds["unit"]
    assert bounds["text"]
    assert bounds["low"] < bounds["high"]
    for outside in (bounds["low"] - 1, bounds["high"] + 1):
        with pytest.raises(ParamsError) as caught:
            check_params(replace(TEST, **{name: outside}))
        assert str(caught.value) == f"{name} is {outside}; {bounds['low']} to {bounds['high']} {bounds['unit']}"


@pytest.mark.parametrize("preset", [TEST, WHITEPAPER])
def test_a_preset_is_sound(preset):
    check_params(preset)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"round_lock_amount": ONE}, "round_lock_amount leaves no block of a round of 10 unlocked"),
        (
            {"verification_period": 15, "slashing_period": 5},
            "verification_period + slashing_period is 20 blocks, not less than unbonding_period, 20: "
            "stake could leave before its work is judged",
        ),
        ({"evidence_max_age": 21}, "evidence_max_age, 21, is longer than unbonding_period, 20"),
        (
            {"verifier_quorum": 4, "verifier_committee_size": 3},
            "verifier_quorum, 4, is more than verifier_committee_size, 3",
        ),
        (
            {"commit_period": 5, "reveal_period": 4},
            "a claim can wait 20 blocks for the court (verification_period, commit_period + reveal_period or "
            "slashing_period, court_window), not less than unbonding_period, 20",
        ),
        ({"verification_fee": ONE}, "verification_fee leaves nothing for the transcoder"),
    ],
    ids=["lock", "judgement", "evidence", "quorum", "committee", "verification fee"],
)
def test_parameters_that_contradict_each_other_are_refused_by_name(changes, says):
    with pytest.raises(ParamsError) as caught:
        check_params(replace(TEST, **changes))
    assert str(caught.value) == says


@pytest.mark.parametrize(
    "changes",
    [
        {"round_lock_amount": ONE - 1},
        {"verification_period": 15, "slashing_period": 2, "commit_period": 1, "reveal_period": 1, "court_window": 2},
        {"evidence_max_age": 20},
        {"verifier_quorum": 3, "verifier_committee_size": 3},
        {"commit_period": 5, "reveal_period": 3},
        {"verification_fee": ONE - 1},
    ],
    ids=["lock", "judgement", "evidence", "quorum", "committee", "verification fee"],
)
def test_relations_hold_up_to_their_bound(changes):
    check_params(replace(TEST, **changes))


@pytest.mark.parametrize(("length", "share", "lock"), [(10, 2 * 10**8, 2), (17_280, 10**8, 1728), (9, 10**8, 0)])
def test_the_lock_is_its_share_of_the_round_rounded_down(length, share, lock):
    assert compute_lock_length(replace(TEST, round_length=length, round_lock_amount=share)) == lock


def test_parameters_pass_through_a_genesis_document_unchanged():
    assert from_json(Params, to_json(WHITEPAPER)) == WHITEPAPER


def test_a_missing_or_unknown_parameter_is_named():
    json = to_json(TEST)
    del json["finder_fee"]
    with pytest.raises(RecordError, match=r"params\.finder_fee"):
        from_json(Params, json, "params")
    with pytest.raises(RecordError, match=r"params\.finders_fee: unknown field"):
        from_json(Params, {**json, "finders_fee": 1}, "params")
