"""The application without a socket: committed state, the mempool or a view of it, and the block that is being made.

FinalizeBlock executes in memory, Commit writes once. Between the two the committed state stays what it was, and
queries see only what is committed. One thread owns an engine; `query` may be called from another.
"""

from collections.abc import Callable, Iterable, Sequence

from app.execution.answer_query import QueryAnswer, answer_query
from app.execution.extensions import (
    NO_COMMIT,
    LastCommit,
    is_extension,
    make_extension,
    make_injection,
    read_injection,
    split_injection,
)
from app.execution.init_chain import init_chain, parse_genesis_state
from app.execution.invariants import InvariantBroken, require_sound
from app.execution.mempool.door import Door
from app.execution.mempool.own import MempoolOptions, OwnMempool
from app.execution.mempool.view import MempoolView
from app.execution.process_block import process_block
from app.execution.proposal import is_acceptable, prepare_proposal, proposal_size_bytes
from app.execution.result import BlockResult, TxResult, rejected
from app.execution.verdicts import Verdicts
from app.messages.attestation import Attestation, SignedExtension
from app.messages.records import Account
from app.messages.rejections import Rejection, retry_code
from app.messages.transaction import compute_gas
from app.params import APP_VERSION, Params
from app.primitives.address import Address
from app.primitives.amounts import Height
from app.protocol.environment import NOBODY, BlockEnv, Evidence
from app.protocol.governance.upgrades import get_needed_version
from app.protocol.sortition import block_randomness
from app.state.tables import ACCOUNTS, APP_VERSIONS, OPEN_DISPUTES, PARAMS
from app.store.overlay import Overlay
from app.store.state_store import Prepared, StateStore

_CHAIN_ID = b"chain-id"


Changes = dict[bytes, bytes | None]


class UpgradeNeeded(Exception):
    """A planned upgrade's height has come, and this build does not have its version."""

    def __init__(self, height: int, needed: int, version: int) -> None:
        super().__init__(
            f"block {height} needs version {needed} of the application, and this build has version {version}: "
            f"install a release with version {needed} and start the node again; it goes on from where it stopped"
        )


class MempoolMismatch(Exception):
    """CometBFT's configuration and ours name different mempools: transactions would be accepted and never included."""


class Engine:
    """One node's application.

    Args:
        store: the committed state.
        check_invariants: walk the whole state after every block, and stop when it contradicts itself.
        version: up to which this build can execute blocks.
        own_mempool: how to keep our own mempool (CometBFT's `[mempool] type = "app"`); None where CometBFT keeps it.
    """

    def __init__(
        self,
        store: StateStore,
        check_invariants: bool = False,
        version: int = APP_VERSION,
        own_mempool: MempoolOptions | None = None,
    ) -> None:
        self._store = store
        self._check_invariants = check_invariants
        self._version = version
        self._verdicts = Verdicts()
        self._own = None if own_mempool is None else OwnMempool(self._verdicts, own_mempool)
        self._mempool = self._own or MempoolView(self._verdicts)
        self._genesis: Overlay | None = None
        self._prepared: tuple[Height, Prepared, Changes] | None = None
        self._chain_id = (store.get_meta(_CHAIN_ID) or b"").decode()
        self._params: Params | None = PARAMS.get(store)
        self._restore_mempool()

    @property
    def height(self) -> Height:
        """The height of the last commit."""
        return Height(self._store.height)

    @property
    def app_hash(self) -> bytes:
        """The app hash of the last commit; empty before the first."""
        return self._store.app_hash if self._store.height else b""

    @property
    def app_version(self) -> int:
        """The version that executes blocks as of the last commit; before the first, this build's."""
        return APP_VERSIONS.read(self._store).version if self._store.height else self._version

    def init_chain(self, chain_id: str, initial_height: int, app_state: bytes, app_version: int = 1) -> BlockResult:
        """Build the first state in memory; the first Commit writes it. `app_version` is the genesis document's.

        Raises:
            GenesisError: the genesis document cannot be started from.
            UpgradeNeeded: this build is too old for the chain's first block.
        """
        if app_version > self._version:
            raise UpgradeNeeded(initial_height, app_version, self._version)
        genesis = parse_genesis_state(app_state)
        self._chain_id, self._params = chain_id, genesis.params
        self._genesis = Overlay(self._store)
        randomness = block_randomness(chain_id.encode())
        env = BlockEnv(chain_id, Height(initial_height), randomness, NOBODY, genesis.params)
        result = init_chain(self._genesis, initial_height, genesis, env, app_version)
        require_sound(self._genesis)
        result.app_hash = self._store.prepare(self._genesis.changes()).app_hash
        self._restore_mempool()
        return result

    def check_tx(self, raw: bytes) -> TxResult:
        """Whether a transaction may enter or stay in the mempool; into our own it goes by this."""
        try:
            return TxResult(gas=compute_gas(self._mempool.check(self._door(), raw)))
        except Rejection as rejection:
            return self._refused(rejection)

    def check_bundle(self, raw: bytes) -> list[TxResult]:
        """The same for each member of a client's bundle.

        Raises:
            Rejection: it is no bundle.
            MempoolMismatch: CometBFT keeps the mempool, which would take the bundle for one transaction.
        """
        outcomes = self._require_own().check_bundle(self._door(), raw)
        return [TxResult() if outcome is None else self._refused(outcome) for outcome in outcomes]

    def insert_tx(self, raw: bytes) -> int:
        """Take a peer's transaction or bundle into our own mempool; 0, or the code of a refusal.

        Raises:
            MempoolMismatch: CometBFT keeps the mempool.
        """
        return self._require_own().insert(self._door(), raw)

    def reap_txs(self, max_bytes: int) -> list[bytes]:
        """What CometBFT should send to our peers now.

        Raises:
            MempoolMismatch: CometBFT keeps the mempool.
        """
        return self._require_own().reap(self._store.height + 1, max_bytes)

    def write_journal(self) -> Callable[[], None] | None:
        """What has to be done, in any thread, before clients hear what `check_tx` has accepted."""
        return None if self._own is None else self._own.write_journal()

    @property
    def owns_mempool(self) -> bool:
        """Whether the mempool is ours."""
        return self._own is not None

    def prepare_proposal(
        self,
        height: int,
        txs: Iterable[bytes],
        max_bytes: int,
        commit: LastCommit = NO_COMMIT,
        extensions: Sequence[SignedExtension] = (),
    ) -> list[bytes]:
        """The transactions of our block, behind the signed extensions of the last commit where they say anything.

        `txs` are those of CometBFT's mempool.

        Raises:
            MempoolMismatch: it has some, although we keep the mempool.
        """
        state = self._genesis or self._store
        raw = make_injection(state, self._chain_id, height, commit, extensions)
        front = [raw] if raw is not None and proposal_size_bytes(raw) <= max_bytes else []
        return front + self._choose(height, txs, max_bytes - sum(proposal_size_bytes(each) for each in front))

    def observe_pace(self, time_ms: int, transactions: int) -> None:
        """A decided block with this time in its header holds so many transactions: how many can ours hold?"""
        if self._own is not None:
            self._own.pace.observe(time_ms, transactions)

    def _choose(self, height: int, txs: Iterable[bytes], max_bytes: int) -> list[bytes]:
        if self._own is not None:
            if next(iter(txs), None) is not None:
                raise MempoolMismatch("CometBFT keeps a mempool as well: set [mempool] type to app in its config.toml")
            return self._own.choose(max_bytes)
        state = self._genesis or self._store
        return prepare_proposal(state, txs, max_bytes, self._verdicts, self._chain_id, height, self._current_params())

    def process_proposal(self, txs: Sequence[bytes], height: int = 0, commit: LastCommit = NO_COMMIT) -> bool:
        """Whether to vote for a proposed block."""
        front, transactions = split_injection(txs)
        try:
            for raw in front:
                read_injection(self._genesis or self._store, raw, self._chain_id, height, commit)
        except Rejection:
            return False
        return is_acceptable(transactions, self._verdicts)

    def extend_vote(self, known: Sequence[Attestation]) -> bytes:
        """What our vote attests of disputes, out of all that we know of any."""
        return make_extension(self._genesis or self._store, known)

    def verify_vote_extension(self, extension: bytes) -> bool:
        """Whether another validator's extension is one that an honest node makes."""
        return is_extension(self._genesis or self._store, extension)

    def open_disputes(self) -> list[int]:
        """The disputes that wait for validators' attestations."""
        return [dispute_id for (dispute_id,) in OPEN_DISPUTES.keys(self._genesis or self._store)]

    def finalize_block(
        self,
        height: int,
        block_hash: bytes,
        proposer: bytes,
        txs: Sequence[bytes],
        absent: Sequence[Address] = (),
        evidence: Sequence[Evidence] = (),
        commit: LastCommit = NO_COMMIT,
    ) -> BlockResult:
        """Execute a decided block in memory; `absent` and `evidence` are what `BlockEnv` says.

        Raises:
            UpgradeNeeded: this build is too old for the block; nothing has happened.
        """
        base = self._genesis or self._store
        needed = get_needed_version(base, height)
        if needed > self._version:
            raise UpgradeNeeded(height, needed, self._version)
        overlay = Overlay(base)
        env = BlockEnv(
            self._chain_id,
            Height(height),
            block_randomness(block_hash),
            Address(proposer),
            PARAMS.read(base),
            absent=absent,
            evidence=evidence,
        )
        result = process_block(base, overlay, env, txs, self._verdicts, commit)
        if self._check_invariants:
            require_sound(overlay, base)
        genesis_changes = self._genesis.changes() if self._genesis else {}
        changes = {**genesis_changes, **overlay.changes()}
        prepared = self._store.prepare(changes)
        self._prepared = (Height(height), prepared, changes)
        result.app_hash = prepared.app_hash
        for raw in txs:
            self._verdicts.forget(raw)
        return result

    def commit(self) -> None:
        """Write the finalized block, once and synced."""
        assert self._prepared is not None, "Commit without FinalizeBlock"
        height, prepared, changes = self._prepared
        self._store.commit(height, prepared, {_CHAIN_ID: self._chain_id.encode()})
        if self._check_invariants and self._store.recompute_root() != self._store.root:
            raise InvariantBroken(f"the state root of height {height} is not that of the flat pairs")
        self._genesis = self._prepared = None
        before, self._params = self._params, PARAMS.read(self._store)
        if self._own is None:
            self._mempool.reset(height)
            return
        self._own.settle(height + 1, self._changed_accounts(self._own, changes))
        if self._params != before:
            self._own.change_params(self._params)

    def forget_uncommitted(self) -> None:
        """Drop what a node that has gone away left behind: a finalized block, the view of its mempool."""
        self._genesis = self._prepared = None
        self._params = PARAMS.get(self._store)
        self._mempool.reset(self._store.height)

    def next_nonce(self, sender: Address) -> int:
        """The nonce after those that wait in the mempool; any thread may ask."""
        return self._mempool.next_nonce(self._store.view(), sender)

    def query(self, path: str, data: bytes, height: int, prove: bool) -> QueryAnswer:
        """Answer from committed state, never raising."""
        return answer_query(self._store.view(), self._mempool, path, data, height, prove)

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

    def _restore_mempool(self) -> None:
        """Bring back what waited when the process ended, once there is a state to judge it by."""
        if self._own is not None and self._params is not None:
            self._own.restore(self._door())

    def _door(self) -> Door:
        return Door(self._genesis or self._store, self._chain_id, self._store.height + 1, self._current_params())

    def _refused(self, rejection: Rejection) -> TxResult:
        result = rejected(rejection)
        if self._own is not None:
            result.code = retry_code(rejection.reason)
        return result

    def _require_own(self) -> OwnMempool:
        if self._own is None:
            raise MempoolMismatch(
                "CometBFT asks for the application's mempool, which is off: start the application with --mempool app, "
                "or set [mempool] type to flood in config.toml"
            )
        return self._own

    def _changed_accounts(self, own: OwnMempool, changes: Changes) -> dict[Address, Account]:
        """The accounts in a block's changes whose owners have transactions waiting."""
        prefix = ACCOUNTS.layout.prefix
        found: dict[Address, Account] = {}
        for key, value in changes.items():
            if key.startswith(prefix) and own.is_waiting(sender := Address(key[len(prefix) :])):
                found[sender] = ACCOUNTS.read(self._store, sender) if value is None else ACCOUNTS.parse(value)
        return found

    def _current_params(self) -> Params:
        assert self._params is not None, "CheckTx and proposals come after InitChain"
        return self._params
