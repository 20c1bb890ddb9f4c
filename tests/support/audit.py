"""Clients that remember what they were told, and the comparison of that with the chain."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.messages.rejections import Reason
from chain.rpc.client import RpcClient
from chain.rpc.errors import RpcFailure
from chain.tx.errors import reason_of
from chain.tx.queries import Queries
from tests.support.transfers import Sender
from tests.support.waiting import until

KNOWN = (Reason.ALREADY_KNOWN, Reason.NONCE_TOO_LOW)
"""Answers to a transaction that was accepted before: it waits, or it is in a block."""


@dataclass
class Account:
    """One sender with its presigned transfers, and which of them a node has accepted."""

    sender: Sender
    transfers: list[bytes]
    accepted: list[bytes] = field(default_factory=list)

    async def send(self, client: RpcClient, group: Sequence[bytes]) -> None:
        """Send a bundle; RpcFailure where the node is down, and then nobody knows what it has taken."""
        answer = await client.broadcast_bundle(group)
        for raw, code in zip(group, answer.codes, strict=True):
            if code == 0 or reason_of(code) in KNOWN:
                self.accepted.append(raw)

    async def send_somewhere(self, clients: Sequence[RpcClient], group: Sequence[bytes]) -> None:
        """Send to the first of these nodes that answers."""
        for client in clients:
            try:
                await self.send(client, group)
            except RpcFailure:
                continue
            return
        raise AssertionError("no node takes transactions")


def in_groups(transfers: Sequence[bytes], size: int) -> list[Sequence[bytes]]:
    """Bundles of so many."""
    return [transfers[at : at + size] for at in range(0, len(transfers), size)]


async def until_included(client: RpcClient, accounts: Sequence[Account], limit_seconds: float) -> int:
    """Wait until the chain has used as many nonces of each sender as it was told are accepted; the height then."""
    for account in accounts:

        async def is_included(account: Account = account) -> bool:
            return await _nonce(client, account) >= len(account.accepted)

        await until(is_included, f"{len(account.accepted)} transfers of a sender on the chain", limit_seconds)
    return (await client.abci_info()).height


async def _nonce(client: RpcClient, account: Account) -> int:
    try:
        return int((await Queries(client).account(account.sender.address))["nonce"])
    except RpcFailure:
        return 0


async def audit(client: RpcClient, accounts: Sequence[Account], last: int) -> None:
    """Every accepted transaction is on the chain exactly once and succeeded, and each sender's are in order."""
    chain: list[bytes] = []
    for height in range(1, last + 1):
        block, results = await client.block(height), await client.block_results(height)
        assert all(result.code == 0 for result in results.transactions)
        chain += block.transactions
    counts = Counter(chain)
    assert [raw for raw, count in counts.items() if count > 1] == [], "doubled"
    for account in accounts:
        lost = [account.transfers.index(raw) for raw in account.accepted if raw not in counts]
        assert lost == [], f"nonces {lost} of {len(account.accepted)} accepted are lost"
        own = set(account.transfers)
        included = [raw for raw in chain if raw in own]
        assert included == account.transfers[: len(included)], "out of order"
