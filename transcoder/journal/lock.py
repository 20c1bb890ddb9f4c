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
        self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = self._file.read(32).strip() or "unknown"
            self._file.close()
            raise InUse(
                f"{path.with_suffix('')} is in use by process {holder}; stop that one, or use another home"
            ) from error
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def close(self) -> None:
        """Let go; the file is left, because removing it would let two processes lock two files of one name."""
        self._file.close()
