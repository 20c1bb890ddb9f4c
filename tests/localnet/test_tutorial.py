"""The README's tutorial, executed as it is written: one bash session, line by line, in an empty directory."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chain.localnet import control, layout
from tests.support.processes import eventually
from tests.support.tutorial import (
    ROOT,
    STRICT,
    kill_everything_in,
    processes_standing_in,
    read_job,
    session_environment,
    tutorial_steps,
)
from transcoder.media.playlist_check import check_playlist

pytestmark = [pytest.mark.network, pytest.mark.media]

LIMIT_SECONDS = 330.0
"""Far above the two to three minutes that it takes: a guard against hanging, not a measurement."""


def end_everything_in(folder: Path) -> None:
    for record in folder.glob("*/net/localnet.json"):
        control.stop(layout.load(record.parent))
    kill_everything_in(folder)


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "scratch"
    folder.mkdir()
    yield folder
    end_everything_in(folder)


def run_tutorial(scratch: Path) -> tuple[int | None, str, str]:
    """Exit code (None: not done in time), standard output, and standard error with each line before its effects."""
    script = scratch / "tutorial.sh"
    script.write_text(STRICT + "".join(tutorial_steps().values()), encoding="utf-8")
    with (scratch / "out").open("wb") as out, (scratch / "err").open("wb") as err:
        process = subprocess.Popen(
            ["bash", "-v", str(script)],
            cwd=ROOT,
            env=session_environment(scratch),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
        try:
            code: int | None = process.wait(LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = None
    return code, (scratch / "out").read_text(), (scratch / "err").read_text()


def test_every_line_of_the_tutorial_works_and_leaves_a_paid_job_a_stream_and_no_process(scratch):
    code, out, err = run_tutorial(scratch)
    assert code == 0, f"standard error:\n{err[-4000:]}\nstandard output:\n{out[-4000:]}"
    job = read_job(out)
    published = re.search(r"finished: (\d+) segments published, 0 dropped", out)
    assert published, out[-4000:]
    assert (job["job_id"], job["status"]) == (1, "ended")
    assert 0 < int(str(job["segments_claimed"])) <= int(published[1])
    assert re.search(r"^ +[12]  paid ", out, re.MULTILINE), out[-4000:]
    assert re.search(r"^holds +True$", out, re.MULTILINE), out[-4000:]
    (playlist,) = scratch.glob("*/broadcaster/hls/river/index.m3u8")
    report = check_playlist(playlist)
    assert report.is_ok and report.is_ended, report.describe()
    assert [each.segments for each in report.renditions] == [int(published[1])] * len(report.renditions)
    eventually(lambda: not processes_standing_in(scratch), "the end of every process that the tutorial started")


def test_the_tutorial_names_every_command_that_a_newcomer_was_promised():
    lines = "".join(tutorial_steps().values())
    for command in (
        "localnet start --validators 4",
        "keys add",
        "tx bond",
        "transcoder start",
        "verifier start",
        "broadcaster start",
        "query job 1 -o json",
    ):
        assert f"headwater {command}" in lines
