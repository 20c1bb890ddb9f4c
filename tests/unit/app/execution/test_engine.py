"""Between FinalizeBlock and Commit the state stays what it was; after any break it comes out the same."""

import json

import pytest

from app.execution.engine import Engine
from app.execution.invariants import InvariantBroken
from app.messages.bodies import Bond, Denom, Transfer
from app.messages.record import to_json
from app.state.tables import ACCOUNTS, TOTALS
from app.store.leveldb import LevelDbBackend
from app.store.memory import MemoryBackend
from app.store.state_store import StateStore
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, BOB, CHAIN_ID, LPT, VERA, Chain, make_genesis, start, tamper

SEND = Transfer(BOB.address, Denom.LPT, LPT)
GENESIS = make_genesis(TEST, [ALICE, BOB], [VERA])


def test_before_the_first_commit_the_engine_is_at_height_0_without_an_app_hash():
    engine = Engine(StateStore(MemoryBackend()))
    assert (engine.height, engine.app_hash) == (0, b"")


def test_finalizing_changes_nothing_until_the_commit():
    chain = start(TEST)
    before = chain.engine.app_hash
    result = chain.finalize(chain.sign(ALICE, SEND))
    assert (chain.engine.height, chain.engine.app_hash) == (1, before)
    assert chain.account(BOB).lpt == 10_000 * LPT
    chain.engine.commit()
    assert (chain.engine.height, chain.engine.app_hash) == (2, result.app_hash)
    assert chain.account(BOB).lpt == 10_001 * LPT


def test_the_same_block_finalized_twice_gives_the_same_and_counts_once():
    chain = start(TEST)
    raw = chain.sign(ALICE, SEND)
    assert chain.finalize(raw) == chain.finalize(raw) == chain.block(raw)
    assert chain.account(BOB).lpt == 10_001 * LPT


def test_another_round_may_decide_another_block():
    chain = start(TEST)
    raw = chain.sign(ALICE, SEND)
    chain.finalize(raw)
    empty = chain.block()
    assert empty.app_hash == start(TEST).block().app_hash
    assert chain.block(raw).tx_results[0].code == 0


def test_a_commit_without_a_block_is_a_mistake_of_our_own():
    chain = start(TEST)
    with pytest.raises(AssertionError, match="Commit without FinalizeBlock"):
        chain.engine.commit()


def test_the_app_hash_of_genesis_is_told_and_then_committed_with_the_first_block():
    chain = Chain(GENESIS)
    assert len(chain.genesis_result.app_hash) == 32
    assert chain.engine.height == 0
    assert chain.engine.check_tx(chain.sign(ALICE, SEND, nonce=0)).code == 0
    assert chain.block(chain.sign(ALICE, SEND)).tx_results[0].code == 0
    assert ACCOUNTS.read(chain.state, BOB.address).lpt == 10_001 * LPT


def test_a_chain_may_begin_at_any_height():
    chain = Chain(GENESIS, initial_height=5000)
    chain.block()
    assert chain.engine.height == 5000
    chain.must(ALICE, SEND)


def test_init_chain_again_after_a_crash_before_the_first_commit_starts_over():
    chain = Chain(GENESIS)
    chain.finalize(chain.sign(ALICE, SEND))
    chain.engine.forget_uncommitted()
    app_state = json.dumps(to_json(GENESIS)).encode()
    again = chain.engine.init_chain(CHAIN_ID, 1, app_state)
    assert again.app_hash == chain.genesis_result.app_hash
    assert again.validator_updates == chain.genesis_result.validator_updates


def test_a_node_that_goes_away_takes_its_finalized_block_and_its_promises_with_it():
    chain = start(TEST)
    raw = chain.sign(ALICE, SEND)
    chain.engine.check_tx(raw)
    chain.finalize(raw)
    chain.engine.forget_uncommitted()
    assert chain.engine.next_nonce(ALICE.address) == 0
    with pytest.raises(AssertionError):
        chain.engine.commit()


def history(chain):
    """Two dozen blocks with something in them."""
    for number in range(24):
        yield [chain.sign(ALICE, SEND), chain.sign(BOB, Bond(LPT + number, VERA.address))]


def test_a_restart_after_any_block_resumes_with_equal_app_hashes(tmp_path):
    straight = Chain(GENESIS)
    expected = [straight.block(*txs).app_hash for txs in history(straight)]
    chain = Chain(GENESIS, LevelDbBackend(tmp_path / "state"))
    found = []
    for txs in history(chain):
        found.append(chain.block(*txs).app_hash)
        chain.engine.close()
        chain.engine = Engine(StateStore(LevelDbBackend(tmp_path / "state")))
        assert chain.engine.app_hash == found[-1]
    assert found == expected


def test_a_rolled_back_height_is_replayed_to_the_same_app_hash():
    chain = start(TEST)
    blocks = list(history(chain))
    hashes = [chain.block(*txs).app_hash for txs in blocks]
    for _ in range(10):
        chain.state.rollback()
    engine = Engine(chain.state)
    for number, txs in list(enumerate(blocks))[-10:]:
        height = number + 2
        result = engine.finalize_block(height, chain.block_hash(height), bytes(20), txs)
        engine.commit()
        assert result.app_hash == hashes[number]


def test_a_node_that_checks_invariants_stops_where_the_state_contradicts_itself():
    chain = start(TEST)

    def steal(overlay):
        totals = TOTALS.read(overlay)
        TOTALS.put(overlay, type(totals)(totals.bonded + 1, 0, 1, 1))

    chain.state.commit(2, chain.state.prepare(tamper(chain.state, steal).changes()))
    careless, careful = Engine(chain.state), Engine(chain.state, check_invariants=True)
    careless.finalize_block(3, b"h" * 32, bytes(20), [])
    with pytest.raises(InvariantBroken, match=r"LPT supply.*bonded total"):
        careful.finalize_block(3, b"h" * 32, bytes(20), [])


def test_a_node_that_checks_invariants_stops_where_the_root_is_not_that_of_the_pairs(monkeypatch):
    careful = Engine(start(TEST).state, check_invariants=True)
    careful.finalize_block(2, b"h" * 32, bytes(20), [])
    monkeypatch.setattr(type(careful._store), "recompute_root", lambda store: bytes(32))
    with pytest.raises(InvariantBroken, match="root of height 2"):
        careful.commit()


def test_queries_may_come_from_another_thread_while_blocks_are_made():
    from threading import Thread

    chain, failures = start(TEST), []

    def ask():
        for _ in range(200):
            answer = chain.engine.query(f"/nonce/0x{ALICE.address.hex()}", b"", 0, False)
            if answer.code:
                failures.append(answer.log)

    thread = Thread(target=ask)
    thread.start()
    for _ in range(20):
        chain.must(ALICE, SEND)
    thread.join()
    assert failures == []
