"""compose.yaml as users have it, and the README's tutorial on its network, through the published ports."""

import asyncio
import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from http import HTTPStatus
from pathlib import Path

import aiohttp
import pytest

from chain.rpc.client import RpcClient
from tests.docker.engine import GUARD_SECONDS, IMAGE, ROOT, call, docker, keep_logs, list_containers, remove_labelled
from tests.docker.judge import judge
from tests.docker.load import Load
from tests.docker.network import Network, Node, choose_subnet
from tests.support.tutorial import (
    STRICT,
    kill_everything_in,
    processes_standing_in,
    read_job,
    session_environment,
    tutorial_steps,
)
from tests.support.waiting import until
from transcoder.media.playlist_check import check_playlist
from transcoder.services.chain_reader import ChainReader

pytestmark = [pytest.mark.docker(lanes=2, seconds=240), pytest.mark.usefixtures("image")]
PORTS = (26657, 26667, 26677, 26687)
STREAM_PORT = 8936
TUTORIAL_SECONDS = 600.0
STATES = "{{.Name}} {{.State.Status}} {{.State.ExitCode}} {{if .State.Health}}{{.State.Health.Status}}{{end}}"


@cache
def find_compose() -> str:
    """The command of compose, v1 or v2; empty where there is none."""
    if shutil.which("docker-compose"):
        return "docker-compose"
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, timeout=60, check=False)
    return "" if plugin.returncode else "docker compose"


def project_environment(network: Network) -> dict[str, str]:
    """What makes this project another one than a user's on the same engine; the ports are those of the file."""
    return {
        "COMPOSE_FILE": str(ROOT / "compose.yaml"),
        "COMPOSE_PROJECT_NAME": network.label.partition("=")[2],
        "HEADWATER_IMAGE": IMAGE,
        "HEADWATER_SUBNET": network.subnet,
        "HEADWATER_BIND": _bind(network),
    }


def _bind(network: Network) -> str:
    return f"127.{network.subnet.partition('.')[2]}.1"


async def compose(network: Network, *arguments: str, limit_seconds: float) -> str:
    """One command of compose on the project."""
    environment = os.environ | project_environment(network)
    return await call(*find_compose().split(), *arguments, env=environment, limit_seconds=limit_seconds)


@asynccontextmanager
async def composed() -> AsyncIterator[Network]:
    """The network of compose.yaml, up; `down --volumes` afterwards, and nothing of it left, whatever happens."""
    label = f"com.docker.compose.project=headwater{secrets.token_hex(3)}"
    root = Path(tempfile.mkdtemp(prefix="headwater-compose-"))
    network = Network(label, "headwater-compose", root, choose_subnet())
    network.nodes = [
        Node(f"validator{number}", "", "", f"http://{_bind(network)}:{port}", root) for number, port in enumerate(PORTS)
    ]
    try:
        await compose(network, "up", "--detach", "--no-build", limit_seconds=GUARD_SECONDS)
        yield network
        await compose(network, "down", "--volumes", limit_seconds=GUARD_SECONDS)
        assert not await list_containers(network.label)
        shutil.rmtree(root, ignore_errors=True)
    except BaseException as error:
        await keep_logs(network.label, root)
        error.add_note(f"logs and homes are kept in {root}")
        raise
    finally:
        await remove_labelled(network.label)


def tutorial_on(network: Network, job: int) -> str:
    """The tutorial with the differences that the README's *Containers* names."""
    steps = tutorial_steps()
    export = f"{find_compose()} run --rm -T wallet keys export faucet --yes > net/keys/faucet.json"
    steps[2] = f"(umask 077; mkdir -p net/keys; {export})\n"
    for number, line, instead in (
        (6, "transcoder --listen 127.0.0.1:0", f"transcoder --listen {network.subnet}.1:0"),
        (8, "query job 1 ", f"query job {job} "),
        (8, "query claims 1", f"query claims {job}"),
        (9, "query claims 1 ", f"query claims {job} "),
        (9, "--job 1", f"--job {job}"),
        (11, "headwater localnet stop --home net", ""),
    ):
        assert line in steps[number], f"step {number} of the tutorial has {line}"
        steps[number] = steps[number].replace(line, instead)
    return "".join(steps.values())


async def follow(network: Network, lines: str) -> str:
    """Run the lines as one session; what they print."""
    script, out, err = (network.root / name for name in ("tutorial.sh", "tutorial.out", "tutorial.err"))
    await asyncio.to_thread(script.write_text, STRICT + lines)
    node = {"HEADWATER_NODE": network.nodes[0].url}
    with out.open("wb") as output, err.open("wb") as errors:
        session = await asyncio.create_subprocess_exec(
            *("bash", "-v", str(script)),
            cwd=ROOT,
            env=session_environment(network.root) | project_environment(network) | node,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(TUTORIAL_SECONDS):
                code = await session.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(session.pid, signal.SIGKILL)
            kill_everything_in(network.root)
    told = out.read_text()
    assert code == 0, f"standard error:\n{err.read_text()[-4000:]}\nstandard output:\n{told[-4000:]}"
    return told


async def _jobs(network: Network) -> int:
    async with RpcClient(network.nodes[0].url) as rpc:
        return len(await ChainReader(rpc).items("/jobs"))


async def _serves_sample(network: Network) -> bool:
    """Whether the playlist of one rendition has a segment."""
    url = f"http://{_bind(network)}:{STREAM_PORT}/stream/sample/240p/index.m3u8"
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status == HTTPStatus.OK and "#EXTINF" in await answer.text()
    except aiohttp.ClientError:
        return False


async def _check_health(network: Network) -> None:
    """All run and are healthy, but the one that has made keys and genesis."""

    async def are_healthy() -> bool:
        lines = (await docker("inspect", "--format", STATES, *await list_containers(network.label))).splitlines()
        others = [line for line in lines if "init" not in line]
        done = [line for line in lines if "init" in line and "exited 0" in line]
        return len(done) == 1 and all(line.endswith("running 0 healthy") for line in others)

    await until(are_healthy, "all containers are healthy", GUARD_SECONDS)


def _check_result(root: Path, told: str, job: int) -> int:
    published = re.search(r"finished: (\d+) segments published, \d+ dropped", told)  # a busy machine may drop some
    assert published and int(published[1]) > 0, told[-4000:]
    found = read_job(told)
    assert (found["job_id"], found["status"]) == (job, "ended")
    assert re.search(r"^ +[12]  paid ", told, re.MULTILINE), told[-4000:]
    assert re.search(r"^holds +True$", told, re.MULTILINE), told[-4000:]
    (playlist,) = root.glob("*/broadcaster/hls/river/index.m3u8")
    report = check_playlist(playlist)
    assert report.is_ok and report.is_ended, report.describe()
    assert not processes_standing_in(root)
    return int(published[1])


async def test_the_tutorial_works_on_the_network_of_the_compose_file_through_its_published_ports():
    if not find_compose():
        pytest.skip("there is no compose (Debian: apt install docker-compose)")
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with composed() as network:
        await network.reach(2, GUARD_SECONDS)
        up = loop.time() - began
        await until(lambda: _serves_sample(network), "the sample stream at its published port", GUARD_SECONDS)
        job = await _jobs(network) + 1
        await compose(network, "stop", "broadcaster", limit_seconds=GUARD_SECONDS)  # two streams are much for two cores
        told = await follow(network, tutorial_on(network, job))
        done = loop.time() - began - up
        segments = await asyncio.to_thread(_check_result, network.root, told, job)
        await compose(network, "start", "broadcaster", limit_seconds=GUARD_SECONDS)
        await _check_health(network)
        judged = await judge(network, Load())
    return [f"compose: up after {up:.0f} s, the tutorial took {done:.0f} s and has {segments} segments; {judged}"]
