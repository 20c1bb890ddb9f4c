"""Proving to oneself that this build reproduces a profile, before promising work under it.

The input is drawn by the code below, with whole numbers only; what every stage makes of it is compared with hashes
that the repository holds. `python -m transcoder.media.self_check` prints the outcome, `--write` makes new vectors.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256, shake_128
from importlib import resources
from pathlib import Path

import av
from av.video.frame import VideoFrame

from transcoder.media.adts import SAMPLES_PER_FRAME, AdtsFormat
from transcoder.media.coded import AudioTrack, CodedFrame
from transcoder.media.encode import ColourTags, EncoderSettings, SegmentEncoder, coded_digest
from transcoder.media.errors import MediaError
from transcoder.media.ladder import Rendition
from transcoder.media.leaf import TranscodedSegment
from transcoder.media.mux import mux_segment
from transcoder.media.pictures import PIXELS, TIME_BASE, PictureDigest, PixelPacker
from transcoder.media.profile import PROFILES, Profile
from transcoder.media.timing import TICKS_PER_SECOND
from transcoder.media.transcode import transcode_segment

WIDTH, HEIGHT = 640, 360
PICTURES = 30
PICTURE_TICKS = TICKS_PER_SECOND // 30
START_TICKS = 126_000
SOUND_RATE = 48_000
SILENCE = bytes.fromhex("210049900219002380")
"""One frame of AAC-LC silence in stereo."""
INPUT_CRF = 18
LADDER = (
    Rendition("same-size", WIDTH, HEIGHT, 0, 1, 23),
    Rendition("two-thirds", 426, 240, 0, 1, 28),
    Rendition("half-rate", 256, 144, 15, 1, 33),
)
VECTORS = {
    "draw": "draw",
    "input-encode": "encode",
    "input-mux": "mux",
    "decode": "decode",
    "scale": "scale",
    "encode": "encode",
    "mux": "mux",
}
"""Each vector and the stage it speaks for, in the order in which a difference shows first."""


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """The outcome. `differing_stage` is draw, encode, mux, decode or scale; None when all is reproduced."""

    profile_id: str
    differing_stage: str | None
    text: str

    @property
    def is_ok(self) -> bool:
        """Whether work under the profile may be promised."""
        return self.differing_stage is None


def self_check(profile: Profile) -> SelfCheck:
    """Reproduce the golden vectors of a profile; about a second."""
    golden = _golden(profile)
    if golden["parameters"] != profile.canonical():
        text = f"{profile.profile_id}: the golden vectors were made with other parameters than this build's"
        return SelfCheck(profile.profile_id, "encode", text)
    try:
        found = compute_vectors(profile)
    except MediaError as error:
        return SelfCheck(profile.profile_id, "decode", f"{profile.profile_id}: the test segment is refused: {error}")
    for vector, stage in VECTORS.items():
        if found[vector] != golden[vector]:
            return SelfCheck(profile.profile_id, stage, _explain(profile, stage))
    return SelfCheck(profile.profile_id, None, f"{profile.profile_id}: this build reproduces every golden vector")


def _explain(profile: Profile, stage: str) -> str:
    libraries = ", ".join(f"{name} {'.'.join(map(str, version))}" for name, version in av.library_versions.items())
    return (
        f"{profile.profile_id}: stage '{stage}' differs from the golden vectors. This build (PyAV {av.__version__}, "
        f"{libraries}) must not take work under this profile; install the pinned av package."
    )


def _golden(profile: Profile) -> Mapping[str, object]:
    file = resources.files("transcoder.media").joinpath("golden", profile.golden_vectors)
    golden: Mapping[str, object] = json.loads(file.read_text(encoding="utf-8"))
    return golden


def compute_vectors(profile: Profile) -> dict[str, object]:
    """The hashes of every stage, as hexadecimal text: of the drawn input first, then per rendition."""
    drawn, coded = _encode_input(profile)
    data = mux_segment(coded, _silence(), profile)
    result = transcode_segment(data, LADDER, profile=profile)
    return {
        "parameters": profile.canonical(),
        "draw": drawn.hex(),
        "input-encode": coded_digest(coded).hex(),
        "input-mux": sha256(data).hexdigest(),
        "decode": result.renditions[0].stages.decoded.hex(),
        "scale": _stage(result, "scaled"),
        "encode": _stage(result, "encoded"),
        "mux": _stage(result, "muxed"),
    }


def _stage(result: TranscodedSegment, name: str) -> list[str]:
    return [getattr(output.stages, name).hex() for output in result.renditions]


def _encode_input(profile: Profile) -> tuple[bytes, list[CodedFrame]]:
    digest, packer = PictureDigest(), PixelPacker()
    colours = ColourTags(1, 1, 1)
    encoder = SegmentEncoder(profile, EncoderSettings(WIDTH, HEIGHT, INPUT_CRF, PICTURE_TICKS, colours, Fraction(1)))
    coded: list[CodedFrame] = []
    for picture in draw_pictures():
        digest.update(picture, packer.pack(picture))
        coded += encoder.encode(picture)
    return digest.digest(), coded + encoder.finish()


def draw_pictures() -> Iterator[VideoFrame]:
    """The test pictures: slopes, edges and grain that move at different speeds."""
    stride, rows = WIDTH + 4 * PICTURES, HEIGHT + 2 * PICTURES
    slopes = bytes(
        (3 * x + 2 * y + (96 if x // 40 + y // 24 & 1 else 0)) % 220 + 16 for y in range(rows) for x in range(stride)
    )
    grain = bytes(112 + value % 32 for value in shake_128(b"headwater grain").digest(stride * rows))
    for number in range(PICTURES):
        top = _window(slopes, stride, 4 * number, number, HEIGHT - HEIGHT // 4)
        bottom = _window(grain, stride, 2 * number, 2 * number, HEIGHT // 4)
        blue = _window(slopes, stride, number, 2 * number, HEIGHT // 2)
        red = _window(slopes, stride, 2 * number, number, HEIGHT // 2)
        half = WIDTH // 2
        yield _picture(number, (top + bottom, _halved(blue, half), _halved(red, half)))


def _window(texture: bytes, stride: int, left: int, top: int, height: int) -> bytes:
    starts = range(top * stride + left, (top + height) * stride + left, stride)
    return b"".join(texture[start : start + WIDTH] for start in starts)


def _halved(plane: bytes, width: int) -> bytes:
    """Rows of WIDTH cut to their first `width` samples."""
    return b"".join(plane[start : start + width] for start in range(0, len(plane), WIDTH))


def _picture(number: int, planes: tuple[bytes, bytes, bytes]) -> VideoFrame:
    picture = VideoFrame(WIDTH, HEIGHT, PIXELS)
    for plane, samples in zip(picture.planes, planes, strict=True):
        plane.update(_padded(samples, plane.width, plane.line_size))
    picture.pts, picture.time_base = START_TICKS + number * PICTURE_TICKS, TIME_BASE
    return picture


def _padded(samples: bytes, width: int, line_size: int) -> bytes:
    rows = (samples[start : start + width] for start in range(0, len(samples), width))
    return b"".join(row.ljust(line_size, b"\0") for row in rows)


def _silence() -> AudioTrack:
    data = AdtsFormat(2, 3, 2).wrap(SILENCE)
    length = SAMPLES_PER_FRAME * TICKS_PER_SECOND // SOUND_RATE
    count = PICTURES * PICTURE_TICKS // length
    times = [START_TICKS + number * length for number in range(count)]
    return AudioTrack(SOUND_RATE, tuple(CodedFrame(time, time, length, True, data) for time in times))


def main(arguments: list[str]) -> int:
    """Check every profile of this build, or write new vectors; 1 when a check fails."""
    parser = argparse.ArgumentParser(description="Check that this build reproduces the transcoding profiles.")
    parser.add_argument("--write", action="store_true", help="replace the golden vectors (a new profile id is due)")
    wants_write = parser.parse_args(arguments).write
    checks = []
    for profile in PROFILES.values():
        if wants_write:
            file = Path(__file__).parent / "golden" / profile.golden_vectors
            file.write_text(json.dumps(compute_vectors(profile), indent=2) + "\n", encoding="utf-8")
        checks.append(self_check(profile))
        print(checks[-1].text)
    return 0 if all(check.is_ok for check in checks) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
