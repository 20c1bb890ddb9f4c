"""These tests need a container engine that answers. Without one they are skipped, and say so."""

import os
import subprocess
from functools import cache

import pytest

from tests.docker.engine import IMAGE, ROOT, why_no_engine

IMAGE_SECONDS = 900
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


@pytest.fixture
def tell():
    """Takes lines for the summary at the end."""
    return _reports.extend


def pytest_terminal_summary(terminalreporter):
    if _reports:
        terminalreporter.section("networks of containers")
        for line in _reports:
            terminalreporter.write_line(line)
