"""The application that a node runs: ABCI requests to the engine of `app.execution`, its results to ABCI answers."""

from collections.abc import Callable
from functools import lru_cache

from app.abci.application import Application
from app.abci.block_results import CODESPACE, encode_block_result, validator_updates
from app.abci.codec import Frame, encode_response
from app.abci.court_desk import CourtDesk
from app.abci.errors import UpgradeRequired
from app.abci.proto import abci_pb2 as pb
from app.execution.engine import Engine, UpgradeNeeded
from app.execution.extensions import LastCommit
from app.messages.attestation import SignedExtension
from app.messages.bundle import encode_codes, is_bundle
from app.messages.rejections import Rejection
from app.primitives.address import Address
from app.primitives.amounts import Height
from app.protocol.environment import Evidence

JOURNALED_BATCH = 256
"""With our own mempool each batch waits for the disk: what has come meanwhile shares the next wait."""


class NodeApplication(Application):
    """Headwater behind CometBFT."""

    concurrent_queries = True
    check_tx_batch_limit = 16
    """A batch takes less than a millisecond: the node and its clients go on with the first answers meanwhile. With one
    batch of everything they and we would wait for each other in turns, a fifth slower at saturation."""

    def __init__(self, engine: Engine, version: str, desk: CourtDesk | None = None) -> None:
        self._engine = engine
        self._version = version
        self._desk = desk or CourtDesk(None)
        if engine.owns_mempool:
            self.check_tx_batch_limit = JOURNALED_BATCH

    def info(self, request: pb.RequestInfo) -> pb.ResponseInfo:
        """Height and app hash of the last completed Commit."""
        return pb.ResponseInfo(
            data="headwater",
            version=self._version,
            app_version=self._engine.app_version,
            last_block_height=self._engine.height,
            last_block_app_hash=self._engine.app_hash,
        )

    def query(self, request: pb.RequestQuery) -> pb.ResponseQuery:
        """Answer from the last commit, or from a height that is still kept."""
        if request.path.startswith("/p2p/filter/"):
            return pb.ResponseQuery()
        answer = self._engine.query(request.path, request.data, request.height, request.prove)
        ops = [pb.ProofOp(type=op.type, key=op.key, data=op.data) for op in answer.proof]
        return pb.ResponseQuery(
            code=answer.code,
            codespace=CODESPACE if answer.code else "",
            log=answer.log,
            key=answer.key,
            value=answer.value,
            proof_ops=pb.ProofOps(ops=ops) if ops else None,
            height=answer.height,
        )

    def check_tx(self, request: pb.RequestCheckTx) -> pb.ResponseCheckTx | Frame:
        """Accept or refuse a transaction for the mempool, or each member of a bundle for our own."""
        if self._engine.owns_mempool and is_bundle(request.tx):
            return self._check_bundle(request.tx)
        result = self._engine.check_tx(request.tx)
        if result.code == 0:
            return _accepted(result.gas)
        return pb.ResponseCheckTx(code=result.code, log=result.log, codespace=CODESPACE)

    def _check_bundle(self, bundle: bytes) -> pb.ResponseCheckTx:
        try:
            results = self._engine.check_bundle(bundle)
        except Rejection as rejection:
            return pb.ResponseCheckTx(code=int(rejection.reason), log=rejection.text, codespace=CODESPACE)
        refused = [result.log for result in results if result.code]
        log = f"{len(refused)} of {len(results)} refused, the first: {refused[0]}" if refused else ""
        return pb.ResponseCheckTx(data=encode_codes([result.code for result in results]), log=log, codespace=CODESPACE)

    def before_answers(self) -> Callable[[], None] | None:
        """Write what was accepted to the disk: whoever hears that it was must not lose it."""
        return self._engine.write_journal()

    def insert_tx(self, request: pb.RequestInsertTx) -> pb.ResponseInsertTx:
        """Take a peer's transaction, or the members of its bundle, into our own mempool."""
        return pb.ResponseInsertTx(code=self._engine.insert_tx(request.tx))

    def reap_txs(self, request: pb.RequestReapTxs) -> pb.ResponseReapTxs:
        """What our peers should get."""
        return pb.ResponseReapTxs(txs=self._engine.reap_txs(request.max_bytes))

    def init_chain(self, request: pb.RequestInitChain) -> pb.ResponseInitChain:
        """Build the first state from the genesis document."""
        version = request.consensus_params.version.app or 1
        state = request.app_state_bytes
        try:
            result = self._engine.init_chain(request.chain_id, request.initial_height, state, version)
        except UpgradeNeeded as error:
            raise UpgradeRequired(str(error)) from None
        return pb.ResponseInitChain(
            # Without this, the first headers would have the version that Info gave, which is that of the build.
            consensus_params=pb.ConsensusParams(version=pb.VersionParams(app=version)),
            validators=validator_updates(result.validator_updates),
            app_hash=result.app_hash,
        )

    def prepare_proposal(self, request: pb.RequestPrepareProposal) -> pb.ResponsePrepareProposal:
        """Put what validators attest in front of what the mempool has, within the byte limit."""
        last = request.local_last_commit
        extensions = [
            SignedExtension(Address(v.validator.address), v.vote_extension, v.extension_signature)
            for v in last.votes
            if v.block_id_flag == pb.BLOCK_ID_FLAG_COMMIT
        ]
        txs = self._engine.prepare_proposal(
            request.height, request.txs, request.max_tx_bytes, last_commit(last), extensions
        )
        return pb.ResponsePrepareProposal(txs=txs)

    def process_proposal(self, request: pb.RequestProcessProposal) -> pb.ResponseProcessProposal:
        """Refuse a block with a transaction that does not decode or is not signed, or with forged attestations."""
        commit = last_commit(request.proposed_last_commit)
        good = self._engine.process_proposal(request.txs, request.height, commit)
        response = pb.ResponseProcessProposal
        return response(status=response.ACCEPT if good else response.REJECT)

    def extend_vote(self, request: pb.RequestExtendVote) -> pb.ResponseExtendVote:
        """Attest what this node's court worker has found of open disputes; nothing where it found nothing yet."""
        extension = self._engine.extend_vote(self._desk.read())
        self._desk.note_abstention(self._engine.open_disputes(), extension)
        return pb.ResponseExtendVote(vote_extension=extension)

    def verify_vote_extension(self, request: pb.RequestVerifyVoteExtension) -> pb.ResponseVerifyVoteExtension:
        """Refuse a vote with an extension that no honest node would make."""
        good = self._engine.verify_vote_extension(request.vote_extension)
        response = pb.ResponseVerifyVoteExtension
        return response(status=response.ACCEPT if good else response.REJECT)

    def finalize_block(self, request: pb.RequestFinalizeBlock) -> Frame:
        """Execute a decided block in memory."""
        votes = request.decided_last_commit.votes
        absent = [Address(v.validator.address) for v in votes if v.block_id_flag == pb.BLOCK_ID_FLAG_ABSENT]
        evidence = [Evidence(Address(each.validator.address), Height(each.height)) for each in request.misbehavior]
        try:
            result = self._engine.finalize_block(
                request.height,
                request.hash,
                request.proposer_address,
                request.txs,
                absent,
                evidence,
                last_commit(request.decided_last_commit),
            )
        except UpgradeNeeded as error:
            raise UpgradeRequired(str(error)) from None
        self._engine.observe_pace(request.time.ToMilliseconds(), len(request.txs))
        return encode_block_result(result)

    def commit(self, request: pb.RequestCommit) -> pb.ResponseCommit:
        """Write the finalized block."""
        self._engine.commit()
        return pb.ResponseCommit()

    def node_disconnected(self) -> None:
        """Forget what was not committed."""
        self._engine.forget_uncommitted()


def last_commit(info: pb.CommitInfo | pb.ExtendedCommitInfo) -> LastCommit:
    """The commit of the height before, as it comes with proposals and with decided blocks."""
    powers = {Address(vote.validator.address): vote.validator.power for vote in info.votes}
    signed = [Address(v.validator.address) for v in info.votes if v.block_id_flag == pb.BLOCK_ID_FLAG_COMMIT]
    return LastCommit(info.round, powers, frozenset(signed))


@lru_cache(maxsize=4096)
def _accepted(gas: int) -> Frame:
    """CheckTx accepted: transactions of one kind have few different sizes."""
    return encode_response("check_tx", pb.ResponseCheckTx(gas_wanted=gas, gas_used=gas))
