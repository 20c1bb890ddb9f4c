"""A cheating transcoder's work, for the demonstration and for tests: outputs that play well and are wrong."""

from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from fractions import Fraction
from hashlib import sha256

from av.video.frame import VideoFrame

from transcoder.media.coded import CodedFrame
from transcoder.media.demux import DemuxedSegment, demux_segment
from transcoder.media.encode import ColourTags, EncoderSettings, SegmentEncoder, coded_digest
from transcoder.media.leaf import RenditionOutput, TranscodedSegment
from transcoder.media.mux import mux_segment
from transcoder.media.pictures import PIXELS, TIME_BASE, PictureDecoder, PictureDigest, PixelPacker, Scaler
from transcoder.media.profile import VERIFIED_PROFILE, Profile
from transcoder.media.timing import mean_frame_ticks

WORSE_CRF = 28
BLACK_LUMA, GREY_CHROMA = 16, 128


class Cheat(StrEnum):
    """What is done to a rendition."""

    BLACK_FRAMES = "black-frames"
    WRONG_SIZE = "wrong-size"
    WRONG_BYTES = "wrong-bytes"


def tamper(
    honest: TranscodedSegment, rendition_name: str, cheat: Cheat, profile: Profile = VERIFIED_PROFILE
) -> TranscodedSegment:
    """The segment with one rendition replaced: black pictures, half the size, or a lower quality than asked for.

    The leaf fits the replacement, as a cheat who signs receipts would have it; KeyError for an unknown rendition.
    """
    original = honest.rendition(rendition_name)
    replacement = _replacement(original, cheat, profile)
    outputs = tuple(replacement if each is original else each for each in honest.renditions)
    return replace(honest, renditions=outputs)


def _replacement(original: RenditionOutput, cheat: Cheat, profile: Profile) -> RenditionOutput:
    segment = demux_segment(original.data)
    width, height = original.width, original.height
    if cheat is Cheat.WRONG_SIZE:
        width, height = width // 4 * 2, height // 4 * 2
    pictures = _pictures(segment, cheat, width, height)
    coded, scaled = _encode(segment, pictures, profile, width, height)
    data = mux_segment(coded, segment.audio, profile)
    digest = sha256(data).digest()
    stages = replace(original.stages, scaled=scaled, encoded=coded_digest(coded), muxed=digest)
    return replace(original, data=data, sha256=digest, frames=len(coded), stages=stages)


def _pictures(segment: DemuxedSegment, cheat: Cheat, width: int, height: int) -> Iterator[VideoFrame]:
    scaler: Scaler | None = None
    for picture in PictureDecoder(segment.codec).pictures(segment.video):
        if cheat is Cheat.BLACK_FRAMES:
            yield _black(picture)
            continue
        scaler = scaler or Scaler(picture, width, height, "bicubic")
        yield scaler.scale(picture)


def _black(picture: VideoFrame) -> VideoFrame:
    black = VideoFrame(picture.width, picture.height, PIXELS)
    for plane, value in zip(black.planes, (BLACK_LUMA, GREY_CHROMA, GREY_CHROMA), strict=True):
        plane.update(bytes((value,)) * plane.buffer_size)
    black.pts, black.time_base = picture.pts, TIME_BASE
    return black


def _encode(
    segment: DemuxedSegment, pictures: Iterator[VideoFrame], profile: Profile, width: int, height: int
) -> tuple[list[CodedFrame], bytes]:
    digest, packer = PictureDigest(), PixelPacker()
    encoder: SegmentEncoder | None = None
    coded: list[CodedFrame] = []
    for picture in pictures:
        encoder = encoder or SegmentEncoder(profile, _settings(segment, picture, width, height))
        digest.update(picture, packer.pack(picture))
        coded += encoder.encode(picture)
    assert encoder is not None, "a transcoded segment has pictures"
    return coded + encoder.finish(), digest.digest()


def _settings(segment: DemuxedSegment, picture: VideoFrame, width: int, height: int) -> EncoderSettings:
    distance = mean_frame_ticks(segment.presentation_times)
    return EncoderSettings(width, height, WORSE_CRF, distance, ColourTags.of(picture), Fraction(1))
