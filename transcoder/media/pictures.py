"""Raw pictures: decoding a segment, scaling, and the hashes over pixels."""

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import cast

import av
import av.error
from av.codec.context import CodecContext, Flags
from av.filter import Graph
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from transcoder.media.coded import CodedFrame
from transcoder.media.errors import MediaError, MediaReason
from transcoder.media.limits import DEFAULT_LIMITS, SegmentLimits
from transcoder.media.timing import TICKS_PER_SECOND

TIME_BASE = Fraction(1, TICKS_PER_SECOND)
PIXELS = "yuv420p"
FULL_RANGE = 2
"""FFmpeg's AVCOL_RANGE_JPEG."""


class PictureDecoder:
    """Decodes one segment in presentation order on the calling thread alone.

    One thread and no concealment, because what FFmpeg makes of a damaged picture may depend on both.
    """

    def __init__(self, codec: str, limits: SegmentLimits = DEFAULT_LIMITS) -> None:
        self._context = cast(VideoCodecContext, CodecContext.create(codec, "r"))
        self._context.thread_count = 1
        self._context.flags |= Flags.bitexact
        self._context.options = {
            "err_detect": "crccheck+bitstream+buffer+explode",
            "max_pixels": str(limits.picture_pixels),
        }

    @property
    def aspect(self) -> Fraction:
        """Width over height of one pixel, known from the first picture on; 1 where the stream does not say."""
        return self._context.sample_aspect_ratio or Fraction(1)

    def pictures(self, frames: Sequence[CodedFrame]) -> Iterator[VideoFrame]:
        """Every picture, its type cleared; MediaError at the first one that is not perfect."""
        count = 0
        shape: tuple[int, int, str] | None = None
        for picture in self._decode_all(frames):
            _check_picture(picture, shape)
            shape = _shape(picture)
            count += 1
            picture.pict_type, picture.time_base = PictureType.NONE, TIME_BASE
            yield picture
        if count != len(frames):
            raise MediaError(MediaReason.DAMAGED, f"{len(frames)} coded pictures decode to {count}")

    def _decode_all(self, frames: Sequence[CodedFrame]) -> Iterator[VideoFrame]:
        try:
            for frame in frames:
                yield from self._context.decode(_packet(frame))
            yield from self._context.decode(None)
        except av.error.FFmpegError as error:
            raise MediaError(MediaReason.DAMAGED, f"a picture does not decode: {error.strerror}") from error


def _packet(frame: CodedFrame) -> "Packet[VideoStream]":
    packet = cast("Packet[VideoStream]", Packet(frame.data))
    packet.pts, packet.dts, packet.duration = frame.pts, frame.dts, frame.duration
    packet.time_base = TIME_BASE
    return packet


def _check_picture(picture: VideoFrame, size: tuple[int, int, str] | None) -> None:
    if picture.is_corrupt:
        raise MediaError(MediaReason.DAMAGED, f"the picture at tick {picture.pts} is damaged")
    if picture.pts is None:
        raise MediaError(MediaReason.DAMAGED, "a picture carries no time stamp")
    if size is not None and _shape(picture) != size:
        raise MediaError(MediaReason.UNSUPPORTED, "the picture size or format changes within the segment")


def _shape(picture: VideoFrame) -> tuple[int, int, str]:
    return picture.width, picture.height, picture.format.name


class PictureDigest:
    """A stage's digest: SHA-256 over each picture's time in ticks, size, pixel format and CRC-32 of its pixels.

    It says where two nodes part ways. Who cheats here gains nothing, because the output's own hash decides; so the
    pixels, two thirds of a gigabyte for ten seconds of 1080p, get the checksum that costs a fraction of SHA-256.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def update(self, picture: VideoFrame, pixels: memoryview) -> None:
        """Add one picture; `pixels` are its bytes as `PixelPacker` yields them."""
        self._hash.update(f"{_header(picture)} {zlib.crc32(pixels):08x}\n".encode())

    def digest(self) -> bytes:
        """The 32 bytes so far."""
        return self._hash.digest()


class KeyedPictureDigest:
    """A verifier's proof of work: SHA-256 over its key and every pixel, which no other digest helps to find."""

    def __init__(self, key: bytes) -> None:
        self._hash = hashlib.sha256(key)

    def update(self, picture: VideoFrame, pixels: memoryview) -> None:
        """Add one picture; `pixels` are its bytes as `PixelPacker` yields them."""
        self._hash.update(f"{_header(picture)}\n".encode())
        self._hash.update(pixels)

    def digest(self) -> bytes:
        """The 32 bytes so far."""
        return self._hash.digest()


def _header(picture: VideoFrame) -> str:
    return f"{picture.pts} {picture.width}x{picture.height} {picture.format.name}"


class PixelPacker:
    """Turns pictures of one size and format into contiguous bytes (FFmpeg's raw video, copied outside Python)."""

    def __init__(self) -> None:
        self._encoder: VideoCodecContext | None = None

    def pack(self, picture: VideoFrame) -> memoryview:
        """The pixels of all planes, row by row, without padding."""
        if self._encoder is None:
            self._encoder = CodecContext.create("rawvideo", "w")
            self._encoder.width, self._encoder.height = picture.width, picture.height
            self._encoder.pix_fmt = picture.format.name
            self._encoder.time_base = TIME_BASE
        (packet,) = self._encoder.encode(picture)
        return memoryview(packet)


class Scaler:
    """Scales pictures of the template's size and format to width × height, 8-bit 4:2:0, limited range."""

    def __init__(self, template: VideoFrame, width: int, height: int, flags: str) -> None:
        self._is_identity = (template.width, template.height, template.format.name) == (
            width,
            height,
            PIXELS,
        ) and template.color_range != FULL_RANGE
        self._graph = Graph()
        self._graph.threads = 1
        if not self._is_identity:
            self._configure(template, width, height, flags)

    def _configure(self, template: VideoFrame, width: int, height: int, flags: str) -> None:
        source = self._graph.add(
            "buffer",
            f"video_size={template.width}x{template.height}:pix_fmt={template.format.name}:time_base=1/{TICKS_PER_SECOND}"
            f":colorspace={template.colorspace}:range={template.color_range}",
        )
        scale = self._graph.add("scale", f"{width}:{height}:flags={flags}:out_range=tv")
        form = self._graph.add("format", PIXELS)
        self._graph.link_nodes(source, scale, form, self._graph.add("buffersink")).configure()

    def scale(self, picture: VideoFrame) -> VideoFrame:
        """The scaled picture with the same time."""
        if self._is_identity:
            return picture
        self._graph.vpush(picture)
        return self._graph.vpull()
