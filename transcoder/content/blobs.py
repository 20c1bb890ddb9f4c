"""Files named by their hash: written aside, synced, then moved into place, so that a name never holds half a file."""

import contextlib
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app.primitives.hashing import Hash32
from chain.files import sync_folder
from transcoder.content.address import ContentId, format_content_id, parse_content_id
from transcoder.content.failures import ContentTooLarge


@dataclass(frozen=True, slots=True)
class Arrival:
    """Content that is on disk, synced, but not in place yet."""

    content_id: ContentId
    size_bytes: int
    path: Path


class BlobFolder:
    """The files of a store: `blobs/ab/abcd…` for what is there, `arriving/` for what is being written."""

    def __init__(self, folder: Path) -> None:
        self._blobs = folder / "blobs"
        self._arriving = folder / "arriving"
        for each in (self._blobs, self._arriving):
            each.mkdir(parents=True, exist_ok=True)

    def path(self, content_id: ContentId) -> Path:
        """Where the content lies if it is there."""
        name = format_content_id(content_id)
        return self._blobs / name[:2] / name

    def read(self, content_id: ContentId) -> bytes | None:
        """The bytes under that name, whatever they are."""
        try:
            return self.path(content_id).read_bytes()
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def receive(self, chunks: Iterable[bytes], limit_bytes: int) -> Iterator[Arrival]:
        """Write chunks aside; what `place` has not moved by the end is removed.

        Raises:
            ContentTooLarge: there are more than `limit_bytes`.
        """
        with self._aside() as (descriptor, path):
            digest, size = hashlib.sha256(), 0
            for chunk in chunks:
                size += len(chunk)
                if size > limit_bytes:
                    raise ContentTooLarge(f"the content has more than the {limit_bytes} bytes allowed for one piece")
                digest.update(chunk)
                _write_all(descriptor, chunk)
            os.fsync(descriptor)
            yield Arrival(ContentId(Hash32(digest.digest())), size, path)

    @contextlib.contextmanager
    def _aside(self) -> Iterator[tuple[int, Path]]:
        # The lock says that the writer lives: `remove_leftovers` of another process leaves locked files alone.
        with self._arriving_locked():
            descriptor, name = tempfile.mkstemp(dir=self._arriving)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            yield descriptor, Path(name)
        finally:
            with contextlib.suppress(FileNotFoundError):
                Path(name).unlink()
            os.close(descriptor)

    @contextlib.contextmanager
    def _arriving_locked(self) -> Iterator[None]:
        descriptor = os.open(self._arriving, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def place(self, arrival: Arrival) -> None:
        """Move an arrival under its name, durably, over whatever was there."""
        target = self.path(arrival.content_id)
        if not target.parent.is_dir():
            target.parent.mkdir(exist_ok=True)
            sync_folder(self._blobs)
        arrival.path.replace(target)
        sync_folder(target.parent)

    def remove(self, content_id: ContentId) -> None:
        """Remove a file, if it is there."""
        self.path(content_id).unlink(missing_ok=True)

    def remove_leftovers(self) -> int:
        """Remove what writers that died have left; returns how many files."""
        with self._arriving_locked():
            return sum(_remove_unless_locked(path) for path in sorted(self._arriving.iterdir()))

    def present(self) -> dict[ContentId, int]:
        """All files by name, with their sizes; files of other names are not ours and not touched."""
        found: dict[ContentId, int] = {}
        for path in sorted(self._blobs.glob("*/*"), key=lambda each: (each.stat().st_mtime_ns, each.name)):
            with contextlib.suppress(ValueError):
                found[parse_content_id(path.name)] = path.stat().st_size
        return found


def _remove_unless_locked(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    except (BlockingIOError, FileNotFoundError):
        return False  # its writer lives, or has just finished
    return True


def _write_all(descriptor: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
