"""`python leash.py PARENT COMMAND…` becomes COMMAND, which the kernel ends (SIGKILL) as soon as process PARENT is gone.

A program of its own rather than a function between fork and exec: the supervisor has threads, and Python code in a
forked child of a threaded process can deadlock. Linux only (prctl PR_SET_PDEATHSIG, which survives exec). The kernel
goes by the *thread* that started us, so the supervisor starts its children on its main thread.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
EXIT_CANNOT_RUN = 127


def main() -> None:
    """Ask for the signal, look whether the parent died before we asked, then become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(EXIT_CANNOT_RUN)
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is the point
    except OSError as error:
        print(f"cannot run {command[0]}: {error.strerror}", file=sys.stderr)
        os._exit(EXIT_CANNOT_RUN)


if __name__ == "__main__":
    main()
