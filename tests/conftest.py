"""How every test runs: hypothesis without deadlines, the same examples every time where CI asks for it; in several
processes so that one of them has all networks of containers.
"""

import os
from collections.abc import Generator

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

CONTAINERS = "tests/docker/"

settings.register_profile("headwater", deadline=None, print_blob=True, derandomize="CI" in os.environ)
settings.load_profile("headwater")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test has logged may hold what no encoding has (lone surrogates); it has to pass between processes."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report


def pytest_collection_modifyitems(items):
    """Containers come last, when nothing else is at work beside them: they are a whole machine's load."""
    items.sort(key=lambda item: item.nodeid.startswith(CONTAINERS))


class TogetherScheduling(LoadFileScheduling):
    """A file's tests share a network, so one process has them; those with containers all are one process's.

    It begins all of them at once (tests/docker/lanes.py). pytest-xdist's own groups are names that it adds to those
    of tests, and this pytest does not let it.
    """

    def _split_scope(self, nodeid: str) -> str:
        return CONTAINERS if nodeid.startswith(CONTAINERS) else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return TogetherScheduling(config, log)
