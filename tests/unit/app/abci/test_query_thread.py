"""Queries away from the event loop."""

import threading
from queue import SimpleQueue

from app.abci.query_thread import QueryThread


def test_jobs_run_in_order_in_one_other_thread():
    outcomes, thread = SimpleQueue(), QueryThread("queries")
    for number in range(3):
        thread.submit(lambda number=number: (number, threading.get_ident()), outcomes.put)
    answers = [outcomes.get(timeout=30) for _ in range(3)]
    assert [number for number, _ in answers] == [0, 1, 2]
    assert {ident for _, ident in answers} != {threading.get_ident()}
    assert len({ident for _, ident in answers}) == 1
    thread.close()


def test_what_a_job_raises_is_its_outcome_and_the_next_job_runs():
    outcomes, thread = SimpleQueue(), QueryThread("queries")
    thread.submit(lambda: 1 // 0, outcomes.put)
    thread.submit(lambda: "next", outcomes.put)
    assert isinstance(outcomes.get(timeout=30), ZeroDivisionError)
    assert outcomes.get(timeout=30) == "next"
    thread.close()


def test_a_closed_thread_ends():
    finished, thread = SimpleQueue(), QueryThread("queries that end")
    thread.submit(threading.current_thread, finished.put)
    worker = finished.get(timeout=30)
    thread.close()
    worker.join(timeout=30)
    assert not worker.is_alive()
