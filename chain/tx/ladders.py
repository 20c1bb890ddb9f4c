"""Ladders of renditions that jobs order by name, and reading others from files."""

from pathlib import Path
from typing import Any

from app.messages.options import Rendition, TranscodingOptions, check_options
from app.messages.record import RecordError, from_json
from app.messages.rejections import Rejection
from chain.failures import UsageFailure
from chain.tx.message_json import read_json_file
from genesis.profiles import H264_VERIFIED

FRAME_RATE = 30
QUALITY = 23
"""x264's own default CRF."""

_RUNGS = (
    Rendition("1080p", 1920, 1080, FRAME_RATE, 1, QUALITY),
    Rendition("720p", 1280, 720, FRAME_RATE, 1, QUALITY),
    Rendition("480p", 854, 480, FRAME_RATE, 1, QUALITY),
    Rendition("360p", 640, 360, FRAME_RATE, 1, QUALITY),
    Rendition("240p", 426, 240, FRAME_RATE, 1, QUALITY),
)
LADDERS: dict[str, TranscodingOptions] = {
    rung.name: TranscodingOptions(H264_VERIFIED.profile_id, _RUNGS[place:]) for place, rung in enumerate(_RUNGS)
}
"""By the name of the top rung: each with everything below it, at up to 30 frames per second, H.264."""


def find_ladder(text: str) -> TranscodingOptions:
    """A ladder by name, or from a JSON file `{"profile_id": …, "renditions": [{"name": "720p", "width": 1280, …}]}`.

    Raises:
        UsageFailure: neither, or one that no encoder could follow.
    """
    if text in LADDERS:
        return LADDERS[text]
    path = Path(text)
    if not path.exists():
        raise UsageFailure(f"{text!r} is neither a ladder ({', '.join(LADDERS)}) nor a file")
    options = _parse(read_json_file(path), path)
    try:
        check_options(options)
    except Rejection as rejection:
        raise UsageFailure(f"{path}: {rejection.text}") from None
    return options


def _parse(value: Any, path: Path) -> TranscodingOptions:
    if isinstance(value, dict):
        value = {"profile_id": H264_VERIFIED.profile_id, **value}
    try:
        return from_json(TranscodingOptions, value, "ladder")
    except RecordError as error:
        raise UsageFailure(f"{path}: {error}") from None
