"""What lies in the repository: a fixed top level, no big files, no addresses in lock files, nothing left for later."""

import re

import pytest

from tests.architecture.source import ROOT, committed_files, report

TOP_LEVEL = {"app", "chain", "transcoder", "genesis", "tests", "pyproject.toml", "README.md"}
DEMANDED_BY_TOOLS = {".ci", "Makefile", "Dockerfile", "compose.yaml", "LICENSE", ".gitignore", ".dockerignore"}
LOCK_FILE = re.compile(r"requirements(-[a-z]+)?\.(in|lock)")
FILE_LIMIT_BYTES = 100_000
ADDRESS = re.compile(r"://|--(extra-)?index-url|--find-links|--trusted-host")
LEFT_FOR_LATER = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME"]) + r")\b")


def _text(path):
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def _is_lock(path):
    return path.suffix in {".lock", ".sum"} or path.name.endswith("lock.json")


def test_the_top_level_holds_the_packages_and_what_tools_demand():
    found = {path.parts[0] for path in committed_files()} - TOP_LEVEL - DEMANDED_BY_TOOLS
    offenders = [name for name in found if not LOCK_FILE.fullmatch(name)]
    assert not offenders, report(offenders)


def test_no_committed_file_is_big_unless_it_is_a_lock_file_of_text():
    offenders = [
        f"{path}: {(ROOT / path).stat().st_size} bytes"
        for path in committed_files()
        if (ROOT / path).stat().st_size > FILE_LIMIT_BYTES and not (_is_lock(path) and _text(path) is not None)
    ]
    assert not offenders, report(offenders)


def test_lock_files_carry_no_address():
    offenders = [
        f"{path}:{number} {line.strip()}"
        for path in committed_files()
        if _is_lock(path) or LOCK_FILE.fullmatch(path.name)
        for number, line in enumerate((_text(path) or "").splitlines(), 1)
        if ADDRESS.search(line)
    ]
    assert not offenders, report(offenders)


@pytest.mark.parametrize("lock", sorted(ROOT.glob("requirements*.lock")), ids=lambda path: path.name)
def test_every_locked_package_is_pinned_with_hashes(lock):
    requirements = lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    stated = [line for line in requirements if line.strip() and not line.startswith("#")]
    assert stated
    offenders = [line[:80] for line in stated if not re.match(r"\S+==\S+ .*--hash=sha256:", line)]
    assert not offenders, report(offenders)


def test_nothing_is_left_for_later():
    offenders = [
        f"{path}:{number} {line.strip()}"
        for path in committed_files()
        for number, line in enumerate((_text(path) or "").splitlines(), 1)
        if LEFT_FOR_LATER.search(line)
    ]
    assert not offenders, report(offenders)
