import asyncio
import os
import signal
import socket

import pytest
from aiohttp import ClientSession, web

from chain.failures import UsageFailure
from transcoder.net import shell as shell_module
from transcoder.net.health import Health
from transcoder.net.shell import ServiceFailed, ServiceShell


def serve(shell, use):
    """Run the shell, call `use(session)` while it runs, stop it, and give back what `use` gave."""

    async def main():
        running = asyncio.create_task(shell.run())
        await shell.ready.wait()
        try:
            async with ClientSession(shell.url) as session:
                return await use(session)
        finally:
            shell.stop()
            await running

    return asyncio.run(asyncio.wait_for(main(), 20))


async def forever():
    await asyncio.Event().wait()


def test_a_service_listens_on_loopback_at_a_free_port_by_default():
    async def use(session):
        async with session.get("/healthz") as answer:
            return answer.status, await answer.json()

    first = ServiceShell("broadcaster")
    assert serve(first, use) == (200, {"service": "broadcaster", "status": "ok", "checks": {}})
    assert first.host == "127.0.0.1"
    assert first.port > 0


def test_a_failing_check_turns_healthz_to_503_with_its_facts():
    async def use(session):
        async with session.get("/healthz") as answer:
            return answer.status, (await answer.json())["checks"]["node"]

    shell = ServiceShell("a")
    shell.add_health_check("node", lambda: Health(False, {"behind_blocks": 12}))
    assert serve(shell, use) == (503, {"ok": False, "behind_blocks": 12})


def test_metrics_count_requests_by_route_and_include_what_the_service_registers():
    async def hello(_request):
        return web.Response(text="hello")

    async def use(session):
        for path in ("/x/1", "/x/2", "/missing"):
            async with session.get(path) as answer:
                await answer.read()
        async with session.get("/metrics") as answer:
            return answer.headers["Content-Type"], await answer.text()

    shell = ServiceShell("a")
    shell.app.router.add_get("/x/{n}", hello)
    content_type, text = serve(shell, use)
    assert content_type.startswith("text/plain")
    assert 'headwater_http_requests_total{route="/x/{n}",status="200"} 2.0' in text
    assert 'headwater_http_requests_total{route="none",status="404"} 1.0' in text
    assert "process_resident_memory_bytes" in text


def test_two_services_in_one_process_count_apart():
    assert ServiceShell("a").registry is not ServiceShell("b").registry


def test_the_first_signal_may_finish_work_and_the_second_one_stops():
    async def main():
        told = asyncio.Event()
        shell = ServiceShell("test")
        shell.on_first_signal(told.set)
        running = asyncio.create_task(shell.run())
        await shell.ready.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        await told.wait()
        assert not running.done()
        os.kill(os.getpid(), signal.SIGTERM)
        await running

    asyncio.run(main())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_cancels_tasks_then_closes_in_reverse_order(number):
    order = []

    async def task():
        try:
            await forever()
        finally:
            order.append("task")

    async def close(name):
        order.append(name)

    async def main():
        shell = ServiceShell("a")
        shell.add_background("worker", task)
        shell.add_cleanup(lambda: close("journal"))
        shell.add_cleanup(lambda: close("store"))
        running = asyncio.create_task(shell.run())
        await shell.ready.wait()
        await asyncio.sleep(0)
        os.kill(os.getpid(), number)
        await running

    asyncio.run(asyncio.wait_for(main(), 20))
    assert order == ["task", "store", "journal"]


def test_a_background_task_that_dies_ends_the_service_and_still_closes_everything():
    closed = []

    async def dies():
        raise KeyError("height")

    async def close():
        closed.append(True)

    shell = ServiceShell("a")
    shell.add_background("watcher", dies)
    shell.add_cleanup(close)
    with pytest.raises(ServiceFailed, match="a: the task 'watcher' ended by itself") as caught:
        asyncio.run(shell.run())
    assert isinstance(caught.value.__cause__, KeyError)
    assert closed


def test_a_task_that_has_finished_its_work_stops_the_service_cleanly():
    shell = ServiceShell("a")

    async def finishes():
        shell.stop()

    shell.add_background("stream", finishes)
    asyncio.run(shell.run())
    assert shell.ready.is_set()


def test_a_task_that_refuses_to_end_is_named(monkeypatch):
    monkeypatch.setattr(shell_module, "STOP_LIMIT_SECONDS", 0.05)

    async def main():
        release = asyncio.Event()

        async def stubborn():
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    continue

        shell = ServiceShell("a")
        shell.add_background("stubborn", stubborn)
        running = asyncio.create_task(shell.run())
        await shell.ready.wait()
        await asyncio.sleep(0)
        shell.stop()
        with pytest.raises(ServiceFailed, match=r"'stubborn'.* did not end"):
            await running
        release.set()

    asyncio.run(asyncio.wait_for(main(), 20))


def test_a_failing_close_does_not_keep_the_others_from_closing():
    closed = []

    async def fails():
        raise OSError("disk")

    async def close():
        closed.append(True)

    shell = ServiceShell("a")
    shell.add_cleanup(close)
    shell.add_cleanup(fails)

    async def use(_session):
        return None

    serve(shell, use)
    assert closed


def test_a_port_in_use_is_refused_with_a_way_out():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageFailure, match=f"port {port} of 127.0.0.1 is in use; choose another one, or 0"):
            asyncio.run(ServiceShell("a", port=port).run())


def test_a_request_above_the_limit_is_refused():
    async def take(request):
        await request.read()
        return web.Response()

    async def use(session):
        async with session.post("/take", data=b"x" * 2000) as answer:
            return answer.status

    shell = ServiceShell("a", request_limit_bytes=1000)
    shell.app.router.add_post("/take", take)
    assert serve(shell, use) == 413
