"""What a broadcaster orders: a profile and its renditions, and how much work that is.

Whitepaper, *Broadcast + Transcoding Job*, and its note on price: work is counted like gas, in pixels × frame rate ×
codec weight. One unit is 240p at 30 frames per second in H.264, for one segment of length T.
"""

from dataclasses import dataclass
from typing import Annotated

from app.messages.limits import Limit, check_text
from app.messages.rejections import Reason, Rejection
from app.primitives.fractions import mul_ceil

MAX_RENDITIONS = 8
MAX_SIDE = 4096
MAX_FRAME_RATE = 120
UNIT_PIXEL_RATE = 426 * 240 * 30
WEIGHT_ONE = 1000
"""The codec weight of H.264; weights of other codecs are relative to it."""


@dataclass(frozen=True, slots=True)
class Rendition:
    """One output: its name in playlists, its size in pixels, its frame rate, and the encoder's quality step (CRF)."""

    name: Annotated[str, Limit(32)]
    width: int
    height: int
    frame_rate_numerator: int
    frame_rate_denominator: int
    constant_rate_factor: int


@dataclass(frozen=True, slots=True)
class TranscodingOptions:
    """The profile that says how to encode, and the renditions from the largest to the smallest."""

    profile_id: Annotated[str, Limit(64)]
    renditions: Annotated[tuple[Rendition, ...], Limit(MAX_RENDITIONS)]


def check_options(options: TranscodingOptions) -> None:
    """Refuse options that no encoder could follow.

    Raises:
        Rejection: INVALID_FIELD, with the rendition and the bound.
    """
    check_text("profile_id", options.profile_id)
    if not options.renditions:
        raise Rejection(Reason.INVALID_FIELD, "a job needs at least one rendition")
    if len({r.name for r in options.renditions}) != len(options.renditions):
        raise Rejection(Reason.INVALID_FIELD, "two renditions have one name")
    for rendition in options.renditions:
        _check_rendition(rendition)
    areas = [r.width * r.height for r in options.renditions]
    if areas != sorted(areas, reverse=True):
        raise Rejection(Reason.INVALID_FIELD, "renditions go from the largest to the smallest")


def compute_fee_per_segment(price_per_unit: int, options: TranscodingOptions, codec_weight: int) -> int:
    """The price of one segment with all its renditions, in wei, rounded up (the broadcaster pays the remainder)."""
    return mul_ceil(price_per_unit * codec_weight, compute_pixel_rate(options), UNIT_PIXEL_RATE * WEIGHT_ONE)


def compute_pixel_rate(options: TranscodingOptions) -> int:
    """Pixels per second over all renditions, each rounded up."""
    return sum(
        mul_ceil(r.width * r.height, r.frame_rate_numerator, r.frame_rate_denominator) for r in options.renditions
    )


def _check_rendition(rendition: Rendition) -> None:
    check_text("rendition name", rendition.name)
    for side in (rendition.width, rendition.height):
        if not 16 <= side <= MAX_SIDE or side % 2:
            raise Rejection(
                Reason.INVALID_FIELD, f"{rendition.name}: a side of {side} pixels; even numbers of 16 to {MAX_SIDE}"
            )
    numerator, denominator = rendition.frame_rate_numerator, rendition.frame_rate_denominator
    if not (0 < denominator <= numerator <= MAX_FRAME_RATE * denominator and numerator < 2**32):
        raise Rejection(
            Reason.INVALID_FIELD,
            f"{rendition.name}: {numerator}/{denominator} frames per second; 1 to {MAX_FRAME_RATE} are possible",
        )
    if not 1 <= rendition.constant_rate_factor <= 51:
        raise Rejection(Reason.INVALID_FIELD, f"{rendition.name}: a CRF of {rendition.constant_rate_factor}; 1 to 51")
