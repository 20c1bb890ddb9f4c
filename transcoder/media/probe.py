"""What is in a file or segment: streams, sizes, rates, rotation; and clear errors for what is no video."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeVar, cast

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from transcoder.media.errors import MediaError, MediaReason

FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,flv,avi,mpeg"
"""The containers a broadcaster may bring. Playlists and scripts, which could name other files, are not among them."""
PACKETS_TRIED = 250
StreamT = TypeVar("StreamT", bound=Stream)
FFMPEG_ERRORS = (av.error.FFmpegError, EOFError)


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """The first video stream. `rotation` is in degrees counter-clockwise, as players have to turn the picture."""

    codec: str
    width: int
    height: int
    pixel_format: str
    bit_depth: int
    frame_rate: Fraction
    rotation: int
    is_interlaced: bool
    pixel_aspect: Fraction


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """The first audio stream. `sample_rate` is in hertz."""

    codec: str
    sample_rate: int
    channels: int
    layout: str


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """A file or segment. `duration_seconds` is None where the container does not tell."""

    container: str
    duration_seconds: Fraction | None
    video: VideoInfo
    audio: AudioInfo | None


def probe(source: Path | bytes) -> MediaInfo:
    """Look into a file or a segment's bytes and decode its first picture; MediaError when it holds no video."""
    with open_input(source) as container:
        video = first_video(container)
        return MediaInfo(
            container.format.name, _duration(container), _video_info(container, video), _audio_info(container)
        )


def open_input(source: Path | bytes) -> InputContainer:
    """Open for reading; the caller closes it. MediaError says what is wrong with the file."""
    _check_source(source)
    try:
        return av.open(
            str(source) if isinstance(source, Path) else io.BytesIO(source),
            "r",
            options={"format_whitelist": FORMATS, "protocol_whitelist": "file"},
            metadata_errors="replace",
        )
    except FFMPEG_ERRORS as error:
        raise _refusal(source, error) from error


def _check_source(source: Path | bytes) -> None:
    if isinstance(source, Path):
        if not source.exists():
            raise MediaError(MediaReason.NOT_MEDIA, f"{source}: no such file")
        if not source.is_file():
            raise MediaError(MediaReason.NOT_MEDIA, f"{source}: not a regular file")
        size = source.stat().st_size
    else:
        size = len(source)
    if size == 0:
        raise MediaError(MediaReason.EMPTY, f"{_name(source)} has no bytes")


def _refusal(source: Path | bytes, error: BaseException) -> MediaError:
    if _head(source)[4:8] == b"ftyp":
        text = "an MP4 file without its index (the moov box); it was cut short or never finished"
        return MediaError(MediaReason.TRUNCATED, f"{_name(source)}: {text}")
    reason = getattr(error, "strerror", None) or str(error)
    return MediaError(MediaReason.NOT_MEDIA, f"{_name(source)} is no video container that is known ({reason})")


def _head(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source[:16]
    with source.open("rb") as file:
        return file.read(16)


def _name(source: Path | bytes) -> str:
    return str(source) if isinstance(source, Path) else "the segment"


def first_video(container: InputContainer) -> VideoStream:
    """The first stream of moving pictures (cover art does not count); MediaError when there is none."""
    for stream in container.streams.video:
        if stream.disposition & av.stream.Disposition.attached_pic:
            continue
        if stream.codec_context is None:
            raise MediaError(MediaReason.UNSUPPORTED, "the video's codec is unknown or its header damaged")
        return stream
    what = "only audio" if container.streams.audio else "no stream that is known"
    raise MediaError(MediaReason.NO_VIDEO, f"the input holds {what}; a job needs video")


def read_packets(container: InputContainer, stream: StreamT) -> Iterator["Packet[StreamT]"]:
    """A stream's packets up to the end of the file, or to where it is cut short or damaged beyond reading."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, IndexError, *FFMPEG_ERRORS):
            # IndexError: PyAV's answer to a stream that appears in the middle of a file.
            return
        if packet.size and packet.pts is not None:
            yield cast("Packet[StreamT]", packet)


def first_picture(container: InputContainer, stream: VideoStream) -> VideoFrame:
    """Decode until a picture comes out; MediaError when none of the first packets holds one."""
    for packet, _ in zip(read_packets(container, stream), range(PACKETS_TRIED), strict=False):
        for picture in decode_packet(packet):
            return picture
    for picture in decode_rest(stream):
        return picture
    raise MediaError(MediaReason.DAMAGED, "no picture can be decoded; the file is damaged or cut short")


def decode_packet(packet: "Packet[VideoStream]") -> list[VideoFrame]:
    """The pictures that a packet completes; none when it is damaged."""
    try:
        return packet.decode()
    except FFMPEG_ERRORS:
        return []


def decode_rest(stream: VideoStream) -> list[VideoFrame]:
    """The pictures still in the decoder after the last packet; they come without a time base."""
    try:
        return stream.codec_context.decode(None)
    except FFMPEG_ERRORS:
        return []


def _video_info(container: InputContainer, stream: VideoStream) -> VideoInfo:
    picture = first_picture(container, stream)
    return VideoInfo(
        codec=stream.codec_context.name,
        width=picture.width,
        height=picture.height,
        pixel_format=picture.format.name,
        bit_depth=max(component.bits for component in picture.format.components),
        frame_rate=stream.average_rate or stream.guessed_rate or Fraction(25),
        rotation=round(picture.rotation) % 360,
        is_interlaced=picture.interlaced_frame,
        pixel_aspect=stream.codec_context.sample_aspect_ratio or Fraction(1),
    )


def _audio_info(container: InputContainer) -> AudioInfo | None:
    if not container.streams.audio:
        return None
    stream: AudioStream = container.streams.audio[0]
    context = stream.codec_context
    if context is None or not context.sample_rate:
        return None
    return AudioInfo(context.name, context.sample_rate, context.channels, context.layout.name)


def _duration(container: InputContainer) -> Fraction | None:
    return Fraction(container.duration, av.time_base) if container.duration else None
