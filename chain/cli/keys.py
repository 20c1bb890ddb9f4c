"""`headwater keys`: the accounts of this user."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from app.primitives.address import to_checksum
from chain.cli.output import Output, confirm, home_option, output_option, table
from chain.failures import UsageFailure
from chain.keys import keystore
from chain.keys.keyring import KeyEntry, Keyring, PassphraseSource
from chain.keys.keystore import Derivation, KeyFileDamaged
from chain.keys.passphrase import passphrase_source

LARGEST_KEY_FILE_BYTES = 65_536


def passphrase_option(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--passphrase-file` (as `passphrase_file`)."""
    return click.option(
        "--passphrase-file",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Read the passphrase from this file; else HEADWATER_PASSPHRASE, else you are asked.",
    )(command)


def asked_passphrase(file: Path | None, confirm_new: bool = False) -> PassphraseSource:
    """Where a command line's passphrase comes from."""
    return passphrase_source(file, lambda text: str(click.prompt(text, hide_input=True, err=True)), confirm_new)


def _derivation_options(command: Callable[..., None]) -> Callable[..., None]:
    command = click.option(
        "--iterations", type=click.IntRange(1), help="Rounds of PBKDF2, or scrypt's n.  [default: as wallets have it]"
    )(command)
    return click.option(
        "--kdf",
        type=click.Choice(["scrypt", "pbkdf2"]),
        default="scrypt",
        show_default=True,
        help="How the passphrase becomes an encryption key.",
    )(command)


@click.group()
def keys() -> None:
    """Make and keep the keys of accounts.

    A key is an Ethereum keystore (version 3) file in HOME/keys: geth, Livepeer's node and wallets read and write the
    same. Nothing is ever overwritten.
    """


@keys.command()
@click.argument("name")
@click.option("--unencrypted", is_flag=True, help="Store the key openly: for localnets only.")
@passphrase_option
@_derivation_options
@home_option
@output_option
def add(
    name: str,
    unencrypted: bool,
    passphrase_file: Path | None,
    kdf: Any,
    iterations: int | None,
    home: Path,
    output: Output,
) -> None:
    """Make a new key called NAME."""
    keyring = Keyring(home)
    keyring.check_free(name)
    passphrase = None if unencrypted else asked_passphrase(passphrase_file, confirm_new=True)(name)
    entry = keyring.add(name, keystore.generate_private_key(), passphrase, Derivation(kdf, iterations))
    _tell_added(entry, output)


@keys.command("list")
@home_option
@output_option
def list_(home: Path, output: Output) -> None:
    """List the keys with their addresses."""
    entries = Keyring(home).list()
    rows = [(entry.name, to_checksum(entry.address), "yes" if entry.encrypted else "NO") for entry in entries]
    text = table(["name", "address", "encrypted"], rows) if rows else f"no keys in {home / 'keys'} yet"
    output.result([entry.to_json() for entry in entries], text)


@keys.command()
@click.argument("name")
@click.option("-a", "--address", "address_only", is_flag=True, help="Print the address and nothing else.")
@home_option
@output_option
def show(name: str, address_only: bool, home: Path, output: Output) -> None:
    """Show the key NAME without opening it."""
    entry = Keyring(home).show(name)
    address = to_checksum(entry.address)
    output.result(entry.to_json(), address if address_only else _entry_text(entry))


@keys.command("import")
@click.argument("name")
@click.option("--keystore", "keystore_file", type=click.Path(path_type=Path), help="A keystore V3 JSON file.")
@click.option(
    "--private-key-file",
    type=click.Path(allow_dash=True, path_type=Path),
    help="A file with the private key as hex; - is standard input.",
)
@click.option("--unencrypted", is_flag=True, help="Store the key openly: for localnets only.")
@passphrase_option
@_derivation_options
@home_option
@output_option
def import_(
    name: str,
    keystore_file: Path | None,
    private_key_file: Path | None,
    unencrypted: bool,
    passphrase_file: Path | None,
    kdf: Any,
    iterations: int | None,
    home: Path,
    output: Output,
) -> None:
    """Store an existing key as NAME: a keystore as it is (its passphrase must open it), or a private key in hex."""
    if (keystore_file is None) == (private_key_file is None):
        raise click.UsageError("name exactly one of --keystore and --private-key-file")
    keyring = Keyring(home)
    keyring.check_free(name)
    if keystore_file is not None:
        document = _read_keystore(keystore_file)
        private_key = keystore.decrypt(document, asked_passphrase(passphrase_file)(name))
        entry = keyring.add(name, private_key, None) if unencrypted else keyring.add_document(name, document)
    else:
        assert private_key_file is not None, "one of the two was given"
        private_key = _read_private_key(private_key_file)
        passphrase = None if unencrypted else asked_passphrase(passphrase_file, confirm_new=True)(name)
        entry = keyring.add(name, private_key, passphrase, Derivation(kdf, iterations))
    _tell_added(entry, output)


@keys.command()
@click.argument("name")
@click.option("--private-key", is_flag=True, help="Print the private key itself, in hex, instead of the keystore.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@passphrase_option
@home_option
@output_option
def export(name: str, private_key: bool, yes: bool, passphrase_file: Path | None, home: Path, output: Output) -> None:
    """Print the key NAME: its keystore as stored, or with --private-key the key in the open."""
    keyring = Keyring(home)
    document = keyring.document(name)
    in_the_open = private_key or keystore.is_open(document)
    if in_the_open:
        confirm(f"Print the private key of {name}? Whoever sees it owns the account.", yes)
    if private_key:
        signer = keyring.load(name, asked_passphrase(passphrase_file))
        secret = "0x" + signer.private_key.hex()
        output.result({"address": to_checksum(signer.address), "private_key": secret}, secret)
        return
    click.echo(keyring.show(name).path.read_text().rstrip("\n"))


@keys.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@home_option
@output_option
def delete(name: str, yes: bool, home: Path, output: Output) -> None:
    """Remove the key NAME for good."""
    keyring = Keyring(home)
    entry = keyring.show(name)
    confirm(f"Delete {name}, {to_checksum(entry.address)}? Without a copy its account is lost.", yes)
    keyring.delete(name)
    output.result({"deleted": entry.to_json()}, f"deleted {name}, {to_checksum(entry.address)}")


def _read_keystore(file: Path) -> dict[str, Any]:
    document = keystore.parse_document(_read_small(file))
    if keystore.is_open(document):
        raise KeyFileDamaged(f"{file} is an open key, not a keystore; import its private_key with --private-key-file")
    return document


def _read_private_key(file: Path) -> bytes:
    text = _read_small(file).strip()
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError as error:
        raise KeyFileDamaged("a private key is 64 hexadecimal digits, with or without 0x in front") from error


def _read_small(file: Path) -> str:
    try:
        with click.open_file(str(file), "r", encoding="utf-8") as stream:
            text = stream.read(LARGEST_KEY_FILE_BYTES + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageFailure(f"cannot read {file}: {getattr(error, 'strerror', None) or error}") from error
    if len(text) > LARGEST_KEY_FILE_BYTES:
        raise KeyFileDamaged(f"{file} is too large to be a key")
    return str(text)


def _tell_added(entry: KeyEntry, output: Output) -> None:
    if not entry.encrypted:
        output.note(keystore.OPEN_WARNING)
    output.result(entry.to_json(), _entry_text(entry))


def _entry_text(entry: KeyEntry) -> str:
    state = "encrypted" if entry.encrypted else "NOT ENCRYPTED"
    return f"{entry.name}\n  address  {to_checksum(entry.address)}\n  file     {entry.path} ({state})"
