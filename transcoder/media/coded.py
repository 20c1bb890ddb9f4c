"""Coded media as plain data: what demuxing yields, encoding produces and muxing takes."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class CodedFrame:
    """One coded picture or audio frame; times are 90 kHz ticks."""

    pts: int
    dts: int
    duration: int
    is_key: bool
    data: bytes

    def moved(self, offset: int) -> "CodedFrame":
        """The same frame, later by `offset` ticks."""
        return replace(self, pts=self.pts + offset, dts=self.dts + offset)


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """AAC frames, each behind its ADTS header, at one sample rate in hertz."""

    sample_rate: int
    frames: tuple[CodedFrame, ...]
