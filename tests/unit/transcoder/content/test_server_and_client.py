"""Server and client together, over real sockets."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer, unused_port

from transcoder.content.address import content_id_of, format_content_id
from transcoder.content.client import ContentClient
from transcoder.content.failures import FetchFailed
from transcoder.content.server import content_routes
from transcoder.content.store import ContentStore
from transcoder.net.http import HttpPolicy, open_session

CONTENT = bytes(range(256)) * 40
CONTENT_ID = content_id_of(CONTENT)
PATH = f"/content/{format_content_id(CONTENT_ID)}"


@pytest.fixture
def store(tmp_path):
    store = ContentStore(tmp_path / "content")
    store.put(CONTENT)
    yield store
    store.close()


@asynccontextmanager
async def serving(routes):
    app = web.Application()
    app.add_routes(routes)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


def ask(store, method="GET", path=PATH, **headers):
    async def main():
        async with serving(content_routes(store)) as url, ClientSession(url) as session:
            answer = await session.request(method, path, headers=headers)
            return answer.status, answer.headers, await answer.read()

    return asyncio.run(main())


def test_content_is_served_whole_and_cacheable_for_ever(store):
    status, headers, body = ask(store)
    assert (status, body) == (200, CONTENT)
    assert headers["ETag"] == f'"{format_content_id(CONTENT_ID)}"'
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["Content-Type"] == "application/octet-stream"


def test_head_tells_the_size_without_the_bytes(store):
    status, headers, body = ask(store, "HEAD")
    assert (status, headers["Content-Length"], body) == (200, str(len(CONTENT)), b"")


def test_a_client_that_has_it_already_is_told_so(store):
    status, _, body = ask(store, **{"If-None-Match": f'"{format_content_id(CONTENT_ID)}"'})
    assert (status, body) == (304, b"")
    assert ask(store, **{"If-None-Match": '"other"'})[0] == 200


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-9", 0, 9), ("bytes=10000-", 10000, 10239), ("bytes=-40", 10200, 10239), ("bytes=5-99999999", 5, 10239)],
)
def test_a_range_is_served_as_a_part(store, asked, first, last):
    status, headers, body = ask(store, Range=asked)
    assert (status, body) == (206, CONTENT[first : last + 1])
    assert headers["Content-Range"] == f"bytes {first}-{last}/10240"


@pytest.mark.parametrize("asked", ["bytes=10240-", "bytes=9-3", "lines=1-2", "bytes=a-b"])
def test_a_range_outside_or_malformed_is_not_satisfiable(store, asked):
    status, headers, _ = ask(store, Range=asked)
    assert (status, headers["Content-Range"]) == (416, "bytes */10240")


def test_several_ranges_and_ranges_of_something_else_get_the_whole(store):
    assert ask(store, Range="bytes=0-1,4-5")[0] == 200
    assert ask(store, Range="bytes=0-1", **{"If-Range": '"other"'})[0] == 200
    assert ask(store, Range="bytes=0-1", **{"If-Range": f'"{format_content_id(CONTENT_ID)}"'})[0] == 206


def test_what_is_absent_is_404_and_what_is_no_address_is_400(store):
    assert ask(store, path="/content/" + "0" * 64)[0] == 404
    status, _, body = ask(store, path="/content/..%2findex.sqlite")
    assert (status, b"is not a content address" in body) == (400, True)


def test_corrupted_content_is_404_not_wrong_bytes(store, tmp_path):
    name = format_content_id(CONTENT_ID)
    (tmp_path / "content" / "blobs" / name[:2] / name).write_bytes(b"rot")
    assert ask(store)[0] == 404


def answering(answer):
    """Routes of a node that answers everything with the given handler."""
    return [web.get("/content/{cid}", answer)]


async def lies(_request):
    return web.Response(body=b"something else")


async def knows_nothing(_request):
    raise web.HTTPNotFound(text="this node does not have that content")


async def sends_too_much(_request):
    return web.Response(body=b"x" * 50_000)


async def hangs(_request):
    await asyncio.Event().wait()


async def redirects(_request):
    raise web.HTTPFound("http://127.0.0.1:1/elsewhere")


async def dies(request):
    response = web.StreamResponse(headers={"Content-Length": str(len(CONTENT))})
    await response.prepare(request)
    await response.write(CONTENT[:100])
    request.transport.close()
    return response


POLICY = HttpPolicy(attempts=1, timeout_seconds=0.5, answer_limit_bytes=20_000)


def fetch(handlers, good_store=None, **options):
    async def main():
        async with open_session() as session, servers(handlers, good_store) as urls:
            return await ContentClient(session, POLICY).fetch(CONTENT_ID, urls, **options)

    return asyncio.run(main())


@asynccontextmanager
async def servers(handlers, good_store):
    routes = [answering(each) for each in handlers] + ([content_routes(good_store)] if good_store else [])
    apps = []
    for each in routes:
        app = web.Application()
        app.add_routes(each)
        apps.append(TestServer(app))
    for server in apps:
        await server.start_server()
    try:
        yield [str(server.make_url("/")) for server in apps]
    finally:
        for server in apps:
            await server.close()


@pytest.mark.parametrize("bad", [lies, knows_nothing, sends_too_much, hangs, redirects, dies])
def test_after_a_bad_source_the_next_one_is_tried(store, bad):
    assert fetch([bad], store) == CONTENT


def test_when_no_source_is_good_the_failure_says_what_each_one_did(store):
    with pytest.raises(FetchFailed) as caught:
        fetch([lies, knows_nothing, sends_too_much, hangs])
    problems = [problem for _, problem in caught.value.reports]
    expected = [
        "wrong content: 14 bytes",
        "HTTP 404 this node does not",
        "50000 bytes, 20000 are allowed",
        "within 0.5 s",
    ]
    assert all(text in problem for text, problem in zip(expected, problems, strict=True))
    assert all(text in str(caught.value) for text in expected)


def test_a_dead_source_and_one_that_is_no_address_are_reported():
    async def main():
        async with open_session() as session:
            sources = [f"http://127.0.0.1:{unused_port()}", "rtmp://somewhere", ""]
            await ContentClient(session, POLICY).fetch(CONTENT_ID, sources)

    with pytest.raises(FetchFailed) as caught:
        asyncio.run(main())
    assert len(caught.value.reports) == 3


def test_the_same_source_named_twice_is_asked_once():
    with pytest.raises(FetchFailed) as caught:

        async def main():
            async with open_session() as session, servers([lies], None) as urls:
                await ContentClient(session, POLICY).fetch(CONTENT_ID, urls * 3)

        asyncio.run(main())
    assert len(caught.value.reports) == 1


def test_no_source_at_all_is_a_failure_that_says_so():
    with pytest.raises(FetchFailed, match="no source was named"):
        fetch([])


def test_the_caller_can_set_a_closer_limit(store):
    with pytest.raises(FetchFailed, match="10240 bytes, 10239 are allowed"):
        fetch([], store, limit_bytes=len(CONTENT) - 1)
