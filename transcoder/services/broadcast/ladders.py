"""The renditions that a broadcaster orders: presets by name, a JSON file, or what suits the input."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

from app.messages.options import Rendition, TranscodingOptions, check_options
from app.messages.record import RecordError, from_json
from app.messages.rejections import Rejection
from chain.failures import UsageFailure
from transcoder.media.probe import VideoInfo
from transcoder.receipts.manifest import media_ladder

PROFILE_ID = "h264-verified-1"
CONSTANT_RATE_FACTOR = 23
PRESETS = {"1080p": 1080, "720p": 720, "480p": 480, "360p": 360, "240p": 240, "144p": 144}
"""Names and the length of the shorter side in pixels."""
_DEFAULT_LADDER = ("720p", "480p", "360p", "240p")


class LadderRefused(UsageFailure):
    """The renditions that were asked for cannot be ordered."""


def choose_options(text: str | None, video: VideoInfo, frame_rate: Fraction) -> TranscodingOptions:
    """The options that `text` means for an input.

    Args:
        text: presets separated by commas, the path of a JSON file, or None for what suits the input.

    Raises:
        LadderRefused: an unknown preset, a rendition larger than the input, or one that the chain would refuse.
    """
    width, height = _upright_size(video)
    if text is None:
        options = TranscodingOptions(PROFILE_ID, _suited(width, height, frame_rate))
    elif text.endswith(".json"):
        options = _from_file(Path(text))
    else:
        options = TranscodingOptions(PROFILE_ID, _from_presets(text, width, height, frame_rate))
    _check(options, width, height)
    return options


def _upright_size(video: VideoInfo) -> tuple[int, int]:
    return (video.height, video.width) if video.rotation in (90, 270) else (video.width, video.height)


def _suited(width: int, height: int, frame_rate: Fraction) -> tuple[Rendition, ...]:
    smaller = [name for name in _DEFAULT_LADDER if PRESETS[name] < min(width, height)]
    if smaller:
        return tuple(_preset(name, width, height, frame_rate) for name in smaller)
    name = f"{min(width, height)}p"
    return (_rendition(name, width // 2 * 2, height // 2 * 2, frame_rate),)


def _from_presets(text: str, width: int, height: int, frame_rate: Fraction) -> tuple[Rendition, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in PRESETS:
            raise LadderRefused(
                f"{name!r} is not a rendition; choose from {', '.join(PRESETS)}, or name a .json file that lists them"
            )
    ordered = sorted(names, key=lambda name: -PRESETS[name])
    return tuple(_preset(name, width, height, frame_rate) for name in ordered)


def _preset(name: str, width: int, height: int, frame_rate: Fraction) -> Rendition:
    """The preset's shorter side, and the input's shape."""
    side = PRESETS[name]
    longer = round(Fraction(side * max(width, height), 2 * min(width, height))) * 2
    return _rendition(name, *((longer, side) if width >= height else (side, longer)), frame_rate)


def _rendition(name: str, width: int, height: int, frame_rate: Fraction) -> Rendition:
    return Rendition(name, width, height, frame_rate.numerator, frame_rate.denominator, CONSTANT_RATE_FACTOR)


def _from_file(path: Path) -> TranscodingOptions:
    """A list of renditions, or an object with `profile_id` and `renditions`, as `query job` prints it."""
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, list):
            content = {"profile_id": PROFILE_ID, "renditions": content}
        return from_json(TranscodingOptions, content, path.name)
    except (OSError, ValueError, RecordError) as error:
        raise LadderRefused(f"{path} is not a ladder: {error}") from error


def _check(options: TranscodingOptions, width: int, height: int) -> None:
    try:
        check_options(options)
        media_ladder(options)
    except (Rejection, ValueError) as error:
        raise LadderRefused(f"these renditions cannot be ordered: {error}") from error
    for each in options.renditions:
        if each.width > width or each.height > height:
            raise LadderRefused(
                f"{each.name} ({each.width}x{each.height}) is larger than the input ({width}x{height}); "
                "pictures are never scaled up"
            )


def cap_frame_rates(options: TranscodingOptions, frame_rate: Fraction) -> tuple[Fraction, ...]:
    """The rate that each rendition will have: its ceiling, or the input's where that is lower."""
    ceilings = [Fraction(r.frame_rate_numerator, r.frame_rate_denominator) for r in options.renditions]
    return tuple(min(frame_rate, ceiling) for ceiling in ceilings)
