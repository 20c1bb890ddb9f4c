"""Profiles: everything that decides the bytes of a transcoded segment, written down so that it can be agreed on.

The first verified profile is reproducible: the same input gives the same bytes on every processor and library
build that passes `self_check`, so that work can be judged by re-execution and equality.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """All parameters of a transcode except the ladder. The tuples are FFmpeg option names with their values."""

    profile_id: str
    codec: str
    encoder_options: tuple[tuple[str, str], ...]
    x264_parameters: tuple[tuple[str, str], ...]
    scaler_flags: str
    muxer: str
    muxer_options: tuple[tuple[str, str], ...]
    audio_rule: str
    golden_vectors: str

    def canonical(self) -> str:
        """One line that names every parameter; equal lines mean equal profiles."""
        return " ".join(
            (
                f"profile={self.profile_id}",
                "input=mpegts:h264,first-video,first-audio,key-frame-first",
                "decode=one-thread,bitexact,explode,frames=packets",
                f"scale={self.scaler_flags},cascade=smallest-not-smaller,pixels=yuv420p,range=tv",
                "rate=ceiling,quarter-slot,time-base=1/90000",
                f"encode={self.codec},fresh-per-segment,types-cleared,bitexact,crf=rendition,"
                + _join(self.encoder_options),
                f"x264={self.x264_text()}",
                f"audio={self.audio_rule}",
                f"mux={self.muxer},bitexact," + _join(self.muxer_options),
                "stages=pictures:sha256(crc32),packets:sha256,root:sha256",
            )
        )

    def x264_text(self) -> str:
        """The value of libx264's `x264-params`."""
        return ":".join(f"{name}={value}" for name, value in self.x264_parameters)


def _join(options: tuple[tuple[str, str], ...]) -> str:
    return ",".join(f"{name}={value}" for name, value in options)


VERIFIED_PROFILE = Profile(
    profile_id="h264-verified-1",
    codec="libx264",
    encoder_options=(("preset", "veryfast"), ("profile", "high")),
    x264_parameters=(
        ("cpu-independent", "1"),
        ("threads", "1"),
        ("lookahead-threads", "1"),
        ("sliced-threads", "0"),
        ("keyint", "infinite"),
        ("scenecut", "0"),
    ),
    scaler_flags="bicubic+accurate_rnd+bitexact",
    muxer="mpegts",
    muxer_options=(
        ("mpegts_copyts", "1"),
        ("mpegts_flags", "initial_discontinuity"),
        ("avoid_negative_ts", "disabled"),
    ),
    audio_rule="copy-adts",
    golden_vectors="h264-verified-1.json",
)

PROFILES = {VERIFIED_PROFILE.profile_id: VERIFIED_PROFILE}


def find_profile(profile_id: str) -> Profile:
    """The profile of that id; ValueError names the ones this build knows."""
    if profile_id not in PROFILES:
        raise ValueError(f"profile {profile_id!r} is unknown to this build; it knows {', '.join(PROFILES)}")
    return PROFILES[profile_id]
