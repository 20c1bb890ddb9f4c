"""What a test needs to talk to an ABCI server: frames to send, answers to read, and server processes."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from app.abci.framing import FrameReader, encode_frame
from app.abci.proto import abci_pb2 as pb

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_SECONDS = 30


def request_frame(method: str, **fields: object) -> bytes:
    """The frame of one request: `request_frame("echo", message="hello")`."""
    message_type = type(getattr(pb.Request(), method))
    return encode_frame(pb.Request(**{method: message_type(**fields)}).SerializeToString())


def responses_of(stream: bytes) -> list[pb.Response]:
    """The answers in `stream`, which must end at a frame boundary."""
    reader = FrameReader()
    payloads = reader.feed(stream)
    reader.feed_eof()
    return [pb.Response.FromString(payload) for payload in payloads]


class Client:
    """A blocking connection to a server."""

    def __init__(self, address: str) -> None:
        scheme, _, rest = address.partition("://")
        if scheme == "unix":
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(TIMEOUT_SECONDS)
            self.socket.connect(rest)
        else:
            host, _, port = rest.rpartition(":")
            self.socket = socket.create_connection((host, int(port)), TIMEOUT_SECONDS)
        self._reader = FrameReader()
        self._received: list[pb.Response] = []

    def send(self, *frames: bytes) -> None:
        self.socket.sendall(b"".join(frames))

    def receive(self) -> pb.Response:
        """The next answer; ConnectionError where the server has closed instead."""
        while not self._received:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("the server has closed the connection")
            self._received += [pb.Response.FromString(payload) for payload in self._reader.feed(data)]
        return self._received.pop(0)

    def ask(self, method: str, **fields: object) -> pb.Response:
        self.send(request_frame(method, **fields))
        return self.receive()

    def close(self) -> None:
        self.socket.close()


@contextlib.contextmanager
def client(address: str) -> Iterator[Client]:
    connection = Client(address)
    try:
        yield connection
    finally:
        connection.close()


class ServerProcess:
    """The key-value application, served by a process of its own."""

    def __init__(self, listen: str) -> None:
        command = [sys.executable, "-m", "tests.support.abci_kvstore", "--listen", listen]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self.address = self.process.stdout.readline().strip()

    def wait(self) -> tuple[int, str]:
        """Exit code and what it wrote to stderr."""
        _, errors = self.process.communicate(timeout=TIMEOUT_SECONDS)
        return self.process.returncode, errors

    def terminate(self) -> tuple[int, str]:
        self.process.terminate()
        return self.wait()


@contextlib.contextmanager
def server_process(listen: str) -> Iterator[ServerProcess]:
    server = ServerProcess(listen)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
        server.process.communicate()
