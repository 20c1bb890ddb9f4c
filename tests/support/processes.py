"""Watching real processes from outside: who lives, whose children, until when."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")
LIMIT_SECONDS = 60.0
POLL_SECONDS = 0.05


def eventually(look: Callable[[], Found | None], what: str, limit_seconds: float = LIMIT_SECONDS) -> Found:
    """The first truthy thing that `look` returns; fails with `what` when the limit passes."""
    deadline = time.monotonic() + limit_seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"not within {limit_seconds:g} s: {what}")


def parent_of(process_id: int) -> int | None:
    """The parent's process id; None when the process is gone or a zombie."""
    try:
        fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[1])


def command_of(process_id: int) -> str:
    try:
        return Path(f"/proc/{process_id}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def children_of(process_id: int) -> list[int]:
    ids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return sorted(child for child in ids if parent_of(child) == process_id)


def child_running(process_id: int, word: str) -> int | None:
    """The child whose command line holds `word`, once it is past its leash."""
    for child in children_of(process_id):
        command = command_of(child)
        if word in command and "leash.py" not in command:
            return child
    return None


def alive(process_ids: list[int]) -> list[int]:
    return [process_id for process_id in process_ids if parent_of(process_id) is not None]


def headwater(*arguments: object, timeout: float = 120, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    command = [sys.executable, "-m", "chain.cli.main", *map(str, arguments)]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=timeout,
        env=os.environ | environment,
        check=False,
        stdin=subprocess.DEVNULL,
    )


class Running:
    """A `headwater` command, or another module, that keeps running, ended with the test; its words go to a file."""

    def __init__(self, log: Path, *arguments: object, module: str = "chain.cli.main") -> None:
        self.log = log
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        return self.log.read_text()

    def child(self, word: str) -> int:
        """The process id of the running child whose command line holds `word`."""

        def look() -> int | None:
            assert self.process.poll() is None, f"it has ended:\n{self.text}"
            return child_running(self.process.pid, word)

        return eventually(look, f"a child of {self.process.pid} with {word}")

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def wait(self, limit_seconds: float = LIMIT_SECONDS) -> int:
        return self.process.wait(limit_seconds)

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
