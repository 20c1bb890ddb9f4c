"""How every test runs: hypothesis without deadlines, and the same examples every time where CI asks for it."""

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

settings.register_profile("headwater", deadline=None, print_blob=True, derandomize="CI" in os.environ)
settings.load_profile("headwater")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test has logged may hold what no encoding has (lone surrogates); it has to pass between processes."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report
