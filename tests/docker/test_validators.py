"""Four validators in containers under load, and everything that can happen to them from outside."""

import pytest

from tests.docker.engine import GUARD_SECONDS
from tests.docker.manifest import Kind, Manifest, Perturbation, each_in_turn
from tests.docker.runner import run

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("image")]


async def passes(manifest: Manifest) -> list[str]:
    """Run a manifest, whose checks raise; what was measured."""
    return (await run(manifest)).describe()


async def test_four_validators_under_steady_load_agree_on_everything():
    return await passes(Manifest("baseline", transfers_per_second=8, settle_seconds=30))


@pytest.mark.docker(seconds=200)
async def test_a_killed_validator_catches_up_within_20_seconds_in_five_rounds_of_all_four():
    return await passes(Manifest("kill", perturbations=each_in_turn(Kind.KILL, rounds=5), settle_seconds=0.5))


async def test_a_frozen_validator_is_missed_by_nobody_and_two_halt_the_chain_until_they_return():
    one, two = Perturbation(Kind.PAUSE, (1,), 15), Perturbation(Kind.PAUSE, (2, 3), 15, halts=True)
    return await passes(Manifest("pause", perturbations=(one, two), recovery_limit_seconds=GUARD_SECONDS))


async def test_all_four_are_stopped_cleanly_and_started_together():
    everybody = Perturbation(Kind.RESTART, (0, 1, 2, 3), 3)
    return await passes(Manifest("restart", perturbations=(everybody, everybody), recovery_limit_seconds=GUARD_SECONDS))


async def test_a_validator_that_is_cut_off_catches_up_and_a_partition_in_halves_makes_no_block_until_it_is_healed():
    cut = Perturbation(Kind.DISCONNECT, (2,), 15)
    halves = Perturbation(Kind.PARTITION, (0, 1), 15, halts=True)
    return await passes(Manifest("disconnect", perturbations=(cut, halves), recovery_limit_seconds=GUARD_SECONDS))


@pytest.mark.parametrize("kind", [Kind.KILL_APPLICATION, Kind.KILL_COMETBFT], ids=lambda kind: kind.value)
async def test_a_process_killed_alone_takes_the_other_along_and_the_restart_policy_brings_both_back(kind):
    return await passes(Manifest(kind.value, perturbations=each_in_turn(kind, seconds=1)))
