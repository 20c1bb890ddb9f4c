"""Streams over HTTP: playlists that are asked for anew, segments that never change, from any page (CORS).

`/stream/NAME/index.m3u8`, `/stream/NAME/RENDITION/index.m3u8`, `/stream/NAME/RENDITION/N.ts`.
"""

import re
from pathlib import Path

from aiohttp import web

from transcoder.services.broadcast.stream_writer import PLAYLIST

PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
SEGMENT_TYPE = "video/mp2t"
_YEAR_SECONDS = 31_536_000
_NAME = "[A-Za-z0-9_-][A-Za-z0-9._-]*"
_OPEN_TO_ALL = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Range",
    "Access-Control-Expose-Headers": "Content-Length, Content-Range",
    "X-Content-Type-Options": "nosniff",
}


def stream_routes(folder: Path) -> list[web.RouteDef]:
    """The routes that serve the streams under a folder, one subfolder each."""

    async def answer(request: web.Request) -> web.StreamResponse:
        parts = [request.match_info[each] for each in ("name", "rendition", "file") if each in request.match_info]
        path = folder.joinpath(*parts)
        is_playlist = parts[-1] == PLAYLIST
        if not path.is_file():
            raise web.HTTPNotFound(text="there is no such stream, rendition or segment", headers=_OPEN_TO_ALL)
        return web.FileResponse(path, headers=_headers(is_playlist))

    async def allow(request: web.Request) -> web.Response:
        return web.Response(status=204, headers=_OPEN_TO_ALL | {"Access-Control-Max-Age": "86400"})

    names = f"{{name:{_NAME}}}"
    tail = f"{{rendition:{_NAME}}}/{{file:{re.escape(PLAYLIST)}|[0-9]{{1,20}}\\.ts}}"
    master = f"/stream/{names}/{{file:{re.escape(PLAYLIST)}}}"
    return [
        web.get(master, answer, allow_head=True),
        web.get(f"/stream/{names}/{tail}", answer, allow_head=True),
        web.options(master, allow),
        web.options(f"/stream/{names}/{tail}", allow),
    ]


def _headers(is_playlist: bool) -> dict[str, str]:
    kind = PLAYLIST_TYPE if is_playlist else SEGMENT_TYPE
    caching = "no-cache" if is_playlist else f"public, max-age={_YEAR_SECONDS}, immutable"
    return {**_OPEN_TO_ALL, "Content-Type": kind, "Cache-Control": caching}
