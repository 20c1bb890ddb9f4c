"""Which module a Go binary was built from, read from the binary itself.

CometBFT's own `version` cannot be trusted: v0.40.0 prints 0.39.0 (its version.go was not raised). Go writes the module
and its version into every binary; `go version -m` prints them, and so do we, without Go.
Layout (debug/buildinfo, Go 1.18 and later): 32 bytes of header, of which 14 are the magic and the 16th holds flags,
then two strings (Go version, module information), each an unsigned varint length and bytes; the second is framed by
16 bytes on either side.
"""

import mmap
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"\xff Go buildinf:"
HEADER_BYTES = 32
FLAGS_OFFSET = 15
FLAG_STRINGS_INLINE = 2
FRAME_BYTES = 16
ALIGNMENT = 16


@dataclass(frozen=True, slots=True)
class BuildInfo:
    """The main package, its module and that module's version, and the Go release that built it."""

    package: str
    module: str
    version: str
    go_version: str


class NotAGoBinary(ValueError):
    """The file holds no build information of Go 1.18 or later."""


def read_build_info(path: Path) -> BuildInfo:
    """The build information of the Go binary at `path`; NotAGoBinary when it has none, OSError when unreadable."""
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            raise NotAGoBinary(f"{path} is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as image:
            return _parse(image, path)


def _parse(image: mmap.mmap, path: Path) -> BuildInfo:
    start = _find_header(image)
    if start < 0 or start + HEADER_BYTES > len(image) or not image[start + FLAGS_OFFSET] & FLAG_STRINGS_INLINE:
        raise NotAGoBinary(f"{path} holds no Go build information")
    go_version, position = _read_string(image, start + HEADER_BYTES)
    framed, end = _read_string(image, position)
    if end > len(image):
        raise NotAGoBinary(f"{path} is cut short")
    text = framed[FRAME_BYTES:-FRAME_BYTES].decode(errors="replace")
    rows = [line.split("\t") for line in text.splitlines()]
    package = next((row[1] for row in rows if row[0] == "path" and len(row) > 1), "")
    module = next((row for row in rows if row[0] == "mod" and len(row) > 2), ["", "", ""])
    return BuildInfo(package, module[1], module[2], go_version.decode(errors="replace"))


def _find_header(image: mmap.mmap) -> int:
    position = image.find(MAGIC)
    while position >= 0 and position % ALIGNMENT:
        position = image.find(MAGIC, position + 1)
    return position


def _read_string(image: mmap.mmap, position: int) -> tuple[bytes, int]:
    length = shift = 0
    while position < len(image):
        byte = image[position]
        position += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return image[position : position + length], position + length
