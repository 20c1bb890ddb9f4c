"""A child ends when asked, is ended when it refuses, and does not outlive its parent."""

import asyncio
import subprocess
import sys

import pytest

from chain.node import process as process_module
from chain.node.process import Child, ChildSpec, tail
from tests.support.processes import alive, children_of, eventually

SLEEP = (sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True)\nwhile 1: time.sleep(1)",
)
FAMILY = (
    sys.executable,
    "-c",
    "import subprocess as s; p = s.Popen(['sleep', '600']); print(p.pid, flush=True); p.wait()",
)
PARENT = """
import asyncio, sys, pathlib
from chain.node.process import Child, ChildSpec
async def main():
    child = await Child.start(ChildSpec("c", ["sleep", "600"], pathlib.Path(sys.argv[1]), {}))
    print(child.process.pid, flush=True)
    await child.wait()
asyncio.run(main())
"""


def spec(tmp_path, command, **environment):
    return ChildSpec("child", command, tmp_path / "logs" / "child.log", environment)


async def started(tmp_path, command, **environment):
    child = await Child.start(spec(tmp_path, command, **environment))
    await asyncio.to_thread(eventually, lambda: child.last_lines(), "its first line", 20)
    return child


def test_a_child_that_is_asked_ends_itself(tmp_path):
    async def scenario():
        child = await started(tmp_path, SLEEP)
        assert child.running
        assert await child.stop(10)
        assert child.ending() == "was ended by signal 15 (SIGTERM)"

    asyncio.run(scenario())


def test_a_child_that_refuses_is_ended_by_force(tmp_path):
    async def scenario():
        child = await started(tmp_path, STUBBORN)
        assert not await child.stop(0.2)
        assert child.ending() == "was ended by signal 9 (SIGKILL)"

    asyncio.run(scenario())


def test_grandchildren_go_with_the_child(tmp_path):
    async def scenario():
        child = await started(tmp_path, FAMILY)
        grandchild = int(child.last_lines())
        await child.stop(10)
        await asyncio.to_thread(eventually, lambda: not alive([grandchild]), "the grandchild's end", 10)

    asyncio.run(scenario())


def test_a_cancelled_stop_still_ends_the_child(tmp_path):
    async def scenario():
        child = await started(tmp_path, STUBBORN)
        task = asyncio.create_task(child.stop(600))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not child.running

    asyncio.run(scenario())


def test_a_program_that_cannot_be_run_says_so(tmp_path):
    async def scenario():
        child = await Child.start(spec(tmp_path, ("/nonexistent/program",)))
        assert await child.wait() != 0
        assert "cannot run /nonexistent/program" in child.last_lines()

    asyncio.run(scenario())


def test_the_environment_is_added_to_ours(tmp_path):
    async def scenario():
        child = await started(tmp_path, (sys.executable, "-c", "import os; print(os.environ['RIVER'])"), RIVER="Thames")
        assert await child.wait() == 0
        assert child.last_lines() == "Thames"
        assert child.ending() == "ended with exit code 0"

    asyncio.run(scenario())


@pytest.mark.skipif(sys.platform != "linux", reason="death signals are Linux's")
def test_a_child_of_a_killed_parent_is_ended_by_the_kernel(tmp_path):
    command = [sys.executable, "-c", PARENT, str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        child = int(parent.stdout.readline())
        assert children_of(parent.pid) == [child]
        parent.kill()
        parent.wait()
    eventually(lambda: not alive([child]), "the child's end", 10)


def test_a_large_log_is_set_aside_at_start(tmp_path, monkeypatch):
    monkeypatch.setattr(process_module, "LOG_KEPT_BYTES", 10)
    log = tmp_path / "logs" / "child.log"
    log.parent.mkdir()
    log.write_text("old and long enough\n")

    async def scenario():
        child = await started(tmp_path, SLEEP)
        await child.kill()

    asyncio.run(scenario())
    assert log.read_text() == "up\n"
    assert log.with_name("child.log.1").read_text() == "old and long enough\n"


def test_the_tail_is_the_last_lines(tmp_path):
    path = tmp_path / "log"
    assert tail(path, 3) == ""
    path.write_text("".join(f"{number}\n" for number in range(50_000)))
    assert tail(path, 3) == "49997\n49998\n49999"
