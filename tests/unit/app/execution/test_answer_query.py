"""Queries: an answer or a code, from committed state, with proofs; never an exception."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.execution.answer_query import _ANSWERS
from app.execution.engine import Engine
from app.messages.bodies import Bond, Denom, Deposit, Transfer, Unbond
from app.messages.keyspace import ACCOUNTS
from app.messages.record import decode
from app.messages.records import Account
from app.messages.rejections import Reason
from app.primitives.address import to_checksum
from app.primitives.state_proof import StateProofError, verify_answer
from app.store.memory import MemoryBackend
from app.store.state_store import StateStore
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, BOB, CAROL, ETH, LPT, VERA, VIKTOR, Party, register, start
from tests.support.judging import WRONG, Case

FEE = 10**16


@pytest.fixture(scope="module")
def chain():
    """Five transcoders, a delegator, a deposit, and a transfer in the last block."""
    chain = start(TEST, [VERA, VIKTOR])
    for party in (ALICE, BOB):
        register(chain, party)
    chain.must(CAROL, Bond(5 * LPT, VERA.address))
    chain.must(CAROL, Deposit(ETH))
    chain.must(CAROL, Transfer(ALICE.address, Denom.LPT, 1))
    return chain


def ask(chain, path, height=0):
    answer = chain.engine.query(path, b"", height, False)
    assert (answer.code, answer.log) == (0, "")
    value = json.loads(answer.value)
    assert value.pop("height") == answer.height
    return value


def refused(chain, path, height=0):
    answer = chain.engine.query(path, b"", height, False)
    assert (answer.code, answer.value) == (Reason.INVALID_FIELD, b"")
    return answer.log


def test_an_account_is_shown_with_its_checksum_and_amounts_as_text(chain):
    assert ask(chain, f"/account/{to_checksum(ALICE.address)}") == {
        "address": to_checksum(ALICE.address),
        "nonce": 1,
        "lpt": str(9_990 * LPT + 1),
        "wei": str(100 * ETH - FEE),
    }


def test_an_account_that_nobody_has_used_is_empty(chain):
    found = ask(chain, f"/account/{Party('nobody').address.hex()}")
    assert (found["nonce"], found["lpt"], found["wei"]) == (0, "0", "0")


def test_a_delegator_is_shown_with_its_candidate_and_what_it_has_now(chain):
    assert ask(chain, f"/delegator/{to_checksum(CAROL.address)}") == {
        "address": to_checksum(CAROL.address),
        "candidate": to_checksum(VERA.address),
        "stake": str(5 * LPT),
        "pending_fees": "0",
        "locks": [],
    }


def test_a_delegator_is_shown_with_its_locks_and_what_they_are_worth():
    chain = start(TEST)
    chain.must(CAROL, Bond(5 * LPT, VERA.address))
    chain.must(CAROL, Unbond(5 * LPT))
    release = chain.engine.height + TEST.unbonding_period
    answer = ask(chain, f"/delegator/{to_checksum(CAROL.address)}")
    assert (answer["candidate"], answer["stake"]) == (None, "0")
    assert answer["locks"] == [
        {
            "lock_id": 1,
            "value": str(5 * LPT),
            "released": False,
            "candidate": to_checksum(VERA.address),
            "liable_until": 12,
            "batch": 0,
            "principal": str(5 * LPT),
            "release_height": release,
        }
    ]
    chain.until(release + 1)
    assert ask(chain, f"/delegator/{to_checksum(CAROL.address)}")["locks"][0]["released"] is True


def test_a_transcoder_is_shown_with_its_stakes_its_rates_and_its_place(chain):
    vera = ask(chain, f"/transcoder/{to_checksum(VERA.address)}")
    assert (vera["own_stake"], vera["total_stake"], vera["waiting_position"]) == (
        str(1000 * LPT),
        str(1005 * LPT),
        0,
    )
    assert vera["active"]["stake"] == str(1000 * LPT)
    assert vera["rates"] == {"price_per_segment": "1000", "block_reward_cut": 10**8, "fee_share": 5 * 10**8}
    assert ask(chain, f"/transcoder/{to_checksum(ALICE.address)}")["active"] is None


def test_the_election_as_it_would_be_now_is_shown_in_order(chain):
    election = ask(chain, "/election")
    stakes = [int(item["stake"]) for item in election["elected"]]
    assert stakes == sorted(stakes, reverse=True)
    assert (len(stakes), election["waiting"]) == (4, [])
    assert election["elected"][0]["address"] == to_checksum(VERA.address)


def test_singletons_are_shown_as_they_are(chain):
    assert ask(chain, "/params")["round_length"] == 10
    assert ask(chain, "/round")["number"] == chain.round.number
    assert ask(chain, "/status")["app_hash"] == chain.engine.app_hash.hex()
    assert ask(chain, "/supply")["common_pool"]["wei"] == str(5 * FEE)
    assert ask(chain, f"/deposit/{to_checksum(CAROL.address)}")["amount"] == str(ETH)
    assert ask(chain, "/invariants") == {"holds": True, "broken": []}


def test_lists_are_cut_into_pages_that_follow_each_other(chain):
    seen, after = [], ""
    while True:
        page = ask(chain, f"/transcoders?limit=3{after}")
        assert len(page["items"]) <= 3
        seen += [item["address"] for item in page["items"]]
        if page["next"] is None:
            break
        assert page["next"] == seen[-1]
        after = f"&after={page['next']}"
    whole = ask(chain, "/transcoders")
    assert seen == [item["address"] for item in whole["items"]]
    assert len(seen) == 4


def test_validators_and_the_active_set_are_lists(chain):
    assert {item["pubkey"] for item in ask(chain, "/validators")["items"]} == {
        VERA.consensus_key.hex(),
        VIKTOR.consensus_key.hex(),
    }
    assert {item["address"] for item in ask(chain, "/active")["items"]} == {
        to_checksum(VERA.address),
        to_checksum(VIKTOR.address),
    }


def test_the_nonce_counts_what_waits_in_the_mempool():
    chain = start(TEST)
    path = f"/nonce/{to_checksum(ALICE.address)}"
    assert ask(chain, path) == {"nonce": 0}
    chain.engine.check_tx(chain.sign(ALICE, Transfer(BOB.address, Denom.LPT, 1)))
    assert ask(chain, path) == {"nonce": 1}


def test_the_state_of_an_earlier_height_is_answered(chain):
    path = f"/account/{to_checksum(CAROL.address)}"
    assert [ask(chain, path, height)["nonce"] for height in (3, 4, 5, 6)] == [0, 1, 2, 3]
    assert "kept are" in refused(chain, path, 7)
    assert "kept are" in refused(chain, path, -1)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/nothing", "no such query: '/nothing'; known are account/…, accounts, active"),
        ("", "no such query: ''"),
        ("/account", "no such query: '/account'"),
        ("/account/0x12", "'0x12' is not an address"),
        (f"/delegator/{'0' * 40}", "is not bonded"),
        (f"/transcoder/{'0' * 40}", "is not a registered transcoder"),
        ("/job/1", "there is no job 1"),
        ("/job/-1", "'-1' is not a whole number"),
        ("/job/99999999999999999999", "is not a whole number"),
        ("/claim/1/2", "job 1 has no claim 2"),
        ("/challenge/1/1/3", "segment 3 is not challenged"),
        ("/profile/none", "there is no profile 'none'"),
        ("/transcoders?limit=many", "'many' is not a whole number"),
    ],
)
def test_a_question_without_an_answer_is_told_why(chain, path, says):
    assert says in refused(chain, path)


def test_a_chain_without_a_block_says_so():
    engine = Engine(StateStore(MemoryBackend()))
    answer = engine.query("/status", b"", 0, False)
    assert (answer.code, answer.log) == (
        Reason.INVALID_FIELD,
        "there is no state before the first block; ask again",
    )
    assert engine.query("/store/state/key", b"key", 0, True).height == 0


# --- raw records with proofs


def test_a_record_is_proven_for_the_height_before_the_tip(chain):
    key = ACCOUNTS.key(CAROL.address)
    answer = chain.engine.query("/store/state/key", key, 0, True)
    assert answer.height == chain.engine.height - 1
    assert decode(Account, answer.value).nonce == 2
    verify_answer(chain.app_hashes[answer.height - 1], key, answer.value, answer.proof)


def test_a_record_without_proof_is_that_of_the_tip(chain):
    answer = chain.engine.query("/store/state/key", ACCOUNTS.key(CAROL.address), 0, False)
    assert (answer.height, decode(Account, answer.value).nonce) == (chain.engine.height, 3)


def test_absence_is_proven_too(chain):
    key = ACCOUNTS.key(Party("nobody").address)
    answer = chain.engine.query("/store/state/key", key, 4, True)
    assert answer.value == b""
    verify_answer(chain.app_hashes[3], key, None, answer.proof)
    with pytest.raises(StateProofError):
        verify_answer(chain.app_hashes[4], key, None, answer.proof)


# --- whatever is asked


NAMES = st.sampled_from(sorted({name for name, _ in _ANSWERS}))
ARGUMENTS = st.one_of(
    st.integers(-5, 2**70).map(str), st.binary(min_size=20, max_size=20).map(bytes.hex), st.text(max_size=8)
)
PATHS = st.one_of(
    st.text(max_size=40),
    st.builds(lambda name, parts: "/".join(["", name, *parts]), NAMES, st.lists(ARGUMENTS, max_size=4)),
    st.builds(
        lambda name, key, value: f"/{name}?{key}={value}",
        NAMES,
        st.sampled_from(["limit", "after", "job", "status", "verifier", "broadcaster"]),
        ARGUMENTS,
    ),
)


@settings(max_examples=400, deadline=None)
@given(PATHS, st.binary(max_size=40), st.integers(-(2**63), 2**63 - 1) | st.integers(0, 9), st.booleans())
@example("http://[", b"", 0, False)
@example("/profile/" + "x" * 300, b"", 0, False)
@example("/profile/é" + "é" * 200, b"", 0, False)
@example("/store/state/key", b"", 0, True)
@example("/store/state/key", b"k" * 2000, 0, True)
@example("/challenges?job=1&status=%00", b"", 0, False)
def test_whatever_is_asked_there_is_an_answer_or_a_code(chain, path, data, height, prove):
    answer = chain.engine.query(path, data, height, prove)
    assert (answer.code == 0) or answer.log
    if path != "/store/state/key" and answer.code == 0:
        json.loads(answer.value)


@pytest.mark.parametrize("job", [{}, {"job": "1"}, {"job": "2"}])
def test_open_challenges_are_found_by_what_they_wait_for_and_none_is_missed(job):
    """One segment in each status that a challenge can have, found once by status and once by walking all of them."""
    case = Case(segments=6)
    case.draw(1)
    case.commit_all(2)
    for verifier in case.commit_all(3):
        case.world.send(verifier, case.verdict(verifier, segment=3).reveal)
    wrong = [case.verdict(verifier, WRONG, segment=4) for verifier in case.draw(4)]
    for verdict in wrong:
        case.world.send(verdict.verifier, verdict.commit)
    for verdict in wrong:
        case.world.send(verdict.verifier, verdict.reveal)
    case.world.send(case.transcoder, case.work.verify(1, 5))
    every = _ANSWERS["challenges", 0](case.world.state, job)["items"]
    shown = [item["status"] for item in every]
    assert job == {"job": "2"} or shown == [
        "awaiting_receipt", "committing", "revealing", "verified", "disputed", "awaiting_committee",
    ]  # fmt: skip
    for wanted in (
        "awaiting_receipt",
        "awaiting_committee",
        "committing,revealing",
        "committing,verified",
        "revealing",
    ):
        answer = _ANSWERS["challenges", 0](case.world.state, {**job, "status": wanted})
        assert answer["items"] == [item for item in every if item["status"] in wanted.split(",")]
