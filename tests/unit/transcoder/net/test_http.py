import asyncio
import zlib
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from transcoder.net.backoff import Backoff
from transcoder.net.http import AnswerTooLarge, HttpFailure, HttpPolicy, get, open_session, post, request

QUICK = HttpPolicy(attempts=3, timeout_seconds=5, backoff=Backoff(0.001, 0.001))


@asynccontextmanager
async def server_and_session(handler):
    app = web.Application()
    app.router.add_route("*", "/", handler)
    async with TestServer(app) as server, open_session() as session:
        yield str(server.make_url("/")), session


def run(handler, use):
    async def main():
        async with server_and_session(handler) as (url, session):
            return await use(url, session)

    return asyncio.run(main())


class Script:
    """Answers the given statuses one after the other and remembers the bodies it was sent."""

    def __init__(self, *statuses):
        self.statuses = list(statuses)
        self.bodies = []

    async def answer(self, request):
        self.bodies.append(await request.read())
        return web.Response(status=self.statuses.pop(0), text="said so")


def test_an_answer_comes_back_with_status_headers_and_body():
    async def handler(request):
        return web.Response(body=request.headers["X-Ask"].encode(), headers={"X-Tell": "b"}, status=201)

    answer = run(handler, lambda url, session: get(session, url, headers={"X-Ask": "a"}))
    assert (answer.status, answer.headers["X-Tell"], answer.body) == (201, "b", b"a")


def test_a_busy_server_is_asked_again_with_the_same_body():
    script = Script(503, 429, 200)
    answer = run(script.answer, lambda url, session: post(session, url, b"segment", policy=QUICK))
    assert answer.status == 200
    assert script.bodies == [b"segment"] * 3


@pytest.mark.parametrize("status", [400, 404, 409, 302])
def test_an_answer_that_a_repetition_would_not_change_is_returned_at_once(status):
    script = Script(status)
    assert run(script.answer, lambda url, session: get(session, url, policy=QUICK)).status == status


def test_the_failure_says_what_each_attempt_met():
    script = Script(503, 500, 502)
    with pytest.raises(
        HttpFailure, match=r"failed \(tried 3 times\): HTTP 503 said so; HTTP 500 said so; HTTP 502 said so"
    ):
        run(script.answer, lambda url, session: get(session, url, policy=QUICK))


def test_the_waits_between_attempts_follow_the_backoff():
    waits = []

    async def sleep(seconds):
        waits.append(seconds)

    policy = HttpPolicy(attempts=4, backoff=Backoff(1, 3))
    script = Script(503, 503, 503, 200)
    options = {"policy": policy, "jitter": lambda: 1.0, "sleep": sleep}
    run(script.answer, lambda url, session: request(session, "GET", url, **options))
    assert waits == [1, 2, 3]


def test_a_server_that_is_not_there_is_a_failure_with_its_reason():
    async def use(_url, session):
        return await get(session, f"http://127.0.0.1:{unused_port()}/", policy=QUICK)

    with pytest.raises(HttpFailure, match=r"failed \(tried 3 times\): no connection: Connection refused"):
        run(Script().answer, use)


@pytest.mark.parametrize("url", ["", "not an address", "ftp://127.0.0.1/x", "http://"])
def test_something_that_is_no_http_address_is_a_failure(url):
    with pytest.raises(HttpFailure):
        run(Script().answer, lambda _url, session: get(session, url, policy=QUICK))


def test_a_server_that_never_answers_is_given_up():
    async def handler(_request):
        await asyncio.Event().wait()

    policy = HttpPolicy(attempts=1, timeout_seconds=0.05)
    with pytest.raises(HttpFailure, match=r"no complete answer within 0\.05 s"):
        run(handler, lambda url, session: get(session, url, policy=policy))


def test_a_server_that_stalls_in_the_middle_is_given_up():
    async def handler(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x" * 10)
        await asyncio.Event().wait()

    policy = HttpPolicy(attempts=1, timeout_seconds=30, stall_seconds=0.05)
    with pytest.raises(HttpFailure):
        run(handler, lambda url, session: get(session, url, policy=policy))


def test_an_announced_answer_above_the_limit_is_not_read():
    async def handler(_request):
        return web.Response(body=b"x" * 2000)

    policy = HttpPolicy(answer_limit_bytes=1000)
    with pytest.raises(AnswerTooLarge, match="has 2000 bytes, 1000 are allowed"):
        run(handler, lambda url, session: get(session, url, policy=policy))


def test_an_endless_answer_is_cut_off_at_the_limit():
    written = []

    async def handler(request):
        response = web.StreamResponse()
        await response.prepare(request)
        while len(written) < 10_000:
            await response.write(b"x" * 10_000)
            written.append(1)

    policy = HttpPolicy(answer_limit_bytes=50_000)
    with pytest.raises(AnswerTooLarge, match="more than the 50000 bytes"):
        run(handler, lambda url, session: get(session, url, policy=policy))
    assert len(written) < 10_000


def test_a_compressed_answer_is_not_unfolded():
    packed = zlib.compress(bytes(10_000_000))

    async def handler(_request):
        return web.Response(body=packed, headers={"Content-Encoding": "deflate"})

    answer = run(handler, lambda url, session: get(session, url))
    assert answer.body == packed
