"""The server: a node's four connections, how it ends, and with which exit code."""

import asyncio
import signal

import pytest

from app.abci.application import Application
from app.abci.errors import UpgradeRequired
from app.abci.proto import abci_pb2 as pb
from app.abci.server import serve
from app.params import UPGRADE_EXIT_CODE
from tests.support.abci_client import Client, client, request_frame, server_process
from tests.support.abci_kvstore import KvStore
from tests.unit.app.abci.test_handler import serving

PROTOCOL_ERRORS = {
    "a length without end": (b"\xff" * 11, "does not end within 10 bytes"),
    "an oversized frame": (b"\xff\xff\xff\xff\x07", "announces 2147483647 bytes; the limit is 134217728"),
    "garbage in a frame": (b"\x03\xff\xff\xff", "is not a protobuf Request"),
    "an empty request": (b"\x00", "names no method of ABCI 2.0"),
    "a method of ABCI 1.0": (b"\x02\x3a\x00", "names no method of ABCI 2.0"),
    "plain HTTP": (b"GET / HTTP/1.1\r\n\r\n" * 10, "is not a protobuf Request"),
}


@pytest.fixture(params=["unix", "tcp"])
def listen(request, tmp_path):
    return f"unix://{tmp_path}/s" if request.param == "unix" else "tcp://127.0.0.1:0"


# ---- in this process


async def drop(*peers):
    for peer in peers:
        await peer.close()


def test_a_node_that_has_closed_everything_is_reported_and_the_next_one_is_served():
    async def scenario():
        application = KvStore()
        async with serving(application) as (_, connect):
            for generation in range(3):
                peers = [await connect() for _ in range(4)]
                for peer in peers:
                    assert (await peer.ask("info")).info.data == "kvstore"
                assert application.disconnections == generation
                await drop(*peers)

    asyncio.run(scenario())


def test_a_new_node_is_served_although_a_query_of_the_old_one_still_runs():
    async def scenario():
        application = KvStore()
        async with serving(application) as (_, connect):
            old = [await connect() for _ in range(4)]
            for peer in old:
                await peer.ask("echo")
            old[0].writer.write(request_frame("query", path="/wait"))
            await drop(*old)
            new = [await connect() for _ in range(4)]
            for peer in new:
                await peer.ask("echo")
            disconnections = application.disconnections
            await new[0].ask("check_tx", tx=b"a=b")
            await new[1].ask("query", path="/wait")
            await drop(*new)
        return disconnections

    assert asyncio.run(scenario()) == 1


def test_a_node_that_closes_one_connection_and_keeps_another_ends_the_server():
    async def scenario():
        async with serving(Application(), node_grace_seconds=0) as (server, connect):
            first, second = await connect(), await connect()
            await first.ask("echo")
            await second.ask("echo")
            await first.close()
            answer = await second.receive()
            await second.close()
            return answer.exception.error, await server.wait()

    error, exit_code = asyncio.run(scenario())
    assert error.startswith("NodeLost: the node closed a connection and kept 1 open")
    assert exit_code == 1


class TooOld(Application):
    """An application whose next block needs a later version; it still answers queries."""

    def __init__(self):
        self.asked = asyncio.Event()

    def finalize_block(self, request):
        self.asked.set()
        raise UpgradeRequired("block 7 needs version 2")


def test_a_node_is_left_alive_for_a_while_before_an_upgrade_ends_the_server_and_then_told_why():
    async def scenario():
        application = TooOld()
        async with serving(application, upgrade_grace_seconds=1) as (server, connect):
            consensus, query = await connect(), await connect()
            consensus.writer.write(request_frame("finalize_block", height=7))
            await application.asked.wait()
            meanwhile = await query.ask("echo", message="still here")
            told = await consensus.receive()
            await drop(consensus, query)
            return meanwhile.echo.message, told.exception.error, await server.wait()

    meanwhile, told, exit_code = asyncio.run(scenario())
    assert (meanwhile, exit_code) == ("still here", UPGRADE_EXIT_CODE)
    assert told == "UpgradeRequired: block 7 needs version 2"


def test_a_signal_ends_a_server_that_waits_for_its_upgrade_at_once_with_exit_code_0():
    async def scenario():
        application = TooOld()
        async with serving(application, upgrade_grace_seconds=600) as (server, connect):
            consensus = await connect()
            consensus.writer.write(request_frame("finalize_block", height=7))
            await application.asked.wait()
            server.stop("SIGTERM")
            await drop(consensus)
            return await server.wait()

    assert asyncio.run(scenario()) == 0


def test_a_connection_that_never_spoke_may_come_and_go():
    async def scenario():
        async with serving(Application(), node_grace_seconds=0) as (_, connect):
            node, probe = await connect(), await connect()
            await probe.close()
            for _ in range(10):
                await node.ask("echo")
            await node.close()
        return True

    assert asyncio.run(scenario())


def test_a_fifth_connection_is_refused_and_the_four_go_on():
    async def scenario():
        async with serving(Application()) as (_, connect):
            node = [await connect() for _ in range(4)]
            for peer in node:
                await peer.ask("echo")
            fifth = await connect()
            with pytest.raises((ConnectionError, OSError)):
                await fifth.ask("commit")
            answers = [(await peer.ask("echo", message="on")).echo.message for peer in node]
            await drop(*node)
            fifth.writer.close()
        return answers

    assert asyncio.run(scenario()) == ["on"] * 4


def test_an_application_that_fails_to_let_go_of_a_node_ends_the_server():
    class Clinging(Application):
        def node_disconnected(self):
            raise RuntimeError("cannot forget")

    async def scenario():
        async with serving(Clinging()) as (server, connect):
            node = await connect()
            await node.ask("echo")
            await node.close()
            return await server.wait()

    assert asyncio.run(scenario()) == 1


# ---- as a process


def test_pipelined_requests_of_all_kinds_are_answered_in_order(listen):
    methods = [
        "echo",
        "check_tx",
        "flush",
        "query",
        "info",
        "check_tx",
        "check_tx",
        "flush",
        "commit",
        "insert_tx",
    ] * 200
    with server_process(listen) as server, client(server.address) as node:
        node.send(*map(request_frame, methods))
        assert [node.receive().WhichOneof("value") for _ in methods] == methods
        node.close()
        assert server.terminate()[0] == 0


def test_a_slow_query_does_not_delay_a_check_tx(listen):
    with server_process(listen) as server, client(server.address) as queries, client(server.address) as mempool:
        queries.send(request_frame("query", path="/wait"))
        assert mempool.ask("check_tx", tx=b"a=b").check_tx.code == 0
        assert queries.receive().query.value == b"a CheckTx came"


def test_exceptions_in_query_and_check_tx_become_codes_and_the_server_goes_on(listen):
    with server_process(listen) as server, client(server.address) as node:
        answer = node.ask("query", path="/raise").query
        assert (answer.code, answer.log) == (1, "RuntimeError: the application was told to raise")
        assert node.ask("check_tx", tx=b"raise").check_tx.code == 1
        assert node.ask("echo", message="alive").echo.message == "alive"
        exit_code, errors = server.terminate()
        assert exit_code == 0
        assert "query raised; it is answered with code 1" in errors
        assert "CheckTx raised; the transaction is refused" in errors


def test_an_exception_in_finalize_block_ends_the_process_and_tells_node_and_log(listen):
    with server_process(listen) as server, client(server.address) as node:
        answer = node.ask("finalize_block", txs=[b"a=b", b"raise"], height=1)
        text = "finalize_block failed: RuntimeError: the application was told to raise"
        assert text in answer.exception.error
        exit_code, errors = server.wait()
        assert exit_code == 1
        assert f"stopping with exit code 1: {text}" in errors
        assert "in _explode" in errors


@pytest.mark.parametrize("name", PROTOCOL_ERRORS)
def test_a_protocol_error_ends_the_process_with_a_message(name, tmp_path):
    data, text = PROTOCOL_ERRORS[name]
    with server_process(f"unix://{tmp_path}/s") as server, client(server.address) as node:
        node.send(data)
        assert text in node.receive().exception.error
        exit_code, errors = server.wait()
        assert exit_code == 1
        assert "stopping with exit code 1: " in errors
        assert text in errors
        assert "Traceback" not in errors


def test_a_connection_that_ends_inside_a_frame_ends_the_process(listen):
    with server_process(listen) as server:
        with client(server.address) as node:
            node.send(request_frame("check_tx", tx=b"cut short")[:-1])
        exit_code, errors = server.wait()
        assert exit_code == 1
        assert "the stream ended inside a frame: 13 bytes announced, 12 bytes came" in errors


def test_a_node_that_leaves_with_answers_unread_is_no_error(listen):
    with server_process(listen) as server:
        for _ in range(5):
            node = Client(server.address)
            node.send(request_frame("check_tx", tx=b"a=b") * 2000)
            node.receive()
            node.close()
        with client(server.address) as node:
            assert node.ask("echo", message="next").echo.message == "next"
        assert server.terminate()[0] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_an_orderly_end_also_with_a_node_connected(number, tmp_path):
    with server_process(f"unix://{tmp_path}/s") as server, client(server.address) as node:
        node.ask("echo")
        server.process.send_signal(number)
        with pytest.raises(ConnectionError):
            node.receive()
        exit_code, errors = server.wait()
        assert exit_code == 0
        assert f"stopping: {number.name}" in errors
        assert not (tmp_path / "s").exists()


def test_a_query_that_hangs_does_not_keep_the_process_from_ending(tmp_path):
    with server_process(f"unix://{tmp_path}/s") as server, client(server.address) as queries:
        queries.ask("query", path="/anything")
        queries.send(request_frame("query", path="/wait"))
        with client(server.address) as other:
            other.ask("echo")
        assert server.terminate()[0] == 0


def test_an_address_in_use_is_a_clear_end(tmp_path, caplog):
    with server_process(f"unix://{tmp_path}/s") as server:
        assert serve(Application(), server.address) == 1
        assert "another server is listening there; stop it first" in caplog.text
        with client(server.address) as node:
            assert node.ask("echo", message="unharmed").echo.message == "unharmed"


def test_an_address_that_is_none_is_a_clear_end(caplog):
    assert serve(Application(), "localhost") == 1
    assert "write unix://PATH or tcp://HOST:PORT" in caplog.text


def test_a_block_of_20_megabytes_arrives_whole(listen):
    txs = [b"%07d=" % number + bytes(92) for number in range(200_000)]
    with server_process(listen) as server, client(server.address) as node:
        answer = node.ask("finalize_block", txs=txs, height=1).finalize_block
        assert [result.data for result in answer.tx_results] == txs
        assert node.ask("commit") == pb.Response(commit=pb.ResponseCommit())
        assert node.ask("query", data=txs[77][:7]).query.value == bytes(92)
