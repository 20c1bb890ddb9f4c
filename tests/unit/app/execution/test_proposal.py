"""Our block: in the order of nonces, within bytes and count; theirs: decodable and signed."""

import pytest

from app.abci.proto import abci_pb2 as pb
from app.execution import proposal
from app.execution.proposal import proposal_size_bytes
from app.messages.bodies import Denom, Transfer
from app.messages.transaction import decode_tx, seal
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, BOB, CAROL, ETH, start

PLENTY = 10**6


class Proposer:
    """One engine, transfers by sender and nonce."""

    def __init__(self):
        self.chain = start(TEST)

    def tx(self, party, nonce, **options):
        return self.chain.sign(party, Transfer(CAROL.address, Denom.ETH, 1), nonce=nonce, **options)

    def prepare(self, txs, max_bytes=PLENTY):
        return self.chain.engine.prepare_proposal(self.chain.next_height, txs, max_bytes)


def test_the_mempools_order_is_kept_where_nonces_allow():
    proposer = Proposer()
    txs = [proposer.tx(BOB, 0), proposer.tx(ALICE, 0), proposer.tx(BOB, 1), proposer.tx(ALICE, 1)]
    assert proposer.prepare(txs) == txs


def test_a_parked_nonce_goes_in_behind_the_one_it_waits_for():
    proposer = Proposer()
    early, other, first, second = (
        proposer.tx(ALICE, 2),
        proposer.tx(BOB, 0),
        proposer.tx(ALICE, 0),
        proposer.tx(ALICE, 1),
    )
    assert proposer.prepare([early, other, first, second]) == [other, first, second, early]


def test_a_gap_holds_back_what_follows_it():
    proposer = Proposer()
    assert proposer.prepare([proposer.tx(ALICE, 1), proposer.tx(ALICE, 3)]) == []


@pytest.mark.parametrize("where", ["first", "last"])
def test_what_could_not_pay_or_does_not_decode_is_left_out(where):
    proposer = Proposer()
    good = proposer.tx(ALICE, 0)
    bad = [b"junk", proposer.tx(BOB, 0, fee=1), proposer.tx(BOB, 0, fee=101 * ETH), proposer.tx(BOB, 0, valid_until=1)]
    txs = [good, *bad] if where == "first" else [*bad, good]
    assert proposer.prepare(txs) == [good]


def test_the_second_of_two_transactions_with_one_nonce_is_left_out():
    proposer = Proposer()
    one, other = proposer.tx(ALICE, 0), proposer.tx(ALICE, 0, fee=2 * 10**16)
    assert proposer.prepare([one, other, one]) == [one]


def test_fees_that_only_cover_the_first_leave_out_the_second():
    proposer = Proposer()
    txs = [proposer.tx(ALICE, nonce, fee=60 * ETH) for nonce in (0, 1)]
    assert proposer.prepare(txs) == txs[:1]


def test_a_block_is_filled_to_the_byte_and_not_further():
    proposer = Proposer()
    txs = [proposer.tx(ALICE, nonce) for nonce in range(3)]
    exact = sum(proposal_size_bytes(raw) for raw in txs)
    assert proposer.prepare(txs, exact) == txs
    assert proposer.prepare(txs, exact - 1) == txs[:2]
    assert proposer.prepare(txs, 0) == []


def test_a_small_transaction_fits_where_a_large_one_did_not():
    proposer = Proposer()
    large = proposer.chain.sign(ALICE, *[Transfer(CAROL.address, Denom.ETH, 1)] * 16, nonce=0)
    small = proposer.tx(BOB, 0)
    assert proposer.prepare([large, small], proposal_size_bytes(small) + 5) == [small]


@pytest.mark.parametrize("length", [0, 1, 127, 128, 16_383, 16_384, 262_144])
def test_the_size_of_a_transaction_is_what_cometbft_counts(length):
    raw = bytes(length)
    assert proposal_size_bytes(raw) == pb.ResponsePrepareProposal(txs=[raw]).ByteSize()


def test_a_block_holds_no_more_transactions_than_keep_its_interval(monkeypatch):
    monkeypatch.setattr(proposal, "MAX_PROPOSAL_TXS", 3)
    proposer = Proposer()
    txs = [proposer.tx(ALICE, nonce) for nonce in (4, 3, 2, 1, 0)]
    assert proposer.prepare(txs) == txs[:1:-1]


# --- what others propose


def test_an_empty_block_and_one_with_failing_transactions_are_accepted():
    proposer = Proposer()
    engine = proposer.chain.engine
    assert engine.process_proposal([])
    assert engine.process_proposal([proposer.tx(ALICE, 7), proposer.tx(ALICE, 0, fee=1)])


def test_a_block_with_a_transaction_that_does_not_decode_or_is_not_signed_is_refused():
    proposer = Proposer()
    good = proposer.tx(ALICE, 0)
    unsigned = seal(decode_tx(good).body_bytes, bytes(65))
    for bad in (b"junk", b"", unsigned, good + b"\x00", good[:-1]):
        assert not proposer.chain.engine.process_proposal([good, bad])
    assert proposer.chain.engine.process_proposal([good])
