"""`headwater simulate`, from the command line to its files."""

import csv
import json
import sys

import pytest

from app.primitives.amounts import parse_lpt
from chain.cli import main
from chain.economy.cheating import RATES, STAKES
from chain.economy.default import DEFAULT_SCENARIO
from chain.economy.tables import CHEATING_COLUMNS, GROUP_COLUMNS, ROUND_COLUMNS

SMALL = """
name = "small"
idle = "3000LPT"
streams = 3
segments = 20
work_every = 2
[[transcoders]]
name = "honest"
count = 2
stake = "1000LPT"
[[transcoders]]
name = "faking"
count = 1
stake = "1000LPT"
fakes = "50%"
[[delegators]]
name = "following"
count = 5
wealth = "500LPT"
review_rounds = 3
"""


@pytest.fixture
def headwater(tmp_path, monkeypatch, capsys):
    """Runs a command line in an empty directory that has a small scenario; gives exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.toml").write_text(SMALL)

    def run(line):
        code = main.run(line.split())
        return code, *capsys.readouterr()

    return run


def read(path):
    with path.open(newline="") as file:
        return list(csv.reader(file))


QUICK = "--preset test --no-cheating --no-plots"


def test_a_run_writes_its_tables_and_says_what_became_of_everybody(headwater, tmp_path):
    code, out, err = headwater(f"simulate economy small.toml {QUICK} --rounds 9 --out made")
    assert (code, err) == (0, "")
    rounds, groups = read(tmp_path / "made" / "rounds.csv"), read(tmp_path / "made" / "groups.csv")
    assert tuple(rounds[0]) == ROUND_COLUMNS
    assert [row[0] for row in rounds[1:]] == [str(number) for number in range(9)]
    assert tuple(groups[0]) == GROUP_COLUMNS
    assert {row[1] for row in groups[1:]} == {"honest", "faking", "following"}
    for name in ("honest", "faking", "following", "rounds.csv", "groups.csv"):
        assert name in out


def test_the_json_form_adds_up_with_the_tables(headwater, tmp_path):
    code, out, err = headwater(f"simulate economy small.toml {QUICK} --rounds 9 --out made -o json")
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert (told["rounds"], told["seed"], told["preset"], told["scenario"]) == (9, 1, "test", "small")
    assert told["transactions"] > told["refused"] == 0
    last = dict(zip(ROUND_COLUMNS, read(tmp_path / "made" / "rounds.csv")[-1], strict=True))
    assert parse_lpt(last["supply_lpt"] + "LPT") == int(told["supply"])
    assert set(told["groups"]) == {"honest", "faking", "following"}
    assert [name.rpartition("/")[2] for name in told["files"]][:2] == ["rounds.csv", "groups.csv"]


def test_a_whole_run_also_plays_cheaters_draws_pictures_and_says_what_pays(headwater, tmp_path):
    code, out, err = headwater("simulate economy small.toml --preset test --rounds 12 --out made")
    assert (code, err) == (0, "")
    cheating = read(tmp_path / "made" / "cheating.csv")
    assert tuple(cheating[0]) == CHEATING_COLUMNS
    assert {(int(row[0]), int(row[1])) for row in cheating[1:]} == {(rate, stake) for rate in RATES for stake in STAKES}
    assert all(float(row[4]) < 0 for row in cheating[1:] if int(row[0]) <= 10)
    for name in ("economy", "concentration", "groups", "cheating", "grinding"):
        assert (tmp_path / "made" / f"{name}.png").read_bytes().startswith(b"\x89PNG\r\n")
        assert f"{name}.png" in out
    assert "Does it pay under test?" in out
    assert "hides 16 of 100 segments" in out


def test_programs_are_told_what_each_conduct_gains_and_costs(headwater):
    told = json.loads(headwater(f"simulate economy small.toml {QUICK} --rounds 2 --out made -o json")[1])
    faking = told["incentives"][0]
    assert (faking["conduct"], faking["is_safe"]) == ("faking segments", True)
    assert int(faking["loss_wei"]) > int(faking["gain_wei"]) > 0
    assert told["segments_a_grinding_proposer_hides"] == 16


def test_without_matplotlib_the_tables_are_written_and_the_extra_is_named(headwater, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, _, err = headwater("simulate economy small.toml --preset test --no-cheating --rounds 2 --out made")
    assert code == 0
    assert err == "no pictures: matplotlib is not installed. pip install 'headwater[plots]', then run this again\n"
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["groups.csv", "rounds.csv"]


def test_the_same_seed_gives_the_same_tables_and_another_one_others(headwater, tmp_path):
    for folder, seed in (("first", 4), ("second", 4), ("third", 5)):
        assert headwater(f"simulate economy small.toml {QUICK} --rounds 12 --out {folder} --seed {seed}")[0] == 0
    first, second, third = (
        [(tmp_path / folder / name).read_bytes() for name in ("rounds.csv", "groups.csv")]
        for folder in ("first", "second", "third")
    )
    assert first == second != third


def test_a_wrong_scenario_is_refused_with_every_field_and_exit_code_2(headwater, tmp_path):
    (tmp_path / "small.toml").write_text(SMALL.replace('"50%"', '"half"').replace("count = 5", "number = 5"))
    code, out, err = headwater("simulate economy small.toml --preset test --rounds 3")
    assert (code, out) == (2, "")
    assert "small.toml: transcoders[1].fakes: 'half' is not a fraction" in err
    assert "small.toml: delegators[0].number: unknown field" in err
    assert "small.toml: delegators[0].count: missing" in err
    assert not (tmp_path / "economy").exists()


def test_a_wrong_scenario_is_told_to_programs_problem_by_problem(headwater, tmp_path):
    (tmp_path / "small.toml").write_text(SMALL.replace("streams = 3", "segments_ = 3"))
    code, out, err = headwater("simulate economy small.toml --preset test --rounds 3 -o json")
    assert (code, out) == (2, "")
    assert json.loads(err)["error"]["problems"][0].startswith("segments_: unknown field; known are name, idle")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("--years 1 --rounds 3", "give --years or --rounds, not both"),
        ("--rounds 3 --out small.toml/made", "cannot make the directory small.toml/made: Not a directory"),
        ("--preset mainnet", "'mainnet' is not one of 'whitepaper', 'localnet', 'test'"),
        ("--rounds 0", "0 is not in the range 1<=x<=36500"),
    ],
)
def test_options_that_cannot_be_meant_are_refused_with_exit_code_2(headwater, line, text):
    code, out, err = headwater(f"simulate economy small.toml {line}")
    assert (code, out) == (2, "")
    assert text in err


def test_the_built_in_scenario_can_be_printed_to_start_from(headwater, tmp_path):
    code, out, _ = headwater("simulate economy --print-scenario")
    assert (code, out) == (0, DEFAULT_SCENARIO)
    assert list(tmp_path.iterdir()) == [tmp_path / "small.toml"]


def test_help_shows_a_scenario_that_can_be_played(headwater, tmp_path):
    code, out, _ = headwater("simulate economy --help")
    assert code == 0
    example = out[out.index('  name = "two kinds"') :]
    (tmp_path / "shown.toml").write_text("\n".join(line.strip() for line in example.splitlines()))
    assert headwater(f"simulate economy shown.toml {QUICK} --rounds 1 --out shown")[0] == 0
