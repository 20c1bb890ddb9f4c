"""Calls reach the node once, or again where that is safe, and every failure has its type."""

import asyncio
import socket

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from chain.failures import UsageFailure
from chain.rpc.errors import (
    AlreadyInMempool,
    NodeCatchingUp,
    NodeEnding,
    RpcError,
    RpcMalformed,
    RpcUnreachable,
    error_from_answer,
)
from chain.rpc.transport import RpcLimits, Transport, normalise_url
from tests.support.rpc_node import RpcFault, rpc_node

QUICK = RpcLimits(timeout_seconds=5, attempts=3, first_pause_seconds=0.001)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://h:1", "http://h:1"),
        ("tcp://127.0.0.1:26657", "http://127.0.0.1:26657"),
        ("127.0.0.1:26657/", "http://127.0.0.1:26657"),
        (" https://rpc.example.org ", "https://rpc.example.org"),
    ],
)
def test_addresses_are_taken_in_every_usual_form(given, url):
    assert normalise_url(given) == url


@pytest.mark.parametrize("given", ["", "ftp://h:1", "http://", "http://h:99999", "http://h:x", "unix:///x"])
def test_what_is_no_address_is_refused(given):
    with pytest.raises(UsageFailure, match="not the address of a node's RPC"):
        normalise_url(given)


def call(answer, use, limits=QUICK):
    async def scenario():
        async with rpc_node(answer) as url:
            transport = Transport(url, limits)
            try:
                return await use(transport)
            finally:
                await transport.close()

    return asyncio.run(scenario())


def test_the_result_is_handed_over_with_the_parameters_sent():
    asked = []
    answer = call(lambda *request: asked.append(request) or {"x": 1}, lambda t: t.call("m", {"height": "5"}))
    assert answer == {"x": 1}
    assert asked == [("m", {"height": "5"})]


def fault(*error):
    def answer(method, params):
        raise RpcFault(*error)

    return answer


def test_an_error_of_the_node_has_code_message_and_data():
    with pytest.raises(RpcError) as raised:
        call(fault(-32603, "Internal error", "mempool is full"), lambda t: t.call("m"))
    assert (raised.value.code, raised.value.message, raised.value.data) == (-32603, "Internal error", "mempool is full")
    assert raised.value.exit_code == 1


def test_a_known_transaction_has_an_error_of_its_own():
    with pytest.raises(AlreadyInMempool):
        call(fault(-32603, "Internal error", "tx already exists in cache"), lambda t: t.call("m"))


def test_an_error_of_the_node_is_not_asked_for_again():
    asked = []

    def answer(method, params):
        asked.append(method)
        raise RpcFault(1, "no", "")

    with pytest.raises(RpcError):
        call(answer, lambda t: t.read("m"))
    assert asked == ["m"]


def test_a_batch_is_answered_in_order_with_errors_in_their_places():
    def answer(method, params):
        if params["n"] == 2:
            raise RpcFault(1, "no", "")
        return params["n"]

    answers = call(answer, lambda t: t.call_many("m", [{"n": n} for n in (1, 2, 3)]))
    assert (answers[0], answers[2]) == (1, 3)
    assert isinstance(answers[1], RpcError)
    assert call(answer, lambda t: t.call_many("m", [])) == []


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("<html>", "not a CometBFT node"),
        ("[]", "something else than was asked"),
        ('{"jsonrpc":"2.0","id":1}', "without a result"),
        ('{"jsonrpc":"2.0","id":7,"result":{}}', "something else than was asked"),
    ],
)
def test_another_service_on_the_port_is_told_as_such(body, error):
    async def handler(request):
        return web.Response(text=body)

    async def scenario():
        application = web.Application()
        application.router.add_post("/", handler)
        async with TestServer(application) as server:
            transport = Transport(str(server.make_url("")), QUICK)
            try:
                await transport.call("m")
            finally:
                await transport.close()

    with pytest.raises(RpcMalformed, match=error) as raised:
        asyncio.run(scenario())
    assert raised.value.exit_code == 3


def breaking_server(behaviour):
    """Run `behaviour(transport, connections)` against a server that closes every connection it accepts."""

    async def scenario():
        connections = []

        async def accept(reader, writer):
            connections.append(asyncio.current_task())
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            transport = Transport(f"127.0.0.1:{port}", QUICK)
            try:
                await behaviour(transport, connections)
            finally:
                await transport.close()
                await asyncio.gather(*connections)

    asyncio.run(scenario())


def test_a_read_is_tried_again_and_a_call_is_not():
    async def behaviour(transport, connections):
        with pytest.raises(RpcUnreachable):
            await transport.call("broadcast_tx_sync")
        assert len(connections) == 1
        with pytest.raises(RpcUnreachable):
            await transport.read("status")
        assert len(connections) == 1 + QUICK.attempts

    breaking_server(behaviour)


def test_nobody_there_is_unreachable_with_exit_code_3():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    async def scenario():
        transport = Transport(f"127.0.0.1:{port}", QUICK)
        try:
            await transport.read("status")
        finally:
            await transport.close()

    with pytest.raises(RpcUnreachable, match=r"cannot reach a node at .*: Connection refused$") as raised:
        asyncio.run(scenario())
    assert raised.value.exit_code == 3


def test_silence_is_unreachable_after_the_limit():
    async def scenario():
        listening = []

        async def listen_only(reader, writer):
            listening.append(asyncio.current_task())
            while await reader.read(1000):
                pass
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(listen_only, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            transport = Transport(f"127.0.0.1:{port}", RpcLimits(timeout_seconds=0.2, attempts=1))
            try:
                await transport.call("status")
            finally:
                await transport.close()
                await asyncio.gather(*listening)

    with pytest.raises(RpcUnreachable, match=r"did not answer within 0\.2 s"):
        asyncio.run(scenario())


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("endpoint is closed while node is catching up", NodeCatchingUp),
        ("appConn mempool: read message: EOF", NodeEnding),
        ("write to buffer: write unix @->/x/app.sock: write: broken pipe", NodeEnding),
    ],
)
def test_a_node_that_is_starting_or_ending_counts_as_one_that_does_not_answer(data, kind):
    error = error_from_answer({"code": -32603, "message": "Internal error", "data": data})
    assert isinstance(error, kind)
    assert isinstance(error, RpcUnreachable)
