"""Encoding the pictures of one segment with one fresh, single-threaded encoder."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

from av.codec.context import CodecContext, Flags
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from transcoder.media.coded import CodedFrame
from transcoder.media.pictures import PIXELS, TIME_BASE
from transcoder.media.profile import Profile
from transcoder.media.timing import TICKS_PER_SECOND


@dataclass(frozen=True, slots=True)
class ColourTags:
    """How pixel values are to be read, in FFmpeg's numbers (ITU-T H.273)."""

    space: int
    primaries: int
    transfer: int

    @classmethod
    def of(cls, picture: VideoFrame) -> "ColourTags":
        """The tags of a decoded picture."""
        return cls(picture.colorspace, picture.color_primaries, picture.color_trc)


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """What one rendition of one segment needs beside the profile. `frame_ticks` is the mean picture distance."""

    width: int
    height: int
    crf: int
    frame_ticks: int
    colours: ColourTags
    aspect: Fraction = Fraction(1)


class SegmentEncoder:
    """One segment, one rendition: pictures in presentation order go in, coded frames come out."""

    def __init__(self, profile: Profile, settings: EncoderSettings) -> None:
        self._settings = settings
        self._context = _open_encoder(profile, settings)

    def encode(self, picture: VideoFrame) -> list[CodedFrame]:
        """Coded frames that this picture completes."""
        return list(self._coded(self._context.encode(picture)))

    def finish(self) -> list[CodedFrame]:
        """The frames still inside. The encoder is used up."""
        return list(self._coded(self._context.encode(None)))

    def _coded(self, packets: "Iterable[Packet[VideoStream]]") -> Iterator[CodedFrame]:
        for packet in packets:
            assert packet.pts is not None
            assert packet.dts is not None
            yield CodedFrame(packet.pts, packet.dts, self._settings.frame_ticks, packet.is_keyframe, bytes(packet))


def _open_encoder(profile: Profile, settings: EncoderSettings) -> VideoCodecContext:
    context = cast(VideoCodecContext, CodecContext.create(profile.codec, "w"))
    context.width, context.height, context.pix_fmt = settings.width, settings.height, PIXELS
    context.time_base = TIME_BASE
    context.framerate = Fraction(TICKS_PER_SECOND, settings.frame_ticks)
    context.thread_count = 1
    context.flags |= Flags.bitexact
    context.sample_aspect_ratio = settings.aspect
    context.colorspace = settings.colours.space
    context.color_primaries, context.color_trc = settings.colours.primaries, settings.colours.transfer
    context.options = {
        **dict(profile.encoder_options),
        "crf": str(settings.crf),
        "x264-params": profile.x264_text(),
    }
    return context


def coded_digest(frames: Sequence[CodedFrame]) -> bytes:
    """SHA-256 over coded frames in decoding order: times in ticks, length and bytes of each."""
    digest = hashlib.sha256()
    for frame in frames:
        digest.update(f"{frame.pts} {frame.dts} {len(frame.data)}\n".encode())
        digest.update(frame.data)
    return digest.digest()
