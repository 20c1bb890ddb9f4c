"""One connection on asyncio: threads of queries, backpressure, and turns between connections."""

import asyncio
import threading
from contextlib import asynccontextmanager

from app.abci.address import TcpAddress, open_listener
from app.abci.application import Application
from app.abci.framing import FrameReader
from app.abci.proto import abci_pb2 as pb
from app.abci.server import Server
from tests.support.abci_client import TIMEOUT_SECONDS, request_frame

BIG = bytes(1_000_000)


class Peer:
    """The node's side of one connection."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.frames, self.received = FrameReader(), []

    async def receive(self):
        while not self.received:
            data = await asyncio.wait_for(self.reader.read(65536), TIMEOUT_SECONDS)
            if not data:
                raise ConnectionError("closed")
            self.received += [pb.Response.FromString(payload) for payload in self.frames.feed(data)]
        return self.received.pop(0)

    async def ask(self, method, **fields):
        self.writer.write(request_frame(method, **fields))
        return await self.receive()

    async def close(self):
        self.writer.close()
        await self.writer.wait_closed()


@asynccontextmanager
async def serving(application, **options):
    """A server in this event loop, and a way to connect to it."""
    listener = open_listener(TcpAddress("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = Server(application, **options)
    await server.start(listener)

    async def connect():
        return Peer(*await asyncio.open_connection("127.0.0.1", port))

    yield server, connect
    server.stop("the test is over")
    await server.wait()


class Recording(Application):
    """Notes the order of calls and their threads."""

    def __init__(self, concurrent_queries=False):
        self.concurrent_queries = concurrent_queries
        self.calls, self.query_threads = [], []
        self.release = threading.Event()

    def check_tx_batch(self, requests):
        self.calls.append(("check_tx", len(requests)))
        return super().check_tx_batch(requests)

    def commit(self, request):
        self.calls.append(("commit", 1))
        return pb.ResponseCommit()

    def query(self, request):
        self.calls.append(("query", 1))
        self.query_threads.append(threading.get_ident())
        if request.path == "/blocked":
            self.release.wait(TIMEOUT_SECONDS)
        return pb.ResponseQuery(value=BIG if request.path == "/big" else b"")


def test_queries_come_from_the_common_thread_by_default():
    async def scenario():
        application = Recording()
        async with serving(application) as (_, connect):
            node = await connect()
            await node.ask("query")
            await node.close()
        return application.query_threads

    assert asyncio.run(scenario()) == [threading.get_ident()]


def test_a_blocked_query_delays_neither_check_tx_nor_commit_and_keeps_its_own_order():
    async def scenario():
        application = Recording(concurrent_queries=True)
        async with serving(application) as (_, connect):
            queries, mempool, consensus = [await connect() for _ in range(3)]
            queries.writer.write(request_frame("query", path="/blocked") + request_frame("info"))
            assert (await mempool.ask("check_tx", tx=b"tx")).HasField("check_tx")
            assert (await consensus.ask("commit")).HasField("commit")
            application.release.set()
            order = [(await queries.receive()).WhichOneof("value") for _ in range(2)]
            for peer in (queries, mempool, consensus):
                await peer.close()
        assert application.query_threads != [threading.get_ident()]
        return order

    assert asyncio.run(scenario()) == ["query", "info"]


def test_a_node_that_does_not_read_its_answers_is_not_answered_further():
    async def scenario():
        application = Recording()
        async with serving(application) as (_, connect):
            greedy, other = await connect(), await connect()
            greedy.writer.write(request_frame("query", path="/big") * 300)
            for _ in range(600):  # each is at least one turn of the event loop, so one query, if it went on
                await other.ask("echo", message="still there?")
            answered = application.calls.count(("query", 1))
            received = [len((await greedy.receive()).query.value) for _ in range(300)]
            await greedy.close()
            await other.close()
        return answered, received

    answered, received = asyncio.run(scenario())
    assert answered < 30
    assert received == [len(BIG)] * 300


def test_a_commit_waits_for_one_batch_and_not_for_all_that_have_come():
    async def scenario():
        application = Recording()
        application.check_tx_batch_limit = 10
        async with serving(application) as (_, connect):
            mempool, consensus = await connect(), await connect()
            await mempool.ask("echo")
            await consensus.ask("echo")
            mempool.writer.write(request_frame("check_tx", tx=b"tx") * 1000)
            await consensus.ask("commit")
            for _ in range(1000):
                await mempool.receive()
            await mempool.close()
            await consensus.close()
        return application.calls

    calls = asyncio.run(scenario())
    assert calls.index(("commit", 1)) < 50
    assert sum(count for method, count in calls if method == "check_tx") == 1000


def test_what_was_answered_before_a_malformed_frame_is_still_sent():
    async def scenario():
        async with serving(Application()) as (server, connect):
            node = await connect()
            node.writer.write(request_frame("echo", message="last words") + b"\x01\xff")
            answers = [await node.receive(), await node.receive()]
            await node.close()
            return [answer.WhichOneof("value") for answer in answers], await server.wait()

    assert asyncio.run(scenario()) == (["echo", "exception"], 1)


def test_a_half_closed_connection_gets_all_its_answers_first():
    async def scenario():
        async with serving(Recording(concurrent_queries=True)) as (_, connect):
            node = await connect()
            node.writer.write(request_frame("query") * 5 + request_frame("commit"))
            node.writer.write_eof()
            answers = [(await node.receive()).WhichOneof("value") for _ in range(6)]
            ended = await node.reader.read()
            await node.close()
            return answers, ended

    assert asyncio.run(scenario()) == (["query"] * 5 + ["commit"], b"")


class Journaled(Application):
    """Accepts everything, once a gate is opened in the thread that writes it down."""

    def __init__(self):
        self.gate = threading.Event()
        self.failure = None
        self.batches = []

    def check_tx_batch(self, requests):
        self.batches.append(len(requests))
        return super().check_tx_batch(requests)

    def before_answers(self):
        def write():
            assert self.gate.wait(TIMEOUT_SECONDS)
            if self.failure is not None:
                raise self.failure

        return write


def test_an_acceptance_is_told_only_when_it_is_written_down_and_other_connections_go_on_meanwhile():
    async def scenario():
        application = Journaled()
        async with serving(application) as (_, connect):
            mempool, other = await connect(), await connect()
            mempool.writer.write(request_frame("check_tx", tx=b"first"))
            await other.ask("echo", message="still here")
            assert application.batches == [1]
            mempool.writer.write(request_frame("check_tx", tx=b"second") + request_frame("check_tx", tx=b"third"))
            await other.ask("echo", message="still here")
            assert (mempool.received, application.batches) == ([], [1])
            application.gate.set()
            answers = [await mempool.receive() for _ in range(3)]
            assert [answer.check_tx.code for answer in answers] == [0, 0, 0]
            assert application.batches == [1, 2], "what has come meanwhile shares the next wait"
            for peer in (mempool, other):
                await peer.close()

    asyncio.run(scenario())


def test_what_could_not_be_written_down_is_refused():
    async def scenario():
        application = Journaled()
        application.failure = OSError("the disk is full")
        application.gate.set()
        async with serving(application) as (_, connect):
            peer = await connect()
            answer = await peer.ask("check_tx", tx=b"tx")
            assert (answer.check_tx.code, answer.check_tx.log) == (1, "OSError: the disk is full")
            await peer.close()

    asyncio.run(scenario())
