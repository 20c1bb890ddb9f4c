"""Upgrades: planned by a vote, applied at their height, and refused whole by a build without the version."""

import pytest

from app.execution.engine import Engine, UpgradeNeeded
from app.messages.events import ProposalDropped, UpgradeApplied, UpgradePlanned
from app.messages.records import AppVersion, ProposalStatus
from app.state.tables import APP_VERSIONS
from app.store.memory import MemoryBackend
from app.store.state_store import StateStore
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, CAROL, VERA, VIKTOR, Chain, events_of, make_genesis, start
from tests.support.governing import adopt, cast, changes, decide, proposal_of, proposed, upgrade


def planned(height=25, version=2):
    chain = start(TEST, [VERA, VIKTOR])
    adopt(chain, CAROL, upgrade(height, version), VERA, VIKTOR)
    return chain


def new_build(chain, version=2):
    """The same state under a build with a later version."""
    chain.engine = Engine(chain.state, version=version)


def test_an_adopted_upgrade_is_planned_and_told():
    chain = planned()
    assert events_of(chain.results[-1], UpgradePlanned) == [UpgradePlanned(1, 25, 2)]
    assert APP_VERSIONS.read(chain.state) == AppVersion(1, 2, 25, 1)
    assert proposal_of(chain).status is ProposalStatus.ADOPTED


def test_the_old_build_makes_every_block_before_the_height_and_not_the_one_at_it():
    chain = planned()
    chain.until(25)
    before = chain.engine.app_hash
    for _ in range(2):
        with pytest.raises(UpgradeNeeded) as stopped:
            chain.finalize()
        assert str(stopped.value) == (
            "block 25 needs version 2 of the application, and this build has version 1: install a release with "
            "version 2 and start the node again; it goes on from where it stopped"
        )
    assert (chain.engine.height, chain.engine.app_hash) == (24, before)


def test_a_build_with_the_version_goes_on_and_applies_it_before_anything_else():
    chain = planned()
    chain.until(25)
    new_build(chain)
    block = chain.block()
    assert block.events[0] == UpgradeApplied(1, 2)
    assert block.consensus_updates.app_version == chain.engine.app_version == 2
    assert APP_VERSIONS.read(chain.state) == AppVersion(2, 0, 0, 0)
    assert proposal_of(chain).status is ProposalStatus.EXECUTED
    assert chain.block().consensus_updates.app_version is None


def test_the_new_build_gives_the_same_blocks_before_the_height_as_the_old_one():
    hashes = []
    for early in (False, True):
        chain = planned()
        if early:
            new_build(chain)
        chain.until(25)
        hashes.append(chain.app_hashes[-10:])
        assert chain.engine.app_version == 1
    assert hashes[0] == hashes[1]


def test_a_later_version_than_the_planned_one_will_do():
    chain = planned()
    chain.until(25)
    new_build(chain, 3)
    chain.block()
    assert chain.engine.app_version == 2


def test_after_the_upgrade_the_old_build_makes_no_block():
    chain = planned()
    chain.until(25)
    new_build(chain)
    chain.blocks(2)
    new_build(chain, 1)
    with pytest.raises(UpgradeNeeded):
        chain.finalize()


def test_an_upgrade_that_is_adopted_later_takes_the_place_of_a_planned_one():
    chain = planned(50)
    proposed(chain, CAROL, upgrade(60, 3))
    cast(chain, 2, yes=(VERA, VIKTOR))
    decide(chain, 2)
    assert events_of(chain.results[-1], ProposalDropped) == [ProposalDropped(1, "proposal 2 plans another upgrade")]
    assert APP_VERSIONS.read(chain.state) == AppVersion(1, 3, 60, 2)
    assert proposal_of(chain, 1).status is ProposalStatus.DROPPED


def test_a_version_that_the_chain_has_reached_meanwhile_is_dropped():
    chain = planned(25)
    chain.until(20)
    proposed(chain, CAROL, upgrade(60, 2))
    cast(chain, 2, yes=(VERA, VIKTOR))
    chain.until(25)
    new_build(chain)
    decide(chain, 2)
    assert proposal_of(chain, 2).outcome == "the chain runs version 2 already"


def test_a_chain_that_begins_with_a_later_version_is_refused_by_an_older_build():
    genesis = make_genesis(TEST, [ALICE], [VERA])
    engine = Engine(StateStore(MemoryBackend()))
    with pytest.raises(UpgradeNeeded, match="block 1 needs version 2"):
        engine.init_chain("c", 1, b"{}", 2)
    assert Chain(genesis).engine.app_version == 1


def test_the_age_of_evidence_is_told_to_the_node_with_the_block_that_changes_it():
    chain = start(TEST, [VERA, VIKTOR])
    adopt(chain, CAROL, changes(evidence_max_age=15), VERA, VIKTOR)
    updates = chain.next_round().consensus_updates
    assert (updates.evidence_age.blocks, updates.evidence_age.nanoseconds) == (15, 15 * TEST.block_time * 10**6)
    assert chain.block().consensus_updates.evidence_age is None
