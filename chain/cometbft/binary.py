"""Finding the pinned CometBFT and its tools, and refusing others."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chain.cometbft.build_info import NotAGoBinary, read_build_info
from chain.failures import Failure

MODULE = "github.com/cometbft/cometbft"
VERSION = "v0.40.0"
BINARY_ENVIRONMENT = "HEADWATER_COMETBFT"
PROJECT_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Tool:
    """A program of CometBFT's module: its file name and Go package."""

    name: str
    package: str


COMETBFT = Tool("cometbft", f"{MODULE}/cmd/cometbft")
ABCI_CLI = Tool("abci-cli", f"{MODULE}/abci/cmd/abci-cli")
TOOLS = {tool.name: tool for tool in (COMETBFT, ABCI_CLI)}


class BinaryMissing(Failure):
    """The pinned binary is nowhere to be found."""


class BinaryRefused(Failure):
    """A binary was named, but it is not the pinned one."""


def user_cache() -> Path:
    """Where Headwater keeps what it can make again, per user."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "headwater"


def cache_folder() -> Path:
    """Where we build to: the checkout's ignored cache, or the user's when Headwater is installed as a package."""
    in_checkout = (PROJECT_ROOT / "pyproject.toml").is_file() and os.access(PROJECT_ROOT, os.W_OK)
    return PROJECT_ROOT / ".cache" if in_checkout else user_cache()


def find_binary(tool: Tool = COMETBFT) -> Path:
    """The pinned program: $HEADWATER_COMETBFT (refused if wrong), else the caches, else the PATH.

    Raises BinaryRefused or BinaryMissing. What counts is the module version inside the file, never its `version`
    command: v0.40.0 prints 0.39.0.
    """
    named = os.environ.get(BINARY_ENVIRONMENT) if tool is COMETBFT else None
    if named:
        problem = why_not_pinned(Path(named), tool)
        if problem:
            raise BinaryRefused(f"{BINARY_ENVIRONMENT}: {problem}")
        return Path(named).resolve()
    refused = []
    for path in _candidates(tool):
        problem = why_not_pinned(path, tool)
        if not problem:
            return path
        refused.append(problem)
    passed_over = "".join(f"\n  passed over: {problem}" for problem in refused)
    raise BinaryMissing(
        f"{tool.name} {VERSION} is not here; build it with: python -m chain.cometbft.install {tool.name}{passed_over}"
    )


def why_not_pinned(path: Path, tool: Tool) -> str:
    """Empty when the file is the pinned program and may be run; else the reason."""
    try:
        info = read_build_info(path)
    except (OSError, NotAGoBinary) as error:
        return str(error)
    if info.package != tool.package or info.version != VERSION:
        return f"{path} is {info.package or 'an unknown program'} {info.version}, not {tool.package} {VERSION}"
    return "" if os.access(path, os.X_OK) else f"{path} is not executable"


def _candidates(tool: Tool) -> Iterator[Path]:
    for folder in (PROJECT_ROOT / ".cache" / "bin", user_cache() / "bin"):
        if (folder / tool.name).exists():
            yield folder / tool.name
    on_path = shutil.which(tool.name)
    if on_path:
        yield Path(on_path).resolve()
