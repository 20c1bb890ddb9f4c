"""A live stream whose transcoder, verifier and broadcaster are killed at bad moments: still claimed, verified, paid."""

from pathlib import Path

import pytest

from chain.rpc.client import RpcClient
from tests.docker.engine import GUARD_SECONDS, docker, read_log
from tests.docker.judge import judge
from tests.docker.load import Load
from tests.docker.network import running
from tests.docker.workers import (
    BROADCASTER,
    VERIFIERS,
    Company,
    has_committed,
    is_settled,
    make_company,
    manifest,
)
from tests.support.videos import draw_video
from tests.support.waiting import until
from transcoder.demo.verdict import judge_honest

pytestmark = [pytest.mark.docker(lanes=2, seconds=170), pytest.mark.usefixtures("image")]
STREAM_SECONDS = 50
LONGEST_SEGMENT_SECONDS = 2
WITNESS, VICTIM = VERIFIERS[0], VERIFIERS[1]


def draw_small_video(path: Path) -> Path:
    """A video that a busy machine still transcodes as fast as it plays: this row is about who is killed."""
    return draw_video(path, size="426x240", seconds=10)


async def _until_segment(company: Company, number: int) -> None:
    async def is_there() -> bool:
        return company.segments() >= number

    await until(is_there, f"segment {number} in the playlist", GUARD_SECONDS)


async def _kill_drawn_transcoder(company: Company) -> None:
    await company.reaches(
        lambda stage: bool(stage.job and stage.job["transcoder"]), "a drawn transcoder", GUARD_SECONDS
    )
    assert company.stage.job is not None
    await company.kill_and_restart(company.stage.name_of(company.stage.job["transcoder"]))


async def _kill_between_commit_and_reveal(company: Company) -> None:
    """While one verifier is frozen nobody may reveal yet: then another one is killed that has committed."""
    await docker("pause", company.container(WITNESS))
    await company.reaches(
        lambda stage: has_committed(stage, VICTIM), "a commit that waits for its reveal", GUARD_SECONDS
    )
    await docker("kill", "--signal", "KILL", company.container(VICTIM))
    assert has_committed(company.stage, VICTIM)
    await docker("unpause", company.container(WITNESS))
    await docker("start", company.container(VICTIM))


async def test_a_stream_ends_claimed_verified_and_paid_though_its_workers_are_killed():
    async with running(manifest("workers")) as network, RpcClient(network.nodes[0].url) as rpc:
        company = make_company(network, rpc)
        await company.start_workers()
        await until(company.is_ready, "three elected transcoders and three verifiers", GUARD_SECONDS)
        await company.start_broadcaster(STREAM_SECONDS, draw_small_video(network.root / "small.mp4"))
        await _until_segment(company, 4)
        await _kill_drawn_transcoder(company)
        await _until_segment(company, 8)
        await company.kill_and_restart(BROADCASTER)
        await _kill_between_commit_and_reveal(company)
        await until(lambda: company.has_ended(BROADCASTER), "the end of the stream", GUARD_SECONDS)
        segments = company.segments()
        await company.reaches(is_settled(segments), f"{segments} segments claimed and settled", GUARD_SECONDS)
        checks = await judge_honest(company.stage, [node.url for node in network.nodes], company.playlist)
        told = await judge(network, Load())
        failed = [f"{check.claim}: {check.found}" for check in checks if not check.holds]
        assert not failed, "\n".join(failed)
        assert STREAM_SECONDS <= company.seconds() < STREAM_SECONDS + LONGEST_SEGMENT_SECONDS
        assert ", 0 dropped" in await read_log(company.container(BROADCASTER))
    return [f"workers: {segments} segments; {company.stage.count_by_status(company.stage.claims)}; {told}"]
