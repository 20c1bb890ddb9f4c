"""Putting coded pictures and sound together as an MPEG-TS segment, with nothing in it that depends on the machine."""

import io
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import cast

import av
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream

from transcoder.media.coded import AudioTrack, CodedFrame
from transcoder.media.profile import VERIFIED_PROFILE, Profile
from transcoder.media.timing import TICKS_PER_SECOND

TIME_BASE = Fraction(1, TICKS_PER_SECOND)
FFMPEG_NAMES = {"libx264": "h264"}


def mux_segment(
    video: Sequence[CodedFrame],
    audio: AudioTrack | None,
    profile: Profile = VERIFIED_PROFILE,
    codec: str | None = None,
) -> bytes:
    """One MPEG-TS segment with the frames' own time stamps; packets are written in the order of decoding times."""
    output = io.BytesIO()
    with av.open(output, "w", format=profile.muxer, options=dict(profile.muxer_options)) as container:
        container.flags = int(container.flags) | cast(int, av.container.Flags.bitexact.value)
        streams = _add_streams(container, codec or FFMPEG_NAMES[profile.codec], audio)
        tracks = [video] if audio is None else [video, audio.frames]
        container.mux([_packet(frame, streams[index]) for index, frame in _in_decoding_order(tracks)])
    return output.getvalue()


def _add_streams(container: OutputContainer, codec: str, audio: AudioTrack | None) -> list[Stream]:
    streams = [container.add_mux_stream(codec, time_base=TIME_BASE)]
    if audio is not None:
        streams.append(container.add_mux_stream("aac", rate=audio.sample_rate, time_base=TIME_BASE))
    return streams


def _in_decoding_order(tracks: Sequence[Sequence[CodedFrame]]) -> Iterable[tuple[int, CodedFrame]]:
    numbered = [(index, frame) for index, track in enumerate(tracks) for frame in track]
    return sorted(numbered, key=lambda pair: (pair[1].dts, pair[0]))


def _packet(frame: CodedFrame, stream: Stream) -> "Packet[Stream]":
    packet: Packet[Stream] = Packet(frame.data)
    packet.pts, packet.dts, packet.duration = frame.pts, frame.dts, frame.duration
    packet.time_base = TIME_BASE
    packet.is_keyframe = frame.is_key
    packet.stream = stream
    return packet
