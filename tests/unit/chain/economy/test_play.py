"""The simulation's process: what comes back from it, also when it fails or nobody listens any more."""

from dataclasses import replace

import pytest

from app.messages.economy import EconomyOrder, Scenario, TranscoderGroup
from app.messages.record import to_json
from app.primitives.amounts import Lpt
from app.simulation.run import Economy
from chain.economy.play import SimulationFailed, play
from genesis.presets.registry import get_preset

LPT = 10**18
PIPE_BYTES = 65_536
ORDER = EconomyOrder(
    get_preset("test"), Scenario("one", Lpt(LPT), (TranscoderGroup("honest", 2, Lpt(100 * LPT)),)), rounds=3, seed=1
)


def test_the_process_reports_what_the_same_code_reports_here():
    other = replace(ORDER, seed=2, rounds=2)
    assert list(play([ORDER, other])) == [*Economy(ORDER).play(), *Economy(other).play()]


def test_orders_and_reports_that_both_fill_a_pipe_do_not_wait_for_each_other():
    orders = [replace(ORDER, rounds=160), *[replace(ORDER, seed=seed, rounds=1) for seed in range(40)]]
    assert sum(len(str(to_json(order))) for order in orders) > PIPE_BYTES
    reports = list(play(orders))
    assert sum(len(str(to_json(report))) for report in reports[:160]) > PIPE_BYTES
    assert len(reports) == 200


def test_who_stops_listening_ends_the_process():
    reports = play([replace(ORDER, rounds=100_000)])
    assert next(reports).round == 0
    reports.close()


def test_a_process_that_fails_is_told_with_its_last_words():
    broken = replace(ORDER, scenario=replace(ORDER.scenario, work_every=0))
    with pytest.raises(SimulationFailed, match=r"the simulation has failed: (?s:.*)ZeroDivisionError"):
        list(play([broken]))
