"""How commands read amounts, addresses, fractions and keys: click's parameter types, with texts that teach."""

import base64
import binascii
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from app.primitives.address import Address, parse_address
from app.primitives.amounts import parse_lpt, parse_wei
from app.primitives.fractions import parse_fraction

PUBKEY_LENGTH = 32
UNITS = frozenset({"lpt", "eth", "gwei", "wei"})


class Parsed(click.ParamType[Any]):
    """A parameter read by one of our own parsers, whose ValueError becomes click's usage error."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the text; what was read before (a default, say) stays as it is."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def parse_any_amount(text: str) -> tuple[str, int]:
    """Read an amount whose unit says which balance it is: ("LPT", base units) or ("ETH", wei).

    Raises:
        ValueError: no unit, or none that we know.
    """
    unit = text.strip().lstrip("0123456789.").strip().lower()
    if not unit:
        raise ValueError(f"{text!r} has no unit; write for example 12.5LPT, 0.1ETH or 3gwei")
    if unit not in UNITS:
        raise ValueError(f"{text!r} is not an amount; write for example 12.5LPT, 0.1ETH, 3gwei or 5wei")
    return ("LPT", parse_lpt(text)) if unit == "lpt" else ("ETH", parse_wei(text))


def parse_pubkey(text: str) -> bytes:
    """Read an ed25519 public key in hexadecimal, or in base64 as CometBFT's files have it.

    Raises:
        ValueError: neither, or not 32 bytes.
    """
    for decode in (bytes.fromhex, lambda value: base64.b64decode(value, validate=True)):
        try:
            key = decode(text.removeprefix("0x"))
        except (ValueError, binascii.Error):
            continue
        if len(key) == PUBKEY_LENGTH:
            return key
    raise ValueError(f"{text!r} is not an ed25519 public key: 64 hexadecimal digits, or base64 of 32 bytes")


def read_validator_pubkey(path: Path) -> bytes:
    """The public key out of a node's priv_validator_key.json; the private one is not looked at.

    Raises:
        click.UsageError: no such file, or not such a file.
    """
    try:
        return parse_pubkey(json.loads(path.read_bytes())["pub_key"]["value"])
    except OSError as error:
        raise click.UsageError(f"cannot read {path}: {error.strerror}") from None
    except (AttributeError, KeyError, TypeError, ValueError):
        raise click.UsageError(f"{path} is not a priv_validator_key.json of CometBFT with an ed25519 key") from None


def _parse_address(text: str) -> Address:
    return parse_address(text)


ADDRESS = Parsed("address", _parse_address)
LPT = Parsed("lpt", parse_lpt)
WEI = Parsed("wei", parse_wei)
FRACTION = Parsed("fraction", parse_fraction)
AMOUNT = Parsed("amount", parse_any_amount)
PUBKEY = Parsed("key", parse_pubkey)
