"""Amounts for people."""

from app.messages.bodies import Denom, Reward, Transfer
from app.primitives.amounts import Amount
from chain.cli.present import aligned, answer_lines, cell, describe, field_units, show
from tests.support.genesis_documents import address_of


def test_no_field_name_is_lpt_in_one_record_and_wei_in_another():
    amounts, fractions = field_units()
    assert amounts
    assert fractions


def test_the_denomination_of_a_message_decides_its_unit():
    assert "amount 5LPT" in describe(Transfer(address_of("bob"), Denom.LPT, Amount(5 * 10**18)))
    assert "amount 5ETH" in describe(Transfer(address_of("bob"), Denom.ETH, Amount(5 * 10**18)))


def test_a_message_without_fields_is_nothing_to_say():
    assert describe(Reward()) == ""


def test_one_name_can_be_an_amount_here_and_a_fraction_there():
    assert show("verification_fee", "3000000000") == "3gwei"
    assert show("verification_fee", 300_000_000) == "30%"


def test_numbers_that_are_no_money_stay_numbers():
    assert cell({"work": 5, "rates": {"price_per_segment": "5"}}, "work") == 5
    assert cell({"rates": {"price_per_segment": "5"}}, "rates.price_per_segment") == "5wei"
    assert cell({}, "rates.price_per_segment") == "-"


def test_what_is_inside_another_is_indented():
    answer = {
        "height": 1,
        "rates": {"fee_share": 250_000_000},
        "challenged": [],
        "seats": [{"bond": "1"}],
        "none": None,
    }
    assert answer_lines(answer).splitlines() == [
        "height      1",
        "rates",
        "  fee_share  25%",
        "challenged  -",
        "seats",
        "  bond=0.000000000000000001LPT",
        "none        -",
    ]


def test_nobody_is_a_dash():
    assert show("transcoder", "0x" + "0" * 40) == "-"


def test_columns_are_as_wide_as_their_widest_and_numbers_are_set_right():
    assert aligned(["name", "work"], [["a", 5], ["longer", 1234]]).splitlines() == [
        "name    work",
        "a          5",
        "longer  1234",
    ]


def test_the_change_of_a_parameter_is_told_in_the_parameters_own_unit():
    changes = [
        {"name": "quorum", "new_value": "400000000"},
        {"name": "min_self_bond", "new_value": "5000000000000000000"},
    ]
    assert show("changes", changes) == "quorum=40%, min_self_bond=5LPT"
    assert show("changes", [{"name": "n", "new_value": "50"}]) == "n=50"
