import asyncio
import subprocess
import sys

import pytest

from transcoder.journal.core import Journal
from transcoder.journal.failures import InUse, WrongOwner
from transcoder.journal.records import Intent


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.sqlite"


def test_notes_outlive_the_process(path):
    journal = Journal(path, "verifier 0xab")
    journal.set_note("height", b"7")
    journal.set_note("height", b"8")
    journal.close()
    again = Journal(path, "verifier 0xab")
    assert (again.note("height"), again.note("other")) == (b"8", None)
    again.close()


def test_a_journal_keeps_to_the_chain_that_it_has_worked_on(path):
    for _ in range(2):
        journal = Journal(path, "a")
        journal.keep_to_chain("first")
        with pytest.raises(WrongOwner, match="has worked on chain first, not on second; use another --home"):
            journal.keep_to_chain("second")
        journal.close()


def test_a_second_opening_says_who_uses_it_and_works_after_the_first_is_closed(path):
    first = Journal(path, "a")
    with pytest.raises(InUse, match=r"journal\.sqlite is in use by process \d+; stop that one, or use another home"):
        Journal(path, "a")
    first.close()
    Journal(path, "a").close()


HOLDER = """
import sys
from pathlib import Path
from transcoder.journal.core import Journal
journal = Journal(Path(sys.argv[1]), "a")
with journal.transaction():
    journal.set_note("inside", b"1")
    print("open", flush=True)
    sys.stdin.read()
"""


def test_another_process_is_kept_out_until_the_first_dies_and_half_a_transaction_is_nothing(path):
    command = [sys.executable, "-c", HOLDER, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(InUse, match=f"in use by process {holder.pid};"):
            Journal(path, "a")
        holder.kill()
    journal = Journal(path, "a")
    assert journal.note("inside") is None
    journal.close()


def test_the_journal_of_another_key_or_role_is_refused_and_stays_usable_to_its_owner(path):
    Journal(path, "verifier 0xab").close()
    with pytest.raises(
        WrongOwner, match="is the journal of verifier 0xab, not of verifier 0xcd; use another home or key"
    ):
        Journal(path, "verifier 0xcd")
    Journal(path, "verifier 0xab").close()


def test_steps_put_together_happen_all_or_not_at_all(path):
    journal = Journal(path, "a")
    with pytest.raises(KeyError), journal.transaction():
        journal.set_note("a", b"1")
        journal.outbox.enqueue(Intent("b", b"2"))
        raise KeyError
    assert journal.note("a") is None
    assert journal.outbox.unfinished() == []
    journal.close()


def test_coroutines_share_the_journal_without_losing_anything(path):
    journal = Journal(path, "a")

    async def main():
        await asyncio.gather(*(journal.call(journal.set_note, f"name {n}", b"x") for n in range(50)))
        return await journal.call(journal.note, "name 49")

    assert asyncio.run(main()) == b"x"
    assert journal.database.value("SELECT COUNT(*) FROM note WHERE name LIKE 'name %'") == 50
    journal.close()


def test_a_call_finishes_even_where_its_coroutine_is_cancelled(path):
    journal = Journal(path, "a")

    async def main():
        waiting = asyncio.ensure_future(journal.call(journal.set_note, "kept", b"1"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return await journal.call(journal.note, "kept")

    assert asyncio.run(main()) == b"1"
    journal.close()
