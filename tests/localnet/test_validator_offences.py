"""What a validator of a real network pays for signing twice, and for not signing at all (protocol.md, section 6)."""

import os
import signal
from contextlib import ExitStack
from dataclasses import replace

import pytest

from app.messages.bodies import Bond, Rebond, ResignAsTranscoder, Transcoder, Unbond, Unjail
from app.messages.events import Bonded, BondMoved, FeePaid
from app.messages.rejections import Reason
from app.primitives.address import to_checksum
from app.primitives.amounts import UNITS_PER_TOKEN as LPT
from chain.cometbft.node_keys import NodeKey
from chain.localnet import control
from chain.node.lock import holder
from chain.rpc.client import RpcClient
from chain.rpc.errors import RpcError
from genesis.presets.registry import get_preset
from tests.support.double_signs import Vote, another_vote, build_evidence, post, real_vote, sign
from tests.support.nodes import ask, height_of, wait_for_height
from tests.support.processes import Running, child_running, eventually
from tests.support.staked_nets import Accounts, staked_localnet

pytestmark = pytest.mark.network

AGE = 60
PARAMS = replace(
    get_preset("test"),
    block_time=300,  # as FAST makes them; CometBFT drops evidence only when it is too old by blocks and by time
    unbonding_period=AGE,
    evidence_max_age=AGE,
    signed_blocks_window=20,
    jail_duration=20,
    missed_reward_threshold=10**6,  # nobody calls Reward here, and nobody is to be slashed for that
)
STAKES = 3000, 2500, 2000
"""No block without both of the larger ones: a validator that alone had 2/3 would leave the others' votes behind."""
RATES = Transcoder(5, 0, 0, "http://127.0.0.1:1", b"")


@pytest.fixture(scope="module")
def localnet(tmp_path_factory):
    made = staked_localnet(tmp_path_factory.mktemp("net") / "net", STAKES, PARAMS)
    control.start_detached(made)
    yield made
    control.stop(made)


@pytest.fixture(scope="module")
def until_the_end():
    """Holds a node that was started again, for the tests that follow: they need its votes."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def accounts(localnet) -> Accounts:
    return Accounts(localnet, localnet.nodes[0].rpc_url)


def powers(url: str, height: int | None = None) -> dict[bytes, int]:
    """CometBFT's own validators, by their address."""
    return {item.address: item.power for item in ask(url, lambda client: client.validators(height))}


def evidence_heights(url: str, since: int) -> list[int]:
    """The blocks from this height on that have evidence in them."""

    async def look(client: RpcClient) -> list[int]:
        last = (await client.status()).height
        found = [await client.transport.read("block", {"height": str(height)}) for height in range(since, last + 1)]
        blocks = [item["block"] for item in found]
        return [int(block["header"]["height"]) for block in blocks if block["evidence"]["evidence"]]

    return ask(url, look)


def post_conflict(url: str, chain_id: str, vote: Vote, key: NodeKey) -> None:
    """Sign the vote's height once more, for another block, and post both votes as evidence."""

    async def act(client: RpcClient) -> None:
        votes = vote, another_vote(chain_id, vote, key)
        await post(client, await build_evidence(client, votes, key))

    ask(url, act)


def real_votes(url: str, key: NodeKey, since: int) -> list[Vote]:
    """The precommits for blocks that the validator gave in time, from this height on, ten heights at most."""

    async def look(client: RpcClient) -> list[Vote]:
        last = (await client.status()).height
        commits = [
            await client.transport.read("commit", {"height": str(height)})
            for height in range(max(since, last - 10), last)
        ]
        votes = [real_vote(commit["signed_header"]["commit"], key) for commit in commits]
        return [vote for vote in votes if vote]

    return ask(url, look)


def signed_by(localnet, height: int, key: NodeKey) -> Vote:
    """A vote for the block of a height, which a key can sign at any time."""
    commit = ask(localnet.nodes[0].rpc_url, lambda client: client.transport.read("commit", {"height": str(height)}))
    vote = real_vote(commit["signed_header"]["commit"], localnet.nodes[0].home.validator_key())
    return replace(vote, signature=sign(localnet.chain_id, vote, key))


def test_the_votes_that_we_sign_are_those_that_the_validator_signs(localnet, accounts):
    key = localnet.nodes[1].home.validator_key()
    vote = eventually(lambda: real_votes(accounts.url, key, 2), "a vote in time")[0]
    assert sign(localnet.chain_id, vote, key) == vote.signature


def test_a_validator_that_misses_too_many_blocks_loses_its_place_and_no_stake_and_returns_by_unjail(
    localnet, accounts, until_the_end, tmp_path
):
    url, node = accounts.url, localnet.nodes[2]
    address, key = to_checksum(accounts.address("validator2")), node.home.validator_key()
    os.kill(child_running(holder(localnet.lock_file), f"start --home {node.home.root} "), signal.SIGKILL)
    until = eventually(lambda: accounts.query("/transcoder/{validator2}")["jailed_until"], "the jail")
    reason, text = accounts.refused("validator2", Unjail())
    assert reason is Reason.STILL_JAILED
    assert text.startswith(f"Unjail is possible from height {until} on; this is ")
    jailed = accounts.query("/transcoder/{validator2}")
    assert (jailed["own_stake"], jailed["missed_blocks"]) == (str(2000 * LPT), 0)
    assert address not in [item["operator"] for item in accounts.query("/validators")["items"]]
    eventually(lambda: key.address not in powers(url), "a set without it")
    until_the_end.enter_context(Running(tmp_path / "log", "node", "start", "--home", node.home.root))
    wait_for_height(url, until)
    accounts.send("validator2", Unjail())
    eventually(lambda: powers(url).get(key.address) == 2000, "the next election")
    returned = height_of(url)
    eventually(lambda: real_votes(url, key, returned), "a vote of it")
    assert accounts.query("/transcoder/{validator2}")["total_stake"] == str(2000 * LPT)


def test_two_votes_of_one_height_cost_a_validator_and_its_delegators_stake_and_it_its_place_for_good(
    localnet, accounts
):
    url, key = accounts.url, localnet.nodes[1].home.validator_key()
    address = accounts.address("validator1")
    accounts.send("faucet", Bond(500 * LPT, address))
    pool = int(accounts.query("/supply")["common_pool"]["lpt"])
    since = height_of(url)
    first = eventually(lambda: real_votes(url, key, since), "a vote of it")[0]
    post_conflict(localnet.nodes[1].rpc_url, localnet.chain_id, first, key)
    eventually(lambda: accounts.query("/transcoder/{validator1}")["tombstoned"], "the evidence in a block")
    punished = accounts.query("/transcoder/{validator1}")
    (height,) = evidence_heights(url, since)
    assert (punished["own_stake"], punished["total_stake"]) == (str(2375 * LPT), str(2850 * LPT))
    assert accounts.query("/delegator/{faucet}")["stake"] == str(475 * LPT)
    assert int(accounts.query("/supply")["common_pool"]["lpt"]) - pool == 150 * LPT
    assert to_checksum(address) not in [item["operator"] for item in accounts.query("/validators")["items"]]
    wait_for_height(url, height + 2)
    assert key.address in powers(url, height + 1)
    assert key.address not in powers(url, height + 2)
    signed = f"{to_checksum(address)} has signed two blocks of one height"
    assert accounts.refused("validator1", RATES) == (Reason.TOMBSTONED, "a double-signer cannot register again")
    assert accounts.refused("validator1", Bond(LPT, address)) == (Reason.TOMBSTONED, signed)
    assert accounts.refused("faucet", Bond(LPT, address)) == (Reason.TOMBSTONED, signed)
    post_conflict(url, localnet.chain_id, signed_by(localnet, height, key), key)
    eventually(lambda: len(evidence_heights(url, since)) == 2, "more evidence in a block")
    again = accounts.query("/transcoder/{validator1}")
    assert again["total_stake"] == punished["total_stake"], "slashed twice"
    moved = accounts.send("faucet", Bond(LPT, accounts.address("validator0")))
    assert [type(event) for event in moved.events] == [FeePaid, BondMoved, Bonded]
    assert accounts.query("/delegator/{faucet}")["stake"] == str(476 * LPT)
    assert accounts.query("/invariants")["broken"] == []


def test_evidence_against_who_has_resigned_and_unbonded_still_takes_from_its_lock(localnet, accounts):
    url, key, address = accounts.url, localnet.nodes[2].home.validator_key(), accounts.address("validator2")
    left = accounts.send("validator2", ResignAsTranscoder(), Unbond(2000 * LPT)).height
    wait_for_height(url, left + 2)
    assert key.address not in powers(url, left + 2)
    before = accounts.query("/delegator/{validator2}")
    assert (before["stake"], before["locks"][0]["value"]) == ("0", str(2000 * LPT))
    post_conflict(url, localnet.chain_id, signed_by(localnet, left, key), key)
    eventually(lambda: accounts.query("/transcoder/{validator2}")["tombstoned"], "the evidence in a block")
    assert accounts.query("/delegator/{validator2}")["locks"][0]["value"] == str(1900 * LPT)
    signed = f"{to_checksum(address)} has signed two blocks of one height"
    assert accounts.refused("validator2", Rebond(1, address)) == (Reason.TOMBSTONED, signed)
    assert accounts.refused("validator2", Bond(LPT, address)) == (Reason.TOMBSTONED, signed)
    assert accounts.query("/invariants")["broken"] == []


def test_evidence_that_is_too_old_is_taken_by_no_node(localnet, accounts):
    wait_for_height(accounts.url, AGE + 5)
    key = localnet.nodes[0].home.validator_key()
    with pytest.raises(RpcError, match=r"evidence from height 3 .* is too old; min height is"):
        post_conflict(accounts.url, localnet.chain_id, signed_by(localnet, 3, key), key)


def test_a_vote_that_the_key_has_not_signed_is_no_evidence(localnet, accounts):
    url, key, other = accounts.url, localnet.nodes[0].home.validator_key(), localnet.nodes[1].home.validator_key()
    vote = real_votes(url, key, 2)[-1]

    async def act(client: RpcClient) -> None:
        votes = vote, another_vote(localnet.chain_id, vote, other)
        await post(client, await build_evidence(client, votes, key))

    with pytest.raises(RpcError, match="invalid signature"):
        ask(url, act)
