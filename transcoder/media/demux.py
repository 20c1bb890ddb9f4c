"""Taking an MPEG-TS segment apart: one H.264 stream and at most one AAC stream, every packet checked.

Only the MPEG-TS demuxer is ever used on a segment, so that its bytes cannot choose another parser.
"""

import io
from dataclasses import dataclass
from itertools import pairwise

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from transcoder.media.adts import SAMPLE_RATES, has_header, read_header
from transcoder.media.coded import AudioTrack, CodedFrame
from transcoder.media.errors import MediaError, MediaReason
from transcoder.media.limits import DEFAULT_LIMITS, SegmentLimits
from transcoder.media.timing import TICKS_PER_SECOND

VIDEO_CODECS = ("h264",)
"""Codecs whose decoding is exact by their standard, and which FFmpeg refuses reliably where they are damaged.

HEVC is not among them: a damaged picture can pass with pixels of uninitialised memory, different in every run.
What remains: a segment whose damage passes unnoticed decodes alike with every x86-64 instruction set, but in one of
some 250 such cases differently without any, and perhaps on other architectures.
"""


@dataclass(frozen=True, slots=True)
class DemuxedSegment:
    """A segment's packets in file order. `codec` is FFmpeg's name of the video codec."""

    codec: str
    video: tuple[CodedFrame, ...]
    audio: AudioTrack | None

    @property
    def presentation_times(self) -> tuple[int, ...]:
        """The pictures' times in ticks, sorted."""
        return tuple(sorted(frame.pts for frame in self.video))


def demux_segment(data: bytes, limits: SegmentLimits = DEFAULT_LIMITS) -> DemuxedSegment:
    """Read a whole segment; MediaError when it is not one that can be transcoded."""
    _check_size(data, limits)
    try:
        with av.open(
            io.BytesIO(data), "r", format="mpegts", options=_probe_options(data), metadata_errors="replace"
        ) as container:
            return _read(container, limits)
    except IndexError as error:
        # PyAV's answer to a stream that appears after the first packets.
        raise MediaError(MediaReason.DAMAGED, "a stream begins in the middle of the segment") from error
    except (av.error.FFmpegError, EOFError) as error:
        reason = getattr(error, "strerror", None) or "it ends too early"
        raise MediaError(MediaReason.NOT_MEDIA, f"not an MPEG-TS segment ({reason})") from error


def _probe_options(data: bytes) -> dict[str, str]:
    return {"probesize": str(max(len(data), 5000)), "fflags": "+bitexact"}


def _check_size(data: bytes, limits: SegmentLimits) -> None:
    if not data:
        raise MediaError(MediaReason.EMPTY, "the segment has no bytes")
    if len(data) > limits.input_bytes:
        raise MediaError(MediaReason.TOO_LARGE, f"{len(data)} bytes, at most {limits.input_bytes} are taken")
    if data[0] != 0x47:
        raise MediaError(MediaReason.NOT_MEDIA, "an MPEG-TS segment begins with the sync byte 0x47")
    if len(data) % 188:
        raise MediaError(MediaReason.TRUNCATED, f"{len(data)} bytes are no whole number of 188-byte packets")


def _read(container: InputContainer, limits: SegmentLimits) -> DemuxedSegment:
    video, audio = _choose_video(container), _choose_audio(container)
    if video.width * video.height > limits.picture_pixels:
        text = f"pictures of {video.width}x{video.height}, at most {limits.picture_pixels} pixels are taken"
        raise MediaError(MediaReason.TOO_LARGE, text)
    pictures: list[CodedFrame] = []
    sound: list[CodedFrame] = []
    for packet in container.demux([stream for stream in (video, audio) if stream is not None]):
        if packet.size == 0:
            continue
        (pictures if packet.stream is video else sound).append(_coded(packet))
        if len(pictures) > limits.pictures:
            raise MediaError(MediaReason.TOO_LARGE, f"more than {limits.pictures} pictures in one segment")
    _check_pictures(pictures, limits)
    _check_sound(sound)
    return DemuxedSegment(video.codec_context.name, tuple(pictures), _track(sound) if sound else None)


def _choose_video(container: InputContainer) -> VideoStream:
    if not container.streams.video:
        what = "only audio" if container.streams.audio else "no stream that is known"
        raise MediaError(MediaReason.NO_VIDEO, f"the segment holds {what}; a job needs video")
    stream = container.streams.video[0]
    name = stream.codec_context.name if stream.codec_context else "unknown"
    if name not in VIDEO_CODECS:
        raise MediaError(MediaReason.UNSUPPORTED, f"video is {name}; the profile takes {' and '.join(VIDEO_CODECS)}")
    return stream


def _choose_audio(container: InputContainer) -> AudioStream | None:
    if not container.streams.audio:
        return None
    stream = container.streams.audio[0]
    name = stream.codec_context.name if stream.codec_context else "unknown"
    if name != "aac":
        raise MediaError(MediaReason.UNSUPPORTED, f"audio is {name}; the profile copies AAC and takes nothing else")
    return stream


def _coded(packet: "Packet[Stream]") -> CodedFrame:
    if packet.pts is None or packet.dts is None:
        raise MediaError(MediaReason.DAMAGED, "a packet carries no time stamp")
    if packet.is_corrupt:
        raise MediaError(MediaReason.DAMAGED, f"the packet at tick {packet.pts} is incomplete")
    return CodedFrame(packet.pts, packet.dts, packet.duration or 0, packet.is_keyframe, bytes(packet))


def _track(sound: list[CodedFrame]) -> AudioTrack:
    form = read_header(sound[0].data) if has_header(sound[0].data) else None
    if form is None or form.rate_index >= len(SAMPLE_RATES):
        raise MediaError(MediaReason.UNSUPPORTED, "AAC frames need ADTS headers, which begin with a known sample rate")
    return AudioTrack(form.sample_rate, tuple(sound))


def _check_sound(sound: list[CodedFrame]) -> None:
    if any(later.dts <= earlier.dts for earlier, later in pairwise(sound)):
        raise MediaError(MediaReason.DAMAGED, "the sound's time does not run on")


def _check_pictures(pictures: list[CodedFrame], limits: SegmentLimits) -> None:
    if not pictures:
        raise MediaError(MediaReason.NO_VIDEO, "the segment announces video but holds no picture")
    if not pictures[0].is_key:
        raise MediaError(MediaReason.DAMAGED, "the segment does not begin with a key frame")
    times = [picture.pts for picture in pictures]
    if len(set(times)) != len(times) or min(times) != times[0]:
        raise MediaError(MediaReason.DAMAGED, "pictures share a time stamp or precede the key frame")
    if max(times) - times[0] > limits.duration_seconds * TICKS_PER_SECOND:
        text = f"the pictures' times span more than {limits.duration_seconds} s"
        raise MediaError(MediaReason.TOO_LARGE, text)
