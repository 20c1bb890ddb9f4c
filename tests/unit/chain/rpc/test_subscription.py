"""Subscriptions come back by themselves and say where something may be missing."""

import asyncio
import json

import pytest

from chain.rpc.errors import RpcError, RpcUnreachable
from chain.rpc.subscription import Backoff, EventMessage, Subscription, SubscriptionGap, event_height
from chain.rpc.transport import RpcLimits, Transport
from tests.support.rpc_node import rpc_node

NO_PAUSE = Backoff(first_seconds=0.001, longest_seconds=0.002)


def event(height):
    value = {"block": {"header": {"height": str(height)}}}
    result = {
        "query": "q",
        "data": {"type": "tendermint/event/NewBlock", "value": value},
        "events": {"tm.event": ["x"]},
    }
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": result})


ACCEPTED = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {}})
REFUSED = json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": -32603, "message": "Internal", "data": "no"}})


def collect(talk, count):
    """The first `count` items of a subscription to a node that talks so on each connection."""

    async def scenario():
        async with rpc_node(lambda method, params: {}, talk) as url:
            transport = Transport(url, RpcLimits(timeout_seconds=5))
            items = []
            try:
                async with Subscription(transport, "q", NO_PAUSE) as subscription:
                    async for item in subscription:
                        items.append(item)
                        if len(items) == count:
                            return items
            finally:
                await transport.close()

    return asyncio.run(scenario())


def sequence(*connections):
    """Per connection: what to say after the subscription was accepted, before closing."""
    left = list(connections)

    async def talk(socket):
        request = json.loads((await socket.receive()).data)
        assert request["method"] == "subscribe"
        assert request["params"] == {"query": "q"}
        for line in left.pop(0):
            await socket.send_str(line)
        await socket.close()

    return talk


def test_events_come_in_order_with_type_height_and_attributes():
    items = collect(sequence([ACCEPTED, event(4), event(5)]), 2)
    assert [item.height for item in items] == [4, 5]
    assert items[0].type == "tendermint/event/NewBlock"
    assert items[0].events == {"tm.event": ["x"]}


def test_a_lost_connection_is_a_gap_after_the_last_height_seen():
    items = collect(sequence([ACCEPTED, event(4)], [ACCEPTED, event(9)]), 3)
    assert [type(item) for item in items] == [EventMessage, SubscriptionGap, EventMessage]
    assert items[1].last_height == 4
    assert "closed the subscription" in items[1].reason
    assert items[2].height == 9


def test_a_gap_before_any_event_has_no_height():
    items = collect(sequence([ACCEPTED], [ACCEPTED, event(9)]), 2)
    assert items[0].last_height is None


def test_a_refusal_while_reconnecting_is_tried_again():
    items = collect(sequence([ACCEPTED, event(1)], [REFUSED], [], [ACCEPTED, event(2)]), 3)
    assert [type(item).__name__ for item in items] == ["EventMessage", "SubscriptionGap", "EventMessage"]


@pytest.mark.parametrize("line", ["{", "[]", '{"id":1,"result":{"data":3}}', '{"id":1,"error":{"data":"canceled"}}'])
def test_an_event_that_cannot_be_read_is_a_gap_and_not_the_end(line):
    items = collect(sequence([ACCEPTED, event(1), line], [ACCEPTED, event(2)]), 3)
    assert isinstance(items[1], SubscriptionGap)
    assert items[2].height == 2


def test_a_query_that_is_refused_at_first_is_an_error():
    with pytest.raises(RpcError, match="no"):
        collect(sequence([REFUSED]), 1)


def test_nobody_there_at_first_is_unreachable():
    async def scenario():
        transport = Transport("127.0.0.1:9", RpcLimits(timeout_seconds=1))
        try:
            async with Subscription(transport, "q"):
                pass
        finally:
            await transport.close()

    with pytest.raises(RpcUnreachable, match="cannot subscribe"):
        asyncio.run(scenario())


def test_pauses_double_up_to_the_longest():
    pauses = [Backoff(first_seconds=1, longest_seconds=5).pause(attempt) for attempt in (0, 1, 2, 3, 10_000)]
    assert pauses == [1, 2, 4, 5, 5]


@pytest.mark.parametrize(
    ("value", "height"),
    [
        ({"TxResult": {"height": "3"}}, 3),
        ({"block": {"header": {"height": "4"}}}, 4),
        ({"header": {"height": "5"}}, 5),
        ({"height": "6"}, 6),
        ({"other": 1}, None),
        (None, None),
        ({"height": "x"}, None),
    ],
)
def test_the_height_is_found_in_every_form_of_event(value, height):
    assert event_height(value) == height
