"""`GET` and `HEAD /content/{cid}`: content over HTTP, checked before it is sent, cacheable for ever."""

import asyncio

from aiohttp import web

from transcoder.content.address import ContentId, parse_content_id
from transcoder.content.store import ContentStore

_YEAR_SECONDS = 31_536_000


def content_routes(store: ContentStore) -> list[web.RouteDef]:
    """The routes that serve a store."""

    async def answer(request: web.Request) -> web.Response:
        try:
            content_id = parse_content_id(request.match_info["cid"])
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        return await _answer(request, store, content_id)

    return [web.get("/content/{cid}", answer, allow_head=True)]


async def _answer(request: web.Request, store: ContentStore, content_id: ContentId) -> web.Response:
    content = await asyncio.to_thread(store.get, content_id)
    if content is None:
        raise web.HTTPNotFound(text="this node does not have that content")
    headers = {
        "ETag": f'"{content_id.hex()}"',
        "Cache-Control": f"public, max-age={_YEAR_SECONDS}, immutable",
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
    }
    if _is_known_to(request, content_id):
        return web.Response(status=304, headers=headers)
    return _whole_or_part(request, content, headers)


def _is_known_to(request: web.Request, content_id: ContentId) -> bool:
    return any(each.value in {content_id.hex(), "*"} for each in request.if_none_match or ())


def _whole_or_part(request: web.Request, content: bytes, headers: dict[str, str]) -> web.Response:
    wanted = _wanted_range(request, len(content), headers["ETag"])
    if wanted is None:
        return web.Response(body=content, headers=headers, content_type="application/octet-stream")
    headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{len(content)}"
    part = content[wanted.start : wanted.stop]
    return web.Response(status=206, body=part, headers=headers, content_type="application/octet-stream")


def _wanted_range(request: web.Request, size_bytes: int, etag: str) -> range | None:
    """The bytes that are asked for, None for all of them (RFC 9110, section 14).

    Several ranges at once are answered with the whole, as the RFC allows.

    Raises:
        HTTPRequestRangeNotSatisfiable: malformed, or outside the content.
    """
    asked = request.headers.get("Range", "")
    if not asked or "," in asked or request.headers.get("If-Range", etag) != etag:
        return None
    try:
        start, stop, _ = request.http_range.indices(size_bytes)
    except ValueError:
        start, stop = 0, 0
    if start >= stop:
        raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{size_bytes}"})
    return range(start, stop)
