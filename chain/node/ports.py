"""Loopback ports: is this one free, and which ones are."""

import errno
import socket
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from urllib.parse import urlsplit

from chain.failures import UsageFailure


class PortInUse(UsageFailure):
    """Another process listens where the node was told to."""


def split_address(address: str) -> tuple[str, int]:
    """Host and port of tcp://host:port; UsageFailure when it is something else."""
    try:
        parts = urlsplit(address if "://" in address else f"tcp://{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port:
        raise UsageFailure(f"{address!r} is not an address of the form tcp://host:port")
    return host, port


def is_free(host: str, port: int) -> bool:
    """Whether we could listen there now."""
    try:
        _listen(host, port).close()
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
            raise UsageFailure(f"cannot listen on {host}:{port}: {error.strerror}") from error
        return False
    return True


def check_free(addresses: Mapping[str, str]) -> None:
    """PortInUse, naming the purpose and the port, unless all addresses are free."""
    for purpose, address in addresses.items():
        host, port = split_address(address)
        if not is_free(host, port):
            raise PortInUse(
                f"{purpose} port {port} on {host} is in use by another process; stop it or change config.toml"
            )


def choose_free_ports(count: int, preferred: Iterable[int] = (), host: str = "127.0.0.1") -> list[int]:
    """`count` distinct free ports, the preferred ones first as far as they are free.

    All are held until all are chosen. Another process may still take one before the node does: PortInUse tells then.
    """
    chosen: list[int] = []
    with ExitStack() as held:
        for port in (*preferred, *([0] * count)):
            if len(chosen) == count:
                break
            try:
                listener = held.enter_context(_listen(host, port))
            except OSError:
                continue
            chosen.append(int(listener.getsockname()[1]))
    if len(chosen) < count:
        raise UsageFailure(f"this machine has no {count} free ports")
    return chosen


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1)
    except OSError:
        listener.close()
        raise
    return listener
