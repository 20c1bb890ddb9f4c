"""A file's sound as ADTS frames: AAC is passed on as it is, anything else becomes AAC once, at ingest."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path

from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.codec.context import CodecContext
from av.packet import Packet

from transcoder.media.adts import SAMPLE_RATES, SAMPLES_PER_FRAME, AdtsFormat, has_header, parse_config, read_header
from transcoder.media.coded import CodedFrame
from transcoder.media.probe import FFMPEG_ERRORS, open_input, read_packets
from transcoder.media.timing import ticks

FALLBACK_RATE = 48_000
BIT_RATE = 128_000


class SoundReader:
    """Reads the first audio stream beside the video, with its own file handle, so that interleaving costs no memory.

    Times are ticks after `origin_seconds`, the first picture's time; what lies before it is left out.
    """

    def __init__(self, path: Path, origin_seconds: Fraction) -> None:
        self._container = open_input(path)
        self._origin = origin_seconds
        self._stream: AudioStream | None = next(iter(self._container.streams.audio), None)
        self.sample_rate = 0
        self._ahead: CodedFrame | None = None
        self._frames = self._read()

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def until(self, end_ticks: int) -> list[CodedFrame]:
        """The next frames that begin before `end_ticks`."""
        frames: list[CodedFrame] = []
        while (frame := self._ahead or next(self._frames, None)) is not None:
            self._ahead = frame
            if frame.pts >= end_ticks:
                break
            frames.append(frame)
            self._ahead = None
        return frames

    def _read(self) -> Iterator[CodedFrame]:
        if self._stream is None or self._stream.codec_context is None or not self._stream.codec_context.sample_rate:
            return
        expected: Fraction | None = None
        for seconds, data in self._timed_frames(self._stream):
            length = Fraction(SAMPLES_PER_FRAME, self.sample_rate)
            time = self._even_time(seconds - self._origin, expected, length)
            if time is None:
                continue
            expected = time + length
            pts = ticks(time)
            yield CodedFrame(pts, pts, ticks(length), True, data)

    def _even_time(self, time: Fraction, expected: Fraction | None, length: Fraction) -> Fraction | None:
        """The frame's time on the even grid where it is close to it; None for one that lies before the grid."""
        if expected is None:
            return None if time < -length / 2 else max(time, Fraction(0))
        if abs(time - expected) < length / 2:
            return expected
        return time if time > expected else None

    def _timed_frames(self, stream: AudioStream) -> Iterator[tuple[Fraction, bytes]]:
        form = parse_config(stream.codec_context.extradata or b"")
        if stream.codec_context.name != "aac":
            return self._convert(stream)
        if form is None and stream.codec_context.extradata:
            return self._convert(stream)
        return self._copy(stream, form)

    def _copy(self, stream: AudioStream, form: AdtsFormat | None) -> Iterator[tuple[Fraction, bytes]]:
        """Frames as they are, behind the header they have already or else one made from the stream's configuration."""
        for packet in read_packets(self._container, stream):
            data = bytes(packet)
            is_ready = has_header(data)
            own = read_header(data) if is_ready else form
            if own is None or own.rate_index >= len(SAMPLE_RATES):
                continue
            assert packet.pts is not None
            self.sample_rate = self.sample_rate or own.sample_rate
            yield packet.pts * packet.time_base, data if is_ready else own.wrap(data)

    def _convert(self, stream: AudioStream) -> Iterator[tuple[Fraction, bytes]]:
        rate = stream.codec_context.sample_rate
        self.sample_rate = rate if rate in SAMPLE_RATES else FALLBACK_RATE
        encoder = CodecContext.create("aac", "w")
        encoder.sample_rate, encoder.layout, encoder.format = self.sample_rate, "stereo", "fltp"
        encoder.bit_rate = BIT_RATE
        encoder.open()
        form = parse_config(encoder.extradata or b"")
        assert form is not None, "the AAC encoder describes itself"
        for frame in chain(self._resampled(stream), [None]):
            for packet in encoder.encode(frame):
                assert packet.pts is not None
                yield packet.pts * packet.time_base, form.wrap(bytes(packet))

    def _resampled(self, stream: AudioStream) -> Iterator[AudioFrame]:
        resampler = AudioResampler("fltp", "stereo", self.sample_rate, SAMPLES_PER_FRAME)
        for packet in read_packets(self._container, stream):
            for frame in _decoded(packet):
                yield from resampler.resample(frame)
        yield from resampler.resample(None)


def _decoded(packet: "Packet[AudioStream]") -> list[AudioFrame]:
    """A damaged packet of sound is skipped: a broadcast goes on."""
    try:
        return packet.decode()
    except FFMPEG_ERRORS:
        return []
