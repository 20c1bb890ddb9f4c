"""One supervisor per home: a lock that the kernel lets go of when its holder dies, however it dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chain.failures import UsageFailure


class HomeInUse(UsageFailure):
    """Another process runs the node (or the localnet) in this directory."""


@contextmanager
def hold(lock_file: Path) -> Iterator[None]:
    """Hold the lock while inside; HomeInUse, with the holder's process id, when another process does."""
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor, lock_file)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def holder(lock_file: Path) -> int | None:
    """The process id of who holds the lock, or None when nobody does."""
    try:
        descriptor = os.open(lock_file, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read_process_id(descriptor)
    else:
        return None
    finally:
        os.close(descriptor)


def _lock(descriptor: int, lock_file: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        who = _read_process_id(descriptor)
        raise HomeInUse(f"{lock_file.parent} is in use by process {who or 'unknown'}; stop it first") from error


def _read_process_id(descriptor: int) -> int:
    text = os.pread(descriptor, 32, 0).strip()
    return int(text) if text.isdigit() else 0
