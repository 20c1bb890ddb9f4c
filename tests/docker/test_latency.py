"""Slow and lossy links between all containers: blocks come later, and a job completes."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chain.rpc.client import RpcClient
from tests.docker.engine import GUARD_SECONDS, docker, list_containers
from tests.docker.judge import judge
from tests.docker.load import Load
from tests.docker.network import Network, running
from tests.docker.workers import BROADCASTER, is_settled, make_company, manifest
from tests.support.videos import draw_video
from tests.support.waiting import until
from transcoder.demo.verdict import judge_honest

pytestmark = [pytest.mark.docker(seconds=180), pytest.mark.usefixtures("image")]
STREAM_SECONDS = 20
NETEM = ("netem", "delay", "100ms", "50ms", "loss", "2%")
SLOW = str(Path(__file__).with_name("slow.py"))
STATE = "{{.State.Pid}}"
TO_QUEUE = ("-j", "NFQUEUE", "--queue-num", "0", "--queue-bypass")


def why_not() -> str:
    """Why links cannot be made slow here; empty when they can."""
    missing = [command for command in ("nsenter", "tc", "iptables") if not shutil.which(command)]
    if missing:
        return f"{', '.join(missing)} cannot be found (apt install iproute2 iptables)"
    return "only root may change the links of containers" if os.geteuid() else ""


def has_netem() -> bool:
    """Whether this kernel can do it by itself."""
    command = ["unshare", "--net", "tc", "qdisc", "add", "dev", "lo", "root", *NETEM]
    return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0


@asynccontextmanager
async def slow_links(network: Network) -> AsyncIterator[str]:
    """Delay and lose what containers send to each other; yields by which means."""
    names = await list_containers(network.label)
    places = [("nsenter", "--net", "--target", await docker("inspect", "--format", STATE, name)) for name in names]
    with_netem = has_netem()
    helpers: list[asyncio.subprocess.Process] = []
    try:
        for place in places:
            if with_netem:
                await _run(*place, "tc", "qdisc", "add", "dev", "eth0", "root", *NETEM)
                continue
            helpers.append(await asyncio.create_subprocess_exec(*place, sys.executable, SLOW))
            await _run(*place, "iptables", "-A", "OUTPUT", "-d", f"{network.subnet}.1", "-j", "ACCEPT")
            await _run(*place, "iptables", "-A", "OUTPUT", "-d", f"{network.subnet}.0/24", *TO_QUEUE)
        yield "netem" if with_netem else "a packet queue, as this kernel has no netem"
    finally:
        for helper in helpers:
            helper.kill()
            await helper.wait()


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == 0, " ".join(command)


def draw_thin_video(path: Path) -> Path:
    """A video of some 10 kB a second: such a link carries 40, and 720p needs ten times as much."""
    return draw_video(path, "-preset", "veryfast", "-crf", "40", size="426x240", seconds=10, has_sound=False)


async def test_a_job_completes_over_links_with_100_ms_and_2_percent_loss():
    if reason := why_not():
        pytest.xfail(reason)
    loop = asyncio.get_running_loop()
    async with running(manifest("latency", verification_rate=3)) as network, RpcClient(network.nodes[0].url) as rpc:
        company = make_company(network, rpc)
        await company.start_workers()
        await until(company.is_ready, "three elected transcoders and three verifiers", GUARD_SECONDS)
        await company.start_broadcaster(STREAM_SECONDS, draw_thin_video(network.root / "thin.mp4"))
        async with slow_links(network) as means:
            began, first = loop.time(), max(await network.heights())
            await until(lambda: company.has_ended(BROADCASTER), "the end of the stream", GUARD_SECONDS)
            segments = company.segments()
            await company.reaches(is_settled(segments), f"{segments} segments claimed and settled", GUARD_SECONDS)
            pace = (loop.time() - began) / (max(await network.heights()) - first)
        checks = await judge_honest(company.stage, [node.url for node in network.nodes], company.playlist)
        failed = [f"{check.claim}: {check.found}" for check in checks if not check.holds]
        assert not failed, "\n".join(failed)
        told = await judge(network, Load())
    return [f"latency by {means}: {segments} segments paid, a block per {pace:.2f} s; {told}"]
