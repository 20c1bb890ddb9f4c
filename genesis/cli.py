"""`headwater genesis`: make, edit, check and show the genesis document of a chain."""

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from app.messages.genesis_state import GenesisAccount, GenesisTranscoder
from app.primitives.address import Address
from app.primitives.amounts import Lpt, Wei
from app.primitives.fractions import Fraction
from genesis import arguments
from genesis.check import check_document, check_names
from genesis.cli_allocations import allocations, check_allocations
from genesis.cli_files import EXIT_WRONG, edit, file_option, load, output_option, read, store
from genesis.document import read_document
from genesis.edit import add_account, add_transcoder, new_genesis
from genesis.failures import GenesisError
from genesis.presets.registry import PRESETS, get_preset
from genesis.summary import describe, summarize


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


genesis.add_command(allocations)


@genesis.command()
@click.option("--chain-id", required=True, help="Name of the chain, at most 50 letters, digits, '-', '_', '.'.")
@click.option("--preset", type=click.Choice(list(PRESETS)), default="localnet", show_default=True, help="Parameters.")
@click.option("--genesis-time", help="When the first block may come, as 2026-01-31T12:00:00Z. Default: now.")
@click.option("--force", is_flag=True, help="Replace a document that is there already.")
@file_option
@output_option
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
    store(path, new_genesis(chain_id, time, get_preset(preset)), output)


@genesis.command("add-account")
@click.argument("address", type=arguments.ADDRESS)
@click.argument("amounts", type=arguments.AMOUNT, nargs=-1, required=True)
@click.option("--force", is_flag=True, help="Replace the balances that the account has in the document.")
@file_option
@output_option
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
    edit(path, lambda document: add_account(document, account, force), output)


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
@file_option
@output_option
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
    edit(path, lambda document: add_transcoder(document, transcoder, name, force), output)


@genesis.command()
@click.option(
    "--allocations",
    "allocations_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also compute root and total of the document's allocations anew, from the file that holders got.",
)
@file_option
@output_option
def check(allocations_path: Path | None, path: Path, output: str) -> None:
    """Say whether a chain can start from the document; every problem is a line with the field's path.

    \b
    Examples:  headwater genesis check --file genesis.json -o json
               headwater genesis check --allocations allocations.bin
    Exit code 0: it can. 1: it cannot. 2: there is no such file.
    """
    try:
        document = load(path)
        problems = check_document(document)
        if allocations_path is not None:
            problems += check_allocations(read_document(document).state, allocations_path)
    except GenesisError as error:
        problems = list(error.problems)
    if output == "json":
        click.echo(json.dumps({"valid": not problems, "problems": problems}, indent=2))
    else:
        click.echo("\n".join(problems) if problems else f"{path}: a chain can start from it")
    if problems:
        raise click.exceptions.Exit(EXIT_WRONG)


@genesis.command()
@file_option
@output_option
def show(path: Path, output: str) -> None:
    """Show parameters, supply, validators and accounts of the document.

    \b
    Example:  headwater genesis show -o json | jq .validators
    """
    document = read(path, output)
    click.echo(json.dumps(summarize(document), indent=2) if output == "json" else describe(document))
