"""Bounds on one segment, so that nothing a stranger sends can cost without limit."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SegmentLimits:
    """What one input segment may be at most: bytes, pictures, pixels of one picture, seconds from first to last."""

    input_bytes: int = 64 * 1024 * 1024
    pictures: int = 1200
    picture_pixels: int = 4096 * 2304
    duration_seconds: int = 60

    def __post_init__(self) -> None:
        if min(self.input_bytes, self.pictures, self.picture_pixels, self.duration_seconds) <= 0:
            raise ValueError("segment limits are positive numbers")


DEFAULT_LIMITS = SegmentLimits()
