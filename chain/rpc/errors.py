"""What can go wrong between us and a node's RPC.

RpcFailure
├── RpcUnreachable   no node answered: nothing listens, the connection broke, or it took too long
│   ├── NodeCatchingUp   it takes no transactions until it has the blocks that it missed; nothing was sent
│   └── NodeEnding       its application is gone, and it will be in a moment; what was sent may have arrived
├── RpcMalformed     something answered, but not with CometBFT's JSON-RPC
└── RpcError         the node answered with an error: `code`, `message`, `data`
    ├── AlreadyInMempool   the transaction is known to the node; sending it again changes nothing
    └── SeenBefore         the node has met these bytes before, and does not say whether it keeps them
"""

from chain.failures import EXIT_UNREACHABLE, Failure

APPLICATION_GONE = ("appConn ", "read message: EOF", "client has stopped", "broken pipe", "connection reset by peer")
"""What CometBFT v0.40 says of a broken ABCI connection (abci/client/socket_client.go, mempool/clist_mempool.go)."""


class RpcFailure(Failure):
    """The root of every failed call to a node."""


class RpcUnreachable(RpcFailure):
    """No node answered at this address."""

    exit_code = EXIT_UNREACHABLE


class NodeCatchingUp(RpcUnreachable):
    """The node is there, but still fetches blocks, as after each start: try again in a moment, or ask another one."""


class NodeEnding(RpcUnreachable):
    """The node answers once more, but its connection to the application is broken: it is about to end."""


class RpcMalformed(RpcFailure):
    """The answer is not what CometBFT's RPC sends: another service may be listening there."""

    exit_code = EXIT_UNREACHABLE


class RpcError(RpcFailure):
    """The node's own error. `code` is JSON-RPC's, `data` holds CometBFT's text."""

    def __init__(self, code: int, message: str, data: str = "") -> None:
        super().__init__(f"the node answered with error {code}: {message}{f' ({data})' if data else ''}")
        self.code = code
        self.message = message
        self.data = data


class AlreadyInMempool(RpcError):
    """The node has seen this very transaction before; it need not be sent again."""


class SeenBefore(RpcError):
    """CometBFT has met these bytes and did not ask the application again, which may have refused or forgotten them.

    Only with the application's mempool. Inside of a bundle they are looked at anew.
    """


def error_from_answer(answer: object) -> RpcFailure:
    """The typed error for the `error` member of a JSON-RPC answer."""
    if not isinstance(answer, dict):
        return RpcError(0, "an error without a description", repr(answer))
    data = str(answer.get("data", ""))
    if "closed while node is catching up" in data:
        return NodeCatchingUp("the node takes no transactions yet: it is catching up with the chain")
    if any(sign in data for sign in APPLICATION_GONE):
        return NodeEnding(f"the node has lost its application and is ending: {data}")
    kind = AlreadyInMempool if "already exists in cache" in data else RpcError
    if "tx already seen" in data:
        kind = SeenBefore
    return kind(int(answer.get("code", 0)), str(answer.get("message", "")), data)
