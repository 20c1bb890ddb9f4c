"""The registry: who can be drawn, and what drawn verifiers lose."""

from dataclasses import replace

import pytest

from app.messages.bodies import RegisterVerifier
from app.messages.events import VerifierRegistered
from app.messages.rejections import Reason
from app.primitives.amounts import Lpt
from app.protocol.stake import join_pool
from app.protocol.verification.registry import get_judges
from app.state.tables import TOTALS, VERIFIERS
from genesis.presets.test import TEST
from tests.support.environments import any_block
from tests.support.work_world import LPT, World


def test_a_verifier_bonds_lpt_from_its_balance():
    world = World()
    alice = world.account("alice", lpt=5 * LPT)
    events = world.send(alice, RegisterVerifier(Lpt(2 * LPT), "http://127.0.0.1:9"))
    record = world.verifier_record(alice)
    assert (world.lpt(alice), record.bond, record.service_uri) == (3 * LPT, 2 * LPT, "http://127.0.0.1:9")
    assert TOTALS.read(world.state).verifier_bonds == 2 * LPT
    assert events == [VerifierRegistered(alice.address, Lpt(2 * LPT))]


def test_a_verifier_need_not_be_reachable():
    world = World()
    alice = world.account("alice")
    world.send(alice, RegisterVerifier(Lpt(LPT), ""))
    assert world.verifier_record(alice).service_uri == ""


@pytest.mark.parametrize("uri", ["ftp://example.org", "http://a b", "\n"])
def test_an_address_that_no_client_could_open_is_refused(uri):
    world = World()
    world.refused(world.account("alice"), RegisterVerifier(Lpt(LPT), uri), Reason.INVALID_FIELD)


def test_a_bond_below_the_minimum_is_refused():
    world = World()
    text = world.refused(world.account("alice"), RegisterVerifier(Lpt(LPT - 1), ""), Reason.VERIFIER_BOND_TOO_LOW)
    assert "min_verifier_bond is 1LPT" in text


def test_a_bond_beyond_the_balance_is_refused():
    world = World()
    world.refused(world.account("alice", lpt=LPT), RegisterVerifier(Lpt(2 * LPT), ""), Reason.INSUFFICIENT_FUNDS)


def test_a_verifier_registers_once():
    world = World()
    alice = world.verifier("alice")
    world.refused(alice, RegisterVerifier(Lpt(LPT), ""), Reason.VERIFIER_ALREADY_REGISTERED)


def test_parties_and_those_bonded_to_them_cannot_judge():
    world = World()
    transcoder, broadcaster = world.transcoder(), world.transcoder("broadcaster")
    fair, of_transcoder, of_broadcaster = (world.verifier(name) for name in ("fair", "friend", "cousin"))
    for party in (transcoder, broadcaster):
        world.send(party, RegisterVerifier(Lpt(LPT), ""))
    join_pool(world.state, any_block(), of_transcoder.address, transcoder.address, LPT)
    join_pool(world.state, any_block(), of_broadcaster.address, broadcaster.address, LPT)
    parties = (transcoder.address, broadcaster.address)
    assert get_judges(world.state, parties, TEST.min_verifier_bond) == [(fair.address, 2 * LPT)]


def test_a_bond_below_the_minimum_is_not_drawn_any_more():
    world = World()
    alice = world.verifier("alice")
    VERIFIERS.put(world.state, replace(world.verifier_record(alice), bond=Lpt(LPT - 1)), alice.address)
    assert get_judges(world.state, (), TEST.min_verifier_bond) == []
