"""Queries about stake: all of it as of now, without anybody having touched a record."""

import json
from dataclasses import replace

import pytest

from app.messages.bodies import Bond, Rebond, Reward, Unbond
from app.messages.keyspace import LAYOUTS
from app.messages.rejections import Reason
from app.primitives.address import to_checksum
from app.primitives.fractions import ONE
from app.protocol.transcoders import consensus_address
from app.state.tables import ACTIVE, DELEGATORS
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, BOB, CAROL, DAVE, LPT, VERA, VIKTOR, Party, register, start

PATIENT = replace(TEST, missed_reward_threshold=100)


def ask(chain, path, height=0):
    answer = chain.engine.query(path, b"", height, False)
    assert (answer.code, answer.log) == (0, "")
    value = json.loads(answer.value)
    assert value.pop("height") == answer.height
    return value


def refused(chain, path):
    answer = chain.engine.query(path, b"", 0, False)
    assert (answer.code, answer.value) == (Reason.INVALID_FIELD, b"")
    return answer.log


def named(party):
    return to_checksum(party.address)


def pages(chain, path, limit, height=0):
    """All items of a list, page by page."""
    found, after = [], None
    while True:
        behind = "" if after is None else f"&after={after}"
        page = ask(chain, f"{path}?limit={limit}{behind}", height)
        assert len(page["items"]) <= limit
        found, after = found + page["items"], page["next"]
        if after is None:
            return found


@pytest.fixture(scope="module")
def chain():
    """Delegators of two validators, with locks."""
    chain = start(PATIENT, [VERA, VIKTOR])
    for party in (ALICE, BOB, CAROL):
        chain.must(party, Bond(500 * LPT, VERA.address))
    for amount in (1, 2, 3):
        chain.must(ALICE, Unbond(amount * LPT))
    chain.next_round()
    return chain


def test_a_reward_shows_in_a_delegators_stake_without_a_transaction_of_its_own(chain):
    record = DELEGATORS.read(chain.state, CAROL.address)
    before = int(ask(chain, f"/delegator/{named(CAROL)}")["stake"])
    minted = chain.must(VERA, Reward()).events[-1]
    shared = minted.amount - minted.transcoder_cut
    after = int(ask(chain, f"/delegator/{named(CAROL)}")["stake"])
    assert DELEGATORS.read(chain.state, CAROL.address) == record, "nobody has touched the record"
    assert after - before == pytest.approx(shared * 500 // 2494, abs=2)
    assert ask(chain, f"/delegator/{named(CAROL)}", chain.engine.height - 1)["stake"] == str(before)


def test_fees_show_as_pending_without_a_transaction(chain):
    record = DELEGATORS.read(chain.state, CAROL.address)
    before = int(ask(chain, f"/delegator/{named(CAROL)}")["pending_fees"])
    chain.block(chain.sign(DAVE, Bond(LPT, VIKTOR.address)), proposer=consensus_address(VERA.consensus_key))
    after = int(ask(chain, f"/delegator/{named(CAROL)}")["pending_fees"])
    assert DELEGATORS.read(chain.state, CAROL.address) == record
    assert after - before == pytest.approx(10**16 // 2 * 500 // 2494, rel=10**-3)


@pytest.mark.parametrize(("path", "count"), [("/delegators", 6), ("/accounts", 6), (f"/locks/{named(ALICE)}", 3)])
def test_lists_are_read_page_by_page_and_at_a_height_of_before(chain, path, count):
    whole = ask(chain, path)["items"]
    assert len(whole) >= count
    assert pages(chain, path, 1) == pages(chain, path, 2) == whole
    assert len(pages(chain, path, 2, height=chain.engine.height - 1)) >= count - 1


def test_a_page_goes_on_where_the_entry_that_it_ended_with_has_gone_meanwhile():
    chain = start(PATIENT, [VERA])
    chain.must(ALICE, Bond(5 * LPT, VERA.address), Unbond(1), Unbond(2), Unbond(3))
    first = ask(chain, f"/locks/{named(ALICE)}?limit=1")
    assert [item["lock_id"] for item in first["items"]] == [1]
    chain.must(ALICE, Rebond(1, VERA.address))
    rest = ask(chain, f"/locks/{named(ALICE)}?after={first['next']}")["items"]
    assert [item["lock_id"] for item in rest] == [2, 3]


@pytest.mark.parametrize("cursor", ["zz", "00", "6c6f636b"])
def test_a_cursor_of_another_list_is_refused(chain, cursor):
    assert "it takes what the page before has under next" in refused(chain, f"/locks/{named(ALICE)}?after={cursor}")


def test_a_lock_shows_its_worth_and_whether_it_is_released(chain):
    (first, *_) = ask(chain, f"/locks/{named(ALICE)}")["items"]
    assert (first["lock_id"], first["value"], first["released"]) == (1, str(LPT), False)
    assert first["candidate"] == named(VERA)


def test_the_common_pool_and_a_pool_of_stake_can_be_asked_for(chain):
    assert set(ask(chain, "/common-pool")) == {"lpt", "wei"}
    pool = ask(chain, f"/pool/{named(VERA)}")
    assert pool["total_stake"] == str(chain.total_stake(VERA))
    assert "nothing was ever bonded towards" in refused(chain, f"/pool/{named(DAVE)}")


# --- the next election


def test_a_round_shows_what_the_next_election_would_give():
    chain = start(replace(PATIENT, n=2), [VERA, VIKTOR])
    register(chain, ALICE, stake=1500 * LPT)
    assert "next_election" not in ask(chain, "/round")
    preview = ask(chain, "/round?preview=yes")["next_election"]
    now = chain.round
    assert preview["from_height"] == now.start_height + now.length
    assert preview["elected"][0]["address"] == named(ALICE)
    assert (len(preview["elected"]), preview["drawn_from"]) == (2, 1)
    chain.next_round()
    elected = {address for (address,), record in ACTIVE.items(chain.state) if not record.from_waitlist}
    assert {to_checksum(address) for address in elected} == {item["address"] for item in preview["elected"]}
    assert chain.round.inflation_rate == preview["inflation_rate"]
    assert chain.round.mintable == int(preview["mintable"])
    assert sum(r.stake for _, r in ACTIVE.items(chain.state) if not r.from_waitlist) == int(preview["active_stake"])


# --- yield


def estimate(chain, party, stake):
    return ask(chain, f"/yield/{named(party)}?stake={stake}")


def test_the_estimated_reward_is_what_the_next_round_pays():
    chain = start(PATIENT, [VERA, VIKTOR])
    told = estimate(chain, VERA, 500 * LPT)
    chain.must(CAROL, Bond(500 * LPT, VERA.address))
    chain.next_round()
    before = chain.stake(CAROL)
    chain.must(VERA, Reward())
    assert chain.stake(CAROL) - before == pytest.approx(int(told["reward_per_round"]), rel=10**-4)


def test_a_year_is_so_many_rounds_as_blocks_fit_into_it():
    chain = start(PATIENT, [VERA])
    told = estimate(chain, VERA, 100 * LPT)
    rounds = 365 * 86_400_000 // (10 * TEST.block_time)
    assert told["rounds_per_year"] == rounds
    assert int(told["reward_per_year"]) == rounds * int(told["reward_per_round"])
    assert told["yearly_rate"] == int(told["reward_per_year"]) * ONE // (100 * LPT)


def test_fees_are_those_of_the_heights_that_are_kept():
    chain = start(PATIENT, [VERA])
    for _ in range(5):
        chain.block(chain.sign(ALICE, Bond(1, VERA.address)), proposer=consensus_address(VERA.consensus_key))
    told = estimate(chain, VERA, 1000 * LPT)
    blocks = chain.engine.height - told["fees_since_height"]
    paid = 5 * 10**16 // 2  # half of the fees, and the stake is as large as all others' together
    year = 365 * 86_400_000 // TEST.block_time
    assert int(told["fees_per_year"]) == pytest.approx(paid * year // blocks, rel=10**-3)


def test_towards_a_transcoder_that_would_not_be_elected_nothing_is_earned():
    chain = start(replace(PATIENT, n=1), [VERA])
    register(chain, ALICE, stake=10 * LPT)
    told = estimate(chain, ALICE, LPT)
    assert (told["elected"], told["reward_per_year"], told["fees_per_year"]) == (False, "0", None)
    assert estimate(chain, ALICE, 991 * LPT)["elected"] is True


def test_a_stake_that_would_elect_its_transcoder_is_estimated_with_it():
    chain = start(replace(PATIENT, n=2), [VERA])
    register(chain, ALICE, stake=10 * LPT)
    told = estimate(chain, ALICE, 990 * LPT)
    chain.must(BOB, Bond(990 * LPT, ALICE.address))
    chain.next_round()
    before = chain.stake(BOB)
    chain.must(ALICE, Reward())
    assert chain.stake(BOB) - before == pytest.approx(int(told["reward_per_round"]), rel=10**-3)


@pytest.mark.parametrize("stake", ["", "0", "-1", "1LPT", str(2**128), "9" * 50])
def test_a_stake_that_is_none_is_refused(chain, stake):
    assert "it takes a number of base units, more than 0" in refused(chain, f"/yield/{named(VERA)}?stake={stake}")


def test_only_a_transcoder_has_a_yield(chain):
    assert "is not a registered transcoder" in refused(chain, f"/yield/{named(DAVE)}?stake=1")


# --- any table


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_every_record_of_every_table_can_be_asked_for(chain, layout):
    found = pages(chain, f"/table/{layout.name}", 3)
    kept = list(chain.state.iterate(layout.prefix, layout.prefix[:-1] + b"0"))
    assert len(found) == len(kept)
    for item in found:
        assert set(item) == {"key", "record"}


def test_a_table_shows_keys_as_people_read_them(chain):
    first, *_ = ask(chain, "/table/lock")["items"]
    assert first["key"] == f"{named(ALICE)}/1"
    assert "there is no table 'nothing'; there are account, " in refused(chain, "/table/nothing")


def test_what_is_asked_for_by_an_unknown_party_is_told(chain):
    stranger = Party("stranger")
    assert "is not bonded" in refused(chain, f"/delegator/{named(stranger)}")
    assert ask(chain, f"/locks/{named(stranger)}") == {"items": [], "next": None}
