"""The application's mempool behind an engine: clients by CheckTx, peers by InsertTx, gossip by ReapTxs, blocks."""

import json

import pytest

from app.execution.engine import Engine, MempoolMismatch
from app.execution.mempool.outbox import RESEND_BLOCKS
from app.execution.mempool.own import MAX_MALFORMED, MempoolOptions, NoJournal
from app.execution.mempool.pool import PoolLimits
from app.messages.bodies import Denom, Transfer
from app.messages.bundle import encode_bundle, split_bundle
from app.messages.record import to_json
from app.messages.rejections import RETRY_CODES, Reason, Rejection
from app.store.journal import Journal
from app.store.memory import MemoryBackend
from app.store.state_store import StateStore
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, BOB, CAROL, CHAIN_ID, ETH, Chain, Party, make_genesis, start

FEE = 10**16


class Node:
    """One engine with its own mempool, and what its peers and clients do."""

    def __init__(self, limits: PoolLimits | None = None, relays: bool = True, journal=None):
        self.chain: Chain = start(TEST)
        store = self.chain.state
        options = MempoolOptions(journal or NoJournal(), limits or PoolLimits(), relays)
        self.engine = self.chain.engine = Engine(store, own_mempool=options)

    def tx(self, nonce, party=ALICE, **options):
        return self.chain.sign(party, Transfer(BOB.address, Denom.ETH, 1), nonce=nonce, **options)

    def check(self, raw):
        return self.engine.check_tx(raw).code

    def reaped(self):
        return [raw for bundle in self.engine.reap_txs(0) for raw in split_bundle(bundle)]

    def propose(self):
        return self.engine.prepare_proposal(self.chain.next_height, [], 10**6)

    def block(self, *txs):
        return self.chain.block(*(txs or self.propose()))


def test_what_a_client_sends_is_handed_out_once_and_proposed_in_order():
    node = Node()
    raws = [node.tx(nonce) for nonce in range(3)]
    assert [node.check(raw) for raw in raws] == [0, 0, 0]
    assert node.reaped() == raws
    assert node.reaped() == []
    assert node.propose() == raws
    assert [result.code for result in node.block().tx_results] == [0, 0, 0]
    assert node.propose() == []


def test_a_transaction_that_waits_already_is_told_from_one_that_is_refused():
    node = Node()
    raw = node.tx(0)
    assert [node.check(raw), node.check(raw)] == [0, Reason.ALREADY_KNOWN]
    node.block()
    assert node.check(raw) == Reason.NONCE_TOO_LOW


def test_the_next_nonce_counts_what_waits_without_a_gap():
    node = Node()
    for nonce in (0, 1, 3):
        node.check(node.tx(nonce))
    assert node.engine.next_nonce(ALICE.address) == 2
    assert node.engine.next_nonce(CAROL.address) == 0


def test_a_bundle_is_answered_member_by_member_and_a_bad_one_spoils_nothing():
    node = Node()
    members = [node.tx(0), b"garbage", node.tx(1), node.tx(0), node.tx(2, fee=1)]
    codes = [result.code for result in node.engine.check_bundle(encode_bundle(members, 1))]
    assert codes == [0, Reason.UNDECODABLE, 0, Reason.ALREADY_KNOWN, Reason.FEE_TOO_LOW]
    assert node.propose() == [members[0], members[2]]


def test_a_bundle_that_is_none_is_refused_as_a_whole():
    with pytest.raises(Rejection, match="UNDECODABLE"):
        Node().engine.check_bundle(encode_bundle([], 0))


def test_a_peers_bundle_is_kept_and_goes_on_as_it_came():
    node = Node()
    bundle = encode_bundle([node.tx(0), node.tx(1)], 5)
    assert node.engine.insert_tx(bundle) == 0
    assert node.engine.reap_txs(0) == [bundle]
    assert node.propose() == split_bundle(bundle)


def test_of_a_peers_bundle_that_holds_anything_not_new_only_the_new_goes_on():
    node = Node()
    known, new = node.tx(0), node.tx(1)
    node.check(known)
    assert node.reaped() == [known]
    assert node.engine.insert_tx(encode_bundle([known, b"garbage", new], 5)) == 0
    assert node.reaped() == [new]
    for salt in range(3):
        assert node.engine.insert_tx(encode_bundle([known, new], salt)) == 0
    assert node.engine.reap_txs(0) == [], "a peer makes us repeat what we have sent"


def test_a_node_that_does_not_relay_keeps_what_peers_send_and_hands_out_its_clients_only():
    node = Node(relays=False)
    assert node.engine.insert_tx(encode_bundle([node.tx(0)], 5)) == 0
    assert node.check(node.tx(1)) == 0
    assert node.reaped() == [node.tx(1)]
    assert node.propose() == [node.tx(0), node.tx(1)]


def test_a_peers_single_transaction_is_taken_too():
    node = Node()
    assert node.engine.insert_tx(node.tx(0)) == 0
    assert node.reaped() == [node.tx(0)]


def test_a_peer_hears_a_plain_code_for_what_will_never_do_and_a_retry_code_for_what_is_put_off():
    node = Node(PoolLimits(transactions=1, parked_per_sender=2))
    assert node.engine.insert_tx(b"garbage") == Reason.UNDECODABLE
    assert node.engine.insert_tx(encode_bundle([b"garbage"], 0)) == Reason.UNDECODABLE
    assert node.engine.insert_tx(node.tx(3)) == RETRY_CODES + Reason.NONCE_TOO_HIGH
    assert node.engine.insert_tx(node.tx(0)) == 0
    assert node.engine.insert_tx(encode_bundle([node.tx(1)], 0)) == RETRY_CODES + Reason.MEMPOOL_FULL


def test_a_peer_with_nothing_but_bad_signatures_is_not_listened_to_for_long():
    node = Node()
    bundle = encode_bundle([*[b"garbage %d" % number for number in range(MAX_MALFORMED)], node.tx(0)], 0)
    assert node.engine.insert_tx(bundle) == Reason.UNDECODABLE
    assert node.propose() == []


def test_a_nonce_that_comes_early_from_a_peer_waits_for_the_one_before_it():
    node = Node()
    assert node.engine.insert_tx(node.tx(1)) == 0
    assert node.propose() == []
    assert node.engine.insert_tx(node.tx(0)) == 0
    assert node.propose() == [node.tx(0), node.tx(1)]


def test_a_full_pool_refuses_clearly_and_makes_room_for_who_pays_a_tenth_more():
    node = Node(PoolLimits(transactions=2))
    for party in (ALICE, BOB):
        assert node.check(node.tx(0, party)) == 0
    result = node.engine.check_tx(node.tx(0, CAROL))
    assert result.code == RETRY_CODES + Reason.MEMPOOL_FULL
    assert "2 transactions of" in result.log
    assert "the cheapest pays 0.01ETH, outbid it by a tenth" in result.log
    dearer = node.tx(0, CAROL, fee=FEE * 12 // 10)
    assert node.check(dearer) == 0
    assert node.propose() == [dearer, node.tx(0, ALICE)], "who came last of the cheapest leaves"


def test_a_replacement_pays_a_tenth_more_and_is_what_the_block_holds():
    node = Node()
    node.check(node.tx(0))
    result = node.engine.check_tx(node.tx(0, fee=FEE + 1))
    assert result.code == Reason.NONCE_TOO_LOW
    assert result.log == (
        "nonce 0 is taken by another transaction; one that replaces it pays at least 0.011ETH (11000000000000000 wei)"
    )
    better = node.tx(0, fee=FEE * 11 // 10)
    assert node.check(better) == 0
    assert node.propose() == [better]


def test_what_a_block_leaves_unpayable_or_expired_is_dropped():
    node = Node()
    for raw in (node.tx(0), node.tx(1, fee=99 * ETH), node.tx(0, BOB, valid_until=2)):
        assert node.check(raw) == 0
    spent = node.chain.sign(ALICE, Transfer(CAROL.address, Denom.ETH, 50 * ETH), nonce=0, fee=2 * FEE)
    node.block(spent)
    assert node.propose() == []


def test_our_clients_transactions_are_handed_out_again_when_no_block_held_them():
    node = Node()
    node.check(node.tx(0))
    assert node.reaped() == [node.tx(0)]
    for _ in range(RESEND_BLOCKS):
        assert node.reaped() == []
        node.chain.block()
    assert node.reaped() == [node.tx(0)]


def test_a_node_whose_cometbft_comes_again_hands_out_what_its_clients_wait_for():
    node = Node()
    node.check(node.tx(0))
    node.engine.insert_tx(node.tx(1))
    node.reaped()
    node.engine.forget_uncommitted()
    assert node.reaped() == [node.tx(0)]
    assert node.propose() == [node.tx(0), node.tx(1)]


def test_how_full_it_is_can_be_asked():
    node = Node()
    node.check(node.tx(0))
    described = node.engine.query("mempool", b"", 0, False).value.decode()
    assert '"type": "app", "transactions": 1' in described


def test_mempools_that_do_not_belong_together_are_noticed_at_once():
    flood = start(TEST)
    for call in (flood.engine.reap_txs, flood.engine.insert_tx, flood.engine.check_bundle):
        with pytest.raises(MempoolMismatch, match="--mempool app"):
            call(b"")
    node = Node()
    with pytest.raises(MempoolMismatch, match="type to app"):
        node.engine.prepare_proposal(2, [node.tx(0)], 10**6)


def test_what_clients_were_told_is_accepted_waits_again_after_a_restart_and_peers_transactions_do_not(tmp_path):
    node = Node(journal=Journal(tmp_path))
    raws = [node.tx(nonce) for nonce in range(4)]
    for raw in raws[:2]:
        assert node.check(raw) == 0
    assert node.engine.insert_tx(encode_bundle(raws[2:], 0)) == 0
    assert node.check(raws[2]) == Reason.ALREADY_KNOWN, "a client relies on it now"
    node.engine.write_journal()()
    node.block(raws[0])
    again = Engine(node.chain.state, own_mempool=MempoolOptions(Journal(tmp_path)))
    assert again.prepare_proposal(3, [], 10**6) == raws[1:3]
    assert [raw for bundle in again.reap_txs(0) for raw in split_bundle(bundle)] == raws[1:3]
    assert again.write_journal() is None


def test_a_journal_is_empty_once_blocks_hold_everything(tmp_path):
    node = Node(journal=Journal(tmp_path))
    node.check(node.tx(0))
    node.engine.write_journal()()
    node.block()
    assert list(tmp_path.iterdir()) == []


def test_what_was_accepted_before_the_first_block_waits_again_when_the_chain_begins_anew(tmp_path):
    journal = Journal(tmp_path)
    node = Node()
    journal.append(node.tx(0))
    journal.write()()
    fresh = Engine(StateStore(MemoryBackend()), own_mempool=MempoolOptions(Journal(tmp_path)))
    genesis = json.dumps(to_json(make_genesis(TEST, [ALICE, BOB, CAROL], [Party("validator")]))).encode()
    fresh.init_chain(CHAIN_ID, 1, genesis)
    assert fresh.prepare_proposal(1, [], 10**6) == [node.tx(0)]
