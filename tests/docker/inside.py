"""What is run inside a container's namespaces, with the standard library alone.

python inside.py cut IP…       drop what is sent to these addresses (needs NET_ADMIN)
python inside.py heal IP…      send it again
python inside.py kill WORD     SIGKILL for the first process whose command line holds WORD
"""

import fcntl
import os
import signal
import socket
import struct
import sys
from pathlib import Path

ADD_ROUTE, DELETE_ROUTE = 0x890B, 0x890C  # linux/sockios.h
UP, HOST, REJECT = 0x1, 0x4, 0x200  # linux/route.h


def change_route(request: int, address: str) -> None:
    """Add or remove a route that rejects (struct rtentry of linux/route.h, 64 bit)."""

    def place(host: str) -> bytes:
        return struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(host))

    entry = struct.pack("@L", 0) + place(address) + place("0.0.0.0") + place("255.255.255.255")
    entry += struct.pack("@HhLPhPLLH", UP | HOST | REJECT, 0, 0, 0, 0, 0, 0, 0, 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as endpoint:
        fcntl.ioctl(endpoint, request, entry.ljust(120, b"\0"))


def kill_first(word: str) -> None:
    """SIGKILL for the youngest process with this word that is not the container's first one."""
    for folder in sorted(Path("/proc").iterdir(), key=lambda entry: entry.name):
        if not folder.name.isdigit() or int(folder.name) in {1, os.getpid()}:
            continue
        if word in (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"):
            os.kill(int(folder.name), signal.SIGKILL)
            return
    sys.exit(f"no process with {word}")


def main() -> None:
    what, *rest = sys.argv[1:]
    if what in {"cut", "heal"}:
        for address in rest:
            change_route(ADD_ROUTE if what == "cut" else DELETE_ROUTE, address)
    elif what == "kill":
        kill_first(rest[0])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
