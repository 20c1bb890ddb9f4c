"""Play the orders on standard input, one a line, and write a report a line to standard output, in their order.

`python -m app.simulation`
"""

import json
import sys

from app.messages.economy import EconomyOrder
from app.messages.record import from_json, to_json
from app.simulation.run import Economy


def main() -> None:
    """For each line in, one line out for each round, as it ends.

    All orders are read before the first report: who writes them cannot read yet, and pipes are small.
    """
    for line in sys.stdin.readlines():
        for report in Economy(from_json(EconomyOrder, json.loads(line), "order")).play():
            print(json.dumps(to_json(report)), flush=True)


if __name__ == "__main__":
    main()
