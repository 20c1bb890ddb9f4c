"""Build the pinned CometBFT into the cache: `python -m chain.cometbft.install [cometbft] [abci-cli]`.

Safe to run again and from several processes at once: it does nothing when the pinned program is there, one process
builds while others wait, and the finished file takes its place in one step.
"""

import fcntl
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from chain.cometbft.binary import (
    COMETBFT,
    TOOLS,
    VERSION,
    BinaryMissing,
    Tool,
    cache_folder,
    find_binary,
    why_not_pinned,
)
from chain.cometbft.toolchain import find_or_fetch_go, go_environment
from chain.failures import Failure, UsageFailure

BUILD_LIMIT_SECONDS = 1800
PROGRESS_SECONDS = 1.0


class BuildFailed(Failure):
    """`go install` did not give us the program."""


def install(tool: Tool = COMETBFT) -> Path:
    """The pinned program, built if it is not here yet. Raises BuildFailed, ToolchainMissing or BinaryRefused."""
    try:
        return find_binary(tool)
    except BinaryMissing:
        folder = cache_folder() / "bin"
        folder.mkdir(parents=True, exist_ok=True)
        with _only_one(folder / f".{tool.name}.lock"):
            if why_not_pinned(folder / tool.name, tool):
                _build(tool, folder)
        return find_binary(tool)


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(tool: Tool, folder: Path) -> None:
    go = find_or_fetch_go()
    with tempfile.TemporaryDirectory(prefix=f".{tool.name}-", dir=folder) as staging:
        command = [str(go), "install", f"{tool.package}@{VERSION}"]
        with (Path(staging) / "log").open("w+") as log:
            process = subprocess.Popen(
                command, env=go_environment() | {"GOBIN": staging}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            code = _wait(process, f"building {tool.name} {VERSION} with {go}")
            log.seek(0)
            if code:
                raise BuildFailed(f"go install {tool.package}@{VERSION} failed:\n{log.read().strip()[-2000:]}")
        built = Path(staging) / tool.name
        problem = why_not_pinned(built, tool)
        if problem:
            raise BuildFailed(f"go install gave something else: {problem}")
        built.replace(folder / tool.name)


def _wait(process: subprocess.Popen[bytes], what: str) -> int:
    """Wait for the build and show that time passes: on a terminal one line that counts, elsewhere one line."""
    started = time.monotonic()
    show = sys.stderr.isatty()
    print(what + (" (about a minute on 2 cores)" if not show else ""), file=sys.stderr, end="\n" if not show else "")
    try:
        while True:
            try:
                code = process.wait(PROGRESS_SECONDS)
            except subprocess.TimeoutExpired:
                passed = time.monotonic() - started
                if passed > BUILD_LIMIT_SECONDS:
                    raise BuildFailed(f"the build took over {BUILD_LIMIT_SECONDS} s and was ended") from None
                if show:
                    print(f"\r{what} … {passed:.0f} s", file=sys.stderr, end="", flush=True)
                continue
            if show:
                print(file=sys.stderr)
            return code
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def main(arguments: Sequence[str]) -> int:
    """Install what is named (default: cometbft) and print where it is, one path per line."""
    try:
        unknown = [name for name in arguments if name not in TOOLS]
        if unknown:
            raise UsageFailure(f"unknown program {unknown[0]!r}; there are: {', '.join(TOOLS)}")
        for name in arguments or [COMETBFT.name]:
            print(install(TOOLS[name]))
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return failure.exit_code
    except KeyboardInterrupt:
        return 130
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
