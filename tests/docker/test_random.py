"""One network of random size with random perturbations in random order, by HEADWATER_SEED (make test-docker-random)."""

import asyncio
import os

import pytest

from tests.docker.manifest import make_random
from tests.docker.runner import run

SEED = os.environ.get("HEADWATER_SEED", "")
pytestmark = [
    pytest.mark.docker,
    pytest.mark.usefixtures("image"),
    pytest.mark.skipif(not SEED, reason="no HEADWATER_SEED; it is for: make test-docker-random SEED=7"),
]


def test_a_random_network_with_random_troubles_passes_the_same_checks(tell):
    manifest = make_random(int(SEED))
    print(f"SEED={SEED}: {manifest}")
    tell([f"SEED={SEED}", *asyncio.run(run(manifest)).describe()])
