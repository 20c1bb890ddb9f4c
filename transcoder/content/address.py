"""Content addresses: the SHA-256 of the bytes; 32 bytes on the chain, 64 hexadecimal digits everywhere else.

Plain SHA-256 in hexadecimal, so that `sha256sum` on a file gives its address.
"""

import re

from app.primitives.hashing import Hash32, sha256

ContentId = Hash32

_TEXT = re.compile(r"[0-9a-f]{64}")


def content_id_of(content: bytes) -> ContentId:
    """The address of some content."""
    return sha256(content)


def format_content_id(content_id: ContentId) -> str:
    """The text form."""
    return content_id.hex()


def parse_content_id(text: str) -> ContentId:
    """Read the text form; there is one only, so capitals are refused.

    Raises:
        ValueError: anything else.
    """
    if not _TEXT.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is not a content address: 64 digits of 0-9 and a-f are expected")
    return ContentId(bytes.fromhex(text))
