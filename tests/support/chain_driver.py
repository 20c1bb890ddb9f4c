"""An in-process consensus driver: the real engine over a store in memory, blocks made by hand."""

import json
from collections.abc import Sequence

from app.execution.engine import Engine
from app.execution.invariants import require_sound
from app.execution.result import BlockResult, TxResult
from app.messages.bodies import Body
from app.messages.genesis_state import (
    GenesisAccount,
    GenesisBond,
    GenesisProfile,
    GenesisState,
    GenesisTranscoder,
)
from app.messages.record import to_json
from app.messages.transaction import TxBody, sign_body
from app.params import Params
from app.primitives.address import Address
from app.primitives.amounts import Lpt, Wei
from app.primitives.fractions import Fraction
from app.primitives.hashing import sha256
from app.primitives.secp256k1 import private_key_to_address
from app.store.memory import MemoryBackend
from app.store.state_store import StateStore

LPT = 10**18
ETH = 10**18
CHAIN_ID = "headwater-test"


class Party:
    """Somebody with a key."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.key = bytes(sha256(b"party " + name.encode()))
        self.address = private_key_to_address(self.key)
        self.consensus_key = bytes(sha256(b"consensus " + name.encode()))


class Chain:
    """A chain of one engine; `block` makes the next block and checks all invariants after it."""

    def __init__(self, genesis: GenesisState, backend: MemoryBackend | None = None) -> None:
        self.engine = Engine(StateStore(backend or MemoryBackend()))
        self.genesis_result = self.engine.init_chain(CHAIN_ID, 1, json.dumps(to_json(genesis)).encode())
        self.nonces: dict[Address, int] = {}
        self.app_hashes: list[bytes] = []
        self.hash_seed = b"block"
        self.results: list[BlockResult] = []

    @property
    def state(self):
        """The committed state."""
        return self.engine._store

    def sign(self, party: Party, *messages: Body, fee: int = 10**16, nonce: int | None = None) -> bytes:
        """A transaction with the party's next nonce."""
        if nonce is None:
            nonce = self.nonces.get(party.address, 0)
            self.nonces[party.address] = nonce + 1
        return sign_body(TxBody(CHAIN_ID, nonce, Wei(fee), 0, messages), party.key)

    def block(self, *txs: bytes, proposer: bytes = bytes(20)) -> BlockResult:
        """Make, execute and commit the next block."""
        height = self.engine.height + 1
        block_hash = bytes(sha256(self.hash_seed + height.to_bytes(8, "big")))
        result = self.engine.finalize_block(height, block_hash, proposer, txs)
        self.engine.commit()
        require_sound(self.state)
        self.app_hashes.append(result.app_hash)
        self.results.append(result)
        return result

    def blocks(self, count: int) -> list[BlockResult]:
        """Make so many empty blocks."""
        return [self.block() for _ in range(count)]

    def send(self, party: Party, *messages: Body) -> TxResult:
        """One transaction in a block of its own."""
        return self.block(self.sign(party, *messages)).tx_results[0]

    def must(self, party: Party, *messages: Body) -> TxResult:
        """One transaction that has to be accepted."""
        result = self.send(party, *messages)
        assert result.code == 0, result.log
        return result


def make_genesis(
    params: Params,
    accounts: Sequence[Party],
    validators: Sequence[Party],
    stake: int = 1000 * LPT,
    profiles: Sequence[GenesisProfile] = (GenesisProfile("h264-crf-1", "h264", 1000, "parameters"),),
    bonds: Sequence[GenesisBond] = (),
) -> GenesisState:
    """A first state in which every party has 10,000 LPT and 100 ETH, and validators a stake besides."""
    everyone = [*accounts, *validators]
    return GenesisState(
        params,
        tuple(GenesisAccount(party.address, Lpt(10_000 * LPT), Wei(100 * ETH)) for party in everyone),
        tuple(
            GenesisTranscoder(
                party.address,
                Lpt(stake),
                Wei(1000),
                Fraction(10**8),
                Fraction(5 * 10**8),
                "http://127.0.0.1:1",
                party.consensus_key,
            )
            for party in validators
        ),
        tuple(bonds),
        tuple(profiles),
    )
