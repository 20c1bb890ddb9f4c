"""One holder per home, known by its process id, and nobody when it has gone."""

import os
import signal
import subprocess
import sys

import pytest

from chain.node.lock import HomeInUse, hold, holder

HOLDER = """
import sys, pathlib
from chain.node.lock import hold
with hold(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_nobody_holds_what_nobody_took(tmp_path):
    assert holder(tmp_path / "lock") is None
    with hold(tmp_path / "lock"):
        pass
    assert holder(tmp_path / "lock") is None


def test_a_second_holder_is_refused_with_the_first_ones_process_id(tmp_path):
    lock = tmp_path / "lock"
    with hold(lock):
        assert holder(lock) == os.getpid()
        with pytest.raises(HomeInUse, match=f"in use by process {os.getpid()}"), hold(lock):
            pass
        assert holder(lock) == os.getpid()


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    lock = tmp_path / "lock"
    command = [sys.executable, "-c", HOLDER, str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        assert holder(lock) == process.pid
        process.send_signal(signal.SIGKILL)
        process.wait()
        with hold(lock):
            assert holder(lock) == os.getpid()
