"""Limits on everything that has a length (style.md: limits on everything)."""

from typing import NamedTuple

from app.messages.rejections import Reason, Rejection

MAX_TX_BYTES = 256 * 1024
MAX_MESSAGES = 16
MAX_MEMO_LENGTH = 256
MAX_CHAIN_ID_LENGTH = 50
MAX_URI_LENGTH = 200
MAX_STREAM_ID_LENGTH = 128
MAX_RANGES = 1024
MAX_LOCKS = 100
"""Locks that one account can have at a time, and that one Withdraw can name."""
MAX_PROOF_LENGTH = 32
MAX_TITLE_LENGTH = 100
MAX_PROPOSAL_TEXT_LENGTH = 4000
MAX_PARAMETER_CHANGES = 32
MAX_PARAMETER_NAME_LENGTH = 64
MAX_BUNDLE_BYTES = 64 * 1024
"""Of many transactions in one message: taking one apart holds up consensus for less than 20 ms."""
MAX_BUNDLE_MEMBERS = 1024


class Limit(NamedTuple):
    """The most bytes of a text or byte string, or elements of a list, that a message may hold."""

    maximum: int


def check_length(name: str, length: int, maximum: int) -> None:
    """Refuse what is longer than its limit.

    Raises:
        Rejection: LIMIT_EXCEEDED with both numbers.
    """
    if length > maximum:
        raise Rejection(Reason.LIMIT_EXCEEDED, f"{name} has a length of {length}; at most {maximum}")


def check_text(name: str, text: str) -> None:
    """Refuse an empty text and one with other than printable ASCII.

    Raises:
        Rejection: INVALID_FIELD.
    """
    if not text or not text.isascii() or not text.isprintable():
        raise Rejection(Reason.INVALID_FIELD, f"{name} is {text!r}; printable ASCII is expected")


def check_prose(name: str, text: str, allowed: str = "") -> None:
    """Refuse characters that would act on a terminal or turn what people read around, but for those allowed.

    By number and not by Python's own tables, which differ between its versions.

    Raises:
        Rejection: INVALID_FIELD.
    """
    for place, character in enumerate(text):
        if character not in allowed and any(first <= ord(character) <= last for first, last in _UNREADABLE):
            raise Rejection(Reason.INVALID_FIELD, f"{name} has the character U+{ord(character):04X} at {place}")


_UNREADABLE = ((0x00, 0x1F), (0x7F, 0x9F), (0x2028, 0x202E), (0x2066, 0x2069), (0xD800, 0xDFFF))
"""Control characters, line and paragraph separators, and marks that change the direction of writing."""


def check_service_uri(uri: str) -> None:
    """Refuse an address that no client could open: `http://host:port` or `https://…` is expected.

    Raises:
        Rejection: INVALID_FIELD.
    """
    check_text("service_uri", uri)
    if not uri.startswith(("http://", "https://")) or " " in uri:
        raise Rejection(Reason.INVALID_FIELD, f"service_uri is {uri!r}; http://HOST:PORT is expected")
