"""Room on a node's disk. A node that runs out of it in the middle of a write may need repair, so it stops before."""

import os
from pathlib import Path

MIB = 2**20


def why_full(folder: Path, least_free_mib: int) -> str:
    """What to tell when less than so much is free where `folder` lies; empty when there is enough."""
    state = os.statvfs(folder)
    free_mib = state.f_bavail * state.f_frsize // MIB
    if free_mib >= least_free_mib:
        return ""
    return (
        f"the disk is full: {free_mib} MiB are free for {folder}, and a node needs {least_free_mib}; "
        "make room and start it again, it goes on where it was"
    )
