"""These tests need a container engine that answers. Without one they are skipped, and say so.

Tests that are coroutines are rows of the bench: several run at a time (lanes.py), each in a network of its own.
"""

import inspect
import os
import signal
import subprocess
from functools import cache, partial

import pytest

from tests.docker.engine import IMAGE, ROOT, why_no_engine
from tests.docker.lanes import Lanes, Row

IMAGE_SECONDS = 900
REPORT = "docker report"
LANES_KEY = pytest.StashKey[Lanes]()
_reports: list[str] = []


@cache
def _missing() -> str:
    return why_no_engine()


def pytest_collection_modifyitems(items):
    ours = [item for item in items if item.get_closest_marker("docker")]
    if ours and _missing():
        for item in ours:
            item.add_marker(pytest.mark.skip(reason=f"{_missing()} (make test-docker sets one up where it may)"))


@pytest.fixture(scope="session")
def image():
    """The image of this checkout, built once per session."""
    command, environment = [ROOT / ".ci" / "image"], os.environ | {"IMAGE": IMAGE}
    built = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=IMAGE_SECONDS, check=False)
    assert built.returncode == 0, built.stderr[-3000:]
    return built.stdout


def _is_row(item):
    return bool(item.get_closest_marker("docker")) and inspect.iscoroutinefunction(getattr(item, "obj", None))


def _row(item):
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    size = item.get_closest_marker("docker").kwargs
    return Row(item.nodeid.rpartition("/")[2], partial(item.obj, **parameters), **size)


def _interrupt(_number, _frame):
    raise KeyboardInterrupt("asked to end")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Begin every row of this session when the first is called, and wait for the one that is called."""
    if not _is_row(pyfuncitem):
        return None
    session, own = pyfuncitem.session, _row(pyfuncitem)
    if LANES_KEY not in session.stash:
        session.stash[LANES_KEY] = Lanes()
        signal.signal(signal.SIGTERM, _interrupt)  # by itself it would leave the containers where they are
        session.stash[LANES_KEY].begin([_row(item) for item in session.items if _is_row(item)])
    told = session.stash[LANES_KEY].wait_for(own.name)
    pyfuncitem.user_properties.extend((REPORT, line) for line in told)
    return True


def pytest_runtest_logreport(report):
    """Gather what rows tell, in the process that prints the summary."""
    if report.when == "call":
        _reports.extend(line for name, line in report.user_properties if name == REPORT)


def pytest_sessionfinish(session):
    if LANES_KEY in session.stash:
        _reports.extend(session.stash[LANES_KEY].close())


def pytest_terminal_summary(terminalreporter):
    if _reports:
        terminalreporter.section("networks of containers")
        for line in _reports:
            terminalreporter.write_line(line)
