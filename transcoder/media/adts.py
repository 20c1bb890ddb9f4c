"""ADTS headers (ISO/IEC 13818-7, 6.2): how AAC frames say in MPEG-TS what they are."""

from dataclasses import dataclass

HEADER_BYTES = 7
SBR_TYPES = (5, 29)
SAMPLES_PER_FRAME = 1024
SAMPLE_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


@dataclass(frozen=True, slots=True)
class AdtsFormat:
    """Object type (2 is AAC-LC), index of the sample rate, channel configuration."""

    object_type: int
    rate_index: int
    channels: int

    @property
    def sample_rate(self) -> int:
        """Samples per second of the core coder."""
        return SAMPLE_RATES[self.rate_index]

    def wrap(self, frame: bytes) -> bytes:
        """The raw AAC frame behind its header."""
        length = len(frame) + HEADER_BYTES
        return (
            bytes(
                (
                    0xFF,
                    0xF1,
                    (self.object_type - 1) << 6 | self.rate_index << 2 | self.channels >> 2,
                    (self.channels & 3) << 6 | length >> 11,
                    length >> 3 & 0xFF,
                    (length & 7) << 5 | 0x1F,
                    0xFC,
                )
            )
            + frame
        )


def has_header(frame: bytes) -> bool:
    """Whether a frame already begins with an ADTS header."""
    return len(frame) >= HEADER_BYTES and frame[0] == 0xFF and frame[1] & 0xF6 == 0xF0


def read_header(frame: bytes) -> AdtsFormat:
    """The format that a frame with a header declares."""
    return AdtsFormat((frame[2] >> 6) + 1, frame[2] >> 2 & 0xF, (frame[2] & 1) << 2 | frame[3] >> 6)


def parse_config(config: bytes) -> AdtsFormat | None:
    """The format in an AudioSpecificConfig (ISO/IEC 14496-3), or None when ADTS cannot express it."""
    bits = int.from_bytes(config[:4].ljust(4, b"\0"), "big")
    object_type, rate_index, channels = bits >> 27, bits >> 23 & 0xF, bits >> 19 & 0xF
    if object_type in SBR_TYPES:
        object_type = bits >> 10 & 0x1F
    if not 1 <= object_type <= 4 or rate_index >= len(SAMPLE_RATES) or not 1 <= channels <= 7:
        return None
    return AdtsFormat(object_type, rate_index, channels)
