"""How commands speak: text for people, JSON for programs, failures with exit codes.

Exit codes: 0 accepted, 1 rejected by the chain (or the work failed), 2 usage, 3 cannot reach a node.
With -o json, standard output holds one JSON value and nothing else, and a failure is one JSON object on standard error.
"""

import functools
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console, RenderableType
from rich.table import Table

from chain.failures import Failure

DEFAULT_HOME = Path.home() / ".headwater"


class Output:
    """What a command gets as `output`: it says each thing once, in the form that was asked for."""

    def __init__(self, form: str) -> None:
        self.is_json = form == "json"

    def result(self, data: Any, text: RenderableType) -> None:
        """The command's result: `data` as JSON, or `text` for people."""
        if self.is_json:
            click.echo(json.dumps(data, indent=2))
        elif isinstance(text, str):
            click.echo(text)
        else:
            Console(soft_wrap=False).print(text)

    def note(self, text: str) -> None:
        """Something worth knowing that is not the result: on standard error."""
        click.echo(text, err=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None) -> Table:
    """A plain table; numbers are set right."""
    made = Table(title=title, box=None, pad_edge=False, title_justify="left")
    kept = [tuple(row) for row in rows]
    for position, column in enumerate(columns):
        numeric = bool(kept) and all(isinstance(row[position], int) for row in kept)
        made.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in kept:
        made.add_row(*(_cell(value) for value in row))
    return made


def _cell(value: object) -> str:
    return "-" if value is None else str(value)


def failure_json(failure: Failure) -> dict[str, Any]:
    """What a program is told about a failure."""
    return {
        "error": {
            "kind": type(failure).__name__,
            "message": str(failure),
            "exit_code": failure.exit_code,
            **failure.details(),
        }
    }


def output_option(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `-o text|json` and the parameter `output: Output`; under JSON its failures are JSON too."""

    @click.option(
        "-o",
        "--output",
        "output",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="Text for people, or JSON for programs.",
    )
    @functools.wraps(command)
    def wrapped(*arguments: Any, output: str, **options: Any) -> None:
        speaker = Output(output)
        try:
            command(*arguments, output=speaker, **options)
        except Failure as failure:
            if not speaker.is_json:
                raise
            click.echo(json.dumps(failure_json(failure)), err=True)
            raise click.exceptions.Exit(failure.exit_code) from failure

    return wrapped


def home_option(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--home` (a Path; $HEADWATER_HOME, else ~/.headwater)."""
    return click.option(
        "--home",
        type=click.Path(file_okay=False, path_type=Path),
        default=DEFAULT_HOME,
        envvar="HEADWATER_HOME",
        show_envvar=True,
        show_default="~/.headwater",
        help="The directory of this user or node.",
    )(command)


def node_option(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--node` (an RPC address; $HEADWATER_NODE, else this machine's)."""
    return click.option(
        "--node",
        default="http://127.0.0.1:26657",
        envvar="HEADWATER_NODE",
        show_envvar=True,
        show_default=True,
        help="The RPC of the node to talk to.",
    )(command)


def confirm(question: str, yes: bool) -> None:
    """Ask unless `yes`; Abort when the answer is no. Without a terminal to ask at, say that --yes is needed."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} Nobody can answer here: repeat with --yes if you mean it.")
    click.confirm(question, abort=True)
