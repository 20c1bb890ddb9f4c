"""Proposals: an honest one is always accepted, and never larger than allowed (ABCI 2.0, requirements R2 and R3)."""

from hypothesis import given, settings
from hypothesis import strategies as st

from app.abci.proto import abci_pb2 as pb
from app.messages.bodies import Denom, Transfer
from app.messages.transaction import TxBody, sign_body
from genesis.presets.test import TEST
from tests.support.chain_driver import CHAIN_ID, Chain, Party, make_genesis

PARTIES = [Party(f"party {i}") for i in range(3)]
GENESIS = make_genesis(TEST, PARTIES, [Party("validator")])
STRANGER = Party("without any money")


def transfer(party, nonce, fee, memo_length, messages=1):
    body = Transfer(PARTIES[0].address, Denom.ETH, 1)
    return sign_body(TxBody(CHAIN_ID, nonce, fee, 0, (body,) * messages, "m" * memo_length), party.key)


TRANSFERS = st.builds(
    transfer,
    st.sampled_from([*PARTIES, STRANGER]),
    st.integers(0, 6),
    st.sampled_from([0, 10**6, 10**19, 60 * 10**18, 2**128 - 1]),
    st.sampled_from([0, 1, 100, 256]),
    st.sampled_from([1, 16]),
)
MEMPOOLS = st.lists(st.one_of(TRANSFERS, TRANSFERS, TRANSFERS, st.binary(max_size=40)), max_size=25)


def proto_size(txs):
    """What CometBFT counts: the size of the block's data as protobuf has it (field 1, repeated bytes)."""
    return pb.ResponsePrepareProposal(txs=txs).ByteSize()


@settings(max_examples=150, deadline=None)
@given(st.data(), MEMPOOLS, st.integers(0, 4000))
def test_what_is_prepared_from_any_mempool_is_accepted_by_anybody_and_fits(data, mempool, max_bytes):
    chain, other = Chain(GENESIS), Chain(GENESIS)
    chain.block()
    for raw in data.draw(st.permutations(mempool)):
        chain.engine.check_tx(raw)
    proposal = chain.engine.prepare_proposal(2, mempool, max_bytes)
    assert chain.engine.process_proposal(proposal)
    assert other.engine.process_proposal(proposal), "acceptance depends on what the checker has seen"
    assert proto_size(proposal) <= max_bytes
    assert len(set(proposal)) == len(proposal)
    codes = [tx.code for tx in chain.block(*proposal).tx_results]
    assert codes == [0] * len(proposal), "a proposal holds a transaction whose envelope fails"


@settings(max_examples=100, deadline=None)
@given(st.permutations(range(8)))
def test_whatever_the_order_in_the_mempool_all_nonces_of_a_sender_go_in_in_order(order):
    chain = Chain(GENESIS)
    chain.block()
    txs = [transfer(PARTIES[1], nonce, 10**6, 0) for nonce in range(8)]
    assert chain.engine.prepare_proposal(2, [txs[i] for i in order], 10**6) == txs


def test_a_state_is_the_same_before_and_after_proposals():
    chain = Chain(GENESIS)
    chain.block()
    before = chain.state.app_hash
    txs = [transfer(PARTIES[1], nonce, 10**6, 0) for nonce in range(3)]
    chain.engine.process_proposal(chain.engine.prepare_proposal(2, txs, 10**6))
    assert (chain.state.app_hash, chain.account(PARTIES[1]).nonce) == (before, 0)
    assert chain.finalize().app_hash == Chain(GENESIS).block().app_hash
