"""A chain in memory whose blocks are executed as a node executes them, without those in which nothing happens.

Three things of a node are left out. Signatures: who sends a transaction is known, because the simulation sends it.
The state tree: its root says nothing about money. Blocks in which nothing can happen: without transactions, waiting
jobs and due work, only a round's first block and the first of its lock change anything. A test runs all of them, with
signatures through the engine, and finds the same state.
"""

from collections.abc import Callable, Sequence
from typing import Any

from app.execution.init_chain import init_chain
from app.execution.process_block import process_block
from app.execution.result import TxResult
from app.execution.verdicts import Verdicts
from app.messages.bodies import Body
from app.messages.fees import compute_min_fee
from app.messages.genesis_state import GenesisState
from app.messages.records import RoundState
from app.messages.transaction import Tx, TxBody, encode_body, message_weight
from app.params import Params, compute_lock_length
from app.primitives.address import Address
from app.primitives.amounts import Height, Wei
from app.primitives.hashing import Hash32, length_prefixed, sha256
from app.protocol.environment import NOBODY, BlockEnv
from app.protocol.sortition import block_randomness
from app.state.tables import ACCOUNTS, DUE, PARAMS, ROUND, WAITING_JOBS
from app.store.memory import MemoryBackend
from app.store.overlay import Overlay

CHAIN_ID = "headwater-economy"
FIRST_HEIGHT = Height(1)
NEVER = Height(2**63)
_ENVELOPE_BYTES = 72
"""Of a signed transaction around its body: the signature, and the tags and lengths of both."""
_FEE_ROOM = Wei(10**15)


class KnownSenders(Verdicts):
    """Verdicts about transactions that nobody has signed, because everybody knows whose they are."""

    def judge(self, raw: bytes) -> tuple[Tx, Address]:
        """The transaction and its sender, noted before."""
        return self._known[raw]

    def note(self, tx: Tx, sender: Address) -> bytes:
        """Take in a transaction; returns what stands for its bytes."""
        raw = len(self._known).to_bytes(8, "big")
        self._known[raw] = tx, sender
        return raw

    def clear(self) -> None:
        """Forget all of them."""
        self._known.clear()


class World:
    """The state, its height, and the transactions that wait for the next block."""

    def __init__(self, genesis: GenesisState, seed: int) -> None:
        self.state = MemoryBackend()
        self.height = Height(0)
        self.blocks = self.transactions = self.refused = 0
        self.events: list[Any] = []
        self._entropy = length_prefixed(b"headwater/economy/1", seed.to_bytes(8, "big"))
        self._senders = KnownSenders()
        self._waiting: list[bytes] = []
        self._nonces: dict[Address, int] = {}
        self._params = b"", genesis.params
        overlay = Overlay(self.state)
        env = BlockEnv(CHAIN_ID, FIRST_HEIGHT, block_randomness(CHAIN_ID.encode()), NOBODY, genesis.params)
        init_chain(overlay, FIRST_HEIGHT, genesis, env)
        self._write(overlay)

    @property
    def params(self) -> Params:
        """The parameters in force; read again when they have changed."""
        data = self.state.get(PARAMS.layout.key())
        if data is not None and data != self._params[0]:
            self._params = data, PARAMS.parse(data)
        return self._params[1]

    @property
    def round(self) -> RoundState:
        """The running round."""
        return ROUND.read(self.state)

    def block_hash(self, height: int, attempt: int = 0) -> bytes:
        """The hash of a block; a proposer that tries others has further attempts."""
        return bytes(sha256(self._entropy + height.to_bytes(8, "big") + attempt.to_bytes(8, "big")))

    def send(self, sender: Address, *messages: Body) -> Wei:
        """Put a transaction with the least fee into the next block; returns the fee."""
        nonce = self._nonces.get(sender)
        if nonce is None:
            nonce = ACCOUNTS.read(self.state, sender).nonce
        self._nonces[sender] = nonce + 1
        weight = sum([message_weight(message) for message in messages])
        size = len(encode_body(TxBody(CHAIN_ID, nonce, _FEE_ROOM, 0, messages))) + _ENVELOPE_BYTES
        body = TxBody(CHAIN_ID, nonce, Wei(0), 0, messages)
        fee = compute_min_fee(Tx(body, b"", b"", size, weight), self.params)
        tx = Tx(TxBody(CHAIN_ID, nonce, fee, 0, messages), b"", b"", size, weight)
        self._waiting.append(self._senders.note(tx, sender))
        return fee

    def run_to(self, height: int) -> None:
        """Execute the blocks before this height in which something happens by itself."""
        while (busy := self._next_busy_height()) < height:
            self.block(busy)

    def block(self, height: int, proposer: Address = NOBODY, attempt: int = 0) -> list[TxResult]:
        """Execute a block with the transactions that wait, after those before it in which something happens."""
        waiting, self._waiting = self._waiting, []
        self.run_to(height)
        assert height > self.height, f"block {height} after block {self.height}"
        overlay = Overlay(self.state)
        env = self._make_env(Height(height), self.params, proposer, attempt)
        result = process_block(self.state, overlay, env, waiting, self._senders)
        self._write(overlay)
        self.height = Height(height)
        self.blocks += 1
        self._take_in(result.tx_results)
        self.events += result.events
        return result.tx_results

    def enact(self, transition: Callable[[Overlay, BlockEnv], None]) -> None:
        """Make a change of state that no message makes, at the end of a block of its own."""
        self.block(self.height + 1)
        overlay, env = Overlay(self.state), self._make_env(self.height, self.params)
        transition(overlay, env)
        self._write(overlay)
        self.events += env.events

    def take_events(self) -> list[Any]:
        """What has been told since the last time."""
        taken, self.events = self.events, []
        return taken

    def _next_busy_height(self) -> int:
        """The next height at which a block without transactions changes something."""
        now, after = self.round, self.height + 1
        if any(True for _ in WAITING_JOBS.keys(self.state)):
            return after
        end = now.start_height + now.length
        own = [end - compute_lock_length(self.params), *([end] if now.initialized else [])]
        due = next((height for height, *_ in DUE.keys(self.state)), NEVER)
        return min([height for height in [*own, due] if height >= after], default=NEVER)

    def _make_env(self, height: Height, params: Params, proposer: Address = NOBODY, attempt: int = 0) -> BlockEnv:
        return BlockEnv(CHAIN_ID, height, self.randomness(height, attempt), proposer, params)

    def randomness(self, height: int, attempt: int = 0) -> Hash32:
        """What a block with this hash brings."""
        return block_randomness(self.block_hash(height, attempt))

    def _take_in(self, results: Sequence[TxResult]) -> None:
        self.transactions += len(results)
        self.refused += sum(1 for result in results if result.code)
        self.events += [event for result in results for event in result.events]
        if results:
            self._nonces.clear()
            self._senders.clear()

    def _write(self, overlay: Overlay) -> None:
        self.state.write(overlay.changes().items(), sync=False)
