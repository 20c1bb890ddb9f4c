"""Four nodes of one chain in this process, through their ABCI methods: proposals, votes with extensions, blocks.

Consensus itself is played: one proposer, everybody accepts or not, everybody's vote is signed as CometBFT signs it.
What validators attest is said by the test; a Byzantine one signs whatever it likes.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa

from app.abci.court_desk import CourtDesk
from app.abci.node_application import NodeApplication
from app.abci.proto import abci_pb2 as pb
from app.messages.attestation import Attestation, Attestations, extension_sign_bytes
from app.messages.bodies import Deposit, Job, RegisterVerifier, TranscodeAvailability
from app.messages.record import to_json
from app.messages.records import Claim, Dispute
from app.messages.segment import make_stream_id
from app.params import Params
from app.primitives.amounts import Lpt, Wei
from app.primitives.hashing import Hash32, sha256
from app.protocol.transcoders import consensus_address
from app.state.tables import CHALLENGES, CLAIMS, DISPUTES, JOBS
from genesis.presets.test import TEST
from tests.support.chain_driver import CHAIN_ID, ETH, LPT, Chain, Party, make_genesis
from tests.support.judging import TRUTH
from tests.support.work_world import Verdict, ladder, make_work

OPTIONS = replace(ladder(), profile_id="h264-crf-1")
PARAMS = replace(TEST, verification_rate=1, court_window=6, verification_period=4, unbonding_period=40, commit_period=2)


class ValidatorParty(Party):
    """A party whose consensus key can sign."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._secret = ECC.construct(curve="Ed25519", seed=sha256(b"consensus " + name.encode()))
        self.consensus_key = self._secret.public_key().export_key(format="raw")
        self.consensus_address = consensus_address(self.consensus_key)

    def sign_extension(self, extension: bytes, height: int, round_: int = 0) -> bytes:
        message = extension_sign_bytes(extension, height, round_, CHAIN_ID)
        return eddsa.new(self._secret, "rfc8032").sign(message)


@dataclass
class Node:
    """One validator's application, and what its court worker has found."""

    party: ValidatorParty
    chain: Chain
    app: NodeApplication
    known: list[Attestation] = field(default_factory=list)


class KnownDesk(CourtDesk):
    """A desk without a file."""

    def __init__(self, known: list[Attestation]) -> None:
        super().__init__(None)
        self._list = known

    def read(self) -> Sequence[Attestation]:
        return self._list


class CourtNetwork:
    """Four validators of equal power, one of whom works; everybody else of the line besides."""

    def __init__(self, params: Params = PARAMS, segments: int = 1) -> None:
        self.validators = [ValidatorParty(f"validator {number}") for number in range(4)]
        self.broadcaster = Party("broadcaster")
        self.verifiers = [Party(f"verifier {number}") for number in range(3)]
        self.segments = segments
        genesis = make_genesis(params, [self.broadcaster, *self.verifiers], self.validators)
        self.nodes = []
        for party in self.validators:
            known: list[Attestation] = []
            chain = Chain(genesis)
            self.nodes.append(Node(party, chain, NodeApplication(chain.engine, "test", KnownDesk(known)), known))
        self.extended: list[Any] = []
        self.refused: list[bool] = []
        self.round = 0

    @property
    def chain(self) -> Chain:
        return self.nodes[0].chain

    @property
    def height(self) -> int:
        return self.chain.next_height

    # --- blocks

    def propose(self, *txs: bytes, proposer: int = 0, max_bytes: int = 10**6) -> list[bytes]:
        """What an honest proposer makes of the last votes and of these transactions."""
        request = pb.RequestPrepareProposal(
            max_tx_bytes=max_bytes,
            txs=txs,
            height=self.height,
            local_last_commit=pb.ExtendedCommitInfo(round=self.round, votes=self.extended),
        )
        return list(self.nodes[proposer].app.prepare_proposal(request).txs)

    def accepts(self, txs: Sequence[bytes], node: int = 1) -> bool:
        """Whether a node votes for a proposal."""
        request = pb.RequestProcessProposal(txs=txs, height=self.height, proposed_last_commit=self._commit())
        return self.nodes[node].app.process_proposal(request).status == pb.ResponseProcessProposal.ACCEPT

    def block(self, *txs: bytes, proposed: list[bytes] | None = None, absent: Sequence[int] = ()) -> Any:
        """Propose, accept, execute and commit on all nodes, and vote for it; returns node 0's results."""
        block = self.propose(*txs) if proposed is None else proposed
        assert all(self.accepts(block, node) for node in range(4)), "an honest proposal is refused"
        return self.decide(block, absent=absent)

    def decide(self, block: Sequence[bytes], absent: Sequence[int] = ()) -> Any:
        """Execute and commit whatever was decided, after voting for it."""
        height, commit = self.height, self._commit()
        votes = [self._vote(node, height, at in absent) for at, node in enumerate(self.nodes)]
        answers = []
        for node in self.nodes:
            request = pb.RequestFinalizeBlock(
                txs=block, height=height, hash=node.chain.block_hash(height), decided_last_commit=commit
            )
            answers.append(node.app.finalize_block(request))
            node.app.commit(pb.RequestCommit())
        assert len(set(answers)) == 1, "the nodes disagree"
        self.extended = votes
        return pb.Response.FromString(_payload(answers[0])).finalize_block

    def blocks(self, count: int) -> list[Any]:
        return [self.block() for _ in range(count)]

    def must(self, *signed: bytes) -> Any:
        """A block with these transactions, all accepted."""
        answer = self.block(*signed)
        assert [result.code for result in answer.tx_results][-len(signed) :] == [0] * len(signed), answer
        return answer

    def _commit(self) -> pb.CommitInfo:
        votes = [pb.VoteInfo(validator=v.validator, block_id_flag=v.block_id_flag) for v in self.extended]
        return pb.CommitInfo(round=self.round, votes=votes)

    def _vote(self, node: Node, height: int, is_absent: bool) -> Any:
        validator = pb.Validator(address=node.party.consensus_address, power=1000)
        if is_absent:
            return pb.ExtendedVoteInfo(validator=validator, block_id_flag=pb.BLOCK_ID_FLAG_ABSENT)
        extension = node.app.extend_vote(pb.RequestExtendVote(height=height)).vote_extension
        for other in self.nodes:
            request = pb.RequestVerifyVoteExtension(height=height, vote_extension=extension)
            answer = other.app.verify_vote_extension(request)
            assert answer.status == pb.ResponseVerifyVoteExtension.ACCEPT, "an honest extension is refused"
        return pb.ExtendedVoteInfo(
            validator=validator,
            vote_extension=extension,
            extension_signature=node.party.sign_extension(extension, height, self.round),
            block_id_flag=pb.BLOCK_ID_FLAG_COMMIT,
        )

    # --- the line up to a dispute

    def sign(self, party: Party, *messages: Any) -> bytes:
        return self.chain.sign(party, *messages)

    def open_dispute(self, result: Hash32 = TRUTH) -> None:
        """Work of which the whole committee says that it is `result`: disputes from 1 on, one per segment."""
        self.block()
        self.must(*[self.sign(party, RegisterVerifier(Lpt(2 * LPT), "")) for party in self.verifiers])
        self.worker = self.validators[0]
        stream_id = make_stream_id(self.broadcaster.address, "s")
        order = Job(stream_id, OPTIONS, Wei(1_000_000), 10)
        self.must(
            self.sign(self.worker, TranscodeAvailability(1)), self.sign(self.broadcaster, Deposit(Wei(ETH)), order)
        )
        self.block()
        assert JOBS.read(self.chain.state, 1).transcoder == self.worker.address
        self.work = make_work(1, self.broadcaster, self.worker, (0, self.segments - 1))  # type: ignore[arg-type]
        self.must(self.sign(self.worker, self.work.claim))
        self.block()
        self.must(*[self.sign(self.worker, self.work.verify(1, number)) for number in range(self.segments)])
        self.block()
        parties = {party.address: party for party in self.verifiers}
        verdicts = [
            Verdict(parties[seat.verifier], place, result)  # type: ignore[arg-type]
            for place, challenge in CHALLENGES.items(self.chain.state)
            for seat in challenge.committee
        ]
        self.must(*[self.sign(each.verifier, each.commit) for each in verdicts])  # type: ignore[arg-type]
        self.must(*[self.sign(each.verifier, each.reveal) for each in verdicts])  # type: ignore[arg-type]

    def dispute(self, dispute_id: int = 1) -> Dispute:
        return DISPUTES.read(self.chain.state, dispute_id)

    @property
    def claim(self) -> Claim:
        return CLAIMS.read(self.chain.state, 1, 1)


def write_desk(home: Path, attestations: Sequence[Attestation]) -> Path:
    """What a court worker leaves below the folder of an application's state."""
    path = home / "court" / "attestations.json"
    path.parent.mkdir(parents=True, exist_ok=True)

    path.write_text(json.dumps(to_json(Attestations(tuple(attestations)))))
    return path


def _payload(frame: bytes) -> bytes:
    """A frame without its length."""
    at = 0
    while frame[at] & 0x80:
        at += 1
    return frame[at + 1 :]
