"""An in-process consensus driver: the real engine over a store in memory, blocks made by hand."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from app.execution.engine import Engine
from app.execution.invariants import find_unconserved, require_sound
from app.execution.result import BlockResult, TxResult
from app.messages.bodies import Body, Bond, Transcoder
from app.messages.events import event_name
from app.messages.genesis_state import (
    GenesisAccount,
    GenesisBond,
    GenesisProfile,
    GenesisState,
    GenesisTranscoder,
)
from app.messages.record import to_json
from app.messages.records import Account, RoundState, Supply
from app.messages.rejections import Reason
from app.messages.transaction import TxBody, decode_tx, sign_body
from app.params import Params
from app.primitives.address import Address
from app.primitives.amounts import Height, Lpt, Wei
from app.primitives.fractions import Fraction
from app.primitives.hashing import Hash32, sha256
from app.primitives.secp256k1 import private_key_to_address
from app.protocol.environment import NOBODY, BlockEnv
from app.protocol.ledger import pay_common_pool
from app.protocol.stake import get_pending_fees, get_stake, get_total_stake
from app.state.tables import ACCOUNTS, ROUND, SUPPLY
from app.store.backend import Backend
from app.store.memory import MemoryBackend
from app.store.overlay import Overlay
from app.store.state_store import StateStore

E = TypeVar("E")
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
    """A chain of one engine; `block` makes the next block and checks all invariants after it.

    Transactions and blocks go the way that CometBFT sends them, but for the mempool: what a test puts into a block is
    in it. The proposer has no transcoder unless a test names one, so that fees go to the CommonPool.
    """

    def __init__(self, genesis: GenesisState, backend: Backend | None = None, initial_height: int = 1) -> None:
        self.engine = Engine(StateStore(backend or MemoryBackend()))
        app_state = json.dumps(to_json(genesis)).encode()
        self.genesis_result = self.engine.init_chain(CHAIN_ID, initial_height, app_state)
        self.initial_height = initial_height
        self.params = genesis.params
        self.nonces: dict[Address, int] = {}
        self.app_hashes: list[bytes] = []
        self.hash_seed = b"block"
        self.results: list[BlockResult] = []

    @property
    def state(self) -> StateStore:
        """The committed state."""
        return self.engine._store

    @property
    def next_height(self) -> int:
        """The height of the block that comes next."""
        return self.engine.height + 1 if self.engine.height else self.initial_height

    # --- transactions and blocks

    def sign(
        self, party: Party, *messages: Body, fee: int = 10**16, nonce: int | None = None, valid_until: int = 0
    ) -> bytes:
        """A transaction with the party's next nonce."""
        if nonce is None:
            nonce = self.nonces.get(party.address, 0)
            self.nonces[party.address] = nonce + 1
        return sign_body(TxBody(CHAIN_ID, nonce, Wei(fee), valid_until, messages), party.key)

    def block_hash(self, height: int) -> bytes:
        """The hash of a block, which is all that randomness comes from."""
        return bytes(sha256(self.hash_seed + height.to_bytes(8, "big")))

    def finalize(self, *txs: bytes, proposer: bytes = bytes(20), **news: Any) -> BlockResult:
        """Execute the next block without committing it; `absent` and `evidence` are news of validators."""
        height = self.next_height
        return self.engine.finalize_block(height, self.block_hash(height), proposer, txs, **news)

    def block(self, *txs: bytes, proposer: bytes = bytes(20), **news: Any) -> BlockResult:
        """Make, execute and commit the next block."""
        before = self._supply()
        result = self.finalize(*txs, proposer=proposer, **news)
        self.engine.commit()
        require_sound(self.state)
        assert find_unconserved(before, self._supply()) == ""
        assert self.state.recompute_root() == self.state.root
        self.app_hashes.append(result.app_hash)
        self.results.append(result)
        return result

    def _supply(self) -> Supply:
        return SUPPLY.read(self.engine._genesis or self.state)

    def blocks(self, count: int) -> list[BlockResult]:
        """Make so many empty blocks."""
        return [self.block() for _ in range(count)]

    def until(self, next_height: int) -> list[BlockResult]:
        """Make empty blocks until this height comes next."""
        return self.blocks(next_height - self.next_height)

    def next_round(self) -> BlockResult:
        """Make empty blocks up to and with the first one of the next round."""
        now = ROUND.read(self.state)
        self.until(now.start_height + now.length)
        return self.block()

    def send(self, party: Party, *messages: Body) -> TxResult:
        """One transaction in a block of its own."""
        return self.block(self.sign(party, *messages)).tx_results[0]

    def must(self, party: Party, *messages: Body) -> TxResult:
        """One transaction that has to be accepted."""
        result = self.send(party, *messages)
        assert result.code == 0, result.log
        return result

    def refused(self, party: Party, *messages: Body, reason: Reason) -> str:
        """One transaction that has to be refused and to change nothing but fee and nonce; returns the text."""
        raw = self.sign(party, *messages)
        expected = self._root_with_fee_only(raw, party)
        block = self.block(raw)
        (result,) = block.tx_results
        assert result.code == reason, f"{result.code} {result.log}; {reason!r} is expected"
        assert block.app_hash == expected, "a refused transaction has changed more than fee and nonce"
        assert [event_name(event) for event in result.events] == ["fee_paid"]
        return result.log

    def ignored(self, raw: bytes, reason: Reason) -> str:
        """A transaction whose envelope has to be refused, so that it changes nothing at all; returns the text."""
        expected = self.finalize().app_hash
        block = self.block(raw)
        (result,) = block.tx_results
        assert result.code == reason, f"{result.code} {result.log}; {reason!r} is expected"
        assert block.app_hash == expected, "an ignored transaction has changed something"
        assert (result.events, result.gas) == ([], 0)
        return result.log

    def _root_with_fee_only(self, raw: bytes, party: Party) -> bytes:
        self.finalize()
        overlay = Overlay(self.engine._genesis or self.state)
        for key, value in self.engine._prepared[1].changes.items():
            overlay._change(key, value)
        fee, account = decode_tx(raw).body.fee_wei, ACCOUNTS.read(overlay, party.address)
        ACCOUNTS.put(overlay, replace(account, nonce=account.nonce + 1, wei=Wei(account.wei - fee)), party.address)
        pay_common_pool(overlay, wei=fee)
        return self.state.prepare(overlay.changes()).app_hash

    # --- what is so

    def stake(self, party: Party) -> int:
        """A party's stake now."""
        return get_stake(self.state, party.address)

    def total_stake(self, party: Party) -> int:
        """All that is bonded towards a party."""
        return get_total_stake(self.state, party.address)

    def fees(self, party: Party) -> int:
        """A party's fees now, collected or not."""
        return get_pending_fees(self.state, party.address)

    def account(self, party: Party) -> Account:
        """A party's nonce and balances."""
        return ACCOUNTS.read(self.state, party.address)

    @property
    def round(self) -> RoundState:
        """The round as it stands."""
        return ROUND.read(self.state)


def force(chain: Chain, change: Callable[[Overlay], None]) -> None:
    """Commit, as a height of its own, a change that no transition makes yet."""
    chain.state.commit(chain.next_height, chain.state.prepare(tamper(chain.state, change).changes()))


def enact(chain: Chain, transition: Callable[[Overlay, BlockEnv], Any]) -> list[Any]:
    """Commit, as a height of its own, a transition that no message brings about by itself; returns its events."""
    env = BlockEnv(CHAIN_ID, Height(chain.next_height), Hash32(bytes(32)), NOBODY, chain.params)
    force(chain, lambda overlay: transition(overlay, env))
    require_sound(chain.state)
    return env.events


def tamper(state: StateStore, change: Callable[[Overlay], None]) -> Overlay:
    """A copy of the committed state with a change that no transition would make."""
    overlay = Overlay(state)
    change(overlay)
    return overlay


def events_of(result: BlockResult | TxResult, kind: type[E]) -> list[E]:
    """The events of one type, a block's transactions included."""
    events = list(result.events)
    if isinstance(result, BlockResult):
        events += [event for tx in result.tx_results for event in tx.events]
    return [event for event in events if isinstance(event, kind)]


def make_genesis(
    params: Params,
    accounts: Sequence[Party],
    validators: Sequence[Party],
    stake: int = 1000 * LPT,
    profiles: Sequence[GenesisProfile] = (GenesisProfile("h264-crf-1", "h264", 1000, "parameters"),),
    bonds: Sequence[GenesisBond] = (),
    cut: int = 10**8,
    fee_share: int = 5 * 10**8,
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
                Fraction(cut),
                Fraction(fee_share),
                "http://127.0.0.1:1",
                party.consensus_key,
            )
            for party in validators
        ),
        tuple(bonds),
        tuple(profiles),
    )


ALICE, BOB, CAROL, DAVE = (Party(name) for name in ("alice", "bob", "carol", "dave"))
VERA, VIKTOR = Party("vera"), Party("viktor")


def start(params: Params, validators: Sequence[Party] = (VERA,), **genesis: Any) -> Chain:
    """A chain of Alice, Bob, Carol and Dave, and of these validators, after its first block."""
    chain = Chain(make_genesis(params, [ALICE, BOB, CAROL, DAVE], validators, **genesis))
    chain.block()
    return chain


def rates_of(
    party: Party, price: int = 1000, cut: int = 10**8, share: int = 5 * 10**8, key: bytes | None = None
) -> Transcoder:
    """A Transcoder message with a party's own consensus key, unless another or none is given."""
    return Transcoder(
        Wei(price),
        Fraction(cut),
        Fraction(share),
        "http://127.0.0.1:1",
        party.consensus_key if key is None else key,
    )


def register(chain: Chain, party: Party, stake: int = 10 * LPT, **rates: Any) -> TxResult:
    """Bond a party to itself and make it a transcoder, in one transaction."""
    return chain.must(party, Bond(Lpt(stake), party.address), rates_of(party, **rates))
