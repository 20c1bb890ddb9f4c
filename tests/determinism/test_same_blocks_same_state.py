"""The same blocks give the same app hashes, results and events, whatever the process around them is like."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.histories import play

ROOT = Path(__file__).resolve().parents[2]
SEEDS = (1, 2, 6)
BLOCKS = 90
SURROUNDINGS = {
    "hash seed 1, UTC, C": {"PYTHONHASHSEED": "1", "TZ": "UTC", "LANG": "C", "LC_ALL": "C"},
    "hash seed 2, Kathmandu, Turkish": {
        "PYTHONHASHSEED": "2",
        "TZ": "Asia/Kathmandu",
        "LANG": "tr_TR.UTF-8",
        "LC_ALL": "tr_TR.UTF-8",
        "PYTHONOPTIMIZE": "0",
    },
}


def play_elsewhere(seed, mode, folder, surroundings):
    """A history in a process of its own."""
    command = [sys.executable, "-m", "tests.support.histories", str(seed), str(BLOCKS), mode, str(folder)]
    environment = {**os.environ, **SURROUNDINGS[surroundings], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("seed", SEEDS)
def test_two_processes_with_other_hash_seeds_zones_and_languages_agree_at_every_height(seed, tmp_path):
    first, second = SURROUNDINGS
    here = play_elsewhere(seed, "memory", tmp_path / "a", first)
    there = play_elsewhere(seed, "leveldb", tmp_path / "b", second)
    assert len(here) == BLOCKS
    for height, (one, other) in enumerate(zip(here, there, strict=True), 1):
        assert one == other, f"height {height}"


@pytest.mark.parametrize("seed", SEEDS)
def test_restarts_rollbacks_and_replays_make_no_difference(seed, tmp_path):
    straight = list(play(seed, BLOCKS, "memory", tmp_path))
    broken = list(play(seed, BLOCKS, "restarts", tmp_path))
    for height, (one, other) in enumerate(zip(straight, broken, strict=True), 1):
        assert one == other, f"height {height}"


def test_another_history_gives_another_state(tmp_path):
    lines = {list(play(seed, 5, "memory", tmp_path))[-1] for seed in SEEDS}
    assert len(lines) == len(SEEDS)
