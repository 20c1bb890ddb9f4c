"""Judging claimed work by doing it again: equal bytes agree; for others, what a person would see is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from av.video.frame import VideoFrame

from transcoder.media.demux import demux_segment
from transcoder.media.errors import MediaError
from transcoder.media.ladder import Rendition
from transcoder.media.leaf import MediaLeaf, RenditionOutput, TranscodedSegment
from transcoder.media.limits import DEFAULT_LIMITS, SegmentLimits
from transcoder.media.pictures import PictureDecoder, PixelPacker
from transcoder.media.profile import VERIFIED_PROFILE, Profile
from transcoder.media.transcode import transcode_segment

SAMPLE_STEP = 61
"""Every 61st pixel is looked at; a prime, so that the samples wander over the rows."""
VISIBLE_DIFFERENCE = 6
"""Mean luma difference of the worst picture, of 255, from which pictures are called different."""
BLACK_MEAN_LUMA = 20


class Verdict(StrEnum):
    """What became of one claimed rendition."""

    AGREE = "agree"
    WRONG_SIZE = "wrong-size"
    FRAMES_DIFFER = "frames-differ"
    WRONG_BYTES = "wrong-bytes"
    WRONG_LEAF = "wrong-leaf"
    UNPLAYABLE = "unplayable"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a transcoder claims for a rendition: the leaf of its receipt, the bytes it shows, or both."""

    name: str
    leaf: MediaLeaf | None = None
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """The judgement on one rendition, with a sentence for people."""

    name: str
    verdict: Verdict
    text: str

    @property
    def is_agreed(self) -> bool:
        """Whether the claim is right."""
        return self.verdict is Verdict.AGREE


def compare_segment(
    data: bytes,
    renditions: Sequence[Rendition],
    claims: Sequence[Claim],
    *,
    profile: Profile = VERIFIED_PROFILE,
    limits: SegmentLimits = DEFAULT_LIMITS,
    reference: TranscodedSegment | None = None,
) -> tuple[Finding, ...]:
    """One finding per rendition of the ladder; MediaError when the input itself cannot be transcoded.

    `reference` is this node's own result for the same input, when it has one already.
    """
    own = reference or transcode_segment(data, renditions, profile=profile, limits=limits)
    claimed = {claim.name: claim for claim in claims}
    return tuple(_judge(output, claimed.get(output.name), limits) for output in own.renditions)


def _judge(own: RenditionOutput, claim: Claim | None, limits: SegmentLimits) -> Finding:
    if claim is None or (claim.leaf is None and claim.data is None):
        return Finding(own.name, Verdict.MISSING, f"{own.name}: nothing was delivered")
    if claim.data is not None and claim.data != own.data:
        return _look_at(own, claim.data, limits)
    if claim.data is None and claim.leaf is not None and claim.leaf.output_hash != own.sha256:
        text = (
            f"{own.name}: the receipt commits to {claim.leaf.output_hash.hex()[:16]}, right is {own.sha256.hex()[:16]}"
        )
        return Finding(own.name, Verdict.WRONG_BYTES, text)
    if claim.leaf is not None and claim.leaf != own.leaf:
        return Finding(own.name, Verdict.WRONG_LEAF, f"{own.name}: {_leaf_difference(own, claim.leaf)}")
    return Finding(own.name, Verdict.AGREE, f"{own.name}: equal to this node's own {len(own.data)} bytes")


def _leaf_difference(own: RenditionOutput, leaf: MediaLeaf) -> str:
    if leaf.output_hash != own.sha256:
        return "the bytes shown are right, but the receipt commits to others"
    if leaf.frames != own.frames:
        return f"the receipt says {leaf.frames} pictures, right is {own.frames}"
    return "the output is right, but the receipt's stage root is not"


def _look_at(own: RenditionOutput, data: bytes, limits: SegmentLimits) -> Finding:
    """Decode what was delivered and say what is wrong with it; its bytes are known to differ."""
    try:
        theirs = _look(data, limits)
    except MediaError as error:
        return Finding(own.name, Verdict.UNPLAYABLE, f"{own.name}: does not play ({error})")
    ours = _look(own.data, limits)
    return Finding(own.name, *_difference(own, ours, theirs, sha256(data).hexdigest()))


def _difference(own: RenditionOutput, ours: "_Look", theirs: "_Look", digest: str) -> tuple[Verdict, str]:
    size = f"{theirs.width}x{theirs.height}"
    if (theirs.width, theirs.height) != (own.width, own.height):
        return Verdict.WRONG_SIZE, f"{own.name}: pictures are {size}, the job asks for {own.width}x{own.height}"
    if theirs.times != ours.times:
        text = f"{own.name}: {len(theirs.times)} pictures where there must be {len(ours.times)}, or at other times"
        return Verdict.FRAMES_DIFFER, text
    number, difference = ours.worst_difference(theirs)
    if difference > VISIBLE_DIFFERENCE:
        return Verdict.FRAMES_DIFFER, f"{own.name}: {_seen(ours, theirs, number, difference)}"
    text = f"{own.name}: the pictures look alike, but {digest[:16]} is not what the profile produces"
    return Verdict.WRONG_BYTES, f"{text} ({own.sha256.hex()[:16]})"


def _seen(ours: "_Look", theirs: "_Look", number: int, difference: int) -> str:
    if theirs.mean_luma < BLACK_MEAN_LUMA <= ours.mean_luma:
        return f"the pictures are black (mean luma {theirs.mean_luma}, right is {ours.mean_luma})"
    return (
        f"the pictures differ, number {number} by {difference} of 255 on average "
        f"(mean luma {theirs.mean_luma}, right is {ours.mean_luma})"
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """A segment's pictures as a viewer has them: size, times, and a sample of each one's luma."""

    width: int
    height: int
    times: tuple[int, ...]
    samples: tuple[bytes, ...]

    @property
    def mean_luma(self) -> int:
        """Mean of the sampled luma over all pictures, 0 to 255."""
        return sum(map(sum, self.samples)) // max(1, sum(map(len, self.samples)))

    def worst_difference(self, other: "_Look") -> tuple[int, int]:
        """Number and mean luma difference of the picture that differs most."""
        differences = [_mean_difference(*pair) for pair in zip(self.samples, other.samples, strict=True)]
        worst = max(differences)
        return differences.index(worst), worst


def _mean_difference(ours: bytes, theirs: bytes) -> int:
    return sum(abs(one - other) for one, other in zip(ours, theirs, strict=True)) // max(1, len(ours))


def _look(data: bytes, limits: SegmentLimits) -> _Look:
    segment = demux_segment(data, limits)
    packer = PixelPacker()
    width = height = 0
    samples = []
    for picture in PictureDecoder(segment.codec, limits).pictures(segment.video):
        width, height = picture.width, picture.height
        samples.append(_sample(picture, packer))
    return _Look(width, height, segment.presentation_times, tuple(samples))


def _sample(picture: VideoFrame, packer: PixelPacker) -> bytes:
    return bytes(packer.pack(picture)[: picture.width * picture.height : SAMPLE_STEP])
