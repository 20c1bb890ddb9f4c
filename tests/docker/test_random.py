"""One network of random size with random perturbations in random order, by HEADWATER_SEED (make test-docker-random)."""

import os

import pytest

from tests.docker.manifest import make_random
from tests.docker.runner import run

SEED = os.environ.get("HEADWATER_SEED", "")
pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("image")]
if not SEED:
    pytest.skip("no HEADWATER_SEED; it is for: make test-docker-random SEED=7", allow_module_level=True)


async def test_a_random_network_with_random_troubles_passes_the_same_checks():
    manifest = make_random(int(SEED))
    print(f"SEED={SEED}: {manifest}")
    return [f"SEED={SEED}", *(await run(manifest)).describe()]
