"""The release after this one: the same application with the next version, as a node of it is started.

`node HOME` runs a node as `headwater node start` does; `app …` is its application.
"""

import sys
from pathlib import Path

from app.abci.__main__ import main as serve_application
from app.params import APP_VERSION
from chain.cometbft.binary import find_binary
from chain.cometbft.home import NodeHome
from chain.node.run import run_until_signal
from chain.node.supervisor import NodePlan, NodeSupervisor

NEXT_VERSION = APP_VERSION + 1


def run_node(home: NodeHome) -> None:
    """Run a node of the next release until a signal."""
    folder = str(home.app_folder.resolve())
    command = (sys.executable, "-P", "-m", "tests.support.next_release", "app", "--home", folder, "--listen")
    run_until_signal(NodeSupervisor(NodePlan(home, find_binary(), command)).run)


if __name__ == "__main__":
    what = sys.argv.pop(1)
    if what == "app":
        sys.exit(serve_application(NEXT_VERSION))
    run_node(NodeHome(Path(sys.argv[1])))
