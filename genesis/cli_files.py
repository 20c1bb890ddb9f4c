"""What the commands of `headwater genesis` share: their options, and reading and replacing files."""

import contextlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from app.primitives.amounts import format_lpt
from genesis.check import check_document
from genesis.document import Genesis, build_document, dump_document, load_document, read_document
from genesis.failures import GenesisError

EXIT_WRONG = 1
file_option = click.option(
    "--file",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("genesis.json"),
    show_default=True,
    help="The document.",
)
output_option = click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form of the answer."
)


class DocumentFailure(click.ClickException):
    """A file that cannot be read or cannot be; told in the form that was asked for, with exit code 1."""

    exit_code = EXIT_WRONG

    def __init__(self, message: str, output: str) -> None:
        super().__init__(message)
        self._output = output

    def show(self, file: Any = None) -> None:
        """Tell it on standard error, in the form that all of `headwater` has."""
        if self._output == "text":
            super().show(file)
            return
        error = {"kind": type(self).__name__, "message": self.message, "exit_code": self.exit_code}
        click.echo(json.dumps({"error": error}), file=file, err=True)


def edit(path: Path, change: Callable[[Genesis], Genesis], output: str) -> None:
    """Change a document in its file."""
    try:
        changed = change(read(path, output))
    except GenesisError as error:
        raise DocumentFailure(f"{error}\n--force replaces what is there", output) from None
    store(path, changed, output)


def read(path: Path, output: str) -> Genesis:
    """The document in a file; a DocumentFailure says why it is none."""
    try:
        return read_document(load(path))
    except GenesisError as error:
        raise DocumentFailure(f"{path}: {error}", output) from None


def load(path: Path) -> Any:
    """The JSON of a document's file."""
    try:
        return load_document(path.read_bytes())
    except FileNotFoundError:
        raise click.UsageError(
            f"{path} is not there; make it with: headwater genesis init, or name it by --file"
        ) from None
    except OSError as error:
        raise click.UsageError(f"cannot read {path}: {error.strerror}") from None


def store(path: Path, genesis: Genesis, output: str) -> None:
    """Write a document, and say what is in it and what is still missing."""
    document = build_document(genesis)
    replace_file(path, dump_document(document))
    problems = check_document(document)
    if output == "json":
        click.echo(json.dumps({"file": str(path), "chain_id": genesis.chain_id, "problems": problems}, indent=2))
        return
    click.echo(f"{path}: chain {genesis.chain_id}, {_count(genesis)}")
    for problem in problems:
        click.echo(f"before it can start: {problem}", err=True)


def _count(genesis: Genesis) -> str:
    state = genesis.state
    staked = format_lpt(sum(item.stake for item in state.transcoders))
    return f"{len(state.accounts)} accounts, {len(state.transcoders)} transcoders with {staked} of stake"


def replace_file(path: Path, content: bytes) -> None:
    """Replace the file in one step: who reads it meanwhile sees the old or the new document."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise click.UsageError(f"cannot write {path}: {error.strerror}") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
