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
    return "0x" + "".join(d.upper() if int(h, 16) >= 8 else d for d, h in zip(digits, digest, strict=False))


def parse_address(text: str) -> Address:
    """Read an address: all lower case, all upper case, or with a correct EIP-55 checksum.

    Raises:
        ValueError: not 20 bytes of hexadecimal, or a checksum that does not fit.
    """
    digits = text.removeprefix("0x")
    if len(digits) != 2 * ADDRESS_LENGTH or not all(c in "0123456789abcdefABCDEF" for c in digits):
        raise ValueError(f"{text!r} is not an address: 0x and 40 hexadecimal digits are expected")
    address = Address(bytes.fromhex(digits))
    if digits not in (digits.lower(), digits.upper()) and to_checksum(address) != "0x" + digits:
        raise ValueError(f"{text!r} fails its checksum (EIP-55): a letter was mistyped")
    return address
