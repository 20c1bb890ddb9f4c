"""Taking the newest block of a stopped node back, in CometBFT and in the application.

CometBFT goes first: it keeps the block itself and executes it anew at the next start, so that an application that is
one height further back, or one that this machine's end kept from going back, is made good by the same replay.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from chain.cometbft.home import NodeHome
from chain.failures import Failure
from chain.node.supervisor import application_command


class RollbackFailed(Failure):
    """One of the two would not go back; its own words are the text."""


def roll_back(home: NodeHome, cometbft: Path) -> tuple[str, str]:
    """Go back one height, and return what CometBFT and the application said. Call it with the node's lock held.

    Raises:
        RollbackFailed: there is nothing to go back to, or the data is damaged.
    """
    said = _run("CometBFT", [str(cometbft), "rollback", "--home", str(home.root.resolve())])
    return said, _run("the application", [*application_command(home, home.config())[:-1], "--rollback"])


def _run(who: str, command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = (done.stdout + done.stderr).strip()
    if done.returncode:
        raise RollbackFailed(f"{who} did not roll back: {said.splitlines()[-1] if said else 'it said nothing'}")
    return said.splitlines()[-1] if said else "done"
