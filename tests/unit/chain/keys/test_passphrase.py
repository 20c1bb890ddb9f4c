"""A passphrase comes from the file, else the environment, else a person."""

import sys

import pytest

from chain.keys.passphrase import ENVIRONMENT, PassphraseMissing, passphrase_source


def never(text):
    raise AssertionError(f"asked: {text}")


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.delenv(ENVIRONMENT, raising=False)


def answers(*lines):
    left = list(lines)
    return lambda text: left.pop(0)


def test_the_file_wins_and_loses_only_its_line_end(tmp_path, monkeypatch):
    monkeypatch.setenv(ENVIRONMENT, "other")
    file = tmp_path / "p"
    file.write_bytes(b" my pass \r\n")
    assert passphrase_source(file, never)("alice") == " my pass "


def test_the_environment_comes_before_the_person(monkeypatch):
    monkeypatch.setenv(ENVIRONMENT, "secret")
    assert passphrase_source(None, never)("alice") == "secret"


def test_a_person_is_asked_once_to_open_and_twice_to_make(terminal):
    assert passphrase_source(None, answers("p"))("alice") == "p"
    assert passphrase_source(None, answers("p", "p"), confirm=True)("alice") == "p"
    with pytest.raises(PassphraseMissing, match="differ"):
        passphrase_source(None, answers("p", "q"), confirm=True)("alice")


def test_without_a_terminal_nobody_is_asked(monkeypatch):
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(PassphraseMissing, match="--passphrase-file"):
        passphrase_source(None, never)("alice")


def test_an_empty_new_passphrase_is_refused_wherever_it_comes_from(terminal, tmp_path, monkeypatch):
    file = tmp_path / "p"
    file.write_text("\n")
    with pytest.raises(PassphraseMissing, match="empty"):
        passphrase_source(file, never, confirm=True)("alice")
    with pytest.raises(PassphraseMissing, match="empty"):
        passphrase_source(None, answers(""), confirm=True)("alice")
    monkeypatch.setenv(ENVIRONMENT, "")
    with pytest.raises(PassphraseMissing, match="empty"):
        passphrase_source(None, never, confirm=True)("alice")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(PassphraseMissing, match="nothing here"):
        passphrase_source(tmp_path / "nothing here", never)("alice")
