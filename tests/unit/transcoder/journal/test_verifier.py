from dataclasses import replace

import pytest

from app.primitives.hashing import sha256
from transcoder.journal.failures import Conflict
from transcoder.journal.records import Intent, VerdictRecord, VerdictState
from transcoder.journal.verifier import VerifierJournal

VERDICT = VerdictRecord(
    job_id=7,
    claim_id=2,
    segment=31,
    salt=sha256(b"salt"),
    result=sha256(b"result"),
    keyed_digest=sha256(b"digest"),
    finding=1,
    rendition=2,
    commitment=sha256(b"commitment"),
)
COMMIT = Intent("commit/7/2/31", b"commit")
REVEAL = Intent("reveal/7/2/31", b"reveal")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path):
    journal = VerifierJournal(path, "0xab")
    yield journal
    journal.close()


def test_the_salt_is_on_disk_before_the_commitment_can_be_sent(journal, path):
    assert journal.add_verdict(VERDICT, COMMIT)
    journal.close()
    again = VerifierJournal(path, "0xab")
    assert again.verdict(7, 2, 31) == VERDICT
    assert [each.key for each in again.outbox.unfinished()] == [COMMIT.key]
    again.close()


def test_judging_again_after_a_restart_with_a_new_salt_is_a_conflict_and_the_first_salt_stays(journal):
    journal.add_verdict(VERDICT, COMMIT)
    assert not journal.add_verdict(VERDICT, COMMIT)
    with pytest.raises(Conflict, match="verdict 7/2/31 is kept already with another salt, commitment"):
        journal.add_verdict(replace(VERDICT, salt=sha256(b"new"), commitment=sha256(b"new")), COMMIT)
    assert journal.verdict(7, 2, 31) == VERDICT


def test_the_reveal_is_queued_in_the_same_step_as_the_commitment_is_noted(journal):
    journal.add_verdict(VERDICT, COMMIT)
    journal.move_verdict(7, 2, 31, VerdictState.COMMITTED, then=REVEAL)
    journal.move_verdict(7, 2, 31, VerdictState.COMMITTED, then=REVEAL)
    assert [each.key for each in journal.outbox.unfinished()] == [COMMIT.key, REVEAL.key]
    assert journal.verdicts([VerdictState.COMMITTED]) == [replace(VERDICT, state=VerdictState.COMMITTED)]


def test_a_step_that_is_not_allowed_queues_nothing(journal):
    journal.add_verdict(VERDICT, COMMIT)
    with pytest.raises(Conflict, match="is computed and cannot become revealed"):
        journal.move_verdict(7, 2, 31, VerdictState.REVEALED, then=REVEAL)
    assert journal.outbox.get(REVEAL.key) is None


def test_what_expired_is_not_revealed(journal):
    journal.add_verdict(VERDICT, COMMIT)
    journal.move_verdict(7, 2, 31, VerdictState.EXPIRED)
    with pytest.raises(Conflict, match="is expired and cannot become committed"):
        journal.move_verdict(7, 2, 31, VerdictState.COMMITTED)


def test_a_job_that_is_over_is_forgotten(journal):
    journal.add_verdict(VERDICT, COMMIT)
    journal.add_verdict(replace(VERDICT, job_id=8), Intent("commit/8/2/31", b"commit"))
    assert journal.forget_job(7) == 1
    assert [each.job_id for each in journal.verdicts()] == [8]
