"""The same blocks give the same app hashes, results and events, whatever the process around them is like."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.messages.rejections import Rejection
from app.messages.transaction import decode_tx
from tests.support.garbage import BODIES
from tests.support.histories import History, play

ROOT = Path(__file__).resolve().parents[2]
SEEDS = (0, 3, 10)
BLOCKS = 90
MADE_WELL = {
    *("Bond", "Unbond", "Rebond", "Transcoder", "ResignAsTranscoder", "TranscodeAvailability", "Job", "EndJob"),
    *("Deposit", "Withdraw", "ClaimWork", "Verify", "CommitVerdict", "RevealVerdict", "DistributeFees", "Reward"),
    *("InitializeRound", "UpdateDelegatorStake", "SlashMissedVerification", "SlashDoubleClaim", "Propose", "Vote"),
    *("Transfer", "Unjail", "RotateConsensusKey", "RegisterVerifier", "ClaimAllocation", "Challenge"),
}
"""Message types that histories know how to make so that they are accepted; of all others they send only garbage."""
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
def test_processes_with_other_hash_seeds_zones_and_languages_agree_at_every_height_on_either_store(seed, tmp_path):
    first, second = SURROUNDINGS
    here = play_elsewhere(seed, "memory", tmp_path / "a", first)
    there = play_elsewhere(seed, "leveldb", tmp_path / "b", second)
    assert len(here) == BLOCKS
    assert_same(here, there)


@pytest.mark.parametrize("seed", SEEDS)
def test_restarts_rollbacks_and_replays_make_no_difference(seed, tmp_path):
    straight = list(play(seed, BLOCKS, "memory", tmp_path))
    broken = play_elsewhere(seed, "restarts", tmp_path / "c", list(SURROUNDINGS)[seed % 2])
    assert_same(straight, broken)


def test_random_histories_hold_every_message_type_accepted_and_refused():
    accepted, refused = set(), set()
    for seed in range(8):
        history = History(seed)
        for _ in range(BLOCKS):
            txs, said = history.block()
            results = history.chain.finalize(*txs, **said).tx_results
            history.chain.engine.commit()
            for messages, told in zip(map(messages_of, txs), results, strict=True):
                (refused if told.code else accepted).update(type(message) for message in messages)
    assert set(BODIES) - refused == set()
    assert MADE_WELL - {kind.__name__ for kind in accepted} == set()


def messages_of(raw):
    try:
        return decode_tx(raw).body.messages
    except Rejection:
        return ()


def assert_same(one, other):
    for height, (first, second) in enumerate(zip(one, other, strict=True), 1):
        assert first == second, f"height {height}"


def test_another_history_gives_another_state(tmp_path):
    lines = {list(play(seed, 5, "memory", tmp_path))[-1] for seed in SEEDS}
    assert len(lines) == len(SEEDS)
