import pytest

from app.primitives.hashing import sha256
from transcoder.journal.core import Journal
from transcoder.journal.failures import Conflict
from transcoder.journal.records import Intent, OutboxEntry, OutboxState

CLAIM = Intent("claim/1/0", b"claim work")
REWARD = Intent("reward/7", b"reward")


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "journal.sqlite", "a")
    yield journal
    journal.close()


@pytest.fixture
def outbox(journal):
    return journal.outbox


def send(outbox, intent, nonce):
    transaction = intent.message + bytes([nonce])
    return outbox.mark_sent(intent.key, nonce, transaction, sha256(transaction))


def keys(entries):
    return [entry.key for entry in entries]


def test_an_intent_is_written_down_once(outbox):
    assert outbox.enqueue(CLAIM)
    assert not outbox.enqueue(CLAIM)
    assert outbox.unfinished() == [OutboxEntry("claim/1/0", b"claim work")]


def test_one_name_cannot_mean_two_messages(outbox):
    outbox.enqueue(CLAIM)
    with pytest.raises(Conflict, match="outbox claim/1/0 is kept already with another message"):
        outbox.enqueue(Intent(CLAIM.key, b"other work"))


def test_an_intent_is_not_enqueued_again_after_it_has_happened(outbox):
    outbox.enqueue(CLAIM)
    send(outbox, CLAIM, 3)
    outbox.mark_included(CLAIM.key, height=90)
    assert not outbox.enqueue(CLAIM)
    assert outbox.unfinished() == []
    assert (outbox.get(CLAIM.key).state, outbox.get(CLAIM.key).height) == (OutboxState.INCLUDED, 90)


def test_what_is_unfinished_comes_in_the_order_of_the_intents(outbox):
    for intent in (REWARD, CLAIM, Intent("a", b"1")):
        outbox.enqueue(intent)
    send(outbox, CLAIM, 3)
    assert keys(outbox.unfinished()) == ["reward/7", "claim/1/0", "a"]


def test_after_a_crash_the_very_same_transaction_can_be_sent_again(journal, tmp_path):
    journal.outbox.enqueue(CLAIM)
    send(journal.outbox, CLAIM, 3)
    journal.close()
    again = Journal(tmp_path / "journal.sqlite", "a")
    (entry,) = again.outbox.unfinished()
    assert (entry.state, entry.nonce, entry.transaction_bytes) == (OutboxState.SENT, 3, b"claim work\x03")
    assert entry.transaction_hash == sha256(b"claim work\x03")
    again.close()


def test_marking_sent_twice_with_the_same_transaction_is_fine_and_with_another_is_not(outbox):
    outbox.enqueue(CLAIM)
    assert send(outbox, CLAIM, 3) == send(outbox, CLAIM, 3)
    with pytest.raises(Conflict, match="is sent already, with another nonce"):
        send(outbox, CLAIM, 4)


def test_two_transactions_on_their_way_cannot_have_one_nonce(outbox):
    outbox.enqueue(CLAIM)
    outbox.enqueue(REWARD)
    send(outbox, CLAIM, 3)
    with pytest.raises(Conflict, match="nonce 3 is on its way for claim/1/0; reward/7 needs another"):
        send(outbox, REWARD, 3)


def test_a_transaction_that_can_no_longer_happen_is_signed_anew(outbox):
    outbox.enqueue(CLAIM)
    send(outbox, CLAIM, 3)
    assert outbox.retry(CLAIM.key) == OutboxEntry(CLAIM.key, CLAIM.message)
    send(outbox, CLAIM, 4)
    outbox.mark_failed(CLAIM.key, "DEPOSIT_TOO_SMALL: 5 wei are missing")
    assert outbox.get(CLAIM.key).problem == "DEPOSIT_TOO_SMALL: 5 wei are missing"
    assert outbox.unfinished() == []
    outbox.retry(CLAIM.key)
    assert send(outbox, CLAIM, 5).problem is None


def test_what_has_happened_cannot_be_retried_or_fail(outbox):
    outbox.enqueue(CLAIM)
    send(outbox, CLAIM, 3)
    outbox.mark_included(CLAIM.key, height=90)
    with pytest.raises(Conflict, match="is included and cannot become pending"):
        outbox.retry(CLAIM.key)
    with pytest.raises(Conflict, match="is included and cannot become failed"):
        outbox.mark_failed(CLAIM.key, "no")


def test_an_unsent_intent_cannot_be_included_and_an_unknown_one_cannot_move(outbox):
    outbox.enqueue(CLAIM)
    with pytest.raises(Conflict, match="is pending and cannot become included"):
        outbox.mark_included(CLAIM.key, height=1)
    with pytest.raises(Conflict, match="outbox reward/7 is not in the journal"):
        outbox.mark_failed(REWARD.key, "no")


def test_the_next_nonce_is_above_the_chains_and_what_was_included(outbox):
    assert outbox.free_nonce(3) == 3
    outbox.enqueue(CLAIM)
    send(outbox, CLAIM, 3)
    outbox.mark_included(CLAIM.key, height=1)
    assert outbox.free_nonce(2) == 4
    assert outbox.free_nonce(9) == 9


def test_a_gap_below_what_is_on_its_way_is_filled_first(outbox):
    for intent, nonce in ((CLAIM, 3), (REWARD, 4), (Intent("a", b""), 6)):
        outbox.enqueue(intent)
        send(outbox, intent, nonce)
    assert outbox.free_nonce(3) == 5
    outbox.mark_failed(CLAIM.key, "refused at the door")
    assert outbox.free_nonce(3) == 3
    assert outbox.free_nonce(6) == 7


def test_another_transaction_may_take_the_place_of_one_with_the_same_nonce(outbox):
    outbox.enqueue(CLAIM)
    outbox.mark_sent(CLAIM.key, 3, b"cheap", sha256(b"cheap"), 8)
    entry = outbox.sign_again(CLAIM.key, 3, b"dear", sha256(b"dear"), 8)
    assert (entry.state, entry.nonce, entry.transaction_bytes) == (OutboxState.SENT, 3, b"dear")
    assert entry.signed_height == 8


def test_what_is_put_off_counts_its_attempts_and_says_why(outbox):
    outbox.enqueue(CLAIM)
    for attempt in (1, 2):
        send(outbox, CLAIM, attempt)
        entry = outbox.put_off(CLAIM.key, "ROUND_NOT_INITIALIZED: round 3", 10 * attempt)
        assert (entry.state, entry.attempts, entry.wait_height) == (OutboxState.PENDING, attempt, 10 * attempt)
        assert entry.nonce is None
    assert outbox.get(CLAIM.key).problem == "ROUND_NOT_INITIALIZED: round 3"
