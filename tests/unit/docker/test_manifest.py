"""Manifests that a seed makes."""

from tests.docker.manifest import Kind, make_random


def test_a_seed_replays_its_manifest():
    assert make_random(7) == make_random(7)
    assert len({str(make_random(seed)) for seed in range(20)}) == 20


def test_every_random_manifest_can_be_run():
    for seed in range(300):
        made = make_random(seed)
        assert 1 <= made.validators <= 5
        assert made.perturbations
        for what in made.perturbations:
            assert what.targets
            assert set(what.targets) <= set(range(made.validators))
            others = made.validators - len(what.targets)
            if what.kind is Kind.PAUSE:
                assert what.halts == (3 * others <= 2 * made.validators)
