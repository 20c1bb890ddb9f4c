"""The court worker on a real chain: fetched, executed in the sandbox, left on the desk where the node finds it."""

import asyncio
import contextlib

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from app.abci.court_desk import CourtDesk
from app.messages.attestation import Attestation, Attested
from app.messages.bodies import Challenge
from app.messages.receipt import Receipt
from app.messages.record import decode
from app.primitives.address import Address
from app.primitives.amounts import Lpt
from app.primitives.hashing import ZERO_HASH, Hash32
from tests.support.work_node import trade
from transcoder.content.client import ContentClient
from transcoder.content.server import content_routes
from transcoder.content.store import ContentStore
from transcoder.media import sandbox
from transcoder.media.tamper import Cheat, tamper
from transcoder.net.http import HttpPolicy
from transcoder.services import court
from transcoder.services.chain_reader import ChainReader
from transcoder.services.court import CourtWorker, Desk
from transcoder.services.judge import Judge

pytestmark = pytest.mark.media

WINDOW = 40


@contextlib.asynccontextmanager
async def disputed(home, cheat=None, drawn=True, **limits):
    """A chain without verifiers, so that the segment of its one claim comes before the court; and a worker for it.

    Where it is not drawn, nothing is disputed yet.
    """
    change = None if cheat is None else lambda honest: tamper(honest, "72p", cheat)
    params = {"court_window": WINDOW, "unbonding_period": 200, "verification_period": 20}
    params["verification_rate"] = 1 if drawn else 10**9
    async with trade(home, **params) as at, at.transcoder(change, claim_every=1) as worker:
        for _ in range(3):
            await at.block(worker)
        job_id = await at.node.order()
        assert (await at.post(worker, job_id, 0))[0] == 200

        async def is_open():
            if not drawn:
                return [c["status"] for c in (await at.node.ask("/claims/1"))["items"]] in (["verified"], ["paid"])
            return bool((await at.node.ask("/disputes", outcome="open"))["items"])

        await at.blocks_until(is_open, worker)
        policy = HttpPolicy(attempts=1, timeout_seconds=5.0, stall_seconds=1.0)
        judge = Judge(Address(bytes(20)), ContentClient(at.session, policy), sandbox.SandboxLimits(**limits))
        bench = CourtWorker(ChainReader(at.node), judge, Desk(home / "desk" / "court" / "attestations.json"))
        working = asyncio.create_task(bench.work())
        try:
            yield at, worker, bench
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)


async def sit(at, bench):
    """One beat of the worker, to its end; what the node finds afterwards."""
    await bench.beat(int(at.node.engine.height))
    await bench.idle()
    return list(CourtDesk(bench.desk.path).read())


async def receipt_hash(at):
    return Hash32(bytes.fromhex((await at.node.ask("/challenge/1/1/0"))["transcoded_hash"]))


def test_honest_work_gives_the_hash_of_its_receipt(tmp_path):
    async def run():
        async with disputed(tmp_path) as (at, _, bench):
            expected = Attestation(1, Attested.EXECUTED, await receipt_hash(at))
            assert await sit(at, bench) == [expected]
            assert await sit(at, bench) == [expected]

    asyncio.run(run())


def test_a_cheat_gives_another_one_and_it_is_the_one_of_honest_work(tmp_path):
    found = []

    async def run(home, cheat):
        async with disputed(home, cheat) as (at, _, bench):
            (said,) = await sit(at, bench)
            found.append((said.result, await receipt_hash(at)))

    asyncio.run(run(tmp_path / "honest", None))
    asyncio.run(run(tmp_path / "cheat", Cheat.WRONG_BYTES))
    (honest, receipt), (own, cheated) = found
    assert honest == receipt == own != cheated


def test_a_segment_that_was_challenged_with_a_bond_needs_its_input_only_from_whom_the_challenger_names(
    tmp_path, monkeypatch
):
    async def run():
        async with disputed(tmp_path, drawn=False) as (at, worker, bench):
            (kept,) = worker.journal.receipts(1)
            receipt = decode(Receipt, kept.receipt)
            elsewhere = ContentStore(tmp_path / "elsewhere")
            elsewhere.put(worker.workshop.content.get(receipt.data_hash))
            app = web.Application()
            app.add_routes(content_routes(elsewhere))
            async with TestServer(app, host="127.0.0.1") as source:
                uri = str(source.make_url("")).rstrip("/")
                monkeypatch.setattr(worker.workshop.content, "get", lambda cid: None)
                await at.node.send("mallory", Challenge(1, 1, 0, receipt, (), uri, Lpt(10**18)))
                assert await sit(at, bench) == [Attestation(1, Attested.EXECUTED, receipt.transcoded_hash)]
            elsewhere.close()

    asyncio.run(run())


def test_what_cannot_be_fetched_is_unavailable_from_the_middle_of_the_window_on_and_may_turn_up(tmp_path, monkeypatch):
    async def run():
        async with disputed(tmp_path) as (at, worker, bench):
            monkeypatch.setattr(worker.workshop.content, "get", lambda cid: None)
            assert await sit(at, bench) == []
            opened = (await at.node.ask("/dispute/1"))["opened_height"]
            while int(at.node.engine.height) < opened + WINDOW // 2:
                await at.block()
            assert await sit(at, bench) == [Attestation(1, Attested.UNAVAILABLE, ZERO_HASH)]
            monkeypatch.undo()
            assert await sit(at, bench) == [Attestation(1, Attested.EXECUTED, await receipt_hash(at))]

    asyncio.run(run())


def test_an_input_that_breaks_the_limits_is_unexecutable(tmp_path):
    async def run():
        async with disputed(tmp_path, file_bytes=1000) as (at, _, bench):
            assert await sit(at, bench) == [Attestation(1, Attested.UNEXECUTABLE, ZERO_HASH)]

    asyncio.run(run())


def test_a_machine_that_is_too_slow_abstains(tmp_path):
    async def run():
        async with disputed(tmp_path, wall_seconds=0.01) as (at, _, bench):
            assert await sit(at, bench) == []

    asyncio.run(run())


def test_what_is_decided_leaves_the_desk_and_a_worker_without_cases_is_over(tmp_path, monkeypatch):
    monkeypatch.setattr(court, "IDLE_BLOCKS", 2)

    async def run():
        async with disputed(tmp_path) as (at, _, bench):
            assert len(await sit(at, bench)) == 1
            again = CourtWorker(bench.reader, bench.judge, bench.desk)
            assert len(await sit(at, again)) == 1, "a worker that starts again knows what it knew"
            while (await at.node.ask("/dispute/1"))["outcome"] == "open":
                await at.block()
            assert await sit(at, again) == []
            assert not again.is_over.is_set()
            await again.beat(int(at.node.engine.height) + 1)
            assert again.is_over.is_set()

    asyncio.run(run())


@pytest.mark.parametrize("content", ["", "[", "{}", '{"attestations": [1]}', '{"attestations": 1.5}', "x" * (2 << 20)])
def test_a_desk_that_makes_no_sense_is_an_abstention(tmp_path, content, caplog):
    path = tmp_path / "attestations.json"
    desk = CourtDesk(path)
    assert desk.read() == ()
    path.write_text(content)
    assert desk.read() == ()
    assert "cannot be read" in caplog.text
    Desk(path).write({1: Attestation(1, Attested.UNAVAILABLE, ZERO_HASH)})
    assert [each.dispute_id for each in desk.read()] == [1]


def test_a_node_without_a_word_says_once_that_it_abstains(caplog):
    desk = CourtDesk(None)
    for waiting, extension in (([], b""), ([1], b""), ([1], b""), ([1, 2], b"x"), ([2], b"")):
        desk.note_abstention(waiting, extension)
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "abstaining from disputes (1,): no attestation of this node's court worker",
        "abstaining from disputes (2,): no attestation of this node's court worker",
    ]
