"""Slow, lossy links where the kernel has no netem: `python slow.py` in a network namespace, as root.

Packets that a firewall rule sends to queue 0 (iptables … -j NFQUEUE) are let go after 100 ± 50 ms, 2 % of them never.
Source: linux/netfilter/nfnetlink_queue.h. Standard library only.
"""

import heapq
import random
import select
import socket
import struct
import time
from collections.abc import Iterator

NETLINK_NETFILTER, QUEUE_SUBSYSTEM = 12, 3
PACKET, VERDICT, CONFIG = 0, 1, 2
REQUEST = 1
PACKET_HEADER, VERDICT_HEADER = 1, 2
CONFIG_COMMAND, CONFIG_PARAMS, CONFIG_LENGTH = 1, 2, 3
BIND, COPY_META = 1, 1
DROP, ACCEPT = 0, 1
QUEUE_LENGTH = 20_000
DELAY_SECONDS, JITTER_SECONDS, LOSS = 0.100, 0.050, 0.02


def message(kind: int, attribute: int, payload: bytes) -> bytes:
    """One netlink message to queue 0 with one attribute."""
    body = struct.pack("=BBH", socket.AF_UNSPEC, 0, 0) + struct.pack("=HH", 4 + len(payload), attribute) + payload
    body += bytes(-len(body) % 4)
    return struct.pack("=IHHII", 16 + len(body), QUEUE_SUBSYSTEM << 8 | kind, REQUEST, 0, 0) + body


def packet_ids(data: bytes) -> Iterator[int]:
    """The numbers of the packets that the kernel tells of."""
    while len(data) >= 16:
        length, kind = struct.unpack_from("=IH", data)
        if kind == (QUEUE_SUBSYSTEM << 8 | PACKET):
            yield _packet_id(data[20:length])
        data = data[(length + 3) & ~3 :]


def _packet_id(attributes: bytes) -> int:
    while attributes:
        length, kind = struct.unpack_from("=HH", attributes)
        if kind & 0x3FFF == PACKET_HEADER:
            return int(struct.unpack_from(">I", attributes, 4)[0])
        attributes = attributes[(length + 3) & ~3 :]
    raise ValueError("a packet without a number")


def main() -> None:
    """Delay and drop until killed."""
    kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    kernel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**23)
    kernel.bind((0, 0))
    kernel.send(message(CONFIG, CONFIG_COMMAND, struct.pack(">BBH", BIND, 0, 0)))
    kernel.send(message(CONFIG, CONFIG_PARAMS, struct.pack(">IB", 0, COPY_META)))
    kernel.send(message(CONFIG, CONFIG_LENGTH, struct.pack(">I", QUEUE_LENGTH)))
    waiting: list[tuple[float, int]] = []
    while True:
        pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else 1.0
        if select.select([kernel], [], [], pause)[0]:
            for number in packet_ids(kernel.recv(2**18)):
                due = time.monotonic() + DELAY_SECONDS + random.uniform(-JITTER_SECONDS, JITTER_SECONDS)
                heapq.heappush(waiting, (due, number))
        while waiting and waiting[0][0] <= time.monotonic():
            _, number = heapq.heappop(waiting)
            verdict = DROP if random.random() < LOSS else ACCEPT
            kernel.send(message(VERDICT, VERDICT_HEADER, struct.pack(">II", verdict, number)))


if __name__ == "__main__":
    main()
