"""Reading the chain's state without believing the node's answer: the Merkle proof is checked against a block header.

What is checked: the height of the answer is the one asked for, the header is the next block's (the app hash after
block H stands in header H + 1), and the proof shows this key's value, or its absence, under that app hash. CometBFT's
own light proxy compares neither key nor height with the question.

What is trusted: the header, as the node gives it. Whether a header was signed by the validators is the business of a
light client: point `client` at a `cometbft light` proxy to have that checked as well.
"""

from dataclasses import dataclass
from typing import Any

from app.primitives.state_proof import (
    ABSENCE_OP_TYPE,
    STORE_KEY,
    ProofOp,
    StateProofError,
    verify_answer,
)
from chain.failures import Failure
from chain.rpc.client import RpcClient
from chain.rpc.types import QueryResult

STATE_QUERY_PATH = f"/store/{STORE_KEY.decode()}/key"


class ProofRefused(Failure):
    """The node's answer does not prove what it says: the node is broken, or lies."""


class QueryRefused(Failure):
    """The application answered the query with an error code."""

    def __init__(self, code: int, log: str) -> None:
        super().__init__(log or f"the node refused the query with code {code}")
        self.code = code
        self.log = log

    def details(self) -> dict[str, Any]:
        """The code, as programs ask for it."""
        return {"code": self.code}


@dataclass(frozen=True, slots=True)
class VerifiedValue:
    """The value of a key after block `height`, None where the key has none, proven under `app_hash`."""

    value: bytes | None
    height: int
    app_hash: bytes


async def verified_get(client: RpcClient, key: bytes, height: int | None = None) -> bytes | None:
    """The proven value of `key` in the state after block `height` (None: the newest the node can prove), or None.

    Raises ProofRefused, QueryRefused, or an RpcFailure.
    """
    return (await verified_read(client, key, height)).value


async def verified_read(client: RpcClient, key: bytes, height: int | None = None) -> VerifiedValue:
    """As verified_get, with the height and app hash that the value was proven at."""
    answer = await client.abci_query(STATE_QUERY_PATH, key, height or 0, prove=True)
    if answer.code:
        raise QueryRefused(answer.code, answer.log)
    if answer.height < 1 or height not in {None, 0, answer.height}:
        raise ProofRefused(f"{client.url} answered for height {answer.height}, asked was {height or 'the newest'}")
    if answer.key not in {b"", key}:
        raise ProofRefused(f"{client.url} answered for key {answer.key.hex()}, asked was {key.hex()}")
    app_hash = await _app_hash_after(client, answer.height)
    return VerifiedValue(_proven_value(client.url, key, answer, app_hash), answer.height, app_hash)


async def _app_hash_after(client: RpcClient, height: int) -> bytes:
    header = await client.header(height + 1)
    if header.height != height + 1:
        raise ProofRefused(f"{client.url} gave the header of height {header.height}, asked was {height + 1}")
    return header.app_hash


def _proven_value(url: str, key: bytes, answer: QueryResult, app_hash: bytes) -> bytes | None:
    operators = tuple(ProofOp(item.type, item.key, item.data) for item in answer.proof)
    absent = bool(operators) and operators[0].type == ABSENCE_OP_TYPE
    if absent and answer.value:
        raise ProofRefused(f"{url} answered with a value and with a proof that there is none")
    value = None if absent else answer.value
    try:
        verify_answer(app_hash, key, value, operators)
    except StateProofError as error:
        raise ProofRefused(f"{url} could not prove its answer: {error}") from error
    return value
