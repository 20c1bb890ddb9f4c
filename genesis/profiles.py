"""The profiles that jobs of a new chain may name.

A profile's text is what the engine computes it from, parameter by parameter; both must be the same string, which
tests/unit/transcoder/test_genesis_profile.py holds, because this layer cannot import the engine.
"""

from app.messages.genesis_state import GenesisProfile
from app.messages.options import WEIGHT_ONE

H264_VERIFIED = GenesisProfile(
    profile_id="h264-verified-1",
    codec="h264",
    codec_weight=WEIGHT_ONE,
    parameters=(
        "profile=h264-verified-1"
        " input=mpegts:h264,first-video,first-audio,key-frame-first"
        " decode=one-thread,bitexact,explode,frames=packets"
        " scale=bicubic+accurate_rnd+bitexact,cascade=smallest-not-smaller,pixels=yuv420p,range=tv"
        " rate=ceiling,quarter-slot,time-base=1/90000"
        " encode=libx264,fresh-per-segment,types-cleared,bitexact,crf=rendition,preset=veryfast,profile=high"
        " x264=cpu-independent=1:threads=1:lookahead-threads=1:sliced-threads=0:keyint=infinite:scenecut=0"
        " audio=copy-adts"
        " mux=mpegts,bitexact,mpegts_copyts=1,mpegts_flags=initial_discontinuity,avoid_negative_ts=disabled"
        " stages=pictures:sha256(crc32),packets:sha256,root:sha256"
    ),
)

FIRST_PROFILES: tuple[GenesisProfile, ...] = (H264_VERIFIED,)
