"""Playlists as text, after RFC 8216."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transcoder.media.errors import MediaError
from transcoder.media.hls import (
    BandwidthMeter,
    MediaPlaylist,
    PlaylistEntry,
    Variant,
    decimal,
    render_master,
    sequence_parameters,
)

TWO = Fraction(2)


def test_a_growing_playlist_keeps_everything_and_ends() -> None:
    playlist = MediaPlaylist(TWO)
    playlist.append(PlaylistEntry("0.ts", TWO))
    playlist.append(PlaylistEntry("1.ts", Fraction(4, 3)))
    begun = playlist.render()
    playlist.finish()
    assert begun == (
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-INDEPENDENT-SEGMENTS\n"
        "#EXTINF:2.000000,\n0.ts\n#EXTINF:1.333333,\n1.ts\n"
    )
    assert playlist.render() == begun + "#EXT-X-ENDLIST\n"
    with pytest.raises(ValueError, match="has ended"):
        playlist.append(PlaylistEntry("2.ts", TWO))


def test_a_live_window_moves_on_and_counts() -> None:
    playlist = MediaPlaylist(TWO, window_entries=3)
    for number in range(7):
        playlist.append(PlaylistEntry(f"{number}.ts", TWO, is_discontinuous=number in (1, 5)))
    text = playlist.render()
    assert "#EXT-X-MEDIA-SEQUENCE:4\n" in text
    assert "#EXT-X-DISCONTINUITY-SEQUENCE:1\n" in text
    assert "#EXT-X-PLAYLIST-TYPE" not in text
    assert text.endswith(
        "#EXTINF:2.000000,\n4.ts\n#EXT-X-DISCONTINUITY\n#EXTINF:2.000000,\n5.ts\n#EXTINF:2.000000,\n6.ts\n"
    )


def test_entries_that_break_the_playlist_are_refused() -> None:
    playlist = MediaPlaylist(TWO)
    with pytest.raises(ValueError, match="exceed the target"):
        playlist.append(PlaylistEntry("0.ts", Fraction(5, 2) + Fraction(1, 100)))
    for uri in ("", "a\nb"):
        with pytest.raises(ValueError, match="no playlist address"):
            playlist.append(PlaylistEntry(uri, TWO))
    with pytest.raises(ValueError, match="at least 3"):
        MediaPlaylist(TWO, window_entries=2)


def test_the_master_playlist_describes_each_variant() -> None:
    variant = Variant(
        "720p/index.m3u8", 2_500_000, 2_000_001, 1280, 720, "avc1.64001f,mp4a.40.2", Fraction(30000, 1001)
    )
    assert render_master([variant]) == (
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=2500000,AVERAGE-BANDWIDTH=2000001,RESOLUTION=1280x720,FRAME-RATE=29.970,"
        'CODECS="avc1.64001f,mp4a.40.2"\n720p/index.m3u8\n'
    )


def test_the_peak_is_over_runs_of_half_to_one_and_a_half_targets() -> None:
    meter = BandwidthMeter(TWO)
    assert (meter.peak, meter.average) == (0, 0)
    meter.add(1000, TWO)
    meter.add(500, Fraction(1, 2))
    # The half second alone is too short to count; with its neighbour it makes 12,000 bits in 2.5 s.
    assert meter.peak == 4800
    meter.add(2000, TWO)
    assert meter.peak == 8000
    assert meter.average == -(-28_000 * 2 // 9)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 60)), min_size=1, max_size=30))
def test_the_peak_is_never_below_what_a_player_may_measure(sizes: list[tuple[int, int]]) -> None:
    entries = [(size, Fraction(tenths, 20)) for size, tenths in sizes]
    meter = BandwidthMeter(TWO)
    for size, seconds in entries:
        meter.add(size, seconds)
    for first in range(len(entries)):
        for last in range(first + 1, len(entries) + 1):
            seconds = sum((each[1] for each in entries[first:last]), Fraction(0))
            if 1 <= seconds <= 3:
                assert meter.peak >= 8 * sum(each[0] for each in entries[first:last]) / seconds


@settings(deadline=None)
@given(st.fractions(0, 1000), st.integers(1, 9))
def test_decimals_are_rounded_text(number: Fraction, places: int) -> None:
    text = decimal(number, places)
    assert len(text.partition(".")[2]) == places
    assert abs(Fraction(text) - number) <= Fraction(1, 2 * 10**places)


def test_parameters_are_found_in_an_access_unit() -> None:
    assert sequence_parameters(b"\0\0\0\1\x09\x10\0\0\0\1\x67\x64\x00\x1f\xac\0\0\1\x68\xee")[1:4].hex() == "64001f"
    with pytest.raises(MediaError, match=r"H\.264 parameters"):
        sequence_parameters(b"\0\0\0\1\x09\x10\0\0\1\x65abc")
