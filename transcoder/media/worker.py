"""The sandboxed process: takes one job from a directory, limits itself, re-executes, writes its answer there.

`python -m transcoder.media.worker DIRECTORY`, started by `transcoder.media.sandbox`. Limits are set before any
library that parses strangers' bytes is loaded.
"""

import ctypes
import errno
import json
import os
import resource
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
EXIT_USAGE = 2
ADDRESS_SPACE_EXTRA_BYTES = 3 << 30
"""Libraries and reserved, unused address space, which are no memory but count as address space."""


def main(arguments: list[str]) -> int:
    """Do the job in the directory named; 0 when an answer was written."""
    if len(arguments) != 2:
        print("usage: python -m transcoder.media.worker DIRECTORY", file=sys.stderr)
        return EXIT_USAGE
    directory = Path(arguments[1])
    job = json.loads((directory / "job.json").read_text(encoding="utf-8"))
    _die_with_parent(job["parent"])
    _limit(job["limits"])
    answer = _answer(directory, job)
    (directory / "answer.json").write_text(json.dumps(answer), encoding="utf-8")
    return 0


def _die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when its parent ends, and look whether it already has."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def _limit(limits: Mapping[str, Any]) -> None:
    os.nice(limits["niceness"])
    memory = limits["memory_bytes"]
    bounds = {
        resource.RLIMIT_CPU: (limits["cpu_seconds"], limits["cpu_seconds"] + 1),
        resource.RLIMIT_DATA: (memory, memory),
        resource.RLIMIT_AS: (memory + ADDRESS_SPACE_EXTRA_BYTES, memory + ADDRESS_SPACE_EXTRA_BYTES),
        resource.RLIMIT_FSIZE: (limits["file_bytes"], limits["file_bytes"]),
        resource.RLIMIT_CORE: (0, 0),
    }
    for kind, (soft, hard) in bounds.items():
        ceiling = resource.getrlimit(kind)[1]
        is_free = ceiling == resource.RLIM_INFINITY
        resource.setrlimit(kind, (soft, hard) if is_free else (min(soft, ceiling), min(hard, ceiling)))


def _answer(directory: Path, job: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return _reexecute(directory, job)
    except MemoryError:
        return _refused("memory", f"more than {job['limits']['memory_bytes']} bytes of memory are needed")
    except OSError as error:
        if error.errno == errno.ENOMEM:
            return _refused("memory", f"more than {job['limits']['memory_bytes']} bytes of memory are needed")
        raise


def _refused(reason: str, text: str) -> dict[str, Any]:
    return {"refused": {"reason": reason, "text": text}}


def _reexecute(directory: Path, job: Mapping[str, Any]) -> dict[str, Any]:
    from transcoder.media import reexecution
    from transcoder.media.errors import MediaError, MediaReason

    try:
        return reexecution.run_job(directory, job)
    except MediaError as error:
        return _refused("crashed" if error.reason is MediaReason.ENCODER_FAILED else "input-refused", str(error))
    except ValueError as error:
        return _refused("input-refused", str(error))


if __name__ == "__main__":
    sys.exit(main(sys.argv))
