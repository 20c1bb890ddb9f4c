"""`headwater genesis`: make, edit, check and show the genesis document of a chain."""

import contextlib
import json
import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from app.messages.genesis_state import GenesisAccount, GenesisTranscoder
from app.primitives.address import Address
from app.primitives.amounts import Lpt, Wei, format_lpt
from app.primitives.fractions import Fraction
from genesis import arguments
from genesis.check import check_document, check_names
from genesis.document import Genesis, build_document, dump_document, load_document, read_document
from genesis.edit import add_account, add_transcoder, new_genesis
from genesis.failures import GenesisError
from genesis.presets.registry import PRESETS, get_preset
from genesis.summary import describe, summarize

_EXIT_WRONG = 1
_file_option = click.option(
    "--file",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("genesis.json"),
    show_default=True,
    help="The document.",
)
_output_option = click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form of the answer."
)


class DocumentFailure(click.ClickException):
    """A document that cannot be read or cannot be; told in the form that was asked for, with exit code 1."""

    exit_code = _EXIT_WRONG

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


@click.group()
def genesis() -> None:
    """Make the first state of a chain: parameters, balances, validators.

    \b
    A chain with one validator:
      headwater genesis init --chain-id my-chain --preset localnet
      headwater genesis add-account 0x7a2f…  500LPT 2ETH
      headwater genesis add-validator 0x7a2f… --stake 1000LPT --key-file node0/config/priv_validator_key.json
      headwater genesis check
    Give the file to every node:  headwater node init --moniker NAME --genesis genesis.json

    Amounts have a unit: 12.5LPT, 0.1ETH, 3gwei, 5wei. In the document they are decimal strings of base units.
    """


@genesis.command()
@click.option("--chain-id", required=True, help="Name of the chain, at most 50 letters, digits, '-', '_', '.'.")
@click.option("--preset", type=click.Choice(list(PRESETS)), default="localnet", show_default=True, help="Parameters.")
@click.option("--genesis-time", help="When the first block may come, as 2026-01-31T12:00:00Z. Default: now.")
@click.option("--force", is_flag=True, help="Replace a document that is there already.")
@_file_option
@_output_option
def init(chain_id: str, preset: str, genesis_time: str | None, force: bool, path: Path, output: str) -> None:
    """Write a new document with nobody in it yet.

    \b
    Example:  headwater genesis init --chain-id my-chain --preset whitepaper --file genesis.json
    """
    if path.exists() and not force:
        raise click.UsageError(f"{path} exists already; --force replaces it, --file writes another one")
    time = genesis_time or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for problem in check_names(chain_id, time):
        raise click.UsageError(problem)
    _store(path, new_genesis(chain_id, time, get_preset(preset)), output)


@genesis.command("add-account")
@click.argument("address", type=arguments.ADDRESS)
@click.argument("amounts", type=arguments.AMOUNT, nargs=-1, required=True)
@click.option("--force", is_flag=True, help="Replace the balances that the account has in the document.")
@_file_option
@_output_option
def add_account_command(
    address: Address, amounts: tuple[tuple[str, int], ...], force: bool, path: Path, output: str
) -> None:
    """Give ADDRESS its first balances, in LPT, ETH or both.

    \b
    Example:  headwater genesis add-account 0x52908400098527886E0F7030069857D2E4169EE7 500LPT 2ETH
    """
    balances = dict(amounts)
    if len(balances) < len(amounts):
        raise click.UsageError("one amount of LPT and one of ETH at most")
    account = GenesisAccount(address, Lpt(balances.get("LPT", 0)), Wei(balances.get("ETH", 0)))
    _edit(path, lambda document: add_account(document, account, force), output)


@genesis.command("add-validator")
@click.argument("address", type=arguments.ADDRESS)
@click.option("--stake", type=arguments.LPT, required=True, help="What it bonds to itself, as 1000LPT.")
@click.option("--pubkey", type=arguments.PUBKEY, help="Its consensus key: ed25519, hexadecimal or base64.")
@click.option(
    "--key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Or the node's config/priv_validator_key.json, of which only the public key is read.",
)
@click.option("--price", type=arguments.WEI, default="100gwei", show_default=True, help="Per unit of work.")
@click.option("--cut", type=arguments.FRACTION, default="50%", show_default=True, help="Of rewards, kept for itself.")
@click.option("--share", type=arguments.FRACTION, default="50%", show_default=True, help="Of fees, for delegators.")
@click.option("--uri", default="http://127.0.0.1:1", show_default=True, help="Where broadcasters reach it.")
@click.option("--name", default="", help="Shown in lists of validators.")
@click.option("--force", is_flag=True, help="Replace the transcoder of this address.")
@_file_option
@_output_option
def add_validator_command(
    address: Address,
    stake: Lpt,
    pubkey: bytes | None,
    key_file: Path | None,
    price: Wei,
    cut: Fraction,
    share: Fraction,
    uri: str,
    name: str,
    force: bool,
    path: Path,
    output: str,
) -> None:
    """Register ADDRESS as a transcoder that is also a consensus validator, with power = stake in whole LPT.

    \b
    Example:  headwater genesis add-validator 0x52908400098527886E0F7030069857D2E4169EE7 \\
                --stake 1000LPT --key-file node0/config/priv_validator_key.json --name node0
    """
    if (pubkey is None) == (key_file is None):
        raise click.UsageError("give the consensus key, by --pubkey or by --key-file")
    key = pubkey if key_file is None else arguments.read_validator_pubkey(key_file)
    transcoder = GenesisTranscoder(address, stake, price, cut, share, uri, key or b"")
    _edit(path, lambda document: add_transcoder(document, transcoder, name, force), output)


@genesis.command()
@_file_option
@_output_option
def check(path: Path, output: str) -> None:
    """Say whether a chain can start from the document; every problem is a line with the field's path.

    \b
    Example:  headwater genesis check --file genesis.json -o json
    Exit code 0: it can. 1: it cannot. 2: there is no such file.
    """
    try:
        problems = check_document(_load(path))
    except GenesisError as error:
        problems = list(error.problems)
    if output == "json":
        click.echo(json.dumps({"valid": not problems, "problems": problems}, indent=2))
    else:
        click.echo("\n".join(problems) if problems else f"{path}: a chain can start from it")
    if problems:
        raise click.exceptions.Exit(_EXIT_WRONG)


@genesis.command()
@_file_option
@_output_option
def show(path: Path, output: str) -> None:
    """Show parameters, supply, validators and accounts of the document.

    \b
    Example:  headwater genesis show -o json | jq .validators
    """
    document = _read(path, output)
    click.echo(json.dumps(summarize(document), indent=2) if output == "json" else describe(document))


def _edit(path: Path, change: Callable[[Genesis], Genesis], output: str) -> None:
    try:
        changed = change(_read(path, output))
    except GenesisError as error:
        raise DocumentFailure(f"{error}\n--force replaces what is there", output) from None
    _store(path, changed, output)


def _read(path: Path, output: str) -> Genesis:
    try:
        return read_document(_load(path))
    except GenesisError as error:
        raise DocumentFailure(f"{path}: {error}", output) from None


def _load(path: Path) -> Any:
    try:
        return load_document(path.read_bytes())
    except FileNotFoundError:
        raise click.UsageError(
            f"{path} is not there; make it with: headwater genesis init, or name it by --file"
        ) from None
    except OSError as error:
        raise click.UsageError(f"cannot read {path}: {error.strerror}") from None


def _store(path: Path, genesis: Genesis, output: str) -> None:
    document = build_document(genesis)
    _replace_file(path, dump_document(document))
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


def _replace_file(path: Path, content: bytes) -> None:
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
