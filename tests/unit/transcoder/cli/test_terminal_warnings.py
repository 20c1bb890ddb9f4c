"""What a service says at its terminal beside the log file."""

import logging
from pathlib import Path

import pytest

from transcoder.cli.terminal_warnings import warnings_at_terminal

log = logging.getLogger("transcoder.test")


def test_a_warning_is_said_once_with_its_problem_and_less_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with warnings_at_terminal(tmp_path / "log"):
        for _ in range(3):
            log.warning("not taken yet", extra={"problem": "INSUFFICIENT_FUNDS: 0wei"})
        log.warning("not bonded")
        log.info("service started")
    log.warning("afterwards")
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition("  ")[2] for line in lines] == [
        "warning: not taken yet: INSUFFICIENT_FUNDS: 0wei",
        "warning: not bonded",
    ]


def test_nothing_is_said_twice_where_the_log_goes_to_the_terminal() -> None:
    before = list(logging.getLogger().handlers)
    with warnings_at_terminal(None):
        assert logging.getLogger().handlers == before
