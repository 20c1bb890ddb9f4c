"""The detached supervisor of a localnet: `python -m chain.localnet DIR [COMMAND…]`; the command replaces the app's."""

import sys
from pathlib import Path

from chain.cometbft.binary import find_binary
from chain.failures import Failure
from chain.localnet.layout import load
from chain.localnet.supervisor import LocalnetPlan, LocalnetSupervisor
from chain.node.run import run_until_signal


def main() -> int:
    """Run until a signal; 0 after a clean stop, else the failure's exit code with its text on standard error."""
    app_command = tuple(sys.argv[2:]) or None
    try:
        plan = LocalnetPlan(find_binary(), app_command)
        run_until_signal(LocalnetSupervisor(load(Path(sys.argv[1])), plan, print).run)
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return failure.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
