"""One process at a time: a lock that the kernel drops when its holder dies, however it dies."""

import fcntl
import os
from pathlib import Path

from transcoder.journal.failures import InUse


class FileLock:
    """Holds an exclusive lock on `path` until `close`; the file stays and names the last holder's process id.

    Raises:
        InUse: another process, or another object of this one, holds it.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(self._descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise InUse(
                f"{path.with_suffix('')} is in use by process {holder}; stop that one, or use another home"
            ) from error
        os.truncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        """Let go; the file is left, because removing it would let two processes lock two files of one name."""
        os.close(self._descriptor)
