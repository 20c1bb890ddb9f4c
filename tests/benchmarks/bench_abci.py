"""The ABCI server's speed, through a real socket, with the server in a process of its own.

Run with `python -m tests.benchmarks.bench_abci`. Each row's baseline is the same run's loop over the same messages with
nothing around it: protobuf parsed, an answer encoded, no socket, no framing, no server. For rates a ratio above 1 is
better, for seconds one below 1; the block's baseline is one parse of a payload that is already whole.
"""

import multiprocessing
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.abci.application import Application
from app.abci.codec import CHECK_TX_OK, FLUSH_FRAME, FLUSH_PAYLOAD, Frame, decode_request
from app.abci.framing import FrameReader, encode_frame
from app.abci.proto import abci_pb2 as pb
from app.abci.server import serve

TX_BYTES = 121
CHECK_TXS = 400_000
BLOCK_BYTES = 20_000_000
READ_BYTES = 256 * 1024
REPETITIONS = 3


@dataclass(frozen=True)
class Row:
    """One measured figure beside its target and its baseline."""

    what: str
    value: float
    unit: str
    target: str
    baseline: float

    def __str__(self) -> str:
        ratio = self.value / self.baseline
        return f"{self.what:<58} {self.value:>12,.4g} {self.unit:<5} target {self.target:<12} {ratio:.2f}x of baseline"


class ConstantApplication(Application):
    """Answers every batch with prepared frames: what is left is the server."""

    def check_tx_batch(self, requests: Sequence[pb.RequestCheckTx]) -> list[Frame]:
        return [CHECK_TX_OK] * len(requests)


def run() -> list[Row]:
    """Measure everything once."""
    baseline = CHECK_TXS / best(loop_over_protobuf)
    rows = []
    for name, application in (("prepared frames", ConstantApplication), ("a method per message", Application)):
        for scheme in ("unix", "tcp"):
            rate = check_tx_per_second(application, scheme, flush_each=False)
            rows.append(Row(f"CheckTx, {name}, {scheme}", rate, "/s", ">= 200,000", baseline))
    rate = check_tx_per_second(ConstantApplication, "unix", flush_each=True)
    rows.append(Row("CheckTx, prepared frames, unix, a Flush after each", rate, "/s", "-", baseline))
    parse_alone = best(lambda: pb.Request.FromString(block_payload()))
    rows.append(Row("FinalizeBlock of 20 MB, framed and parsed", best(parse_block), "s", "<= 0.1", parse_alone))
    rows.append(Row("FinalizeBlock of 20 MB, sent, parsed, answered", block_round_trip(), "s", "-", parse_alone))
    return rows


def best(work: Callable[[], object]) -> float:
    """Seconds that `work` takes, at its best."""
    seconds = []
    for _ in range(REPETITIONS):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def check_tx_frame() -> bytes:
    return encode_frame(pb.Request(check_tx=pb.RequestCheckTx(tx=bytes(TX_BYTES))).SerializeToString())


def loop_over_protobuf() -> None:
    """The baseline: what every message costs in protobuf alone."""
    payload = pb.Request(check_tx=pb.RequestCheckTx(tx=bytes(TX_BYTES))).SerializeToString()
    for _ in range(CHECK_TXS):
        assert pb.Request.FromString(payload).check_tx is not None
        pb.Response(check_tx=pb.ResponseCheckTx()).SerializeToString()


_BLOCK: list[bytes] = []


def block_payload() -> bytes:
    if not _BLOCK:
        txs = [bytes(TX_BYTES)] * (BLOCK_BYTES // (TX_BYTES + 2))
        _BLOCK.append(pb.Request(finalize_block=pb.RequestFinalizeBlock(txs=txs)).SerializeToString())
    return _BLOCK[0]


def parse_block() -> None:
    """As it comes from a socket: in reads of 256 KiB."""
    stream, reader = encode_frame(block_payload()), FrameReader()
    for start in range(0, len(stream), READ_BYTES):
        for payload in reader.feed(stream[start : start + READ_BYTES]):
            decode_request(payload)


def serve_in_child(application: type[Application], listen: str, listening: "multiprocessing.Queue[str]") -> None:
    raise SystemExit(serve(application(), listen, listening.put))


def with_server(application: type[Application], scheme: str, work: Callable[[socket.socket], float]) -> float:
    context = multiprocessing.get_context("spawn")
    listening = context.Queue()
    with tempfile.TemporaryDirectory() as folder:
        listen = f"unix://{folder}/abci.sock" if scheme == "unix" else "tcp://127.0.0.1:0"
        process = context.Process(target=serve_in_child, args=(application, listen, listening))
        process.start()
        with connect(listening.get(timeout=30)) as connection:
            seconds = work(connection)
        process.terminate()
        process.join()
        assert process.exitcode == 0
    return seconds


def connect(address: str) -> socket.socket:
    scheme, _, rest = address.partition("://")
    if scheme == "unix":
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(Path(rest)))
        return connection
    host, _, port = rest.rpartition(":")
    return socket.create_connection((host, int(port)))


def exchange(connection: socket.socket, stream: bytes, answer_bytes: int) -> float:
    """Seconds from the first byte sent to the last byte of the answers."""
    sender = threading.Thread(target=connection.sendall, args=(stream,))
    began = time.perf_counter()
    sender.start()
    while answer_bytes > 0:
        answer_bytes -= len(connection.recv(READ_BYTES))
    seconds = time.perf_counter() - began
    sender.join()
    return seconds


def check_tx_per_second(application: type[Application], scheme: str, flush_each: bool) -> float:
    question, answer = check_tx_frame(), len(CHECK_TX_OK)
    if flush_each:
        question, answer = question + encode_frame(FLUSH_PAYLOAD), answer + len(FLUSH_FRAME)
    stream = question * CHECK_TXS

    def work(connection: socket.socket) -> float:
        return min(exchange(connection, stream, answer * CHECK_TXS) for _ in range(REPETITIONS))

    return CHECK_TXS / with_server(application, scheme, work)


def block_round_trip() -> float:
    stream = encode_frame(block_payload())
    results = pb.ResponseFinalizeBlock(tx_results=[pb.ExecTxResult()] * (BLOCK_BYTES // (TX_BYTES + 2)))
    answer = len(encode_frame(pb.Response(finalize_block=results).SerializeToString()))
    return with_server(
        Application, "unix", lambda connection: min(exchange(connection, stream, answer) for _ in range(REPETITIONS))
    )


if __name__ == "__main__":
    for row in run():
        print(row)
