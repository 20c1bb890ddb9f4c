import json
import logging
import warnings

import pytest

from chain.failures import UsageFailure
from transcoder.net.logs import configure_logging


@pytest.fixture(autouse=True)
def root_logger():
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield root
    for handler in [each for each in root.handlers if each not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    logging.captureWarnings(False)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_is_a_json_object_with_the_extra_fields(tmp_path):
    configure_logging("verifier", "info", tmp_path / "logs" / "verifier.log")
    logging.getLogger("a.b").info("segment %d", 7, extra={"job": 3, "hash": b"\xab\xcd", "path": tmp_path})
    (line,) = lines(tmp_path / "logs" / "verifier.log")
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "service": "verifier",
        "logger": "a.b",
        "event": "segment 7",
        "job": 3,
        "hash": "abcd",
        "path": str(tmp_path),
    }


def test_lines_below_the_level_are_left_out(tmp_path):
    configure_logging("a", "warning", tmp_path / "log")
    logging.getLogger().info("quiet")
    logging.getLogger().warning("loud")
    assert [line["event"] for line in lines(tmp_path / "log")] == ["loud"]


def test_an_error_keeps_its_traceback_on_one_line(tmp_path):
    configure_logging("a", "info", tmp_path / "log")
    try:
        raise KeyError("gone")
    except KeyError:
        logging.getLogger().exception("failed")
    (line,) = lines(tmp_path / "log")
    assert "KeyError: 'gone'" in line["error"]


def test_an_extra_field_cannot_replace_a_fixed_one(tmp_path):
    configure_logging("a", "info", tmp_path / "log")
    logging.getLogger().info("told", extra={"service": "forged", "event": "forged"})
    assert (lines(tmp_path / "log")[0]["service"], lines(tmp_path / "log")[0]["event"]) == ("a", "told")


def test_configuring_again_replaces_the_first_setting(tmp_path):
    configure_logging("a", "info", tmp_path / "first")
    configure_logging("a", "info", tmp_path / "second")
    logging.getLogger().info("once")
    assert lines(tmp_path / "first") == []
    assert len(lines(tmp_path / "second")) == 1


def test_a_file_that_was_moved_away_is_opened_anew(tmp_path):
    configure_logging("a", "info", tmp_path / "log")
    logging.getLogger().info("before")
    (tmp_path / "log").rename(tmp_path / "log.1")
    logging.getLogger().info("after")
    assert [line["event"] for line in lines(tmp_path / "log")] == ["after"]


def test_warnings_become_lines(tmp_path):
    configure_logging("a", "info", tmp_path / "log")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old thing", DeprecationWarning, stacklevel=1)
    assert "old thing" in lines(tmp_path / "log")[0]["event"]


def test_without_a_file_the_lines_go_to_standard_error(capsys):
    configure_logging("a")
    logging.getLogger().info("hello")
    assert json.loads(capsys.readouterr().err)["event"] == "hello"


def test_an_unknown_level_and_an_impossible_file_are_refused(tmp_path):
    with pytest.raises(UsageFailure, match="'loud' is not a log level; choose one of debug, info"):
        configure_logging("a", "loud")
    with pytest.raises(UsageFailure, match=r"cannot write the log file .*: Is a directory"):
        configure_logging("a", "info", tmp_path)
