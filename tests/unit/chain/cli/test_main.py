"""The root command finds its groups, survives broken ones, and ends with the right code."""

import json

import click
import pytest
from click.testing import CliRunner

from chain.cli import main
from chain.cli.main import CommandMissing, Source, headwater, run
from chain.cli.output import Output, confirm, output_option
from chain.failures import Failure, UsageFailure
from chain.rpc.errors import RpcUnreachable


@click.command()
@click.argument("kind")
@output_option
def fail(kind: str, output: Output) -> None:
    """Fail in one of the ways."""
    raise {"rejected": Failure("no"), "usage": UsageFailure("what?"), "unreachable": RpcUnreachable("nobody")}[kind]


@click.command()
def two() -> int:
    """Say three."""
    return 3


@pytest.fixture
def sources(monkeypatch):
    found = {
        "fail": Source("fail", f"{__name__}:fail", "tests"),
        "broken": Source("broken", "no.such.module:x", "a-package"),
        "wrong": Source("wrong", "json:dumps", "a-package"),
        "two": Source("two", f"{__name__}:two", "tests"),
    }
    monkeypatch.setattr(main, "find_sources", lambda: found)


@pytest.mark.parametrize(("kind", "code"), [("rejected", 1), ("usage", 2), ("unreachable", 3)])
def test_failures_end_with_their_exit_code_and_one_line(sources, capsys, kind, code):
    assert run(["fail", kind]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert "Traceback" not in said.err


@pytest.mark.parametrize(("kind", "code"), [("rejected", 1), ("usage", 2), ("unreachable", 3)])
def test_failures_under_json_are_json_on_standard_error(sources, capsys, kind, code):
    assert run(["fail", kind, "-o", "json"]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert json.loads(said.err)["error"]["exit_code"] == code


def test_click_usage_errors_end_with_2(sources, capsys):
    assert run(["fail"]) == 2
    assert run(["fail", "usage", "--nonsense"]) == 2
    assert run(["no-such-command"]) == 2
    assert "No such command" in capsys.readouterr().err


def test_a_group_that_cannot_be_imported_says_why_and_harms_no_other(sources, capsys):
    assert run(["--help"]) == 0
    assert "cannot be loaded" in capsys.readouterr().out
    assert run(["broken", "--any", "thing"]) == 1
    said = capsys.readouterr().err
    assert "a-package" in said
    assert "No module named 'no'" in said
    assert run(["wrong"]) == 1
    assert "not a command" in capsys.readouterr().err
    assert run(["fail", "usage"]) == 2


def test_an_exit_code_that_a_command_returns_is_ours(sources):
    assert run(["two"]) == 3


def test_an_interrupt_ends_with_130(monkeypatch, capsys):
    def interrupted(*arguments, **options):
        raise click.Abort

    monkeypatch.setattr(headwater, "main", interrupted)
    assert run([]) == 130


def test_help_teaches_the_first_steps_and_the_exit_codes(capsys):
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    for taught in ("localnet start", "keys add", "HEADWATER_HOME", "-o json", "3 cannot reach a node", "completion"):
        assert taught in text


def test_our_own_groups_all_load():
    for name, source in main.find_sources().items():
        if source.offered_by == "headwater" and name in main.OWN_GROUPS:
            assert isinstance(source.load(), click.Command)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(capsys, shell):
    assert run(["completion", shell]) == 0
    assert "_HEADWATER_COMPLETE" in capsys.readouterr().out


def test_a_missing_attribute_is_a_missing_command():
    with pytest.raises(CommandMissing, match="nothing_here"):
        Source("x", "json:nothing_here", "p").load()


def test_a_question_that_nobody_can_answer_asks_for_yes():
    @click.command()
    @click.option("--yes", is_flag=True)
    def command(yes):
        confirm("Really?", yes)
        click.echo("done")

    refused = CliRunner().invoke(command, [])
    assert refused.exit_code == 2
    assert "--yes" in refused.output
    assert CliRunner().invoke(command, ["--yes"]).output == "done\n"
