from dataclasses import replace

import pytest

from app.messages import bodies
from app.messages.options import Rendition, TranscodingOptions
from app.messages.records import Job, JobStatus
from app.primitives.address import Address
from app.primitives.amounts import Height, Wei
from transcoder.journal.records import OutboxEntry, OutboxState
from transcoder.roles.broadcaster import (
    FindJob,
    Finished,
    GiveUp,
    JobSituation,
    Order,
    Papers,
    Send,
    SendAgain,
    UseTranscoder,
    decide_job,
)
from transcoder.roles.views import JobView

BOB, WORKER, NOBODY = Address(b"\1" * 20), Address(b"\2" * 20), Address(bytes(20))
OPTIONS = TranscodingOptions("h264-verified-1", (Rendition("240p", 426, 240, 25, 1, 23),))
MESSAGE = bodies.Job("0x01-s", OPTIONS, Wei(10**9), 5)
ORDER = Order(MESSAGE, deposit_wei=1000)
NEW = JobSituation("0x01-s/1", ORDER, None, 0, Papers(), is_over=False)
DEPOSIT = bodies.Deposit(Wei(1000))


def entry(key, state, problem=None, height=None):
    return OutboxEntry(key, b"", state, problem=problem, height=height)


def job(status, transcoder=NOBODY, ended=0):
    return JobView(
        7,
        Job(
            BOB, "0x01-s", OPTIONS, Wei(10**9), Wei(10**9), Wei(5 * 10**9), status, transcoder, (),
            Height(3), Height(4), Height(ended), 1, 0, 0,
        ),
    )  # fmt: skip


def with_papers(**papers):
    return replace(NEW, papers=Papers(**papers))


def test_a_missing_deposit_comes_before_the_order():
    assert decide_job(NEW) == [Send("deposit/0x01-s/1", DEPOSIT)]


def test_only_what_is_missing_is_deposited():
    assert decide_job(replace(NEW, deposit_wei=400)) == [Send("deposit/0x01-s/1", bodies.Deposit(Wei(600)))]


def test_a_sufficient_deposit_is_left_alone():
    assert decide_job(replace(NEW, deposit_wei=1000)) == [Send("job/0x01-s/1", MESSAGE)]


@pytest.mark.parametrize("state", [OutboxState.PENDING, OutboxState.SENT])
def test_what_is_on_its_way_is_waited_for(state):
    assert decide_job(with_papers(deposit=entry("deposit/x", state))) == []
    assert decide_job(with_papers(order=entry("job/x", state))) == []


def test_the_order_follows_the_deposit_once_and_nothing_is_deposited_twice():
    situation = with_papers(deposit=entry("deposit/x", OutboxState.INCLUDED, height=5))
    assert decide_job(situation) == [Send("job/0x01-s/1", MESSAGE)]


def test_an_included_order_is_looked_up_where_it_was_included():
    assert decide_job(with_papers(order=entry("job/x", OutboxState.INCLUDED, height=9))) == [FindJob(9)]


def test_a_refused_order_is_the_end_and_says_why():
    refused = entry("job/x", OutboxState.FAILED, "INSUFFICIENT_DEPOSIT: 3gwei are missing")
    (given_up,) = decide_job(with_papers(order=refused))
    assert isinstance(given_up, GiveUp)
    assert "3gwei are missing" in given_up.text


def test_a_refused_deposit_is_the_end():
    (given_up,) = decide_job(with_papers(deposit=entry("deposit/x", OutboxState.FAILED, "INSUFFICIENT_FUNDS: 0")))
    assert "deposit was refused" in given_up.text


def test_what_fails_between_two_rounds_is_sent_again():
    refused = entry("job/x", OutboxState.FAILED, "ROUND_NOT_INITIALIZED: round 3")
    assert decide_job(with_papers(order=refused)) == [SendAgain("job/x")]


def test_a_job_that_waits_is_waited_for():
    assert decide_job(replace(NEW, job=job(JobStatus.WAITING))) == []


def test_the_transcoder_that_the_chain_names_is_used_even_when_it_changes():
    assert decide_job(replace(NEW, job=job(JobStatus.ASSIGNED, WORKER))) == [UseTranscoder(WORKER)]
    assert decide_job(replace(NEW, job=job(JobStatus.ASSIGNED, BOB))) == [UseTranscoder(BOB)]


def test_a_job_that_ends_without_a_transcoder_is_an_error_that_says_what_to_do():
    (given_up,) = decide_job(replace(NEW, job=job(JobStatus.CLOSED, ended=40)))
    assert "without a transcoder" in given_up.text
    assert "1gwei" in given_up.text
    assert "--price" in given_up.text


def test_a_job_that_is_ended_under_our_feet_is_an_error():
    (given_up,) = decide_job(replace(NEW, job=job(JobStatus.ENDED, WORKER, ended=40)))
    assert "height 40" in given_up.text


@pytest.mark.parametrize("status", [JobStatus.WAITING, JobStatus.ASSIGNED])
def test_a_finished_broadcast_ends_its_job_whatever_it_waits_for(status):
    over = replace(NEW, job=job(status, WORKER), is_over=True)
    assert decide_job(over) == [Send("end/7", bodies.EndJob(7))]
    assert decide_job(replace(over, papers=Papers(end=entry("end/7", OutboxState.SENT)))) == []


def test_a_finished_broadcast_whose_job_has_ended_is_finished():
    assert decide_job(replace(NEW, job=job(JobStatus.ENDED, WORKER), is_over=True)) == [Finished()]


def test_a_broadcast_that_ends_before_it_ordered_anything_is_finished():
    assert decide_job(replace(NEW, is_over=True)) == [Finished()]


def test_an_order_on_its_way_is_followed_to_its_job_even_when_all_is_over():
    situation = replace(with_papers(order=entry("job/x", OutboxState.INCLUDED, height=9)), is_over=True)
    assert decide_job(situation) == [FindJob(9)]
