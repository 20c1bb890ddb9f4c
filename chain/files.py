"""Files that must survive a power cut and must never be half written or readable by the wrong person."""

import contextlib
import os
import tempfile
from pathlib import Path

from chain.failures import UsageFailure


class FileExists(UsageFailure):
    """The file is there already and holds something that must not be lost."""


def write_atomically(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Replace `path` by `content` in one step, synced to disk; readers see the old or the new file, never a part."""
    temporary = _write_beside(path, content, mode)
    try:
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_once(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Create `path` with `content`, complete and synced; raises FileExists, and leaves the file alone, if it is there.

    A hard link is the one operation that creates a complete file under a name and fails if the name is taken.
    """
    temporary = _write_beside(path, content, mode)
    try:
        os.link(temporary, path)
    except FileExistsError as error:
        raise FileExists(f"{path} exists already; it is left as it is") from error
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a creation, rename or removal in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_beside(path: Path, content: bytes, mode: int) -> Path:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise
    return temporary
