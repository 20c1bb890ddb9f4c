"""Re-execution in a process of its own, with limits on everything: what crashes there is no more than a finding.

One process per job (`transcoder.media.worker`). Job and results are files in a private directory, so that a limit
on file sizes bounds what comes back.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

from transcoder.media.compare import Claim, Finding
from transcoder.media.ladder import TranscodingOptions
from transcoder.media.leaf import TranscodedSegment
from transcoder.media.limits import SegmentLimits
from transcoder.media.wire import findings_from_json, leaf_to_json, options_to_json, transcoded_from_json

WORKER = (sys.executable, "-m", "transcoder.media.worker")
ERROR_TAIL_CHARACTERS = 300
ANSWER_BYTES = 1 << 20
STOP_LOOK_SECONDS = 0.2


class UnavailableReason(StrEnum):
    """Why a re-execution gave no result."""

    INPUT_REFUSED = "input-refused"
    CPU_TIME = "cpu-time"
    MEMORY = "memory"
    WALL_CLOCK = "wall-clock"
    CRASHED = "crashed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Unavailable:
    """No result; `text` says why in words."""

    reason: UnavailableReason
    text: str


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """What one re-execution may use. Memory is the process's data; each written file is bounded as well."""

    cpu_seconds: int = 60
    wall_seconds: float = 120.0
    memory_bytes: int = 1536 * 1024 * 1024
    file_bytes: int = 256 * 1024 * 1024
    niceness: int = 5
    segment: SegmentLimits = field(default_factory=SegmentLimits)


@dataclass(frozen=True, slots=True)
class Reexecution:
    """This node's own result, and the findings on the claims when there were any."""

    result: TranscodedSegment
    findings: tuple[Finding, ...]


def reexecute(
    data: bytes,
    options: TranscodingOptions,
    *,
    key: bytes | None = None,
    claims: Sequence[Claim] = (),
    limits: SandboxLimits | None = None,
    command: Sequence[str] = WORKER,
    stop: threading.Event | None = None,
) -> Reexecution | Unavailable:
    """Transcode a segment, and compare claims with the result, in a limited process; never raises for bad input.

    With `key` the result carries the digest over the scaled pictures keyed with it. Blocks until the process has
    ended; call it from a thread where that matters, and set `stop` from another one to have it ended early.
    """
    bounds = limits or SandboxLimits()
    if len(data) > bounds.segment.input_bytes:
        text = f"{len(data)} bytes, at most {bounds.segment.input_bytes} are taken"
        return Unavailable(UnavailableReason.INPUT_REFUSED, text)
    with TemporaryDirectory(prefix="headwater-sandbox-") as name:
        directory = Path(name)
        _write_job(directory, data, options, key, claims, bounds)
        status = _run(command, directory, bounds, stop or threading.Event())
        if stop is not None and stop.is_set():
            return Unavailable(UnavailableReason.STOPPED, "this node is being stopped")
        return _read_answer(directory, status, bounds)


def _write_job(
    directory: Path,
    data: bytes,
    options: TranscodingOptions,
    key: bytes | None,
    claims: Sequence[Claim],
    limits: SandboxLimits,
) -> None:
    (directory / "input.ts").write_bytes(data)
    shown = []
    for number, claim in enumerate(claims):
        file = None if claim.data is None else f"claim-{number}.ts"
        if file is not None and claim.data is not None:
            (directory / file).write_bytes(claim.data)
        leaf = None if claim.leaf is None else leaf_to_json(claim.leaf)
        shown.append({"name": claim.name, "file": file, "leaf": leaf})
    job = {
        "parent": os.getpid(),
        "options": options_to_json(options),
        "key": None if key is None else key.hex(),
        "claims": shown,
        "limits": asdict(limits),
    }
    (directory / "job.json").write_text(json.dumps(job), encoding="utf-8")


def _run(command: Sequence[str], directory: Path, limits: SandboxLimits, stop: threading.Event) -> int | None:
    """The exit status, or None when the wall clock ran out or `stop` was set. Then the whole group is killed."""
    environment = {**os.environ, "MALLOC_ARENA_MAX": "2"}
    with (directory / "errors.txt").open("wb") as errors:
        process = subprocess.Popen(
            [*command, str(directory)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            env=environment,
        )
    deadline = time.monotonic() + limits.wall_seconds
    try:
        while not stop.is_set() and time.monotonic() < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(min(STOP_LOOK_SECONDS, limits.wall_seconds))
        return None
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _read_answer(directory: Path, status: int | None, limits: SandboxLimits) -> Reexecution | Unavailable:
    if status is None:
        return Unavailable(UnavailableReason.WALL_CLOCK, f"no result after {limits.wall_seconds:g} s")
    if status != 0:
        return _describe_end(directory, status, limits)
    try:
        answer = json.loads(_read_bounded(directory / "answer.json", ANSWER_BYTES))
        if "refused" in answer:
            return Unavailable(UnavailableReason(answer["refused"]["reason"]), answer["refused"]["text"])
        outputs = [_read_bounded(directory / name, limits.file_bytes) for name in answer["files"]]
        return Reexecution(transcoded_from_json(answer["result"], outputs), findings_from_json(answer["findings"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Unavailable(UnavailableReason.CRASHED, f"the process ended without a readable answer ({error})")


def _read_bounded(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"{path.name} is larger than {limit} bytes")
    return content


def _describe_end(directory: Path, status: int, limits: SandboxLimits) -> Unavailable:
    tail = (directory / "errors.txt").read_bytes()[-ERROR_TAIL_CHARACTERS:].decode("utf-8", "replace").strip()
    if status == -signal.SIGXCPU:
        return Unavailable(UnavailableReason.CPU_TIME, f"more than {limits.cpu_seconds} s of processor time")
    if status < 0:
        name = signal.Signals(-status).name
        return Unavailable(UnavailableReason.CRASHED, f"the process was ended by {name}: {tail}")
    return Unavailable(UnavailableReason.CRASHED, f"the process ended with status {status}: {tail}")
