import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from transcoder.services.broadcast.stream_server import stream_routes


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "hls" / "s" / "240p").mkdir(parents=True)
    (tmp_path / "hls" / "s" / "index.m3u8").write_text("#EXTM3U\n")
    (tmp_path / "hls" / "s" / "240p" / "index.m3u8").write_text("#EXTM3U\n")
    (tmp_path / "hls" / "s" / "240p" / "7.ts").write_bytes(b"G" * 188)
    (tmp_path / "index.m3u8").write_text("secret")
    (tmp_path / "hls" / "s" / "240p" / "note.txt").write_text("secret")
    return tmp_path / "hls"


def ask(folder, path, method="GET", **headers):
    async def run():
        app = web.Application()
        app.add_routes(stream_routes(folder))
        async with TestClient(TestServer(app)) as client, client.request(method, path, headers=headers) as answer:
            return answer.status, answer.headers, await answer.read()

    return asyncio.run(run())


@pytest.mark.parametrize("path", ["/stream/s/index.m3u8", "/stream/s/240p/index.m3u8"])
def test_playlists_are_asked_for_anew_each_time(folder, path):
    status, headers, body = ask(folder, path)
    assert (status, body) == (200, b"#EXTM3U\n")
    assert headers["Content-Type"] == "application/vnd.apple.mpegurl"
    assert headers["Cache-Control"] == "no-cache"
    assert headers["Access-Control-Allow-Origin"] == "*"


def test_segments_may_be_cached_for_ever_and_read_in_parts(folder):
    status, headers, body = ask(folder, "/stream/s/240p/7.ts")
    assert (status, len(body), headers["Content-Type"]) == (200, 188, "video/mp2t")
    assert "immutable" in headers["Cache-Control"]
    status, headers, body = ask(folder, "/stream/s/240p/7.ts", Range="bytes=0-9")
    assert (status, len(body), headers["Content-Range"]) == (206, 10, "bytes 0-9/188")


def test_head_answers_without_a_body(folder):
    status, headers, body = ask(folder, "/stream/s/240p/7.ts", "HEAD")
    assert (status, headers["Content-Length"], body) == (200, "188", b"")


def test_a_browser_may_ask_first(folder):
    status, headers, _ = ask(folder, "/stream/s/240p/7.ts", "OPTIONS", Origin="http://elsewhere")
    assert (status, headers["Access-Control-Allow-Headers"]) == (204, "Range")


@pytest.mark.parametrize(
    "path",
    [
        "/stream/t/index.m3u8",
        "/stream/s/240p/8.ts",
        "/stream/s/240p/note.txt",
        "/stream/s/240p/",
        "/stream/%2e%2e/index.m3u8",
        "/stream/..%2f/index.m3u8",
        "/stream/s/..%2f../index.m3u8",
        "/stream/s/%2e%2e/index.m3u8",
        "/stream/.hidden/index.m3u8",
    ],
)
def test_nothing_but_streams_is_served(folder, path):
    status, _, body = ask(folder, path)
    assert status == 404
    assert b"secret" not in body
