"""The README's tutorial, executed as it is written: one bash session, line by line, in an empty directory."""

import contextlib
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chain.localnet import control, layout
from tests.support.processes import eventually
from transcoder.media.playlist_check import check_playlist

pytestmark = [pytest.mark.network, pytest.mark.media]

ROOT = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 330.0
"""Far above the two to three minutes that it takes: a guard against hanging, not a measurement."""

STRICT = """\
set -euo pipefail
trap 'echo "FAILED with exit code $?: $BASH_COMMAND" >&2' ERR
"""


def tutorial_lines() -> str:
    """All bash blocks of the README's tutorial, in order."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    tutorial = re.search(r"^## Tutorial$(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    assert tutorial, "the README has a tutorial"
    return "".join(re.findall(r"^```bash\n(.*?)^```$", tutorial[1], re.MULTILINE | re.DOTALL))


def processes_standing_in(folder: Path) -> list[int]:
    """Every process whose working directory is in `folder`: what the tutorial starts stands where it was started."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "cwd").readlink().is_relative_to(folder):
                found.append(int(entry.name))
    return found


def end_everything_in(folder: Path) -> None:
    for record in folder.glob("*/net/localnet.json"):
        control.stop(layout.load(record.parent))
    for process_id in processes_standing_in(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGKILL)


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "scratch"
    folder.mkdir()
    yield folder
    end_everything_in(folder)


def run_tutorial(scratch: Path) -> tuple[int | None, str, str]:
    """Exit code (None: not done in time), standard output, and standard error with each line before its effects."""
    script = scratch / "tutorial.sh"
    script.write_text(STRICT + tutorial_lines(), encoding="utf-8")
    plain = {name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")}
    with (scratch / "out").open("wb") as out, (scratch / "err").open("wb") as err:
        process = subprocess.Popen(
            ["bash", "-v", str(script)],
            cwd=ROOT,
            env=plain | {"TMPDIR": str(scratch)},
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


def read_job(output: str) -> dict[str, object]:
    """What `headwater query job 1 -o json` printed among the rest."""
    start = re.search(r'^\{\n  "height": ', output, re.MULTILINE)
    assert start, output[-3000:]
    job: dict[str, object] = json.JSONDecoder().raw_decode(output[start.start() :])[0]
    return job


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
    lines = tutorial_lines()
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
