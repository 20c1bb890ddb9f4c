"""For container engines: exit code 0 while a node's height grows, or while another role says that it is well.

`python -m chain.node.healthcheck` asks the address in HEADWATER_HEALTH: one that ends in /healthz must answer with 200;
any other is a node's RPC, whose height must be greater than at some check of the last `STILL_SECONDS`. It needs the
standard library only, because it starts every few seconds in every container.
"""

import json
import os
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ADDRESS_ENVIRONMENT = "HEADWATER_HEALTH"
RECORD = Path(tempfile.gettempdir()) / "headwater-height"
STILL_SECONDS = 45
TIMEOUT_SECONDS = 4


def height_of(status: bytes) -> int:
    """The height in a node's answer to /status."""
    return int(json.loads(status)["result"]["sync_info"]["latest_block_height"])


def is_growing(height: int, now: float, record: Path) -> bool:
    """Whether the height is above the recorded one, or has stood for less than `STILL_SECONDS`; records what is new."""
    try:
        known, since = (float(word) for word in record.read_text().split())
    except (OSError, ValueError):
        known, since = -1.0, now
    if height > known:
        record.write_text(f"{height} {now}")
        return True
    return now - since < STILL_SECONDS


def is_well(address: str, now: float, record: Path = RECORD) -> bool:
    """Ask once; OSError or ValueError where no sensible answer comes."""
    is_node = not address.endswith("/healthz")
    with urllib.request.urlopen(address + "/status" * is_node, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
        body = answer.read()
    return is_growing(height_of(body), now, record) if is_node else True


def main() -> int:
    """0 when it is well, 1 when it is not."""
    address = os.environ.get(ADDRESS_ENVIRONMENT, "http://127.0.0.1:26657")
    try:
        if is_well(address, time.time()):
            return 0
        print(f"{address}: no new block for {STILL_SECONDS} s")
    except (OSError, ValueError, KeyError) as error:
        print(f"{address}: {error}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
