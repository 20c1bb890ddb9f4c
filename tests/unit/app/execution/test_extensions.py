"""Vote extensions on four nodes: what is attested enters the state only signed, in place and in full."""

from dataclasses import replace

import pytest

from app.abci.proto import abci_pb2 as pb
from app.execution.proposal import proposal_size_bytes
from app.messages.attestation import (
    MAX_ATTESTATIONS,
    Attestation,
    Attested,
    CommitExtensions,
    decode_injected,
    encode_extension,
    encode_injected,
    is_injected,
)
from app.messages.bodies import Denom, Transfer
from app.messages.records import ChallengeStatus, ClaimStatus, CourtOutcome
from app.messages.rejections import Reason
from app.primitives.hashing import ZERO_HASH
from app.state.tables import ATTESTATIONS, CHALLENGES
from tests.support.court_network import CourtNetwork
from tests.support.judging import TRUTH
from tests.support.work_world import output_of


def executed(result=TRUTH, dispute_id=1):
    return Attestation(dispute_id, Attested.EXECUTED, result)


@pytest.fixture
def network():
    network = CourtNetwork()
    network.open_dispute()
    return network


def tell(network, *attested):
    """Have the nodes' court workers know this, in their order."""
    for node, each in zip(network.nodes, attested, strict=False):
        node.known[:] = [] if each is None else [each]


# --- the honest way


def test_without_a_dispute_nothing_is_put_in_front_of_a_block():
    network = CourtNetwork()
    for node in network.nodes:
        node.known.append(executed())
    for _ in range(3):
        assert network.block().tx_results == []
    assert [vote.vote_extension for vote in network.extended] == [b""] * 4


def test_what_validators_attest_at_one_height_counts_in_the_next_block(network):
    tell(network, *[executed()] * 4)
    assert network.block().tx_results == []
    (front,) = network.propose()
    assert is_injected(front)
    (result,) = network.block().tx_results
    assert (result.code, result.gas_used) == (0, 0)
    assert [event.type for event in result.events][:3] == ["dispute_attested"] * 3
    assert "court_decided" in [event.type for event in result.events]
    assert network.dispute().outcome is CourtOutcome.OVERTURNED
    assert network.claim.status is ClaimStatus.FAILED
    assert [result.code for result in network.block().tx_results] == [0], "voted for before the decision was known"
    assert network.block().tx_results == [], "what is decided is attested no more"


def test_transactions_stand_behind_it_and_keep_their_results(network):
    tell(network, *[executed()] * 4)
    network.block()
    raw = network.sign(network.broadcaster, Transfer(network.verifiers[0].address, Denom.ETH, 1))
    block = network.propose(raw)
    assert [is_injected(each) for each in block] == [True, False]
    assert [result.code for result in network.block(raw).tx_results] == [0, 0]


def test_one_validator_that_attests_falsely_changes_nothing(network):
    tell(network, executed(output_of(0)), *[executed()] * 3)
    network.blocks(2)
    assert network.dispute().outcome is CourtOutcome.OVERTURNED


def test_one_third_that_does_not_vote_is_too_little_to_stop_it(network):
    tell(network, *[executed()] * 4)
    network.block(absent=[3])
    network.block()
    assert network.dispute().outcome is CourtOutcome.OVERTURNED


def test_half_of_the_validators_decide_nothing_and_the_case_is_void(network):
    tell(network, executed(), executed(), None, None)
    network.blocks(9)
    assert network.dispute().outcome is CourtOutcome.VOID
    assert CHALLENGES.read(network.chain.state, 1, 1, 0).status is ChallengeStatus.UNPROVEN


def test_validators_may_find_out_one_after_the_other(network):
    tell(network, executed(output_of(0)))
    network.block()
    tell(network, None, executed(output_of(0)))
    network.block()
    tell(network, None, None, executed(output_of(0)))
    network.blocks(2)
    assert network.dispute().outcome is CourtOutcome.UPHELD
    assert network.claim.status is ClaimStatus.VERIFIED


def test_an_extension_holds_the_oldest_disputes_up_to_its_limit(network):
    node = network.nodes[0]
    assert len(encode_extension([executed(dispute_id=2**63 + n) for n in range(MAX_ATTESTATIONS)])) < 1_500
    node.known[:] = [executed(dispute_id=7), executed(), executed(output_of(0))]
    (said,) = [executed(output_of(0))]
    assert node.app.extend_vote(pb.RequestExtendVote()).vote_extension == encode_extension([said])


# --- extensions that no honest node makes


@pytest.mark.parametrize(
    "garbage",
    [
        b"garbage",
        b"\0" * 4,
        encode_extension([executed(dispute_id=9)]),
        encode_extension([executed(), executed()]),
        encode_extension([executed(ZERO_HASH)]),
        encode_extension([Attestation(1, Attested.UNAVAILABLE, TRUTH)]),
        encode_extension([executed()]) + b"\0",
        encode_extension([executed(dispute_id=n) for n in range(1, MAX_ATTESTATIONS + 2)]),
        b"x" * 10**6,
    ],
    ids=["noise", "empty list", "unknown dispute", "twice", "no result", "a result too many", "tail", "long", "large"],
)
def test_a_vote_with_such_an_extension_is_refused(network, garbage):
    request = pb.RequestVerifyVoteExtension(height=network.height, vote_extension=garbage)
    for node in network.nodes:
        assert node.app.verify_vote_extension(request).status == pb.ResponseVerifyVoteExtension.REJECT


def replace_vote(network, at, extension, height=None, round_=0):
    """Have one validator sign another extension than its node made, in a vote that came late and was not looked at."""
    signature = network.validators[at].sign_extension(extension, height or network.height - 1, round_)
    network.extended[at].vote_extension = extension
    network.extended[at].extension_signature = signature


@pytest.mark.parametrize("garbage", [b"garbage", encode_extension([executed(ZERO_HASH)])])
def test_garbage_that_came_late_with_a_vote_is_left_out_and_the_rest_counts(network, garbage):
    tell(network, *[executed()] * 4)
    network.block()
    replace_vote(network, 3, garbage)
    front, *_ = network.propose()
    voters = [vote.validator for vote in decode_injected(front).votes]
    assert voters == [party.consensus_address for party in network.validators[:3]]
    network.block()
    assert network.dispute().outcome is CourtOutcome.OVERTURNED


def test_when_too_little_is_left_of_the_votes_nothing_is_put_in_front(network):
    tell(network, *[executed()] * 4)
    network.block(absent=[2])
    replace_vote(network, 3, b"garbage")
    assert network.propose() == []
    network.blocks(2)
    assert network.dispute().outcome is CourtOutcome.OVERTURNED, "an omission is a delay"


# --- proposers


def forge(network, change):
    """A proposal whose front was changed."""
    (front,) = network.propose()
    injected = decode_injected(front)
    return [encode_injected(change(injected))]


def with_votes(injected, *votes):
    return replace(injected, votes=tuple(votes))


FORGERIES = {
    "another word": lambda i: with_votes(
        i, replace(i.votes[0], extension=encode_extension([executed(output_of(0))])), *i.votes[1:]
    ),
    "another signature": lambda i: with_votes(i, replace(i.votes[0], signature=i.votes[1].signature), *i.votes[1:]),
    "no signature": lambda i: with_votes(i, replace(i.votes[0], signature=b""), *i.votes[1:]),
    "under another name": lambda i: with_votes(i, replace(i.votes[0], validator=i.votes[1].validator), *i.votes[2:]),
    "a stranger": lambda i: with_votes(i, replace(i.votes[0], validator=bytes(20)), *i.votes[1:]),
    "one vote twice": lambda i: with_votes(i, i.votes[0], *i.votes),
    "too little power": lambda i: with_votes(i, *i.votes[:2]),
    "nobody": with_votes,
    "another height": lambda i: replace(i, height=i.height - 1),
    "another round": lambda i: replace(i, round=1),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_a_block_with_forged_attestations_is_refused_by_everybody(network, what):
    tell(network, *[executed()] * 4)
    network.block()
    forged = forge(network, FORGERIES[what])
    assert [network.accepts(forged, node) for node in range(4)] == [False] * 4


@pytest.mark.parametrize("what", FORGERIES)
def test_were_it_decided_all_the_same_nothing_of_it_would_count(network, what):
    tell(network, *[executed()] * 4)
    network.block()
    (result,) = network.decide(forge(network, FORGERIES[what])).tx_results
    assert (result.code, result.codespace) == (Reason.EXTENSIONS_INVALID, "headwater")
    assert list(ATTESTATIONS.keys(network.chain.state)) == []
    assert network.dispute().outcome is CourtOutcome.OPEN


def test_bytes_that_only_begin_like_it_are_refused(network):
    tell(network, *[executed()] * 4)
    network.block()
    (front,) = network.propose()
    for raw in (front[:-1], front + b"\0", b"\0headwater/extensions/1"):
        assert not network.accepts([raw])
        assert network.chain.engine.finalize_block(network.height, bytes(32), bytes(20), [raw]).tx_results[0].code == 88


def test_it_stands_in_front_and_only_once(network):
    tell(network, *[executed()] * 4)
    network.block()
    raw = network.sign(network.broadcaster, Transfer(network.verifiers[0].address, Denom.ETH, 1))
    front, *_ = network.propose()
    assert not network.accepts([raw, front])
    assert not network.accepts([front, front])


def test_nobody_can_send_it_as_a_transaction(network):
    tell(network, *[executed()] * 4)
    network.block()
    (front,) = network.propose()
    answer = network.chain.engine.check_tx(front)
    assert answer.code == Reason.UNDECODABLE
    assert network.propose(front) == [front], "what a mempool holds of it does not come behind it"


def test_an_extension_of_an_older_height_cannot_be_brought_again(network):
    tell(network, executed())
    network.block()
    old = network.propose()
    network.block()
    assert not network.accepts(old)


def test_a_proposer_that_omits_what_is_attested_only_delays_it(network):
    tell(network, *[executed()] * 4)
    network.block()
    for _ in range(2):
        network.block(proposed=[])
        assert network.dispute().outcome is CourtOutcome.OPEN
    network.block()
    assert network.dispute().outcome is CourtOutcome.OVERTURNED


def test_votes_of_a_later_round_are_brought_with_their_round(network):
    tell(network, *[executed()] * 4)
    network.round = 3
    network.block()
    (front,) = network.propose()
    assert decode_injected(front).round == 3
    assert network.accepts([front])
    network.round = 0
    assert not network.accepts([front])


def test_it_counts_towards_the_size_of_the_block(network):
    tell(network, *[executed()] * 4)
    network.block()
    raw = network.sign(network.broadcaster, Transfer(network.verifiers[0].address, Denom.ETH, 1))
    front, _ = network.propose(raw)
    size = proposal_size_bytes(front)
    for max_bytes in (size, size + proposal_size_bytes(raw) - 1):
        assert network.propose(raw, max_bytes=max_bytes) == [front]
    assert network.propose(raw, max_bytes=size + proposal_size_bytes(raw)) == [front, raw]
    assert network.propose(raw, max_bytes=size - 1) == [raw], "where it does not fit, transactions go on"


def test_encoding_is_one_and_only_one():
    empty = CommitExtensions(1, 0, ())
    assert decode_injected(encode_injected(empty)) == empty
