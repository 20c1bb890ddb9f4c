"""Where to listen: `unix://PATH` or `tcp://HOST:PORT`, as CometBFT's `proxy_app` writes it."""

import socket
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from app.abci.errors import ListenError

_MAX_UNIX_PATH_BYTES: Final = 107  # sun_path, less its closing zero
_OWNER_ONLY: Final = 0o600
_BACKLOG: Final = 16


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A socket file."""

    path: Path


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """Host and port; port 0 lets the system choose."""

    host: str
    port: int


def parse_address(text: str) -> UnixAddress | TcpAddress:
    """`text` as an address. Raises ListenError with the accepted forms."""
    if text.startswith("unix://") and len(text) > len("unix://"):
        return _checked_unix(Path(text.removeprefix("unix://")))
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not text.startswith("tcp://") or host is None or port is None or parts.path:
        raise ListenError(f"cannot listen on {text!r}: write unix://PATH or tcp://HOST:PORT")
    return TcpAddress(host, port)


def open_listener(address: UnixAddress | TcpAddress) -> socket.socket:
    """A listening socket. Raises ListenError. A socket file is only its owner's; one that nobody serves is replaced."""
    try:
        return _open_unix(address) if isinstance(address, UnixAddress) else _open_tcp(address)
    except OSError as error:
        raise ListenError(f"cannot listen on {format_address(address)}: {error.strerror or error}") from error


def close_listener(listener: socket.socket, address: UnixAddress | TcpAddress) -> None:
    """Stop listening, and remove the socket file."""
    listener.close()
    if isinstance(address, UnixAddress):
        address.path.unlink(missing_ok=True)


def bound_address(listener: socket.socket, address: UnixAddress | TcpAddress) -> str:
    """The address as text, with the port that the system chose."""
    if isinstance(address, TcpAddress):
        address = TcpAddress(address.host, listener.getsockname()[1])
    return format_address(address)


def format_address(address: UnixAddress | TcpAddress) -> str:
    """The address as CometBFT's `proxy_app` takes it."""
    if isinstance(address, UnixAddress):
        return f"unix://{address.path}"
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"tcp://{host}:{address.port}"


def _checked_unix(path: Path) -> UnixAddress:
    size = len(bytes(path))
    if size > _MAX_UNIX_PATH_BYTES:
        raise ListenError(f"the socket path {path} has {size} bytes; {_MAX_UNIX_PATH_BYTES} fit: choose a shorter one")
    return UnixAddress(path)


def _open_unix(address: UnixAddress) -> socket.socket:
    _remove_stale(address.path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(address.path))
        address.path.chmod(_OWNER_ONLY)  # nobody can have connected yet: it does not listen
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _remove_stale(path: Path) -> None:
    """Remove a socket file that its server left behind. Raises ListenError when it is in use or is no socket."""
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise ListenError(f"cannot listen on unix://{path}: there is a file that is no socket; move it away")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        if probe.connect_ex(str(path)) == 0:
            raise ListenError(f"cannot listen on unix://{path}: another server is listening there; stop it first")
    path.unlink(missing_ok=True)


def _open_tcp(address: TcpAddress) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    return socket.create_server((address.host, address.port), family=family, backlog=_BACKLOG)
