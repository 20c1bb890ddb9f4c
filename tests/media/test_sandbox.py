"""Re-execution in its own process: the same result, limits that bite, and crashes that hurt nobody."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.videos import SMALL_LADDER
from transcoder.media.compare import Claim, Verdict
from transcoder.media.ladder import Rendition, TranscodingOptions
from transcoder.media.leaf import TranscodedSegment
from transcoder.media.limits import SegmentLimits
from transcoder.media.sandbox import Reexecution, SandboxLimits, Unavailable, UnavailableReason, reexecute

pytestmark = pytest.mark.media
OPTIONS = TranscodingOptions("h264-verified-1", SMALL_LADDER)
REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_sandbox_gives_the_same_result_and_findings(segment: bytes, transcoded: TranscodedSegment) -> None:
    claims = [Claim("240p", transcoded.rendition("240p").leaf), Claim("144p", data=b"nonsense")]
    done = reexecute(segment, OPTIONS, key=b"verifier", claims=claims)
    assert isinstance(done, Reexecution)
    assert done.result == transcoded
    assert [each.verdict for each in done.findings] == [Verdict.AGREE, Verdict.UNPLAYABLE]


def refusal(segment: bytes, limits: SandboxLimits, options: TranscodingOptions = OPTIONS) -> Unavailable:
    done = reexecute(segment, options, limits=limits)
    assert isinstance(done, Unavailable), "the limit did not bite"
    return done


def test_processor_time_is_limited(segment: bytes) -> None:
    costly = tuple(Rendition(f"copy-{number}", 1920, 1080, 0, 1, 18) for number in range(4))
    limits = SandboxLimits(cpu_seconds=1)
    found = refusal(segment, limits, TranscodingOptions("h264-verified-1", costly))
    assert found.reason is UnavailableReason.CPU_TIME


def test_memory_is_limited(segment: bytes) -> None:
    found = refusal(segment, SandboxLimits(memory_bytes=48 << 20))
    assert found.reason in (UnavailableReason.MEMORY, UnavailableReason.CRASHED)


def test_the_wall_clock_is_limited(segment: bytes) -> None:
    found = refusal(segment, SandboxLimits(wall_seconds=0.05))
    assert found == Unavailable(UnavailableReason.WALL_CLOCK, "no result after 0.05 s")


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        (SegmentLimits(input_bytes=1000), "at most 1000 are taken"),
        (SegmentLimits(pictures=10), "more than 10 pictures"),
        (SegmentLimits(picture_pixels=1000), "at most 1000 pixels"),
    ],
)
def test_input_pictures_and_resolution_are_limited(segment: bytes, limits: SegmentLimits, text: str) -> None:
    found = refusal(segment, SandboxLimits(segment=limits))
    assert found.reason is UnavailableReason.INPUT_REFUSED
    assert text in found.text


def test_the_size_of_what_comes_back_is_limited(segment: bytes) -> None:
    assert refusal(segment, SandboxLimits(file_bytes=10_000)).reason is UnavailableReason.CRASHED


def test_input_that_is_no_video_is_unavailable_and_no_exception() -> None:
    for data in (b"", b"nonsense", bytes(1880)):
        assert refusal(data, SandboxLimits()).reason is UnavailableReason.INPUT_REFUSED


def test_an_unknown_profile_is_refused(segment: bytes) -> None:
    found = refusal(segment, SandboxLimits(), TranscodingOptions("unknown-9", SMALL_LADDER))
    assert found.reason is UnavailableReason.INPUT_REFUSED
    assert "h264-verified-1" in found.text


@pytest.mark.parametrize(
    ("script", "reason", "text"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", UnavailableReason.CRASHED, "SIGSEGV"),
        ("import time; time.sleep(60)", UnavailableReason.WALL_CLOCK, "0.5 s"),
        ("import sys; sys.exit(3)", UnavailableReason.CRASHED, "status 3"),
        ("raise SystemExit(0)", UnavailableReason.CRASHED, "without a readable answer"),
        ("import sys; open(sys.argv[1] + '/answer.json', 'w').write('[]')", UnavailableReason.CRASHED, "readable"),
        ("import sys; open(sys.argv[1] + '/answer.json', 'w').write('{' * 9**7)", UnavailableReason.CRASHED, "larger"),
    ],
)
def test_a_worker_that_crashes_hangs_or_lies_is_unavailable(
    segment: bytes, script: str, reason: UnavailableReason, text: str
) -> None:
    command = [sys.executable, "-c", script]
    found = reexecute(segment, OPTIONS, limits=SandboxLimits(wall_seconds=0.5), command=command)
    assert isinstance(found, Unavailable)
    assert found.reason is reason
    assert text in found.text


PARENT = """
import sys
from pathlib import Path
from tests.media.test_sandbox import OPTIONS
from transcoder.media.ladder import Rendition, TranscodingOptions
from transcoder.media.sandbox import reexecute
costly = tuple(Rendition(f"copy-{number}", 3840, 2160, 0, 1, 10) for number in range(9))
reexecute(Path(sys.argv[1]).read_bytes(), TranscodingOptions("h264-verified-1", costly))
"""


def workers_of(parent: int) -> list[int]:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [
        int(child) for child in children if b"transcoder.media.worker" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def wait_until(condition: object, seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_the_worker_dies_with_its_parent(segment: bytes, tmp_path: Path) -> None:
    file = tmp_path / "segment.ts"
    file.write_bytes(segment)
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(file)], cwd=REPOSITORY, env=environment)
    try:
        assert wait_until(lambda: workers_of(parent.pid))
        (worker,) = workers_of(parent.pid)
        libraries = Path(f"/proc/{worker}/maps")
        assert wait_until(lambda: "libavcodec" in libraries.read_text()), "the worker never got to work"
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert wait_until(lambda: not _is_alive(worker))


def _is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_nothing_is_left_on_disk(segment: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    reexecute(segment, OPTIONS)
    refusal(segment, SandboxLimits(wall_seconds=0.05))
    assert list(tmp_path.iterdir()) == []
