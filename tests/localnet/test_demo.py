"""The demonstration as a user starts it: it succeeds for real, and leaves nothing behind when it is interrupted."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.network, pytest.mark.media]

COMMAND = [sys.executable, "-m", "chain.cli.main", "demo"]


def processes_in(root: Path) -> list[str]:
    """Command lines of all processes that work under a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(root) in line and entry.name != str(os.getpid()):
            found.append(line)
    return found


def test_a_short_demonstration_ends_with_everything_done(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    options = ["--home", str(home), "--duration", "20", "--validators", "2", "--transcoders", "2", "-o", "json"]
    ended = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=420)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    outcome = json.loads(ended.stdout)
    assert outcome["ok"]
    assert all(check["holds"] for check in outcome["checks"])
    assert Path(outcome["playlist"]).is_file()
    earned = {earning["what"] for earning in outcome["earnings"]}
    assert {"reward", "verification fee"} <= earned
    assert processes_in(home) == []


def test_ctrl_c_ends_a_demonstration_and_every_process_of_it(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    running = subprocess.Popen(
        [*COMMAND, "--home", str(home), "--validators", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        assert running.stdout is not None
        for line in running.stdout:
            if "register" in line:
                break
        deadline = time.monotonic() + 60
        while not any("verifier" in line for line in processes_in(home)) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert any("verifier" in line for line in processes_in(home))
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == 130
    assert processes_in(home) == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--input", "nowhere.mp4"], "nowhere.mp4"),
        (["--cheat", "nothing"], "black-frames"),
        (["--duration", "1"], "8"),
        (["--home", "/proc"], "not empty"),
    ],
)
def test_a_wrong_option_says_what_is_wrong(options: list[str], text: str) -> None:
    ended = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert text in ended.stderr
