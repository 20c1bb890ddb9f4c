"""`headwater genesis allocations`: LPT for many holders, who claim it by Merkle proof."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from app.messages.genesis_state import GenesisAllocations, GenesisState
from app.messages.record import to_json
from app.primitives.address import Address, to_checksum
from app.primitives.amounts import format_lpt
from genesis import arguments
from genesis.allocation_rows import read_rows
from genesis.allocations import AllocationFile, build_file
from genesis.cli_files import DocumentFailure, edit, file_option, output_option, read, replace_file
from genesis.edit import set_allocations
from genesis.failures import GenesisError

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def allocations() -> None:
    """Give LPT to many holders at once: each claims its part with a transaction, by Merkle proof.

    \b
      headwater genesis allocations build holders.csv     root and total go into genesis.json
      headwater genesis check --allocations allocations.bin
      headwater genesis allocations proof allocations.bin 0x7a2f… > claim.json
    Once the chain runs, a holder claims, with either of the two files:
      headwater tx claim-allocation --file claim.json --from alice
    """


@allocations.command()
@click.argument("table", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=_FILE, default=Path("allocations.bin"), show_default=True, help="For the holders' proofs.")
@click.option("--force", is_flag=True, help="Replace what the document and the file have already.")
@file_option
@output_option
def build(table: Path, out: Path, force: bool, path: Path, output: str) -> None:
    """Read TABLE, rows of `address,amount`, and put the root over them and their sum into the document.

    Amounts are written as 12.5LPT or in base units. Two rows of one address, bad addresses and amounts of nothing
    are refused with their line numbers; nothing is written then. The order of the rows makes no difference.

    \b
    Example:  headwater genesis allocations build holders.csv --out allocations.bin
    """
    if out.exists() and not force:
        raise click.UsageError(f"{out} exists already; --force replaces it, --out writes another one")
    _refuse_others(read(path, output), force)
    try:
        summary, content = _build(table)
    except GenesisError as error:
        raise DocumentFailure(f"{table}: {error}", output) from None
    replace_file(out, content)
    click.echo(f"{out}: {summary.count} holders, {format_lpt(summary.total)}, root {summary.root.hex()}", err=True)
    edit(path, lambda document: set_allocations(document, summary, replaces=True), output)


@allocations.command()
@click.argument("source", metavar="FILE", type=_FILE)
@click.argument("address", type=arguments.ADDRESS)
def proof(source: Path, address: Address) -> None:
    """Print what ADDRESS needs to claim, out of the FILE that `build` has made: index, amount, path, as JSON.

    \b
    Example:  headwater genesis allocations proof allocations.bin 0x7a2f… > claim.json
    """
    try:
        with AllocationFile(source) as file:
            index = file.find(address)
            if index is None:
                raise DocumentFailure(f"{source} allocates nothing to {to_checksum(address)}", "text")
            claim = {**to_json(file.read(index)), "root": file.summary.root.hex()}
    except GenesisError as error:
        raise DocumentFailure(str(error), "text") from None
    click.echo(json.dumps(claim, indent=2))


def check_allocations(state: GenesisState, source: Path) -> list[str]:
    """What of a document's allocations is not what their file gives, computed anew; a damaged file is a problem."""
    try:
        with AllocationFile(source) as file:
            with _bar("checking", file.summary.count) as bar:
                file.verify(bar.update)
            found = file.summary
    except GenesisError as error:
        return list(error.problems)
    if state.allocations == found:
        return []
    return [f"app_state.allocations: {_shown(state.allocations)}; {source} gives {_shown(found)}"]


def _refuse_others(document: Any, force: bool) -> None:
    if document.state.allocations is not None and not force:
        raise click.UsageError("the document has allocations already; --force replaces them")


def _build(table: Path) -> tuple[GenesisAllocations, bytes]:
    with table.open(encoding="utf-8-sig", newline="") as lines, _bar("reading", _count_lines(table)) as bar:
        rows = read_rows(lines, bar.update)
    with _bar("hashing", len(rows)) as bar:
        return build_file(rows, bar.update)


def _count_lines(table: Path) -> int:
    with table.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(2**20), b""))


def _bar(label: str, length: int) -> Any:
    return click.progressbar(length=length, label=label, file=sys.stderr)


def _shown(summary: GenesisAllocations | None) -> str:
    if summary is None:
        return "none"
    return f"{summary.count} holders, {format_lpt(summary.total)}, root {summary.root.hex()}"
