"""What must not be lost and is soon done with: byte strings in files that are appended to, and removed as a whole.

A record is its length and the CRC-32 of its bytes, four bytes each, big-endian, and the bytes. Files are numbered; a
new one begins when one is full, and one goes when nothing in it is needed any more. A record that a crash has cut off
ends its file: nobody was told of it.
"""

import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

SEGMENT_BYTES = 4 * 1024 * 1024
MAX_SEGMENTS = 64
"""More files than this are made fewer: what is still needed of the oldest moves to the newest."""

_NUMBER_BYTES = 4
_HEAD_BYTES = 2 * _NUMBER_BYTES


class Journal:
    """One journal, held by one process and used by one thread; what `write` returns may run in another.

    Args:
        folder: made where it is missing. What is there already is in `kept`, in order, and needed until `forget`.
    """

    def __init__(self, folder: Path, segment_bytes: int = SEGMENT_BYTES, max_segments: int = MAX_SEGMENTS) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._max_segments = max_segments
        self._pending: list[bytes] = []
        self._where: dict[bytes, int] = {}
        self._needed: dict[int, int] = {}  # by file, oldest first: how many of its records are needed
        self._file: int | None = None
        self._size = 0
        folder.mkdir(parents=True, exist_ok=True)
        for number in sorted(int(path.stem) for path in folder.glob("*.log")):
            self._needed[number] = 0
            for raw in _read_segment(self._path(number)):
                self._note(raw, number)
        self._number = max(self._needed, default=0)
        for number in [number for number, count in self._needed.items() if not count]:
            self._remove(number)
        self.kept = list(self._where)

    def append(self, raw: bytes) -> None:
        """Add a record; it is there for good when what the next `write` returns has run."""
        self._pending.append(raw)

    def write(self) -> Callable[[], None] | None:
        """Give what was added to the system; what is left to do until it is on the disk, None where nothing was added.

        Raises:
            OSError: the disk is full, or gone.
        """
        if not self._pending:
            return None
        added, self._pending = self._pending, []
        if self._file is None or self._size >= self._segment_bytes:
            self._begin_segment()
        assert self._file is not None
        data = b"".join([_record(raw) for raw in added])
        _write_all(self._file, data)
        self._size += len(data)
        for raw in added:
            self._note(raw, self._number)
        return _sync_later(os.dup(self._file))

    def forget(self, raw: bytes) -> None:
        """A record is not needed any more; harmless where it is unknown.

        It stays on the disk as long as another one in its file is needed, and so may be in `kept` once more.
        """
        number = self._where.pop(raw, None)
        if number is not None:
            self._release(number)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _note(self, raw: bytes, number: int) -> None:
        before = self._where.get(raw)
        self._where[raw] = number
        self._needed[number] = self._needed.get(number, 0) + 1
        if before is not None:
            self._release(before)

    def _release(self, number: int) -> None:
        self._needed[number] -= 1
        if not self._needed[number]:
            self._remove(number)

    def _begin_segment(self) -> None:
        self.close()
        self._number += 1
        self._needed[self._number] = self._size = 0
        self._file = os.open(self._path(self._number), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        _sync_folder(self._folder)
        if len(self._needed) > self._max_segments:
            self._move_oldest()

    def _move_oldest(self) -> None:
        assert self._file is not None
        oldest = next(iter(self._needed))
        needed = [raw for raw, number in self._where.items() if number == oldest]
        data = b"".join([_record(raw) for raw in needed])
        _write_all(self._file, data)
        os.fdatasync(self._file)
        self._size += len(data)
        for raw in needed:
            self._note(raw, self._number)

    def _remove(self, number: int) -> None:
        if number == self._number:
            self.close()
        self._needed.pop(number)
        self._path(number).unlink(missing_ok=True)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:012}.log"


def _record(raw: bytes) -> bytes:
    return len(raw).to_bytes(_NUMBER_BYTES, "big") + zlib.crc32(raw).to_bytes(_NUMBER_BYTES, "big") + raw


def _read_segment(path: Path) -> Iterator[bytes]:
    """Its records, up to the first that is damaged."""
    data, at = path.read_bytes(), 0
    while at + _HEAD_BYTES <= len(data):
        start = at + _HEAD_BYTES
        at = start + int.from_bytes(data[start - _HEAD_BYTES : start - _NUMBER_BYTES], "big")
        raw = data[start:at]
        if zlib.crc32(raw).to_bytes(_NUMBER_BYTES, "big") != data[start - _NUMBER_BYTES : start] or at > len(data):
            return
        yield raw


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _sync_later(file: int) -> Callable[[], None]:
    """A duplicate of the file, so that a file that is closed meanwhile is synced all the same."""

    def sync() -> None:
        try:
            os.fdatasync(file)
        finally:
            os.close(file)

    return sync


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
