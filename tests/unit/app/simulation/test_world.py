"""The simulation's chain: the same state as a node's, although it leaves out blocks, signatures and the tree."""

from dataclasses import replace

import pytest

from app.messages.bodies import (
    Bond,
    ClaimWork,
    Deposit,
    DistributeFees,
    EndJob,
    Job,
    Rebond,
    Reward,
    SegmentRange,
    TranscodeAvailability,
    Unbond,
    Withdraw,
)
from app.messages.economy import OPTIONS, PROFILE
from app.messages.genesis_state import GenesisProfile
from app.messages.segment import make_stream_id
from app.primitives.amounts import Lpt, Wei
from app.primitives.hashing import sha256
from app.protocol.ledger import credit_lpt
from app.simulation.world import CHAIN_ID, World
from app.state.tables import CLAIMS, JOBS, ROUND
from genesis.presets.registry import get_preset
from tests.support import chain_driver
from tests.support.chain_driver import ALICE, BOB, ETH, LPT, VERA, VIKTOR, Chain, make_genesis

JOB = Job(make_stream_id(ALICE.address, "live"), OPTIONS, Wei(1000), 5)
SCRIPT = {
    1: [(VERA, [TranscodeAvailability(2)]), (VIKTOR, [TranscodeAvailability(2)]), (ALICE, [Deposit(Wei(ETH))])],
    2: [(ALICE, [JOB]), (BOB, [Bond(Lpt(500 * LPT), VERA.address)])],
    5: [(VERA, [Reward()]), (VIKTOR, [Reward()])],
    13: [(BOB, [Unbond(Lpt(50 * LPT))]), (VERA, [Reward()]), (BOB, [Unbond(Lpt(10**9 * LPT))])],
    24: [(BOB, [Rebond(1, VERA.address)]), (BOB, [Unbond(Lpt(30 * LPT))])],
    45: [(BOB, [Withdraw(Wei(0), Wei(0), (2,))]), (VIKTOR, [Reward()])],
    61: [(ALICE, [EndJob(1)])],
}
LAST = 95


def play_both(params, monkeypatch):
    """The same script on a node's engine, block by block, and in the simulation, which leaves blocks out."""
    monkeypatch.setattr(chain_driver, "CHAIN_ID", CHAIN_ID)
    genesis = make_genesis(
        params, [ALICE, BOB], [VERA, VIKTOR], profiles=(GenesisProfile(PROFILE, "h264", 1000, "parameters"),)
    )
    chain, world = Chain(genesis), World(genesis, seed=7)
    chain.block_hash = world.block_hash
    for height in range(1, LAST + 1):
        sent = SCRIPT.get(height, []) + claims(world, height)
        fees = [world.send(party.address, *messages) for party, messages in sent]
        txs = [chain.sign(party, *m, fee=fee) for (party, m), fee in zip(sent, fees, strict=True)]
        expected = [result.code for result in chain.block(*txs).tx_results]
        if sent:
            assert [result.code for result in world.block(height)] == expected
    world.run_to(LAST + 1)
    return chain, world


def claims(world, height):
    """What the drawn transcoder of the job sends: claims in two rounds, of which the unchallenged are collected."""
    if height not in (6, 15, 35):
        return []
    party = VERA if JOBS.read(world.state, 1).transcoder == VERA.address else VIKTOR
    if height == 35:
        return [(party, [DistributeFees(1, 1)]), (party, [DistributeFees(1, 2)])]
    return [(party, [ClaimWork(1, (SegmentRange(height * 10, height * 10 + 3),), sha256(b"root"))])]


@pytest.mark.parametrize("preset", ["test", "localnet"])
def test_blocks_left_out_and_signatures_left_away_change_nothing(preset, monkeypatch):
    chain, world = play_both(get_preset(preset), monkeypatch)
    assert dict(world.state.iterate(b"", None)) == dict(chain.state.iterate(b"", None))
    assert world.round.number == (LAST - 1) // get_preset(preset).round_length
    assert len(list(CLAIMS.items(world.state))) == 2
    assert 0 < world.refused < world.transactions
    assert world.blocks < LAST


def test_a_round_that_nobody_initialises_stays_so_in_both(monkeypatch):
    chain, world = play_both(replace(get_preset("test"), auto_initialize_round=False), monkeypatch)
    assert dict(world.state.iterate(b"", None)) == dict(chain.state.iterate(b"", None))
    assert not ROUND.read(world.state).initialized


def test_a_block_that_is_past_already_is_refused():
    world = World(make_genesis(get_preset("test"), [ALICE], [VERA]), seed=1)
    world.block(5)
    with pytest.raises(AssertionError, match="block 5 after block 5"):
        world.block(5)


def test_another_attempt_of_a_proposer_is_another_hash_and_another_randomness():
    world = World(make_genesis(get_preset("test"), [ALICE], [VERA]), seed=1)
    assert world.block_hash(3) != world.block_hash(3, 1)
    assert world.randomness(3) != world.randomness(3, 1)


def test_what_is_enacted_is_in_the_state_and_in_the_events():
    world = World(make_genesis(get_preset("test"), [ALICE], [VERA]), seed=1)
    world.take_events()
    world.enact(lambda state, env: (credit_lpt(state, BOB.address, 5), env.emit("told"))[1])
    assert world.take_events() == ["told"]
