"""Bounds on one segment, so that nothing a stranger sends can cost without limit."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SegmentLimits:
    """What one input segment may be at most: size in bytes, number of pictures, pixels of one picture."""

    input_bytes: int = 64 * 1024 * 1024
    pictures: int = 1200
    picture_pixels: int = 4096 * 2304

    def __post_init__(self) -> None:
        if min(self.input_bytes, self.pictures, self.picture_pixels) <= 0:
            raise ValueError("segment limits are positive numbers")


DEFAULT_LIMITS = SegmentLimits()
