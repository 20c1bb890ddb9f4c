"""Verifiers on a chain in this process: draw, fetch, re-execution in the sandbox, commit, reveal, payment."""

import asyncio
import contextlib
from dataclasses import replace

import pytest

from app.messages.bodies import Denom, Transfer
from app.messages.verdict import Finding
from app.primitives.address import to_checksum
from app.primitives.amounts import Amount
from app.primitives.hashing import Hash32
from tests.support.work_node import VERIFIERS, settle, signer, trade, until
from transcoder.journal.records import OutboxState, VerdictState
from transcoder.media.tamper import Cheat, tamper
from transcoder.roles import verifier as role
from transcoder.services import verifier as verifier_module
from transcoder.services.judge import Judge, Opinion

pytestmark = pytest.mark.media

PLACE = (1, 1, 0)
AGREES = Opinion(Hash32(b"r" * 32), Hash32(b"k" * 32), Finding.AGREES, 0, "as told")


@contextlib.asynccontextmanager
async def committee(home, tamper_with=None, **params):
    """A trade in which segment 0 of job 1 is claimed and challenged, with three verifiers that have registered."""
    async with trade(home, **params) as at, contextlib.AsyncExitStack() as stack:
        worker = await stack.enter_async_context(at.transcoder(tamper_with, claim_every=1))
        verifiers = [await stack.enter_async_context(at.verifier(name)) for name in VERIFIERS]
        for _ in range(3):
            await at.block(worker, *verifiers)
        job_id = await at.node.order()
        status, answer = await at.post(worker, job_id, 0)
        assert status == 200, answer
        yield at, worker, verifiers


async def claim(at):
    return await at.node.ask("/claim/1/1")


async def challenge(at):
    return await at.node.ask("/challenge/1/1/0")


async def until_status(at, *services, status):
    async def is_reached():
        try:
            return (await challenge(at))["status"] == status
        except Exception:
            return False

    await at.blocks_until(is_reached, *services)


def seat_of(found, name):
    address = to_checksum(signer(name).address)
    return next(seat for seat in found["committee"] if seat["verifier"] == address)


def test_a_right_segment_is_verified_by_its_committee_and_everybody_is_paid(tmp_path):
    async def run():
        async with committee(tmp_path) as (at, worker, verifiers):

            async def is_paid():
                return (await at.node.ask("/job/1"))["segments_paid"] == 1

            await at.blocks_until(is_paid, worker, *verifiers)
            found = await challenge(at)
            assert found["status"] == "verified"
            assert {seat["result"] for seat in found["committee"]} == {found["transcoded_hash"]}
            digests = [seat["keyed_digest"] for seat in found["committee"]]
            assert len(set(digests)) == 3
            for verifier, name in zip(verifiers, VERIFIERS, strict=True):
                record = await at.node.ask(f"/verifier/{to_checksum(signer(name).address)}")
                assert int(record["fees_earned"]) > 0
                (verdict,) = verifier.journal.verdicts()
                assert verdict.state is VerdictState.REVEALED
                assert verifier.journal.outbox.unfinished() == []

    asyncio.run(run())


@pytest.mark.parametrize(
    ("cheat", "finding"),
    [
        (Cheat.BLACK_FRAMES, Finding.PICTURES_DIFFER),
        (Cheat.WRONG_SIZE, Finding.SIZE_DIFFERS),
        (Cheat.WRONG_BYTES, Finding.BYTES_DIFFER),
    ],
)
def test_a_cheat_is_seen_for_what_it_is_and_not_paid(tmp_path, cheat, finding):
    async def run():
        wrong = committee(tmp_path, lambda honest: tamper(honest, "72p", cheat), court_window=20)
        async with wrong as (at, worker, verifiers):
            await until_status(at, worker, *verifiers, status="disputed")
            found = await challenge(at)
            assert {(seat["finding"], seat["rendition"]) for seat in found["committee"]} == {(int(finding), 1)}
            for _ in range(8):
                await at.block(worker, *verifiers)
            assert (await claim(at))["status"] == "disputed"
            assert (await at.node.ask("/job/1"))["segments_paid"] == 0

    asyncio.run(run())


def test_killed_between_commit_and_reveal_it_reveals_the_verdict_it_committed_to(tmp_path):
    async def run():
        async with committee(tmp_path) as (at, worker, verifiers):
            vera, *others = verifiers
            await until_status(at, worker, vera, status="committing")
            while seat_of(await challenge(at), "vera")["commitment"] is None:
                await at.block(worker, vera)
                await settle(vera)
            (committed,) = vera.journal.verdicts()
            vera.journal.close()
            at.node.restart()
            async with at.verifier("vera") as again:
                await until_status(at, worker, again, *others, status="verified")
                (kept,) = again.journal.verdicts()
                assert (kept.salt, kept.commitment) == (committed.salt, committed.commitment)
                assert seat_of(await challenge(at), "vera")["result"] == committed.result.hex()
                commits = again.journal.outbox.named("commit/")
                assert [(e.key, e.state) for e in commits] == [("commit/1/1/0", OutboxState.INCLUDED)]

    asyncio.run(run())


def test_what_cannot_be_fetched_is_tried_until_the_last_call_and_then_called_unavailable(tmp_path, monkeypatch):
    async def run():
        async with committee(tmp_path) as (at, worker, verifiers):
            vera = verifiers[0]
            await until_status(at, worker, status="committing")
            monkeypatch.setattr(worker.workshop.content, "get", lambda cid: None)
            deadline = (await challenge(at))["deadline"]
            reserve = 3
            for height in range(int(at.node.engine.height) + 1, deadline - reserve):
                await at.block(vera)
                await settle(vera)
                assert vera.journal.verdicts() == [], f"height {height} of {deadline}"
            await at.block(vera)
            await settle(vera)
            (verdict,) = vera.journal.verdicts()
            assert verdict.finding == Finding.UNAVAILABLE
            monkeypatch.undo()
            await until_status(at, worker, *verifiers, status="disputed")

    asyncio.run(run())


def test_content_that_comes_late_is_judged_in_time(tmp_path, monkeypatch):
    async def run():
        async with committee(tmp_path) as (at, worker, verifiers):
            await until_status(at, worker, status="committing")
            monkeypatch.setattr(worker.workshop.content, "get", lambda cid: None)
            for _ in range(2):
                await at.block(*verifiers)
                await settle(*verifiers)
            monkeypatch.undo()
            await until_status(at, worker, *verifiers, status="verified")

    asyncio.run(run())


def test_a_segment_that_is_queued_twice_is_judged_once(tmp_path, monkeypatch):
    """A beat that read the journal just before the verdict was kept queues the segment again."""

    async def run():
        async with committee(tmp_path) as (at, worker, verifiers):
            vera = verifiers[0]
            calls = []

            async def judge(_, case):
                calls.append(case)
                return AGREES

            monkeypatch.setattr(Judge, "judge", judge)
            await until_status(at, worker, status="committing")
            stale = await vera._read_view()
            await at.block(vera)
            await settle(vera)
            kept = vera.journal.verdicts()
            assert len(kept) == 1
            for action in role.decide(stale):
                await vera._do(action)
            await settle(vera)
            assert vera.journal.verdicts() == kept
            assert len(calls) == 1

    asyncio.run(run())


def test_a_judgement_that_breaks_does_not_stop_the_others(tmp_path, monkeypatch):
    async def run():
        async with committee(tmp_path) as (at, worker, verifiers):
            vera = verifiers[0]
            await until_status(at, worker, status="committing")
            tries = []

            async def judge(_, case):
                tries.append(case)
                if len(tries) == 1:
                    raise ZeroDivisionError("a strange segment")
                return AGREES

            monkeypatch.setattr(Judge, "judge", judge)
            await at.block(vera)
            await settle(vera)
            assert vera.journal.verdicts() == []
            await at.block(vera)
            await settle(vera)
            assert len(vera.journal.verdicts()) == 1

    asyncio.run(run())


def test_verdicts_that_are_over_are_not_read_again(tmp_path):
    async def run():
        async with committee(tmp_path) as (at, worker, verifiers):
            await until_status(at, worker, *verifiers, status="verified")
            for _ in range(2):
                await at.block(*verifiers)
            view = await verifiers[0]._read_view()
            assert (list(view.challenges), view.verdicts) == ([], {})

    asyncio.run(run())


def test_a_verifier_that_is_too_poor_registers_when_it_has_the_bond(tmp_path):
    async def run():
        async with trade(tmp_path) as at, at.verifier("pauper") as pauper:
            text = to_checksum(signer("pauper").address)
            for _ in range(3):
                await at.block(pauper)
            assert (await at.node.ask("/verifiers"))["items"] == []
            for denom in (Denom.LPT, Denom.ETH):
                await at.node.send(
                    "mallory", Transfer(signer("pauper").address, denom, Amount(10**19 // 10 ** (denom is Denom.ETH)))
                )
            for _ in range(3):
                await at.block(pauper)
            assert [item["address"] for item in (await at.node.ask("/verifiers"))["items"]] == [text]

    asyncio.run(run())


def place_of(number):
    """The place of a segment that nobody has claimed: what judges it here asks nobody."""
    return (1, 1, number)


async def order_judgement(at, verifier, number, deadline):
    """As if the chain had drawn this verifier for another segment of the claim."""
    found = next(view for view in (await verifier._read_view()).challenges if view.place == PLACE)
    await verifier._do(role.Judge(replace(found, segment=number), deadline, deadline - 1))


def test_a_source_that_hardly_answers_holds_up_no_other_judgement(tmp_path, monkeypatch):
    async def run():
        async with committee(tmp_path) as (at, worker, (vera, *_)):

            async def judge(_, case):
                if case.place == PLACE:
                    await asyncio.Event().wait()
                return AGREES

            monkeypatch.setattr(Judge, "judge", judge)
            await until_status(at, worker, status="committing")
            await at.block(vera)
            await order_judgement(at, vera, 1, deadline=1000)
            await until(lambda: [(v.job_id, v.claim_id, v.segment) for v in vera.journal.verdicts()] == [place_of(1)])

    asyncio.run(run())


def test_what_must_be_committed_first_is_judged_first_and_what_is_too_late_not_at_all(tmp_path, monkeypatch):
    async def run():
        monkeypatch.setattr(verifier_module, "AT_A_TIME", 1)
        async with committee(tmp_path) as (at, worker, (vera, *_)):
            judged, may_go_on = [], asyncio.Event()

            async def judge(_, case):
                judged.append(case.place)
                await may_go_on.wait()
                return AGREES

            monkeypatch.setattr(Judge, "judge", judge)
            await until_status(at, worker, status="committing")
            height = await at.block(vera)
            await until(lambda: judged == [PLACE])
            for number, deadline in ((1, height + 30), (2, height), (3, height + 20), (4, height + 25)):
                await order_judgement(at, vera, number, deadline)
            may_go_on.set()
            await settle(vera)
            assert judged == [PLACE, place_of(3), place_of(4), place_of(1)]

    asyncio.run(run())
