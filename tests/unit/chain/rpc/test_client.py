"""The client sends what CometBFT expects, and refuses answers it does not know."""

import asyncio
import base64

import pytest

from chain.rpc.client import VALIDATORS_PER_PAGE, RpcClient
from chain.rpc.errors import RpcError, RpcMalformed
from tests.support.rpc_node import RpcFault, rpc_node


def use(answer, scenario):
    async def run():
        async with rpc_node(answer) as url, RpcClient(url) as client:
            return await scenario(client)

    return asyncio.run(run())


def test_bytes_go_out_as_base64_or_hex_and_heights_as_strings():
    asked = []

    def answer(method, params):
        asked.append((method, params))
        if method == "abci_query":
            return {"response": {"code": 0, "height": "9"}}
        return {"code": 0, "codespace": "", "data": "", "log": "", "hash": "AB"}

    async def scenario(client):
        assert (await client.broadcast_tx_sync(b"\xff\x00")).hash == b"\xab"
        await client.abci_query("/store/state/key", b"\xff\x00", 9, prove=True)

    use(answer, scenario)
    assert asked == [
        ("broadcast_tx_sync", {"tx": base64.b64encode(b"\xff\x00").decode()}),
        ("abci_query", {"path": "/store/state/key", "data": "ff00", "height": "9", "prove": True}),
    ]


def test_all_pages_of_validators_are_read():
    total = VALIDATORS_PER_PAGE + 3
    entry = {"address": "AA", "pub_key": {"value": "YQ=="}, "voting_power": "1", "proposer_priority": "-1"}

    def answer(method, params):
        first = (int(params["page"]) - 1) * int(params["per_page"])
        return {"validators": [entry] * min(VALIDATORS_PER_PAGE, total - first), "total": str(total)}

    assert len(use(answer, lambda client: client.validators())) == total


def test_a_transaction_that_is_not_indexed_is_none_and_other_errors_are_errors():
    def answer(method, params):
        known = base64.b64decode(params["hash"]) == b"\x01"
        raise RpcFault(-32603, "Internal error", "transaction indexing is disabled" if known else "tx (AB) not found")

    async def scenario(client):
        assert await client.tx(b"\xab") is None
        with pytest.raises(RpcError, match="indexing is disabled"):
            await client.tx(b"\x01")

    use(answer, scenario)


@pytest.mark.parametrize("result", [{}, {"node_info": {}}, [], None, "text", {"sync_info": 3}])
def test_an_answer_in_an_unknown_form_is_malformed(result):
    with pytest.raises(RpcMalformed, match="status"):
        use(lambda method, params: result, lambda client: client.status())
