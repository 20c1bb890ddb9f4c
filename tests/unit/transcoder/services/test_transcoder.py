"""A transcoder on a chain in this process: it registers, claims, shows receipts, is paid, and survives trouble."""

import asyncio
from dataclasses import replace

import pytest

from app.messages.bodies import Deposit, DistributeFees, EndJob, Withdraw
from app.primitives.address import to_checksum
from app.primitives.amounts import Wei
from chain.failures import Failure
from chain.rpc.errors import RpcError, RpcMalformed
from chain.rpc.types import QueryResult
from tests.support.work_node import ETH, signer, trade, until
from transcoder.journal.failures import Conflict
from transcoder.journal.records import ClaimState, OutboxState, ReceiptState
from transcoder.services.blocks import BlockPulse

pytestmark = pytest.mark.media

NODE0 = to_checksum(signer("node0").address)


def run(home, scenario, params=None, **options):
    """Run `scenario(trade, service, job_id)`; the transcoder has registered and was drawn."""

    async def all_of_it():
        async with trade(home, **(params or {})) as at, at.transcoder(**options) as service:
            for _ in range(3):
                await at.block(service)
            job_id = await at.node.order()
            await scenario(at, service, job_id)

    asyncio.run(all_of_it())


async def post_all(at, service, job_id, *numbers):
    for number in numbers:
        status, answer = await at.post(service, job_id, number)
        assert status == 200, answer


async def claims_of(at, job_id):
    return (await at.node.ask(f"/claims/{job_id}"))["items"]


async def beats(at, service, count=4):
    for _ in range(count):
        await at.block(service)


def test_it_registers_its_address_and_price_offers_its_slots_once_and_calls_reward(tmp_path):
    async def scenario(at, service, job_id):
        record = await at.node.ask(f"/transcoder/{NODE0}")
        assert record["service_uri"] == service.shell.url
        assert record["next_rates"]["price_per_segment"] == str(service.terms.price_per_segment)
        assert record["slots"] == 3  # four were offered, one has the job
        assert record["active"]["rewarded"] is True
        await beats(at, service)
        assert (await at.node.ask(f"/transcoder/{NODE0}"))["slots"] == 3

    run(tmp_path, scenario)


def test_started_again_elsewhere_it_publishes_the_new_address_in_the_same_round(tmp_path):
    async def all_of_it():
        async with trade(tmp_path) as at:
            for _ in range(2):
                async with at.transcoder() as service:
                    await beats(at, service)
                    record = await at.node.ask(f"/transcoder/{NODE0}")
                    assert record["service_uri"] == service.shell.url
                    assert record["slots"] == 4
            assert (await at.node.ask("/round"))["number"] == 0

    asyncio.run(all_of_it())


def test_segments_are_claimed_together_and_the_rest_at_the_jobs_end(tmp_path):
    async def scenario(at, service, job_id):
        await post_all(at, service, job_id, 0, 1)
        await beats(at, service)
        assert await claims_of(at, job_id) == []
        await post_all(at, service, job_id, 2, 4)
        await beats(at, service)
        await at.node.send("alice", EndJob(job_id))
        await post_nothing_more(at, service, job_id)
        await beats(at, service)
        ranges = [[(r["first"], r["last"]) for r in claim["ranges"]] for claim in await claims_of(at, job_id)]
        assert ranges == [[(0, 2), (4, 4)]]
        assert service.journal.receipts(job_id, [ReceiptState.KEPT]) == []

    async def post_nothing_more(at, service, job_id):
        service._terms.clear()
        assert (await at.post(service, job_id, 5))[0] == 403

    run(tmp_path, scenario, claim_every=3)


def test_what_is_left_is_claimed_when_nothing_more_comes(tmp_path):
    async def scenario(at, service, job_id):
        await post_all(at, service, job_id, 7)
        await beats(at, service)
        assert [claim["segments"] for claim in await claims_of(at, job_id)] == [1]

    run(tmp_path, scenario, idle_seconds=0.0)


def test_every_challenge_is_answered_with_a_proof_that_the_chain_accepts(tmp_path):
    async def scenario(at, service, job_id):
        await post_all(at, service, job_id, 0, 2, 3)
        await beats(at, service, 8)
        (claim,) = await claims_of(at, job_id)
        assert claim["challenged"] == [0, 2, 3]
        challenges = (await at.node.ask("/challenges", job=str(job_id)))["items"]
        assert {challenge["status"] for challenge in challenges} <= {"awaiting_committee", "committing", "disputed"}
        for challenge in challenges:
            for name in ("input_cid", "output_cid"):
                async with at.session.get(f"{service.shell.url}/content/{challenge[name]}") as answer:
                    assert answer.status == 200

    run(tmp_path, scenario)


def test_a_claim_without_a_challenge_is_paid_at_once_and_only_open_claims_are_read_again(tmp_path):
    async def scenario(at, service, job_id):
        for first in (0, 3, 6):
            await post_all(at, service, job_id, *range(first, first + 3))
            await beats(at, service, 6)
        assert [claim["status"] for claim in await claims_of(at, job_id)] == ["paid"] * 3
        assert [claim.state for claim in service.journal.claims()] == [ClaimState.PAID] * 3
        assert (await at.node.ask(f"/job/{job_id}"))["segments_paid"] == 9
        asked = watch_queries(at.node)
        await beats(at, service)
        assert not [path for path in asked if "claim" in path or "challenge" in path]

    run(tmp_path, scenario, params={"verification_rate": 10**9})


def watch_queries(node):
    asked = []
    real = node.abci_query

    async def query(path, *args, **kwargs):
        asked.append(path)
        return await real(path, *args, **kwargs)

    node.abci_query = query
    return asked


def test_fees_that_somebody_else_distributed_are_noted_and_the_own_message_does_no_harm(tmp_path):
    async def scenario(at, service, job_id):
        await post_all(at, service, job_id, 0, 1, 2)
        while not await claims_of(at, job_id):
            await at.block(service)
        real, service.sender.step = service.sender.step, nothing
        await beats(at, service, 2)
        assert service.journal.outbox.get(f"distribute/{job_id}/1").state is OutboxState.PENDING
        await at.node.send("mallory", DistributeFees(job_id, 1))
        service.sender.step = real
        await beats(at, service)
        assert service.journal.outbox.get(f"distribute/{job_id}/1").state is OutboxState.FAILED
        assert "CLAIM_CLOSED" in service.journal.outbox.get(f"distribute/{job_id}/1").problem
        assert [claim.state for claim in service.journal.claims()] == [ClaimState.PAID]

    async def nothing():
        return 0

    run(tmp_path, scenario, params={"verification_rate": 10**9})


def test_killed_between_any_two_blocks_each_segment_is_claimed_and_paid_once(tmp_path):
    async def all_of_it():
        async with trade(tmp_path, verification_rate=10**9) as at:
            async with at.transcoder() as service:
                await beats(at, service, 3)
                job_id = await at.node.order()
            for number in range(9):
                async with at.transcoder() as service:
                    await post_all(at, service, job_id, number)
                    await at.block(service)
                at.node.restart()
            async with at.transcoder(idle_seconds=0.0) as service:
                await beats(at, service, 12)
            claims = await claims_of(at, job_id)
            claimed = [n for c in claims for r in c["ranges"] for n in range(r["first"], r["last"] + 1)]
            assert sorted(claimed) == list(range(9))
            assert {claim["status"] for claim in claims} == {"paid"}

    asyncio.run(all_of_it())


# --- refusals


def test_what_nothing_is_left_to_pay_for_waits_for_a_deposit_and_costs_no_fees_meanwhile(tmp_path):
    async def all_of_it():
        async with trade(tmp_path, verification_rate=10**9) as at, at.transcoder(claim_every=4) as service:
            await beats(at, service, 3)
            job_id = await at.node.order(escrow_segments=2)
            await post_all(at, service, job_id, 0, 1, 2, 3)
            rest = await at.node.ask(f"/deposit/{to_checksum(signer('alice').address)}")
            await at.node.send("alice", Withdraw(Wei(int(rest["amount"])), Wei(0)))
            await beats(at, service, 6)
            assert [claim["segments"] for claim in await claims_of(at, job_id)] == [2]
            await at.node.send("alice", EndJob(job_id))
            before = await at.node.ask(f"/account/{NODE0}")
            await beats(at, service, 8)
            assert (await at.node.ask(f"/account/{NODE0}"))["nonce"] == before["nonce"]
            await at.node.send("alice", Deposit(Wei(ETH // 10)))
            await beats(at, service, 4)
            assert [claim["segments"] for claim in await claims_of(at, job_id)] == [2, 2]

    asyncio.run(all_of_it())


def test_a_claim_that_the_chain_refuses_for_good_is_not_made_again(tmp_path):
    async def scenario(at, service, job_id):
        await post_all(at, service, job_id, 0)
        await at.node.send("alice", EndJob(job_id))
        for _ in range(32):
            at.node.make_block()
        real = service.reader.job

        async def still_open(number):
            view = await real(number)
            return replace(view, job=replace(view.job, status=view.job.status.ENDED))

        service.reader.job = still_open
        await beats(at, service, 10)
        assert [claim.state for claim in service.journal.claims()] == [ClaimState.REFUSED]
        assert "CLAIM_PERIOD_OVER" in service.journal.outbox.get(f"claim/{job_id}/0").problem
        assert service.journal.receipts(job_id, [ReceiptState.KEPT]) == []

    run(tmp_path, scenario)


# --- trouble


def test_a_thing_that_cannot_be_done_does_not_keep_the_others_from_being_done(tmp_path, monkeypatch):
    async def scenario(at, service, job_id):
        def conflict(*_):
            raise Conflict("it is kept already")

        monkeypatch.setattr(service.journal, "add_claim", conflict)
        await post_all(at, service, job_id, 0, 1, 2)
        reward = (await at.node.ask("/round"))["number"] + 1
        while (await at.node.ask("/round"))["number"] < reward:
            await at.block(service)
        await beats(at, service)
        assert (await at.node.ask(f"/transcoder/{NODE0}"))["active"]["rewarded"] is True
        monkeypatch.undo()
        await beats(at, service)
        assert len(await claims_of(at, job_id)) == 1

    run(tmp_path, scenario)


async def pulse_through(trouble, at, service):
    """One look of the pulse that meets this trouble, and one that does not; what it said in between."""
    pulse = BlockPulse(service.reader, service.beat, poll_seconds=0.0)
    real = at.node.abci_query
    asked = []

    async def query(path, *args, **kwargs):
        asked.append(path)
        if path != "/status":
            return await trouble(await real(path, *args, **kwargs))
        return await real(path, *args, **kwargs)

    at.node.abci_query = query
    running = asyncio.create_task(pulse.run())
    await until(lambda: pulse.problem)
    problem = pulse.problem
    at.node.abci_query = real
    at.node.make_block()
    await until(lambda: not pulse.problem)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert pulse.health().ok
    return problem


async def _error(_):
    raise RpcError(-32603, "Internal error", "could not find results for height #7")


async def _nonsense(answer):
    return replace(answer, value=b"<html>")


async def _other(answer):
    return replace(answer, value=b'{"height": 3}')


async def _list(answer):
    return replace(answer, value=b"[1, 2]")


async def _refused(answer):
    return QueryResult(6, "headwater", "there is no state before the first block", "", 0, b"", b"", 1, ())


async def _malformed(_):
    raise RpcMalformed("something else listens there")


@pytest.mark.parametrize("trouble", [_error, _nonsense, _other, _list, _refused, _malformed])
def test_whatever_a_node_answers_the_next_block_is_worked_on(tmp_path, trouble):
    async def scenario(at, service, job_id):
        assert await pulse_through(trouble, at, service)

    run(tmp_path, scenario)


def test_our_own_mistake_ends_the_pulse_so_that_the_service_is_started_afresh(tmp_path):
    async def scenario(at, service, job_id):
        async def mistake(_):
            raise AssertionError("a mistake of ours")

        with pytest.raises(AssertionError, match="a mistake of ours"):
            await BlockPulse(service.reader, mistake).run()

    run(tmp_path, scenario)


def test_a_pulse_whose_beats_fail_for_long_is_not_well(tmp_path, monkeypatch):
    async def scenario(at, service, job_id):
        async def fails(_):
            raise Failure("the disk is full")

        monkeypatch.setattr("transcoder.services.blocks.STALE_SECONDS", 0.0)
        pulse = BlockPulse(service.reader, fails, poll_seconds=0.0)
        running = asyncio.create_task(pulse.run())
        await until(lambda: pulse.problem)
        running.cancel()
        assert not pulse.health().ok
        assert pulse.health().details["problem"] == "the disk is full"

    run(tmp_path, scenario)
