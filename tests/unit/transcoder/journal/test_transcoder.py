import subprocess
import sys
from dataclasses import replace

import pytest

from app.messages.bodies import SegmentRange
from app.primitives.hashing import sha256
from transcoder.journal.failures import Conflict, InUse
from transcoder.journal.records import ClaimRecord, ClaimState, OutboxState, ReceiptRecord, ReceiptState
from transcoder.journal.transcoder import TranscoderJournal


@pytest.fixture
def journal(tmp_path):
    journal = TranscoderJournal(tmp_path / "journal.sqlite", "0xab")
    for number in range(6):
        journal.add_receipt(ReceiptRecord(7, number, b"receipt %d" % number))
    yield journal
    journal.close()


def claim(number, *ranges):
    spans = tuple(SegmentRange(first, last) for first, last in ranges)
    return ClaimRecord(7, number, spans, sha256(b"root %d" % number), f"claim/7/{number}")


def states(journal):
    return [each.state for each in journal.receipts(7)]


def numbers(records):
    return [each.sequence_number for each in records]


def test_a_receipt_is_kept_once_and_never_replaced(journal):
    assert not journal.add_receipt(ReceiptRecord(7, 0, b"receipt 0"))
    with pytest.raises(Conflict, match="receipt 7/0 is kept already with another receipt"):
        journal.add_receipt(ReceiptRecord(7, 0, b"other"))
    assert journal.receipt(7, 0).receipt == b"receipt 0"
    assert journal.receipt(8, 0) is None


def test_a_claim_binds_its_receipts_and_puts_its_message_into_the_outbox(journal):
    assert journal.add_claim(claim(0, (0, 1), (3, 4)), b"message")
    assert numbers(journal.receipts(7, [ReceiptState.KEPT])) == [2, 5]
    assert numbers(journal.receipts_of_claim(7, 0)) == [0, 1, 3, 4]
    assert journal.claim(7, 0) == claim(0, (0, 1), (3, 4))
    assert (journal.outbox.get("claim/7/0").message, journal.outbox.get("claim/7/0").state) == (b"message", "pending")
    assert journal.next_claim_number(7) == 1


def test_making_the_same_claim_again_changes_nothing(journal):
    journal.add_claim(claim(0, (0, 1)), b"message")
    journal.claim_included(7, 0, claim_id=3)
    assert not journal.add_claim(claim(0, (0, 1)), b"message")
    assert journal.claim(7, 0).state is ClaimState.INCLUDED


@pytest.mark.parametrize(
    ("second", "text"),
    [
        (claim(1, (2, 3)), "segment 2 of job 7 is in claim 0 already"),
        (claim(1, (5, 6)), "receipt 7/6 is not in the journal"),
        (claim(0, (3, 4)), "claim 7/0 is kept already with another ranges"),
    ],
)
def test_a_claim_that_cannot_be_made_leaves_nothing_behind(journal, second, text):
    journal.add_claim(claim(0, (0, 2)), b"message")
    before = states(journal)
    with pytest.raises(Conflict, match=text):
        journal.add_claim(second, b"message")
    assert states(journal) == before
    assert len(journal.claims()) == 1
    assert len(journal.outbox.unfinished()) == 1


def test_a_claim_is_found_by_the_number_that_the_chain_gave_it(journal):
    journal.add_claim(claim(0, (0, 2)), b"message")
    journal.claim_included(7, 0, claim_id=31)
    assert journal.claim_with_id(7, 31) == replace(claim(0, (0, 2)), state=ClaimState.INCLUDED, claim_id=31)
    assert journal.claim_with_id(7, 0) is None


def test_a_refused_claim_frees_its_receipts_for_another(journal):
    journal.add_claim(claim(0, (0, 2)), b"message")
    journal.claim_refused(7, 0)
    assert set(states(journal)) == {ReceiptState.KEPT}
    assert journal.add_claim(claim(1, (1, 4)), b"message 1")
    journal.claim_refused(7, 0)
    assert numbers(journal.receipts_of_claim(7, 1)) == [1, 2, 3, 4]


def test_a_claim_that_is_refused_for_good_takes_its_receipts_with_it(journal):
    journal.add_claim(claim(0, (0, 2)), b"message")
    journal.claim_refused(7, 0, is_final=True)
    assert states(journal)[:3] == [ReceiptState.SETTLED] * 3
    assert journal.claim(7, 0).state is ClaimState.REFUSED


def test_receipts_count_as_unpaid_until_their_claim_is_on_the_chain(journal):
    total = len(states(journal))
    journal.add_claim(claim(0, (0, 2)), b"message")
    assert journal.count_unpaid(7) == total
    assert journal.last_claim_id(7) == 0
    journal.claim_included(7, 0, claim_id=4)
    assert journal.count_unpaid(7) == total - 3
    assert journal.last_claim_id(7) == 4
    assert journal.count_claims() == {ClaimState.INCLUDED: 1}


@pytest.mark.parametrize("end", [ClaimState.PAID, ClaimState.LOST])
def test_a_claim_that_is_over_settles_its_receipts(journal, end):
    journal.add_claim(claim(0, (0, 2)), b"message")
    journal.claim_included(7, 0, claim_id=1)
    journal.move_claim(7, 0, ClaimState.VERIFYING)
    journal.move_claim(7, 0, end)
    journal.move_claim(7, 0, end)
    assert states(journal)[:3] == [ReceiptState.SETTLED] * 3
    assert journal.claims([ClaimState.PREPARED, ClaimState.INCLUDED, ClaimState.VERIFYING]) == []


def test_a_claim_never_goes_back_and_its_receipts_stay_as_they_were(journal):
    journal.add_claim(claim(0, (0, 2)), b"message")
    with pytest.raises(Conflict, match="claim 7/0 is prepared and cannot become paid"):
        journal.move_claim(7, 0, ClaimState.PAID)
    assert states(journal)[:3] == [ReceiptState.CLAIMED] * 3


def test_jobs_are_listed_by_the_state_of_their_receipts(journal):
    journal.add_receipt(ReceiptRecord(3, 0, b"x"))
    journal.add_claim(claim(0, (0, 5)), b"message")
    assert journal.jobs() == [3, 7]
    assert journal.jobs([ReceiptState.KEPT]) == [3]


def test_only_a_job_without_open_claims_is_forgotten(journal):
    journal.add_claim(claim(0, (0, 2)), b"message")
    with pytest.raises(Conflict, match=r"job 7 cannot be forgotten: its claims \[0\] are open"):
        journal.forget_job(7)
    journal.claim_included(7, 0, claim_id=1)
    journal.move_claim(7, 0, ClaimState.PAID)
    journal.forget_job(7)
    assert journal.receipts(7) == []
    assert journal.claims() == []


WORKER = """
import sys
from pathlib import Path
from app.messages.bodies import SegmentRange
from app.primitives.hashing import sha256
from transcoder.journal.records import ClaimRecord, ReceiptRecord
from transcoder.journal.transcoder import TranscoderJournal
journal = TranscoderJournal(Path(sys.argv[1]), "0xab")
kept = journal.receipts(1, limit=10**6)
first = kept[-1].sequence_number + 1 if kept else 0
for number in range(first, 10**6):
    journal.add_receipt(ReceiptRecord(1, number, b"%d" % number))
    print("receipt", number, flush=True)
    if number % 5 == 4:
        index = journal.next_claim_number(1)
        key = f"claim/1/{index}"
        spans = (SegmentRange(number - 4, number),)
        journal.add_claim(ClaimRecord(1, index, spans, sha256(key.encode()), key), key.encode())
        print("claim", index, flush=True)
        journal.outbox.mark_sent(key, index, key.encode(), sha256(key.encode()))
        print("sent", index, flush=True)
"""


def test_a_killed_transcoder_has_lost_and_repeated_nothing(tmp_path):
    path = tmp_path / "journal.sqlite"
    said = []
    for round_number in range(6):
        with subprocess.Popen([sys.executable, "-c", WORKER, path], stdout=subprocess.PIPE, text=True) as worker:
            said += [worker.stdout.readline().split() for _ in range(20 + round_number)]
            with pytest.raises(InUse):
                TranscoderJournal(path, "0xab")
            worker.kill()
        assert_consistent(path, said)


def assert_consistent(path, said):
    journal = TranscoderJournal(path, "0xab")
    kept = journal.receipts(1, limit=10**6)
    claims = journal.claims()
    assert numbers(kept) == list(range(len(kept)))
    assert {int(number) for what, number in said if what == "receipt"} <= set(numbers(kept))
    assert {int(number) for what, number in said if what == "claim"} <= {each.number for each in claims}
    bound = {each.sequence_number: each.claim_number for each in kept if each.state is ReceiptState.CLAIMED}
    assert bound == {s: each.number for each in claims for r in each.ranges for s in range(r.first, r.last + 1)}
    entries = {each.key: each for each in journal.outbox.unfinished()}
    assert list(entries) == [each.intent_key for each in claims]
    sent = {int(number) for what, number in said if what == "sent"}
    assert all(entries[f"claim/1/{number}"].state is OutboxState.SENT for number in sent)
    journal.close()
