"""Segments over HTTP to a real transcoder: what becomes a receipt, what is refused with which word, what is kept."""

import asyncio
import contextlib
from dataclasses import replace

import pytest

from app.messages.bodies import EndJob
from app.messages.options import WEIGHT_ONE, compute_fee_per_segment
from app.messages.receipt import Leaf, Receipt, recover_transcoder, transcoded_hash_of
from app.messages.record import from_json
from app.primitives.amounts import Wei
from app.primitives.hashing import sha256
from tests.support.work_node import OPTIONS, PRICE_WEI, media, signer, trade
from transcoder.content.failures import StoreFull
from transcoder.services import workshop as workshop_module

pytestmark = pytest.mark.media


def on_a_job(home, scenario, order=None, params=None, **options):
    """Run `scenario(trade, service, job_id)` with a transcoder that was drawn for a job."""

    async def run():
        async with trade(home, **(params or {})) as at, at.transcoder(**options) as service:
            for _ in range(3):
                await at.block(service)
            job_id = await at.node.order(**(order or {}))
            return await scenario(at, service, job_id)

    return asyncio.run(run())


def refusal(answer):
    status, body = answer
    return status, body["error"]


def test_a_segment_becomes_a_signed_receipt_over_its_leaves_and_its_renditions_can_be_fetched(tmp_path):
    async def scenario(at, service, job_id):
        status, answer = await at.post(service, job_id, 0)
        assert status == 200, answer
        receipt = from_json(Receipt, answer["receipt"], "receipt")
        leaves = [from_json(Leaf, leaf, "leaf") for leaf in answer["leaves"]]
        assert recover_transcoder(receipt) == signer("node0").address
        assert receipt.transcoded_hash == transcoded_hash_of(leaves)
        assert (receipt.job_id, receipt.sequence_number, receipt.data_hash) == (job_id, 0, sha256(media()[0]))
        assert [leaf.rendition for leaf in leaves] == list(range(len(OPTIONS.renditions)))
        for cid in (receipt.data_hash, *(leaf.output_hash for leaf in leaves)):
            async with at.session.get(f"{service.shell.url}/content/{cid.hex()}") as answer:
                assert sha256(await answer.read()) == cid

    on_a_job(tmp_path, scenario)


def test_the_same_segment_again_gets_the_same_receipt_even_after_a_restart_and_the_jobs_end(tmp_path):
    async def run():
        async with trade(tmp_path) as at:
            async with at.transcoder() as service:
                for _ in range(3):
                    await at.block(service)
                job_id = await at.node.order()
                first = await at.post(service, job_id, 0)
                assert first[0] == 200
                assert await at.post(service, job_id, 0) == first
            await at.node.send("alice", EndJob(job_id))
            async with at.transcoder() as service:
                assert await at.post(service, job_id, 0) == first
                assert refusal(await at.post(service, job_id, 1)) == (403, "not-assigned")

    asyncio.run(run())


def test_the_receipt_is_in_the_journal_before_it_is_answered(tmp_path, monkeypatch):
    """Killed where it would answer: the receipt is there, and a repetition gets that one."""
    answers = []

    def die(work):
        answers.append(work)
        raise RuntimeError("killed")

    async def scenario(at, service, job_id):
        monkeypatch.setattr("transcoder.services.transcoder.answer_of", die)
        with contextlib.suppress(Exception):
            await at.post(service, job_id, 0)
        assert service.journal.receipt(job_id, 0) is not None
        monkeypatch.undo()
        _, answer = await at.post(service, job_id, 0)
        assert from_json(Receipt, answer["receipt"], "receipt") == answers[0].receipt

    on_a_job(tmp_path, scenario)


def test_repetitions_that_come_at_once_are_worked_on_once(tmp_path, monkeypatch):
    calls = []
    real = workshop_module.transcode_segment
    monkeypatch.setattr(workshop_module, "transcode_segment", lambda *args: calls.append(1) or real(*args))

    async def scenario(at, service, job_id):
        answers = await asyncio.gather(*(at.post(service, job_id, 0) for _ in range(4)))
        assert [status for status, _ in answers] == [200] * 4
        assert all(answer == answers[0] for answer in answers)
        assert len(calls) == 1

    on_a_job(tmp_path, scenario, parallel=4)


def test_other_bytes_for_a_number_are_a_conflict_also_when_both_come_at_once(tmp_path):
    async def scenario(at, service, job_id):
        both = await asyncio.gather(at.post(service, job_id, 0), at.post(service, job_id, 0, data=media()[1]))
        assert sorted(status for status, _ in both) == [200, 409]
        loser = next(answer for answer in both if answer[0] == 409)
        assert loser[1]["error"] == "conflict"
        other = media()[2]
        assert refusal(await at.post(service, job_id, 0, data=other)) == (409, "conflict")
        assert len(service.journal.receipts(job_id)) == 1

    on_a_job(tmp_path, scenario, parallel=2)


@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({"signed_by": "mallory"}, 403, "not-assigned"),
        ({"signature": "00" * 65}, 403, "not-assigned"),
        ({"signature": "beef"}, 403, "not-assigned"),
        ({"signature": "no hex"}, 400, "bad-request"),
        ({"stream_id": "0x" + "11" * 20 + "-s"}, 403, "not-assigned"),
        ({"body": b"other bytes than were signed"}, 403, "not-assigned"),
        ({"path": "-1"}, 400, "bad-request"),
        ({"path": str(2**63)}, 400, "bad-request"),
        ({"path": "9" * 40}, 400, "bad-request"),
        ({"data": b"this is no video"}, 422, "cannot-transcode"),
        ({"data": b""}, 422, "cannot-transcode"),
        ({"cut": 5000}, 422, "cannot-transcode"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_not_signed_for_this_job_or_is_no_video_is_refused_and_leaves_nothing(tmp_path, changes, status, word):
    if "cut" in changes:
        changes = {"data": media()[0][: changes["cut"]]}

    async def scenario(at, service, job_id):
        assert refusal(await at.post(service, job_id, 0, **changes)) == (status, word)
        assert service.journal.receipts(job_id) == []
        assert (await at.post(service, job_id, 0))[0] == 200

    on_a_job(tmp_path, scenario)


def test_a_job_that_is_anothers_or_nobodys_is_refused_before_its_body_is_read(tmp_path):
    async def scenario(at, service, job_id):
        service.workshop.signer = signer("mallory")
        assert refusal(await at.post(service, job_id, 0)) == (403, "not-assigned")
        assert refusal(await at.post(service, 999, 0)) == (403, "not-assigned")

    on_a_job(tmp_path, scenario)


def test_no_segment_is_worked_on_that_escrow_and_deposit_do_not_pay_for(tmp_path):
    async def scenario(at, service, job_id):
        job = await at.node.ask(f"/job/{job_id}")
        deposit = (await at.node.ask(f"/deposit/{job['broadcaster']}"))["amount"]
        assert (int(job["escrow"]) + int(deposit)) // int(job["fee_per_segment"]) == 2
        assert [(await at.post(service, job_id, n))[0] for n in range(2)] == [200, 200]
        assert refusal(await at.post(service, job_id, 2)) == (402, "deposit-exhausted")

    fee = compute_fee_per_segment(Wei(PRICE_WEI), OPTIONS, WEIGHT_ONE)
    on_a_job(tmp_path, scenario, order={"escrow_segments": 2, "deposit_wei": 2 * fee})


def test_more_than_may_wait_are_told_to_come_again(tmp_path):
    async def scenario(at, service, job_id):
        answers = await asyncio.gather(*(at.post(service, job_id, number) for number in range(5)))
        told = sorted(status for status, _ in answers)
        assert told == [200, 200, 429, 429, 429]
        assert {body["error"] for status, body in answers if status == 429} == {"busy"}

    on_a_job(tmp_path, scenario, queue_limit=2)


def test_a_chain_that_cannot_be_reached_is_said_and_nothing_is_promised(tmp_path):
    async def scenario(at, service, job_id):
        at.node.unreachable = 10**6
        assert refusal(await at.post(service, job_id, 0)) == (503, "chain-unreachable")
        at.node.unreachable = 0
        assert (await at.post(service, job_id, 0))[0] == 200

    on_a_job(tmp_path, scenario)


def test_a_full_store_gives_no_receipt_and_recovers(tmp_path, monkeypatch):
    async def scenario(at, service, job_id):
        real = service.workshop.content.put

        def full(*_):
            raise StoreFull("no room")

        monkeypatch.setattr(service.workshop.content, "put", full)
        assert refusal(await at.post(service, job_id, 0)) == (503, "unavailable")
        assert service.journal.receipts(job_id) == []
        monkeypatch.setattr(service.workshop.content, "put", real)
        assert (await at.post(service, job_id, 0))[0] == 200

    on_a_job(tmp_path, scenario)


def test_a_ladder_that_cannot_be_made_is_a_refusal_and_no_crash(tmp_path):
    async def scenario(at, service, job_id):
        terms = await service._read_terms(job_id)
        odd = replace(OPTIONS, renditions=(replace(OPTIONS.renditions[0], width=255),))
        service._terms[job_id] = (1e12, replace(terms, job=replace(terms.job, options=odd)))
        assert refusal(await at.post(service, job_id, 0)) == (422, "cannot-transcode")

    on_a_job(tmp_path, scenario)
