"""What a transcoder signs for one rendition of one segment, and the results that carry it."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StageDigests:
    """A 32-byte digest after each stage of one rendition; comparing two says where two nodes part ways.

    The pictures' digests rest on checksums (`pictures.PictureDigest`), those of coded and muxed bytes on SHA-256.
    """

    decoded: bytes
    scaled: bytes
    encoded: bytes
    muxed: bytes

    def root(self) -> bytes:
        """SHA-256 over the four digests in the order of the stages."""
        return hashlib.sha256(self.decoded + self.scaled + self.encoded + self.muxed).digest()


@dataclass(frozen=True, slots=True)
class MediaLeaf:
    """The media part of a leaf: hash of the output's bytes, its number of pictures, root over the stages."""

    output_hash: bytes
    frames: int
    stage_root: bytes


@dataclass(frozen=True, slots=True)
class RenditionOutput:
    """One rendition of one segment: an MPEG-TS segment in `data`, its SHA-256, and how it came about."""

    name: str
    data: bytes
    sha256: bytes
    frames: int
    width: int
    height: int
    stages: StageDigests

    @property
    def leaf(self) -> MediaLeaf:
        """What the receipt commits to."""
        return MediaLeaf(self.sha256, self.frames, self.stages.root())


@dataclass(frozen=True, slots=True)
class TranscodedSegment:
    """All renditions of one segment, in the ladder's order.

    `start_ticks` and `duration_ticks` (90 kHz) are the input's. `keyed_digest` is over the scaled pictures of all
    renditions, keyed with the bytes the caller gave, or None when none were given.
    """

    input_hash: bytes
    start_ticks: int
    duration_ticks: int
    renditions: tuple[RenditionOutput, ...]
    keyed_digest: bytes | None

    def rendition(self, name: str) -> RenditionOutput:
        """The rendition of that name; KeyError when there is none."""
        for output in self.renditions:
            if output.name == name:
                return output
        raise KeyError(name)
