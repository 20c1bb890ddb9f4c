"""Play what standard input orders, and write a report a line to standard output: `python -m app.simulation`."""

import json
import sys

from app.messages.economy import EconomyOrder
from app.messages.record import from_json, to_json
from app.simulation.run import Economy


def main() -> None:
    """One order in, one line out for each round, as it ends."""
    order = from_json(EconomyOrder, json.load(sys.stdin), "order")
    for report in Economy(order).play():
        print(json.dumps(to_json(report)), flush=True)


if __name__ == "__main__":
    main()
