"""The application as CometBFT sees it: a class with one method per request, in the shape of tm-abci.

Override what you need; the defaults do no harm. Which thread calls: everything but `query` comes from one thread, so
that consensus, mempool and snapshot methods never overlap; `query` comes from it too, unless `concurrent_queries`.

What an exception does: in `check_tx`, `insert_tx` and `query` it becomes a code in the answer; in any other method it
ends the process, because a state that may differ from the other validators' must not go on.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from app.abci.codec import Frame
from app.abci.proto import abci_pb2 as pb
from app.execution.proposal import proposal_size_bytes

INTERNAL_ERROR_CODE: Final = 1
"""The code of an answer where the application raised, in the codespace `ABCI_CODESPACE`."""

ABCI_CODESPACE: Final = "abci"

_MAX_LOG_CHARACTERS: Final = 1000
_log = logging.getLogger(__name__)


class Application:
    """The harmless base: accepts every transaction, keeps nothing, proposes what the mempool has, has no snapshots."""

    concurrent_queries: bool = False
    """True: `query` is called from a thread of its own, at any moment, also in the middle of FinalizeBlock or Commit.
    It must then read nothing but a view that Commit replaced in one assignment. A slow query delays no block."""

    check_tx_batch_limit: int = 512
    """The most requests that `check_tx_batch` is handed at once: between two batches other connections have a turn."""

    # ---- query connection

    def info(self, request: pb.RequestInfo) -> pb.ResponseInfo:
        """Height and app hash of the last completed Commit; CometBFT replays what is missing from there."""
        return pb.ResponseInfo()

    def query(self, request: pb.RequestQuery) -> pb.ResponseQuery:
        """Answer from committed state. A code other than 0 under `/p2p/filter/` would refuse peers."""
        if request.path.startswith("/p2p/filter/"):
            return pb.ResponseQuery()
        return pb.ResponseQuery(code=INTERNAL_ERROR_CODE, codespace=ABCI_CODESPACE, log="no queries are answered here")

    # ---- mempool connection

    def check_tx(self, request: pb.RequestCheckTx) -> pb.ResponseCheckTx | Frame:
        """Whether a transaction may enter (type NEW) or stay in (RECHECK) the mempool: code 0 says yes."""
        return pb.ResponseCheckTx()

    def check_tx_batch(self, requests: Sequence[pb.RequestCheckTx]) -> Sequence[Frame | pb.ResponseCheckTx]:
        """One answer per request, in order, for all that had arrived when the server looked.

        Override it to verify signatures together and to answer with prepared frames. An exception that leaves it fails
        the whole batch; here one transaction that raises fails alone.
        """
        return [self._check_one(request) for request in requests]

    def _check_one(self, request: pb.RequestCheckTx) -> pb.ResponseCheckTx | Frame:
        try:
            return self.check_tx(request)
        except Exception as error:
            return check_tx_failure(error)

    def before_answers(self) -> Callable[[], None] | None:
        """What has to be done before the answers to a batch of CheckTx leave, or None.

        It runs in a thread of its own: other connections go on meanwhile, and what comes on this one is the next batch.
        """
        return None

    def insert_tx(self, request: pb.RequestInsertTx) -> pb.ResponseInsertTx:
        """A peer's transaction, for an application with its own mempool, where 0 means that it is kept.

        Codes from 32000 ask for a retry. This one has no mempool: an acceptance would be a silent loss.
        """
        return pb.ResponseInsertTx(code=INTERNAL_ERROR_CODE)

    def reap_txs(self, request: pb.RequestReapTxs) -> pb.ResponseReapTxs:
        """New transactions to send to the peers, for an application with its own mempool."""
        return pb.ResponseReapTxs()

    # ---- consensus connection

    def init_chain(self, request: pb.RequestInitChain) -> pb.ResponseInitChain:
        """The genesis document, before the first block."""
        return pb.ResponseInitChain()

    def prepare_proposal(self, request: pb.RequestPrepareProposal) -> pb.ResponsePrepareProposal:
        """The transactions of our block, at most `max_tx_bytes` as CometBFT counts them, else the node panics."""
        return pb.ResponsePrepareProposal(txs=fit_transactions(request.txs, request.max_tx_bytes))

    def process_proposal(self, request: pb.RequestProcessProposal) -> pb.ResponseProcessProposal:
        """Whether to vote for a proposed block; must depend on the block and the last state only."""
        return pb.ResponseProcessProposal(status=pb.ResponseProcessProposal.ACCEPT)

    def extend_vote(self, request: pb.RequestExtendVote) -> pb.ResponseExtendVote:
        """Bytes to sign along with our precommit."""
        return pb.ResponseExtendVote()

    def verify_vote_extension(self, request: pb.RequestVerifyVoteExtension) -> pb.ResponseVerifyVoteExtension:
        """Whether another validator's extension is what ExtendVote could have made: here only the empty one."""
        status = (
            pb.ResponseVerifyVoteExtension.REJECT if request.vote_extension else pb.ResponseVerifyVoteExtension.ACCEPT
        )
        return pb.ResponseVerifyVoteExtension(status=status)

    def finalize_block(self, request: pb.RequestFinalizeBlock) -> pb.ResponseFinalizeBlock | Frame:
        """Execute a decided block in memory: one result per transaction, the new app hash. Nothing is written yet."""
        return pb.ResponseFinalizeBlock(tx_results=[pb.ExecTxResult() for _ in request.txs])

    def commit(self, request: pb.RequestCommit) -> pb.ResponseCommit:
        """Make the finalized block durable, at once and as a whole. `retain_height` lets CometBFT prune below it."""
        return pb.ResponseCommit()

    # ---- snapshot connection

    def list_snapshots(self, request: pb.RequestListSnapshots) -> pb.ResponseListSnapshots:
        """The snapshots that peers may fetch: none."""
        return pb.ResponseListSnapshots()

    def offer_snapshot(self, request: pb.RequestOfferSnapshot) -> pb.ResponseOfferSnapshot:
        """A peer's snapshot to restore from: not possible, and asking again will not help."""
        return pb.ResponseOfferSnapshot(result=pb.ResponseOfferSnapshot.ABORT)

    def load_snapshot_chunk(self, request: pb.RequestLoadSnapshotChunk) -> pb.ResponseLoadSnapshotChunk:
        """A chunk of one of our snapshots: there is none."""
        return pb.ResponseLoadSnapshotChunk()

    def apply_snapshot_chunk(self, request: pb.RequestApplySnapshotChunk) -> pb.ResponseApplySnapshotChunk:
        """A chunk of the snapshot that we accepted: we never accept one."""
        return pb.ResponseApplySnapshotChunk(result=pb.ResponseApplySnapshotChunk.ABORT)

    # ---- any

    def echo(self, request: pb.RequestEcho) -> pb.ResponseEcho:
        """Say the same."""
        return pb.ResponseEcho(message=request.message)

    def node_disconnected(self) -> None:
        """The node has closed all its connections; the next one will start from Info, with an empty mempool.

        Forget what was not committed: a block finalized without Commit, the view that CheckTx keeps.
        """


def check_tx_failure(error: Exception) -> pb.ResponseCheckTx:
    """The answer to a CheckTx that raised; the traceback goes to the log."""
    _log.error("CheckTx raised; the transaction is refused", exc_info=error)
    return pb.ResponseCheckTx(code=INTERNAL_ERROR_CODE, codespace=ABCI_CODESPACE, log=describe(error))


def describe(error: BaseException) -> str:
    """One short line for a `log` field, free of what protobuf cannot hold."""
    text = f"{type(error).__name__}: {error}"[:_MAX_LOG_CHARACTERS]
    return text.encode("utf-8", "replace").decode("utf-8")


def fit_transactions(transactions: Iterable[bytes], max_bytes: int) -> list[bytes]:
    """The longest run from the front that fits `max_bytes`, counted as `types/tx.go` does (ComputeProtoSizeForTxs)."""
    kept: list[bytes] = []
    for transaction in transactions:
        max_bytes -= proposal_size_bytes(transaction)
        if max_bytes < 0:
            break
        kept.append(transaction)
    return kept
