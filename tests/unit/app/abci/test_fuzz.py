"""100,000 malformed, truncated, oversized and interleaved inputs: each ends in answers in order or in a ProtocolError.

Nothing else may happen: no other exception, no hang (an alarm would end it), no growth of memory. A failure names the
seed of its input; `fuzz_input(seed)` makes the same one again.
"""

import asyncio
import gc
import random
import resource
import signal
from contextlib import contextmanager

from app.abci.codec import METHODS
from app.abci.connection import Connection
from app.abci.dispatch import call_check_tx, call_method
from app.abci.errors import AbciError, ApplicationFailure, ProtocolError
from app.abci.framing import FrameReader, encode_frame, encode_uvarint
from app.abci.proto import abci_pb2 as pb
from tests.support.abci_client import request_frame
from tests.support.abci_kvstore import KvStore
from tests.unit.app.abci.test_handler import serving

INPUTS = 100_000
WARM_UP = 10_000
SERVED_INPUTS = 500
MAX_FRAME_BYTES = 1 << 20
ALARM_SECONDS = 300
GROWTH_BYTES = 16 * 1024 * 1024

SAMPLES = [
    *(request_frame(method) for method in METHODS),
    request_frame("check_tx", tx=b"key=value"),
    request_frame("check_tx", tx=bytes(300)),
    request_frame("query", data=b"key", path="/store", height=3, prove=True),
    request_frame("finalize_block", txs=[b"a=b"] * 20, hash=bytes(32), height=1),
    request_frame("init_chain", chain_id="fuzz", app_state_bytes=b"{}", validators=[pb.ValidatorUpdate(power=1)]),
    request_frame("prepare_proposal", txs=[b"a=b"], max_tx_bytes=-1),
]


def valid(dice):
    return b"".join(dice.choices(SAMPLES, k=dice.randrange(1, 8)))


def malformed(dice):
    """A frame whose length is right and whose payload is not."""
    return valid(dice) + encode_frame(dice.randbytes(dice.randrange(200)))


def garbage(dice):
    return dice.randbytes(dice.randrange(1, 200))


def truncated(dice):
    stream = valid(dice)
    return stream[: dice.randrange(len(stream))]


def oversized(dice):
    length = dice.choice([MAX_FRAME_BYTES + 1, 2**31, 2**63, 2**64 - 1, 2**64, 2**70])
    return valid(dice) + encode_uvarint(length) + dice.randbytes(dice.randrange(50))


def interleaved(dice):
    """Pieces of different streams, one into the other, as two writers on one socket would make them."""
    one, other = valid(dice), valid(dice)
    place = dice.randrange(len(one))
    return one[:place] + other + one[place:]


def mutated(dice):
    stream = bytearray(valid(dice))
    for _ in range(dice.randrange(1, 6)):
        place = dice.randrange(len(stream) + 1)
        stream[place : place + dice.randrange(3)] = dice.randbytes(dice.randrange(3))
    return bytes(stream)


KINDS = (valid, malformed, garbage, truncated, oversized, interleaved, mutated)


def fuzz_input(seed):
    """The stream of a seed, and the pieces that it arrives in."""
    dice = random.Random(seed)
    stream = dice.choice(KINDS)(dice)
    places = sorted(dice.choices(range(len(stream) + 1), k=dice.randrange(4)))
    return stream, [stream[start:stop] for start, stop in zip([0, *places], [*places, len(stream)], strict=True)]


def answer_waiting(connection, application, asked):
    """What the server does with what has come; notes what was asked."""
    while (call := connection.next_call()) is not None:
        asked.extend([call.method] * len(call.requests))
        if call.method == "check_tx":
            connection.answer(call_check_tx(application, call.requests))
        else:
            connection.answer([call_method(application, call.method, call.requests[0])])


def outcome_of(seed, application):
    """None after an orderly end, else the error; asserts that the answers are those of the requests, in order."""
    connection, asked, error = Connection(MAX_FRAME_BYTES), [], None
    try:
        for piece in fuzz_input(seed)[1]:
            connection.receive(piece)
            answer_waiting(connection, application, asked)
        connection.receive_eof()
    except (ProtocolError, ApplicationFailure) as caught:
        error = caught
    output = FrameReader()
    answers = [pb.Response.FromString(payload).WhichOneof("value") for payload in output.feed(connection.take_output())]
    assert output.is_at_boundary
    given = [kind for kind in answers if kind != "flush"]
    assert given == asked[: len(given)]
    assert error is not None or given == asked
    return error


@contextmanager
def alarm():
    def too_long(_number, _frame):
        raise TimeoutError("an input hangs")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(ALARM_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def peak_memory_bytes():
    gc.collect()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_100_000_bad_inputs_end_in_answers_or_a_protocol_error_and_grow_no_memory(caplog):
    caplog.set_level("CRITICAL")
    ends, warm = {}, 0
    with alarm():
        for seed in range(INPUTS):
            if seed == WARM_UP:
                warm = peak_memory_bytes()
            try:
                name = type(outcome_of(seed, KvStore())).__name__
            except Exception as error:
                raise AssertionError(f"fuzz_input({seed})") from error
            ends[name] = ends.get(name, 0) + 1
    assert peak_memory_bytes() - warm < GROWTH_BYTES
    assert set(ends) >= {
        "NoneType",
        "BadLength",
        "FrameTooLarge",
        "TruncatedFrame",
        "MalformedMessage",
        "UnknownRequest",
    }
    assert sum(ends.values()) == INPUTS


def test_a_live_server_survives_a_bad_input_or_ends_with_its_exit_code(caplog):
    caplog.set_level("CRITICAL", logger="app.abci")

    async def scenario(seed):
        async with serving(KvStore(), max_frame_bytes=MAX_FRAME_BYTES) as (server, connect):
            node = await connect()
            for piece in fuzz_input(seed)[1]:
                node.writer.write(piece)
            node.writer.write_eof()
            await asyncio.wait_for(node.reader.read(), ALARM_SECONDS)
            await node.close()
            server.stop("the input is over")
            return await server.wait()

    with alarm():
        for seed in range(SERVED_INPUTS):
            try:
                expected = outcome_of(seed, KvStore())
            except AbciError as error:
                expected = error
            assert asyncio.run(scenario(seed)) == (0 if expected is None else 1), f"fuzz_input({seed}): {expected}"
