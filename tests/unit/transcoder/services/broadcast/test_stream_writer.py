from fractions import Fraction

import pytest

from app.messages.options import Rendition
from tests.support.videos import SMALL_LADDER, draw_video, segments_of
from transcoder.media.playlist_check import check_playlist
from transcoder.media.transcode import transcode_segment
from transcoder.services.broadcast.stream_writer import PLAYLIST, StreamWriter

pytestmark = pytest.mark.media

RENDITIONS = tuple(Rendition(r.name, r.width, r.height, 25, 1, r.crf) for r in SMALL_LADDER)
RATES = (Fraction(25), Fraction(25))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Five segments of one second with their renditions."""
    clip = draw_video(tmp_path_factory.mktemp("clip") / "clip.mp4", size="426x240", seconds=5)
    segments = segments_of(clip, 5, seconds=Fraction(1))
    return [
        (segment, [r.data for r in transcode_segment(segment.data, SMALL_LADDER).renditions]) for segment in segments
    ]


def writer_of(folder, window=None):
    return StreamWriter(folder, RENDITIONS, RATES, Fraction(1), window)


def publish(writer, made, *numbers, breaks=()):
    stored = []
    for number in numbers:
        segment, outputs = made[number]
        stored.append(writer.store(number, segment.duration_ticks, number in breaks, outputs))
        writer.publish(stored[-1])
    return stored


def media(folder, rendition="240p"):
    return (folder / rendition / PLAYLIST).read_text()


def test_a_stream_plays_while_it_grows_and_when_it_has_ended(tmp_path, made):
    writer = writer_of(tmp_path / "s")
    writer.begin()
    publish(writer, made, 0, 1)
    report = check_playlist(tmp_path / "s" / PLAYLIST)
    assert (report.is_ok, report.is_ended) == (True, False), report.describe()
    publish(writer, made, 2, 3, 4)
    writer.finish()
    report = check_playlist(tmp_path / "s" / PLAYLIST)
    assert (report.is_ok, report.is_ended) == (True, True), report.describe()
    assert [each.segments for each in report.renditions] == [5, 5]


def test_a_missing_number_becomes_a_discontinuity(tmp_path, made):
    writer = writer_of(tmp_path)
    writer.begin()
    publish(writer, made, 1, 2, 4)
    assert media(tmp_path).count("#EXT-X-DISCONTINUITY\n") == 1
    assert media(tmp_path).index("DISCONTINUITY") > media(tmp_path).index("2.ts")
    assert check_playlist(tmp_path / PLAYLIST).is_ok


def test_a_break_in_time_becomes_a_discontinuity(tmp_path, made):
    writer = writer_of(tmp_path)
    writer.begin()
    publish(writer, made, 0, 1, breaks={1})
    assert "#EXT-X-DISCONTINUITY\n#EXTINF:1.000000,\n1.ts" in media(tmp_path)


def test_a_restored_stream_has_the_same_playlists(tmp_path, made):
    first = writer_of(tmp_path)
    first.begin()
    stored = publish(first, made, 0, 1, 3)
    before = media(tmp_path), (tmp_path / PLAYLIST).read_text()
    (tmp_path / "240p" / PLAYLIST).unlink()
    second = writer_of(tmp_path)
    second.restore(stored)
    assert (media(tmp_path), (tmp_path / PLAYLIST).read_text()) == before
    publish(second, made, 4)
    assert media(tmp_path).count(".ts") == 4


def test_a_new_broadcast_takes_away_what_an_earlier_one_has_left(tmp_path, made):
    writer = writer_of(tmp_path / "s")
    writer.begin()
    publish(writer, made, 0)
    again = writer_of(tmp_path / "s")
    again.begin()
    assert again.is_empty
    assert [path.name for path in (tmp_path / "s").rglob("*") if path.is_file()] == []


def test_a_window_moves_on_and_files_follow_it_at_a_distance(tmp_path, made):
    writer = writer_of(tmp_path, window=3)
    writer.begin()
    for turn in range(0, 10, 5):
        for number in range(5):
            segment, outputs = made[number]
            writer.publish(writer.store(turn + number, segment.duration_ticks, number == 0, outputs))
    assert "#EXT-X-MEDIA-SEQUENCE:7\n" in media(tmp_path)
    assert sorted(int(path.stem) for path in (tmp_path / "240p").glob("*.ts")) == [4, 5, 6, 7, 8, 9]


def test_a_rendition_that_nobody_can_read_is_kept_out_of_the_master_playlist(tmp_path, made):
    writer = writer_of(tmp_path)
    writer.begin()
    segment, outputs = made[0]
    writer.publish(writer.store(0, segment.duration_ticks, False, [outputs[0], b"no video"]))
    master = (tmp_path / PLAYLIST).read_text()
    assert "240p/index.m3u8" in master
    assert "144p" not in master


def test_a_stream_without_a_segment_has_no_playlist(tmp_path):
    writer = writer_of(tmp_path / "s")
    writer.begin()
    writer.finish()
    assert not (tmp_path / "s" / PLAYLIST).exists()
