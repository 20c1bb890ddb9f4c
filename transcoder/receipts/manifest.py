"""The manifest of a transcoded segment: its leaves, as the content behind a `Verify` message's output address.

A challenged segment's receipt has only the root over its leaves. Whoever judges it fetches the manifest, checks the
leaves against that root, and finds in them the content address of each output.
"""

from dataclasses import dataclass

from app.messages.options import TranscodingOptions
from app.messages.receipt import Leaf
from app.messages.record import RecordError, decode, encode
from app.primitives.hashing import Hash32
from transcoder.media import ladder
from transcoder.media.leaf import MediaLeaf, TranscodedSegment

MANIFEST_LIMIT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Manifest:
    """The leaves of one segment in the order of the job's renditions."""

    leaves: tuple[Leaf, ...]


def encode_manifest(leaves: tuple[Leaf, ...]) -> bytes:
    """The manifest as content."""
    return encode(Manifest(leaves))


def decode_manifest(data: bytes) -> tuple[Leaf, ...]:
    """Read a manifest.

    Raises:
        RecordError: these bytes are none.
    """
    manifest = decode(Manifest, data)
    if not manifest.leaves:
        raise RecordError("a manifest holds at least one leaf")
    return manifest.leaves


def media_ladder(options: TranscodingOptions) -> ladder.TranscodingOptions:
    """A job's options in the words of the media engine."""
    renditions = tuple(
        ladder.Rendition(
            r.name, r.width, r.height, r.frame_rate_numerator, r.frame_rate_denominator, r.constant_rate_factor
        )
        for r in options.renditions
    )
    return ladder.TranscodingOptions(options.profile_id, renditions)


def leaves_of(
    job_id: int, options: TranscodingOptions, sequence_number: int, segment: TranscodedSegment
) -> tuple[Leaf, ...]:
    """The leaves that a transcoded segment stands for in a job."""
    return tuple(
        Leaf(
            job_id=job_id,
            profile_id=options.profile_id,
            sequence_number=sequence_number,
            rendition=index,
            input_hash=Hash32(segment.input_hash),
            output_hash=Hash32(output.sha256),
            frames=output.frames,
            stage_root=Hash32(output.leaf.stage_root),
        )
        for index, output in enumerate(segment.renditions)
    )


def media_leaf(leaf: Leaf) -> MediaLeaf:
    """The media part of a leaf, for the comparison of what is claimed with what came out."""
    return MediaLeaf(leaf.output_hash, leaf.frames, leaf.stage_root)
