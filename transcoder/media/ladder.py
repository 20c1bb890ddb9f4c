"""The renditions of a job, and the order in which one picture is scaled into all of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

MAX_RENDITIONS = 16
MAX_SIDE = 8192
MIN_SIDE = 16
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


@dataclass(frozen=True, slots=True)
class Rendition:
    """One output of a job.

    Sizes are pixels and even. The frame rate is a ceiling in pictures per second: pictures are left out, never
    invented; numerator 0 keeps every picture of the source. `crf` is x264's constant quality, 1 (best) to 51.
    """

    name: str
    width: int
    height: int
    frame_rate_numerator: int
    frame_rate_denominator: int
    crf: int

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"rendition name {self.name!r}: use 1 to 32 of a-z, 0-9, '-' and '_'")
        for side, pixels in (("width", self.width), ("height", self.height)):
            if not MIN_SIDE <= pixels <= MAX_SIDE or pixels % 2:
                raise ValueError(f"rendition {self.name}: {side} {pixels} must be even, {MIN_SIDE} to {MAX_SIDE}")
        if not 1 <= self.crf <= 51:
            raise ValueError(f"rendition {self.name}: crf {self.crf} must be 1 to 51")
        if self.frame_rate_numerator < 0 or self.frame_rate_denominator < 1:
            raise ValueError(f"rendition {self.name}: frame rate needs a numerator >= 0 and a denominator >= 1")

    @property
    def frame_rate(self) -> Fraction | None:
        """The ceiling in pictures per second, or None when every picture is kept."""
        if self.frame_rate_numerator == 0:
            return None
        return Fraction(self.frame_rate_numerator, self.frame_rate_denominator)


@dataclass(frozen=True, slots=True)
class TranscodingOptions:
    """What a job asks for: the profile by its id, and the ladder."""

    profile_id: str
    renditions: tuple[Rendition, ...]


def check_ladder(renditions: Sequence[Rendition]) -> tuple[Rendition, ...]:
    """The ladder as a tuple; ValueError when it is empty, too long, or uses a name twice."""
    if not 1 <= len(renditions) <= MAX_RENDITIONS:
        raise ValueError(f"a ladder has 1 to {MAX_RENDITIONS} renditions, this one has {len(renditions)}")
    names = [rendition.name for rendition in renditions]
    if len(set(names)) != len(names):
        raise ValueError(f"rendition names must differ: {', '.join(names)}")
    return tuple(renditions)


def plan_cascade(width: int, height: int, renditions: Sequence[Rendition]) -> tuple[int | None, ...]:
    """For each rendition the index of the rendition it is scaled from, or None for the source of width × height.

    The rule, part of the profile: the smallest picture that is at least as wide and as high; of equal ones the
    first in the ladder; a rendition larger than the source comes from the source.
    """
    return tuple(_parent(width, height, renditions, index) for index in range(len(renditions)))


def _parent(width: int, height: int, renditions: Sequence[Rendition], index: int) -> int | None:
    own = renditions[index]
    best: int | None = None
    best_pixels = width * height
    for other_index, other in enumerate(renditions):
        if not _is_above(other, own, other_index < index) or other.width > width or other.height > height:
            continue
        if other.width * other.height < best_pixels:
            best, best_pixels = other_index, other.width * other.height
    return best


def _is_above(other: Rendition, own: Rendition, is_earlier: bool) -> bool:
    """Whether `own` may be scaled from `other`; equal sizes follow the ladder's order, which rules out circles."""
    if (other.width, other.height) == (own.width, own.height):
        return is_earlier
    return other.width >= own.width and other.height >= own.height
