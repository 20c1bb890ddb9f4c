"""One child process of a supervisor: started so that it cannot outlive us, stopped so that it cannot refuse."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LEASH = Path(__file__).with_name("leash.py")
LOG_KEPT_BYTES = 64 * 2**20
TAIL_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to start: its name in messages, the command, the file for its output, additions to the environment."""

    name: str
    command: Sequence[str]
    log_file: Path
    environment: Mapping[str, str]


class Child:
    """A running process in its own process group, with its output in a file.

    Own group: Ctrl-C in a terminal reaches the supervisor only, which then stops its children in the right order.
    Death signal: the kernel ends the child when the supervisor is gone, even after SIGKILL (Linux; elsewhere the child
    of a killed supervisor stays, and the next start says that its ports are taken).
    """

    def __init__(self, spec: ChildSpec, process: asyncio.subprocess.Process) -> None:
        self.spec = spec
        self.process = process

    @classmethod
    async def start(cls, spec: ChildSpec) -> "Child":
        """Start it; OSError when the program cannot be run. Must be called on the main thread (see leash.py)."""
        spec.log_file.parent.mkdir(parents=True, exist_ok=True)
        _set_aside_when_large(spec.log_file)
        with spec.log_file.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *_leashed(spec.command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | dict(spec.environment),
                process_group=0,
            )
        return cls(spec, process)

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.process.returncode is None

    async def wait(self) -> int:
        """Wait for its end; the exit code, negative for a signal."""
        return await self.process.wait()

    async def stop(self, grace_seconds: float) -> bool:
        """Ask it to end, and after `grace_seconds` end it; False when it had to be forced."""
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), grace_seconds)
        except (TimeoutError, asyncio.CancelledError) as interruption:
            await self.kill()
            if isinstance(interruption, asyncio.CancelledError):
                raise
            return False
        self._signal(signal.SIGKILL)
        return True

    async def kill(self) -> None:
        """End it and its whole group at once."""
        self._signal(signal.SIGKILL)
        await self.process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)

    def ending(self) -> str:
        """How it ended, in words."""
        code = self.process.returncode
        if code is None:
            return "is still running"
        if code < 0:
            return f"was ended by signal {-code} ({signal.Signals(-code).name})"
        return f"ended with exit code {code}"

    def last_lines(self, count: int = 12) -> str:
        """The end of its log."""
        return tail(self.spec.log_file, count)


def tail(path: Path, count: int) -> str:
    """The last `count` lines of a text file; empty when there is none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-count:])


def _set_aside_when_large(log_file: Path) -> None:
    """Keep one older log: `x.log` becomes `x.log.1` at start when it has grown large."""
    if log_file.exists() and log_file.stat().st_size > LOG_KEPT_BYTES:
        log_file.replace(log_file.with_name(log_file.name + ".1"))


def _leashed(command: Sequence[str]) -> Sequence[str]:
    """The command behind leash.py, where the kernel knows death signals."""
    if sys.platform != "linux":
        return command
    return [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), *command]
