"""Accounts are named by 20 bytes, as in Ethereum, and shown with the EIP-55 checksum."""

from typing import NewType

from app.primitives.hashing import keccak256

Address = NewType("Address", bytes)
"""An account: the last 20 bytes of the Keccak-256 of its public key."""

ADDRESS_LENGTH = 20


def to_checksum(address: bytes) -> str:
    """The text form with the EIP-55 checksum in the case of its letters."""
    digits = address.hex()
    digest = keccak256(digits.encode()).hex()
    # hexadecimal digits compare as their characters do
    return "0x" + "".join([u if h >= "8" else d for d, u, h in zip(digits, digits.upper(), digest, strict=False)])


def parse_address(text: str) -> Address:
    """Read an address: all lower case, all upper case, or with a correct EIP-55 checksum.

    Raises:
        ValueError: not 20 bytes of hexadecimal, or a checksum that does not fit.
    """
    digits = text.removeprefix("0x")
    address = Address(_parse_hex(digits))
    if len(digits) != 2 * ADDRESS_LENGTH or len(address) != ADDRESS_LENGTH:  # `fromhex` passes over blanks
        raise ValueError(f"{text!r} is not an address: 0x and 40 hexadecimal digits are expected")
    if digits not in (digits.lower(), digits.upper()) and to_checksum(address) != "0x" + digits:
        raise ValueError(f"{text!r} fails its checksum (EIP-55): a letter was mistyped")
    return address


def _parse_hex(digits: str) -> bytes:
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return b""
