"""The container engine, by its command line."""

import asyncio
import hashlib
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUARD_SECONDS = 300.0
"""Ends a wait that would never end. It measures nothing: a busy machine may take its time."""
IMAGE = f"headwater:test-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]}"
"""Of this checkout: another one may be under test on the same engine."""


class EngineFailed(Exception):
    """A command of the engine failed: the command and what it said."""


def why_no_engine() -> str:
    """Why no container can be started here; empty when an engine answers."""
    if shutil.which("docker") is None:
        return "there is no docker command; on Debian: apt install docker.io"
    found = subprocess.run(
        ["docker", "version", "--format", "{{.Server.Version}}"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return "" if found.returncode == 0 else f"no Docker engine answers: {found.stderr.strip()[-200:]}"


async def docker(*arguments: object, limit_seconds: float = GUARD_SECONDS) -> str:
    """Run one command of the engine and return its output."""
    return await call("docker", *map(str, arguments), limit_seconds=limit_seconds)


async def call(*command: str, env: Mapping[str, str] | None = None, limit_seconds: float = GUARD_SECONDS) -> str:
    """Run a command and return its output."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=env,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), limit_seconds)
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    if process.returncode:
        raise EngineFailed(f"{' '.join(command)}: {err.decode(errors='replace').strip()}")
    return out.decode(errors="replace").strip()


async def read_log(container: str) -> str:
    """What a container has written to both of its outputs, with the engine's times."""
    process = await asyncio.create_subprocess_exec(
        "docker", "logs", "--timestamps", container, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    return out.decode(errors="replace")


async def keep_logs(label: str, folder: Path) -> None:
    """Write the logs of all containers with a label into a folder, as far as that can be done."""
    try:
        for name in await list_containers(label):
            (folder / f"{name}.log").write_text(await read_log(name))
    except (EngineFailed, OSError) as error:
        print(f"some logs could not be kept: {error}")


async def list_containers(label: str) -> list[str]:
    """The names of all containers with a label, running or not."""
    return (await docker("ps", "--all", "--filter", f"label={label}", "--format", "{{.Names}}")).split()


async def remove_labelled(label: str) -> None:
    """Remove every container, network and volume with a label, whatever state it is in."""
    for kind, remove in (("container", ("rm", "--force", "--volumes")), ("network", ("rm",)), ("volume", ("rm", "-f"))):
        everything = ("--all",) if kind == "container" else ()
        found = (await docker(kind, "ls", *everything, "--quiet", "--filter", f"label={label}")).split()
        if found:
            await docker(kind, *remove, *found)
