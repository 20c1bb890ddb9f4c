"""One line through the whole house, on real parts: CometBFT, LevelDB, and a process for everybody.

A stream goes in, is transcoded, claimed, challenged, verified, paid, and can be played; also when whoever works on it
is killed in the middle, and not when the transcoder cheats.
"""

import json
import os
import signal
import time
import urllib.request

import pytest

from app.messages import events
from app.messages.verdict import Finding
from tests.support.line import BROADCASTER, TRANSCODER, VERIFIERS, make_line
from tests.support.processes import eventually
from tests.support.videos import draw_video
from transcoder.media.playlist_check import check_playlist

pytestmark = [pytest.mark.network, pytest.mark.media]

SETTLE_SECONDS = 60.0
WORK = ("ClaimWork", "Verify", "CommitVerdict", "RevealVerdict", "DistributeFees", "Deposit", "Job", "EndJob")


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    folder = tmp_path_factory.mktemp("line")
    clip = draw_video(folder / "clip.mp4", "-g", "25", size="320x180", seconds=10)
    made = make_line(folder, clip)
    try:
        for name in (TRANSCODER, *VERIFIERS):
            made.start(name)
        eventually(lambda: len(made.items("/verifiers")) == 3, "three verifiers")
        eventually(lambda: made.ask(f"/transcoder/{made.address(TRANSCODER)}")["slots"], "slots on offer")
        yield made
    finally:
        made.close()


def broadcast(line, stream, seconds):
    return line.start(BROADCASTER, "--stream", stream, "--duration", seconds)


def received(line, job_id, count):
    eventually(lambda: len(line.receipts(job_id)) >= count, f"{count} receipts of job {job_id}")


def claims_over(line, job_id, status):
    """The job's claims, once all segments with a receipt are in claims of this status."""

    def look():
        for service in line.services.values():
            assert service.process.poll() in (None, 0), service.text
        claims = line.items(f"/claims/{job_id}")
        claimed = sum(claim["segments"] for claim in claims)
        is_over = claimed == len(line.receipts(job_id)) and all(claim["status"] == status for claim in claims)
        return claims if claims and is_over else None

    return eventually(look, f"all work of job {job_id} in claims that are {status}", SETTLE_SECONDS)


def numbers_of(claims):
    return sorted(n for claim in claims for each in claim["ranges"] for n in range(each["first"], each["last"] + 1))


def assert_whole(line, stream, job_id, segments):
    """Nothing is lost and nothing repeated: by the journals, by the chain, and in the player."""
    claims = claims_over(line, job_id, "paid")
    everything = list(range(segments))
    signed = line.rows(
        BROADCASTER, "SELECT sequence_number, state FROM segment WHERE stream_id LIKE ? ORDER BY 1", f"%-{stream}"
    )
    assert signed == [(number, "receipted") for number in everything]
    assert [number for number, _ in line.receipts(job_id)] == everything
    assert numbers_of(claims) == everything
    assert line.ask(f"/job/{job_id}")["segments_paid"] == segments
    challenges = line.items("/challenges", job=job_id)
    assert sorted(each["segment"] for each in challenges) == everything
    assert {each["status"] for each in challenges} == {"verified"}
    assert all(len(each["committee"]) == 3 for each in challenges)
    assert {seat["result"] for each in challenges for seat in each["committee"]} == {
        each["transcoded_hash"] for each in challenges
    }
    refused = [entry for entry in line.history() if entry.code and set(entry.messages) & set(WORK)]
    assert refused == [], "something was sent twice, or too late"
    report = check_playlist(line.playlist(stream))
    assert report.is_ok, report.describe()
    assert report.is_ended
    assert [each.segments for each in report.renditions] == [segments, segments]


def test_a_stream_is_transcoded_claimed_verified_by_committees_paid_and_plays(line):
    with broadcast(line, "honest", 10) as broadcaster:
        assert broadcaster.wait(60) == 0, broadcaster.text
    job_id = line.wait_for_job("honest")
    assert_whole(line, "honest", job_id, 10)
    paid = [event for entry in line.history() for event in entry.events if isinstance(event, events.VerifierPaid)]
    assert len({event.verifier for event in paid}) == 3
    assert line.ask("/invariants")["holds"]


@pytest.mark.parametrize("name", [TRANSCODER, *VERIFIERS])
def test_a_running_service_says_how_it_is_and_what_it_has_done(line, name):
    url = line.services[name].url
    with urllib.request.urlopen(f"{url}/healthz", timeout=10) as answer:
        health = json.load(answer)
    assert health["status"] == "ok"
    assert health["checks"]["chain"]["height"] > 1
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        metrics = answer.read().decode()
    wanted = 'headwater_segments_total{outcome="done"} 10.0' if name == TRANSCODER else "headwater_verdicts_total"
    assert wanted in metrics


# --- killed and started again, with the same home


def test_a_transcoder_that_is_killed_goes_on_with_the_same_receipts_elsewhere(line):
    with broadcast(line, "kill-transcoder", 6) as broadcaster:
        job_id = line.wait_for_job("kill-transcoder")
        received(line, job_id, 2)
        line.services[TRANSCODER].kill()
        before = line.rows(TRANSCODER, "SELECT sequence_number, receipt FROM receipt WHERE job_id = ?", job_id)
        line.start(TRANSCODER)
        assert broadcaster.wait(60) == 0, broadcaster.text
    after = line.rows(TRANSCODER, "SELECT sequence_number, receipt FROM receipt WHERE job_id = ?", job_id)
    assert set(before) <= set(after)
    assert_whole(line, "kill-transcoder", job_id, 6)


def test_a_broadcaster_that_is_killed_goes_on_with_the_same_job(line):
    first = broadcast(line, "kill-broadcaster", 6)
    job_id = line.wait_for_job("kill-broadcaster")
    received(line, job_id, 2)
    first.kill()
    with broadcast(line, "kill-broadcaster", 6) as again:
        assert again.wait(60) == 0, again.text
    assert_whole(line, "kill-broadcaster", job_id, 6)


def test_a_node_that_is_killed_comes_back_and_nobody_has_to_be_started_again(line):
    with broadcast(line, "kill-node", 6) as broadcaster:
        job_id = line.wait_for_job("kill-node")
        for count in (2, 4):
            received(line, job_id, count)
            line.kill_node()
            time.sleep(0.5)  # so that everybody meets a node that is away
            line.start_node()
        assert broadcaster.wait(60) == 0, broadcaster.text
    assert_whole(line, "kill-node", job_id, 6)


def test_a_verifier_that_is_killed_between_commit_and_reveal_reveals_what_it_committed_to(line):
    """Another one is stopped meanwhile, so that the time to reveal does not come before the kill."""
    slow = line.services[VERIFIERS[1]]
    os.kill(slow.process.pid, signal.SIGSTOP)
    try:
        with broadcast(line, "kill-verifier", 2) as broadcaster:
            assert broadcaster.wait(60) == 0, broadcaster.text
        job_id = line.wait_for_job("kill-verifier")
        committed = eventually(lambda: committed_of(line, job_id, VERIFIERS[0]), "two commitments of one verifier")
        line.services[VERIFIERS[0]].kill()
    finally:
        os.kill(slow.process.pid, signal.SIGCONT)
    line.start(VERIFIERS[0])
    assert_whole(line, "kill-verifier", job_id, 2)
    assert committed_of(line, job_id, VERIFIERS[0]) == committed


def committed_of(line, job_id, name):
    """A verifier's commitments on the chain, once both segments have one."""
    address = line.address(name)
    seats = [seat for each in line.items("/challenges", job=job_id) for seat in each["committee"]]
    found = [seat["commitment"] for seat in seats if seat["verifier"] == address and seat["commitment"]]
    return found if len(found) == 2 else None


# --- cheats


@pytest.mark.parametrize(
    ("cheat", "finding"),
    [
        ("black-frames", Finding.PICTURES_DIFFER),
        ("wrong-size", Finding.SIZE_DIFFERS),
        ("wrong-bytes", Finding.BYTES_DIFFER),
    ],
)
def test_a_cheat_is_found_by_the_court_and_slashed_and_what_was_seen_is_on_the_chain(line, cheat, finding):
    """The node has started its court worker by itself, because something was disputed."""
    assert line.services[TRANSCODER].process.poll() is None
    line.services[TRANSCODER].signal(signal.SIGTERM)
    assert line.services[TRANSCODER].wait(15) == 0
    line.start(TRANSCODER, "--cheat", cheat)
    with broadcast(line, cheat, 1) as broadcaster:
        assert broadcaster.wait(60) == 0, broadcaster.text
    job_id = line.wait_for_job(cheat)
    (claim,) = claims_over(line, job_id, "failed")
    (challenge,) = line.items("/challenges", job=job_id)
    assert challenge["status"] == "failed"
    assert {(seat["finding"], seat["rendition"]) for seat in challenge["committee"]} == {(int(finding), 1)}
    assert line.ask(f"/job/{job_id}")["segments_paid"] == 0
    assert (claim["fee"], claim["slashed"]) == ("0", True)
    dispute = line.items("/disputes")[-1]
    assert (dispute["job_id"], dispute["outcome"]) == (job_id, "overturned")
    assert dispute["result"] == challenge["committee"][0]["result"]


# --- the end


@pytest.mark.parametrize("name", [TRANSCODER, *VERIFIERS])
def test_sigterm_ends_a_service_cleanly(line, name):
    service = line.services[name]
    service.signal(signal.SIGTERM)
    assert service.wait(15) == 0, service.text
    assert line.rows(name, "SELECT key FROM outbox WHERE state IN ('pending', 'sent')") == []
