"""Several connections for one slow download, over real sockets: who is asked for what, and what is not believed."""

import asyncio
import re
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from transcoder.content import download as download_module
from transcoder.content.address import content_id_of, format_content_id
from transcoder.content.client import ContentClient
from transcoder.content.download import CONNECTIONS, LEAST_PART_BYTES, divide
from transcoder.content.failures import FetchFailed
from transcoder.content.server import content_routes
from transcoder.content.store import ContentStore
from transcoder.net.http import HttpPolicy, open_session

CONTENT = bytes(range(256)) * 4096  # 1 MiB
CONTENT_ID = content_id_of(CONTENT)
PATH = f"/content/{format_content_id(CONTENT_ID)}"
POLICY = HttpPolicy(attempts=1, timeout_seconds=30.0)
KEPT = 192 << 10
"""What a source holds back of an answer without a range until all parts have been asked for."""


@pytest.fixture
def store(tmp_path):
    store = ContentStore(tmp_path / "content")
    store.put(CONTENT)
    yield store
    store.close()


class Source:
    """A node whose connections are slow: an answer without a range goes on when `may_go_on` is set.

    Attributes:
        asked: the ranges asked for, each as its first and last byte.
        refuse: how many parts from now on are answered with 503.
    """

    def __init__(self, store: ContentStore, *, ranges: bool = True, spoil: bool = False, refuse: int = 0) -> None:
        self.inner = content_routes(store)[0].handler
        self.ranges, self.spoil, self.refuse = ranges, spoil, refuse
        self.asked: list[tuple[int, int]] = []
        self.wholes = 0
        self.may_go_on = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("Range", ""))
        if wanted is None:
            self.wholes += 1
            return await self._whole(request)
        if self.refuse:
            self.refuse -= 1
            raise web.HTTPServiceUnavailable()
        self.asked.append((int(wanted[1]), int(wanted[2])))
        self.may_go_on.set()
        if self.spoil:
            return web.Response(status=206, body=bytes(int(wanted[2]) - int(wanted[1]) + 1))
        return await self.inner(request)

    async def _whole(self, request: web.Request) -> web.StreamResponse:
        headers = {"Content-Length": str(len(CONTENT))} | ({"Accept-Ranges": "bytes"} if self.ranges else {})
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        for start in range(0, KEPT, 1 << 14):
            await response.write(CONTENT[start : start + (1 << 14)])
            await asyncio.sleep(0)
        if self.ranges:
            await self.may_go_on.wait()
        await response.write(CONTENT[KEPT:])
        return response

    @asynccontextmanager
    async def serving(self):
        app = web.Application()
        app.add_routes([web.get("/content/{cid}", self.answer)])
        async with TestServer(app) as server:
            yield str(server.make_url("/"))


def fetch(store, **how):
    """What is fetched from such a source, and the source."""

    async def main():
        source = Source(store, **how)
        async with open_session() as session, source.serving() as url:
            return await ContentClient(session, POLICY).fetch(CONTENT_ID, [url]), source

    return asyncio.run(main())


@pytest.fixture
def impatient(monkeypatch):
    """Whatever does not come at once is slow."""
    monkeypatch.setattr(download_module, "PATIENCE_SECONDS", 0.0)


def test_a_slow_download_goes_on_over_several_connections_that_share_what_is_left(store, impatient):
    content, source = fetch(store)
    assert content == CONTENT
    assert source.wholes == 1
    parts = sorted(source.asked)
    assert len(parts) == CONNECTIONS - 1
    assert [last + 1 for _, last in parts] == [first for first, _ in parts[1:]] + [len(CONTENT)]


def test_a_part_that_fails_is_asked_for_again(store, impatient):
    content, source = fetch(store, refuse=2)
    assert (content, source.wholes) == (CONTENT, 1)


def test_parts_are_believed_no_more_than_the_whole(store, impatient):
    with pytest.raises(FetchFailed, match="wrong content: 1048576 bytes"):
        fetch(store, spoil=True)


def test_a_source_that_knows_no_ranges_is_read_to_its_end(store, impatient):
    content, source = fetch(store, ranges=False)
    assert (content, source.wholes, source.asked) == (CONTENT, 1, [])


def test_what_comes_in_time_comes_over_one_connection(store, monkeypatch):
    monkeypatch.setattr(download_module, "PATIENCE_SECONDS", 3600.0)
    requests = []

    @web.middleware
    async def count(request, handler):
        requests.append(request.headers.get("Range"))
        return await handler(request)

    async def main():
        app = web.Application(middlewares=[count])
        app.add_routes(content_routes(store))
        async with TestServer(app) as server, open_session() as session:
            return await ContentClient(session, POLICY).fetch(CONTENT_ID, [str(server.make_url("/"))])

    assert asyncio.run(main()) == CONTENT
    assert requests == [None]


@pytest.mark.parametrize("left", [3 * LEAST_PART_BYTES, 5 * LEAST_PART_BYTES + 1, 100 * LEAST_PART_BYTES])
def test_what_is_left_is_divided_evenly_into_parts_that_are_worth_a_request(left):
    edges = [1000, *divide(1000, 1000 + left), 1000 + left]
    sizes = [end - start for start, end in pairwise(edges)]
    assert sum(sizes) == left
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) >= LEAST_PART_BYTES
    assert len(sizes) <= CONNECTIONS
