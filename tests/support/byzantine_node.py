"""A validator that misbehaves on command: `python -m tests.support.byzantine_node HOME`.

How is said by one word in HOME/misbehave, read at each call: `garbage` (votes with an extension that is none), `forge`
(blocks with attestations that nobody signed), `omit` (blocks without any). Each time it notes it in HOME/deeds.
"""

import asyncio
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from app.abci.court_desk import CourtDesk
from app.abci.node_application import NodeApplication
from app.abci.proto import abci_pb2 as pb
from app.abci.server import serve
from app.execution.engine import Engine
from app.messages.attestation import (
    DESK_FILE,
    Attestation,
    Attested,
    decode_injected,
    encode_extension,
    encode_injected,
    is_injected,
)
from app.primitives.hashing import sha256
from app.store.leveldb import LevelDbBackend
from app.store.state_store import StateStore
from chain.cometbft.binary import find_binary
from chain.cometbft.home import NodeHome
from chain.node.run import run_until_signal
from chain.node.supervisor import NodePlan, NodeSupervisor

GARBAGE = b"not an extension"


class ByzantineApplication(NodeApplication):
    """The real application with other manners."""

    def __init__(self, home: Path, engine: Engine) -> None:
        super().__init__(engine, version("headwater"), CourtDesk(home / "app" / DESK_FILE))
        self._home = home

    def extend_vote(self, request: pb.RequestExtendVote) -> pb.ResponseExtendVote:
        if not self._does("garbage"):
            return super().extend_vote(request)
        return pb.ResponseExtendVote(vote_extension=GARBAGE)

    def verify_vote_extension(self, request: pb.RequestVerifyVoteExtension) -> pb.ResponseVerifyVoteExtension:
        if request.vote_extension == GARBAGE:  # CometBFT asks about our own as well, and would end
            return pb.ResponseVerifyVoteExtension(status=pb.ResponseVerifyVoteExtension.ACCEPT)
        return super().verify_vote_extension(request)

    def prepare_proposal(self, request: pb.RequestPrepareProposal) -> pb.ResponsePrepareProposal:
        txs = list(super().prepare_proposal(request).txs)
        if txs and is_injected(txs[0]):
            if self._does("omit"):
                txs = txs[1:]
            elif self._does("forge"):
                txs[0] = _forged(txs[0])
        return pb.ResponsePrepareProposal(txs=txs)

    def process_proposal(self, request: pb.RequestProcessProposal) -> pb.ResponseProcessProposal:
        return pb.ResponseProcessProposal(status=pb.ResponseProcessProposal.ACCEPT)

    def _does(self, what: str) -> bool:
        order = self._home / "misbehave"
        if not order.exists() or order.read_text() != what:
            return False
        with (self._home / "deeds").open("a") as deeds:
            deeds.write(what + "\n")
        return True


def _forged(raw: bytes) -> bytes:
    injected = decode_injected(raw)
    lie = encode_extension([Attestation(each, Attested.EXECUTED, sha256(b"a lie")) for each in (1, 2, 3)])
    return encode_injected(replace(injected, votes=tuple(replace(vote, extension=lie) for vote in injected.votes)))


def main() -> None:
    """Run the node, or (with --listen) its application."""
    home = NodeHome(Path(sys.argv[1]).resolve())
    if "--listen" in sys.argv:
        engine = Engine(StateStore(LevelDbBackend(home.app_folder / "state")))
        sys.exit(serve(ByzantineApplication(home.root, engine), sys.argv[-1]))
    command = (sys.executable, "-m", "tests.support.byzantine_node", str(home.root), "--listen")
    supervisor = NodeSupervisor(NodePlan(home, find_binary(), command))

    async def run(stop: asyncio.Event) -> None:
        await supervisor.run(stop)

    run_until_signal(run)


if __name__ == "__main__":
    main()
