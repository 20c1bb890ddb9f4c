"""Joining a chain that runs: the genesis document and the peers, asked of one of its nodes.

A node that is asked could answer with another chain's document. Its word is checked where it can be: the document as
such (`genesis.check`), and its hash, where the joiner was given one by somebody he trusts.
"""

import asyncio
import contextlib
import hashlib
import ipaddress
import json
import re
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from chain.cometbft.config import FLOOD, MEMPOOLS
from chain.failures import Failure, UsageFailure
from chain.node.ports import split_address
from chain.rpc.client import RpcClient
from chain.rpc.types import NodeStatus, Peer
from genesis.check import require_valid
from genesis.document import Document, dump_document, load_document
from genesis.failures import GenesisError

MOST_PEERS = 10
_SHA256 = re.compile(r"(0x)?[0-9a-fA-F]{64}")


class JoinRefused(Failure):
    """What the node answered is not a chain that we could, or were asked to, join."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a new node starts from.

    Attributes:
        document: the bytes of genesis.json, the same on every node of the chain.
        peers: id@host:port of the node that was asked and of its peers.
        is_private: whether the node that was asked has a private or a loopback address.
        mempool: whose mempool its nodes have; one with the other kind would not understand what they send.
    """

    chain_id: str
    document: bytes
    peers: tuple[str, ...]
    is_private: bool
    mempool: str = FLOOD

    @property
    def genesis_hash(self) -> str:
        """SHA-256 of the document in hexadecimal, as `sha256sum genesis.json` prints it."""
        return hashlib.sha256(self.document).hexdigest()


async def ask_to_join(address: str, expected_hash: str | None = None) -> Invitation:
    """Ask the node whose RPC is at `address` for its chain.

    Raises:
        UsageFailure: the address or the hash is none.
        RpcFailure: the node does not answer.
        JoinRefused: its genesis document is damaged, no chain could start from it, or it has another hash.
    """
    wanted = None if expected_hash is None else parse_hash(expected_hash)
    async with RpcClient(address) as client:
        status = await client.status()
        document = await client.genesis_bytes()
        peers = await client.peers()
        mempool = await ask_for_mempool(client)
        host = urlsplit(client.url).hostname or ""
    invitation = Invitation(
        chain_id=status.chain_id,
        document=read_answer(document, status.chain_id),
        peers=name_peers(host, status, peers),
        is_private=await is_private(host),
        mempool=mempool,
    )
    if wanted is not None and invitation.genesis_hash != wanted:
        raise JoinRefused(
            f"the genesis document at {address} has the hash {invitation.genesis_hash}, not {wanted}: "
            "this is another chain, or the node lies; ask another node, or check the hash that you were given"
        )
    return invitation


async def ask_for_mempool(client: RpcClient) -> str:
    """Whose mempool a node has; one that does not know the question has CometBFT's."""
    answer = await client.abci_query("mempool")
    with contextlib.suppress(ValueError):
        described = json.loads(answer.value) if answer.code == 0 else None
        if isinstance(described, dict) and described.get("type") in MEMPOOLS:
            return str(described["type"])
    return FLOOD


def parse_hash(text: str) -> str:
    """A SHA-256 in lower-case hexadecimal; UsageFailure when it is none."""
    if not _SHA256.fullmatch(text):
        raise UsageFailure(f"{text!r} is not a SHA-256 in hexadecimal, as `sha256sum genesis.json` prints it")
    return text.lower().removeprefix("0x")


def read_answer(data: bytes, chain_id: str) -> bytes:
    """The file that a node read its genesis from, out of what it answers: the same document, written anew.

    Raises:
        JoinRefused: no chain could start from it, or it is not the one that the node says it runs.
    """
    try:
        document = _without_defaults(load_document(data))
        require_valid(document)
    except GenesisError as error:
        raise JoinRefused(f"the node's genesis document is not one that a chain could start from:\n{error}") from error
    if document["chain_id"] != chain_id:
        raise JoinRefused(f"the node runs {chain_id}, but its genesis document is of {document['chain_id']}")
    return dump_document(document)


def _without_defaults(document: Any) -> Document:
    """CometBFT v0.40 writes down that nobody has authority over the consensus parameters; our files do not."""
    params = document.get("consensus_params") if isinstance(document, dict) else None
    if isinstance(params, dict) and params.get("authority") == {"authority": ""}:
        del params["authority"]
    return document  # type: ignore[no-any-return]  # what is no object is refused by the check that follows


def name_peers(host: str, status: NodeStatus, peers: tuple[Peer, ...]) -> tuple[str, ...]:
    """id@host:port of the node at `host`, and of as many of its peers as we can hope to reach."""
    found = {status.node_id: _reachable(status.listen_address, host)}
    for peer in peers:
        place = _reachable(peer.listen_address, peer.address)
        if not _is_loopback(place) or _is_loopback(found[status.node_id]):
            found.setdefault(peer.node_id, place)
    return tuple(f"{node_id}@{place}" for node_id, place in list(found.items())[:MOST_PEERS])


def _reachable(listen_address: str, seen_at: str) -> str:
    """host:port of a node: what it announces, or where it was seen if it listens everywhere."""
    host, port = split_address(listen_address)
    with contextlib.suppress(ValueError):  # which a name would be
        host = seen_at if ipaddress.ip_address(host).is_unspecified else host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_loopback(place: str) -> bool:
    host, _ = split_address(place)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def is_private(host: str) -> bool:
    """Whether a host's addresses are those of this machine or of a local network."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all(ipaddress.ip_address(str(item[4][0]).partition("%")[0]).is_private for item in found)
