"""Gossip: each transaction handed out once, in bundles, and again after twenty blocks."""

from app.execution.mempool.outbox import GOSSIP_BYTES, MAX_REAP_BYTES, RESEND_BLOCKS, Outbox
from app.execution.mempool.queue import Waiting
from app.messages.bundle import encode_bundle, split_bundle

SENDER = b"s" * 20


def entry(number, size=120, is_local=True):
    return Waiting(b"%d." % number + bytes(size), SENDER, number, 100, 1, 0, number, is_local)


def filled(*entries):
    outbox = Outbox()
    for each in entries:
        outbox.put(each)
    return outbox


def members(bundles):
    return [raw for bundle in bundles for raw in split_bundle(bundle)]


def test_everything_is_handed_out_once_in_order_in_few_bundles():
    entries = [entry(number) for number in range(1000)]
    outbox = filled(*entries)
    bundles = outbox.take(5, 0)
    assert members(bundles) == [each.raw for each in entries]
    assert len(bundles) == 3
    assert all(len(bundle) <= GOSSIP_BYTES + 100 for bundle in bundles)
    assert outbox.take(5, 0) == []


def test_what_does_not_wait_any_more_is_not_handed_out():
    entries = [entry(number) for number in range(3)]
    outbox = filled(*entries)
    entries[1].is_gone = True
    assert members(outbox.take(5, 0)) == [entries[0].raw, entries[2].raw]


def test_no_more_is_handed_out_at_once_than_asked_for():
    outbox = filled(*[entry(number, 1000) for number in range(3000)])
    first = outbox.take(5, 100_000)
    assert 90_000 < sum(map(len, first)) <= 101_000
    assert sum(map(len, outbox.take(5, 0))) <= MAX_REAP_BYTES + 1100
    assert len(members(outbox.take(5, 0))) > 0


def test_a_transaction_too_large_for_a_bundle_goes_alone_as_it_is():
    large = entry(1, 100_000)
    outbox = filled(entry(0), large, entry(2))
    first, second, third = outbox.take(5, 0)
    assert second == large.raw
    assert members([first, third]) == [entry(0).raw, entry(2).raw]


def test_a_peers_bundle_goes_on_byte_by_byte():
    outbox = Outbox()
    bundle = encode_bundle([b"a", b"b"], 99)
    outbox.put_whole(bundle)
    assert outbox.take(5, 0) == [bundle]
    assert outbox.take(5, 0) == []


def test_our_clients_transactions_are_sent_again_in_other_bytes_after_ever_longer_pauses_while_they_wait():
    outbox = filled(entry(0))
    sent = {}
    for height in range(1, 8 * RESEND_BLOCKS):
        outbox.remind(height)
        for bundle in outbox.take(height, 0):
            sent[height] = bundle
    assert list(sent) == [1, 1 + RESEND_BLOCKS, 1 + 3 * RESEND_BLOCKS, 1 + 7 * RESEND_BLOCKS]
    assert len(dict.fromkeys(sent.values())) == len(sent)


def test_what_is_included_or_a_peers_is_not_sent_again():
    included, peers = entry(0), entry(1, is_local=False)
    outbox = filled(included, peers)
    outbox.take(1, 0)
    included.is_gone = True
    outbox.remind(1 + RESEND_BLOCKS)
    assert outbox.take(1 + RESEND_BLOCKS, 0) == []
