"""A walk by the command line on a real network, on which every message that there is has its step.

Each step sends its message with `headwater tx` and looks at what it did with `headwater query … -o json`. Who adds a
message adds its step: the first test fails until then. Receipts and verdicts are signed here, with the keys of the
parties, because nothing is transcoded; everything else is what a user types.

The network makes blocks only when there are transactions, so that no deadline passes while a command starts on a busy
machine. Where the walk waits for a height it sends transfers until then.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import pytest

from app.messages.bodies import (
    Body,
    Bond,
    Challenge,
    ClaimAllocation,
    ClaimWork,
    CommitVerdict,
    Denom,
    Deposit,
    DistributeFees,
    EndJob,
    InitializeRound,
    Job,
    Propose,
    ReassignJob,
    Rebond,
    RegisterVerifier,
    ResignAsTranscoder,
    RevealVerdict,
    Reward,
    RotateConsensusKey,
    SlashDoubleClaim,
    SlashMissedVerification,
    TranscodeAvailability,
    Transcoder,
    Transfer,
    Unbond,
    Unjail,
    UpdateDelegatorStake,
    Verify,
    Vote,
    Withdraw,
)
from app.messages.codec import message_class, message_names
from app.messages.record import to_json
from app.primitives.address import to_checksum
from app.primitives.amounts import UNITS_PER_TOKEN as TOKEN
from app.primitives.amounts import Amount
from app.primitives.hashing import sha256
from chain.localnet import control
from chain.localnet.layout import Localnet
from genesis.presets.registry import get_preset
from tests.support.commands import Commands
from tests.support.nodes import FAST, height_of
from tests.support.processes import eventually, headwater
from tests.support.staked_nets import Accounts, staked_localnet
from tests.support.work_world import Party, Verdict, Work, make_work, output_of, signed_again

pytestmark = pytest.mark.network

PARAMS = replace(
    get_preset("test"),
    round_length=80,
    auto_initialize_round=False,
    missed_reward_threshold=10**6,
    verification_rate=1,
    verification_period=60,
    slashing_period=100,
    commit_period=60,
    reveal_period=40,
    verifier_committee_size=1,
    verifier_quorum=1,
    unbonding_period=180,
    evidence_max_age=180,
    signed_blocks_window=10,
    jail_duration=5,
    voting_period=180,
)
VALIDATOR, BROADCASTER, VERIFIER, DELEGATOR, IDLER = (
    Party(name) for name in ("validator0", "bob", "vera", "alice", "tina")
)
SHOWN, MISSED, DOUBTED = range(3)
"""The segments of the walk's job, a claim each: what becomes of them."""


@dataclass
class Walk:
    """The user, the network's directory, and the work that was made."""

    user: Commands
    localnet: Localnet
    folder: Path

    def file(self, name: str, content: Any) -> Path:
        """A JSON file to give to a command."""
        path = self.folder / name
        path.write_text(json.dumps(content))
        return path

    def until(self, height: int) -> None:
        """Make blocks up to a height."""
        sender = Accounts(self.localnet, self.user.url)
        while height_of(self.user.url) < height:
            sender.send("faucet", Transfer(BROADCASTER.address, Denom.ETH, Amount(1)))

    def account(self, party: Party) -> dict[str, Any]:
        """Balances."""
        return self.user.query(f"account {party.name}")

    def delegator(self, party: Party) -> dict[str, Any]:
        """A bond."""
        return self.user.query(f"delegator {party.name}")

    def transcoder(self, party: Party) -> dict[str, Any]:
        """A transcoder."""
        return self.user.query(f"transcoder {party.name}")

    def challenge(self, segment: int) -> dict[str, Any]:
        """The challenge of a segment, which is alone in its claim."""
        return self.user.query(f"challenge 1 {segment + 1} {segment}")


def work_of(segment: int) -> Work:
    return make_work(1, BROADCASTER, VALIDATOR, (segment, segment), stream="cam1")


def snake_case(message: type[Any]) -> str:
    """The name of a message, as in `claim_work`."""
    return next(name for name in message_names() if message_class(name) is message)


# --- the steps


def transfer(walk: Walk) -> None:
    before = int(walk.account(BROADCASTER)["lpt"])
    walk.user.tx("transfer bob 5LPT --from faucet")
    assert int(walk.account(BROADCASTER)["lpt"]) == before + 5 * TOKEN


def claim_allocation(walk: Walk) -> None:
    before = int(walk.account(DELEGATOR)["lpt"])
    walk.user.tx(f"claim-allocation --file {walk.folder / 'allocations.bin'} --from alice")
    assert int(walk.account(DELEGATOR)["lpt"]) == before + 7 * TOKEN
    assert walk.user.query("allocation 0")["claimed"] is True


def bond(walk: Walk) -> None:
    walk.user.tx(f"bond 100LPT --to {to_checksum(VALIDATOR.address)} --from alice")
    walk.user.tx(f"bond 200LPT --to {to_checksum(IDLER.address)} --from tina")
    found = walk.delegator(DELEGATOR)
    assert (found["stake"], found["candidate"]) == (str(100 * TOKEN), to_checksum(VALIDATOR.address))


def transcoder(walk: Walk) -> None:
    key = sha256(b"an idle node's key").hex()
    walk.user.tx("transcoder --price 5gwei --cut 2% --share 25% --uri http://127.0.0.1:1 --from tina", *key_option(key))
    found = walk.transcoder(IDLER)
    assert (found["consensus_pubkey"], found["next_rates"]["price_per_segment"]) == (key, str(5 * 10**9))


def key_option(key: str) -> tuple[str, str]:
    return "--consensus-pubkey", key


def unbond(walk: Walk) -> None:
    walk.user.tx("unbond 40LPT --from alice")
    walk.user.tx("unbond 10LPT --from alice")
    found = walk.delegator(DELEGATOR)
    assert found["stake"] == str(50 * TOKEN)
    assert [lock["value"] for lock in found["locks"]] == [str(40 * TOKEN), str(10 * TOKEN)]


def rebond(walk: Walk) -> None:
    walk.user.tx(f"rebond 1 --to {to_checksum(VALIDATOR.address)} --from alice")
    found = walk.delegator(DELEGATOR)
    assert (found["stake"], [lock["lock_id"] for lock in found["locks"]]) == (str(90 * TOKEN), [2])


def update_delegator_stake(walk: Walk) -> None:
    told = walk.user.tx("update-delegator-stake alice --from bob")
    (event,) = [event for event in told["events"] if event["event"] == "stake_updated"]
    assert event["stake"] == walk.delegator(DELEGATOR)["stake"]


def register_verifier(walk: Walk) -> None:
    walk.user.tx("register-verifier 10LPT --from vera")
    assert walk.user.query("verifier vera")["bond"] == str(10 * TOKEN)


def availability(walk: Walk) -> None:
    walk.user.tx("availability 3 --from validator0")
    assert walk.transcoder(VALIDATOR)["slots"] == 3


def deposit(walk: Walk) -> None:
    walk.user.tx("deposit 1ETH --from bob")
    assert walk.user.query("deposit bob")["amount"] == str(10**18)


def job(walk: Walk) -> None:
    walk.user.tx("job --stream cam1 --ladder 240p --price 200gwei --segments 3 --from bob")
    eventually(lambda: walk.user.query("job 1")["status"] == "assigned", "an assigned job")
    assert walk.user.query("job 1")["transcoder"] == to_checksum(VALIDATOR.address)


def reassign_job(walk: Walk) -> None:
    walk.user.tx("job --stream cam2 --ladder 240p --price 200gwei --segments 1 --from bob")
    eventually(lambda: walk.user.query("job 2")["status"] == "assigned", "an assigned job")
    walk.user.tx("reassign-job 2 --reason slow --from bob")
    assert walk.transcoder(VALIDATOR)["jobs_dropped"] == 1
    assert walk.user.query("job 1")["status"] == "assigned"


def claim_work(walk: Walk) -> None:
    for segment in (SHOWN, MISSED, DOUBTED):
        root = work_of(segment).claim.merkle_root.hex()
        walk.user.tx(f"claim-work 1 --ranges {segment} --root {root} --from validator0")
    eventually(lambda: walk.user.query("claim 1 1")["status"] == "challenged", "the choice of challenges")


def show(walk: Walk, segment: int) -> None:
    message = work_of(segment).verify(segment + 1, segment)
    walk.user.tx(f"verify {walk.file('verify.json', to_json(message))} --from validator0")
    eventually(lambda: walk.challenge(segment)["status"] == "committing", "a committee")


def verify(walk: Walk) -> None:
    show(walk, SHOWN)
    assert walk.challenge(SHOWN)["committee"][0]["verifier"] == to_checksum(VERIFIER.address)


def verdict(segment: int) -> Verdict:
    return Verdict(VERIFIER, (1, segment + 1, segment), output_of(segment))


def commit(walk: Walk, segment: int) -> None:
    walk.user.tx(f"commit-verdict 1 {segment + 1} {segment} {verdict(segment).commit.commitment.hex()} --from vera")


def commit_verdict(walk: Walk) -> None:
    commit(walk, SHOWN)
    assert walk.challenge(SHOWN)["committee"][0]["commitment"] == verdict(SHOWN).commit.commitment.hex()


def reveal(walk: Walk, segment: int) -> None:
    walk.user.tx(f"reveal-verdict {walk.file('verdict.json', to_json(verdict(segment).reveal))} --from vera")


def reveal_verdict(walk: Walk) -> None:
    reveal(walk, SHOWN)
    assert walk.challenge(SHOWN)["status"] == "verified"
    assert walk.user.query("verifier vera")["revealed"] == 1


def challenge(walk: Walk) -> None:
    for step in (show, commit, reveal):
        step(walk, DOUBTED)
    place, work = (1, DOUBTED + 1, DOUBTED), work_of(DOUBTED)
    message = Challenge(*place, work.receipts[0], work.verify(*place[1:]).proof, "", PARAMS.challenge_bond)
    walk.user.tx(f"challenge {walk.file('challenge.json', to_json(message))} --from bob")
    found = walk.user.query("dispute 1")
    assert (found["challenger"], found["segment"]) == (to_checksum(BROADCASTER.address), DOUBTED)


def slash_missed_verification(walk: Walk) -> None:
    walk.until(walk.user.query("claim 1 2")["verify_deadline"] + 1)
    before, finder = int(walk.transcoder(VALIDATOR)["own_stake"]), int(walk.account(BROADCASTER)["lpt"])
    walk.user.tx(f"slash-missed-verification 1 2 {MISSED} --from bob")
    assert int(walk.transcoder(VALIDATOR)["own_stake"]) == before * 9 // 10
    assert int(walk.account(BROADCASTER)["lpt"]) > finder


def slash_double_claim(walk: Walk) -> None:
    (first,) = work_of(SHOWN).receipts
    second = signed_again(first, VALIDATOR, transcoded_hash=output_of(99))
    both = {"first": to_json(first), "second": to_json(second)}
    before = int(walk.transcoder(VALIDATOR)["own_stake"])
    walk.user.tx(f"slash-double-claim {walk.file('double.json', both)} --from alice")
    assert int(walk.transcoder(VALIDATOR)["own_stake"]) == before * 97 // 100


def end_job(walk: Walk) -> None:
    walk.user.tx("end-job 1 --from bob")
    assert walk.user.query("job 1")["status"] in ("ended", "closed")


def propose(walk: Walk) -> None:
    walk.user.tx("propose text --title Delft? --from alice")
    found = walk.user.query("proposal 1")
    assert (found["content"]["title"], found["proposer"]) == ("Delft?", to_checksum(DELEGATOR.address))


def vote(walk: Walk) -> None:
    walk.user.tx("vote 1 yes --from validator0")
    assert walk.user.query("vote 1 validator0")["vote"]["option"] == "yes"


def reward(walk: Walk) -> None:
    walk.user.tx("reward --from validator0")
    assert int(walk.user.query("round")["minted"]) > 0


def initialize_round(walk: Walk) -> None:
    before = walk.user.query("round")["number"]
    running = walk.user.query("round")
    walk.until(running["start_height"] + running["length"])
    walk.user.tx("initialize-round --from bob")
    found = walk.user.query("round")
    assert (found["number"] > before, found["initialized"]) == (True, True)


def unjail(walk: Walk) -> None:
    elected = walk.user.query("round")["start_height"]
    walk.until(elected + PARAMS.signed_blocks_window + PARAMS.jail_duration)
    until = walk.transcoder(IDLER)["jailed_until"]
    assert until, "a validator without a node is not jailed"
    walk.until(until)
    walk.user.tx("unjail --from tina")
    assert walk.transcoder(IDLER)["jailed_until"] == 0


def rotate_consensus_key(walk: Walk) -> None:
    key = sha256(b"another idle node's key").hex()
    walk.user.tx(f"rotate-consensus-key {key} --from tina")
    assert walk.transcoder(IDLER)["consensus_pubkey"] == key


def distribute_fees(walk: Walk) -> None:
    walk.until(walk.user.query("claim 1 1")["slashing_end"] + 1)
    walk.user.tx("distribute-fees 1 1 --from bob")
    assert walk.user.query("claim 1 1")["status"] == "paid"
    assert int(walk.delegator(DELEGATOR)["pending_fees"]) > 0


def withdraw(walk: Walk) -> None:
    (lock,) = walk.delegator(DELEGATOR)["locks"]
    walk.until(lock["release_height"])
    before = int(walk.account(DELEGATOR)["lpt"])
    walk.user.tx("withdraw --lock 2 --fees 1wei --from alice")
    assert int(walk.account(DELEGATOR)["lpt"]) == before + int(lock["value"])
    walk.user.tx("withdraw --deposit 0.5ETH --from bob")


def resign_as_transcoder(walk: Walk) -> None:
    walk.user.tx("resign-as-transcoder --from tina")
    assert walk.transcoder(IDLER)["resigned_height"] > 0


STEPS: dict[type[Any], Callable[[Walk], None]] = {
    Transfer: transfer,
    ClaimAllocation: claim_allocation,
    Bond: bond,
    Transcoder: transcoder,
    Unbond: unbond,
    Rebond: rebond,
    UpdateDelegatorStake: update_delegator_stake,
    RegisterVerifier: register_verifier,
    TranscodeAvailability: availability,
    Deposit: deposit,
    Job: job,
    ReassignJob: reassign_job,
    ClaimWork: claim_work,
    Verify: verify,
    CommitVerdict: commit_verdict,
    RevealVerdict: reveal_verdict,
    Challenge: challenge,
    SlashMissedVerification: slash_missed_verification,
    SlashDoubleClaim: slash_double_claim,
    EndJob: end_job,
    Propose: propose,
    Vote: vote,
    Reward: reward,
    InitializeRound: initialize_round,
    Unjail: unjail,
    RotateConsensusKey: rotate_consensus_key,
    DistributeFees: distribute_fees,
    Withdraw: withdraw,
    ResignAsTranscoder: resign_as_transcoder,
}
"""The walk, in its order: who adds a message adds the step that uses it."""


def allocate(folder: Path, document: Any) -> Any:
    """Put an allocation into a genesis document, as whoever makes a chain does."""
    genesis = folder / "genesis.json"
    genesis.write_text(json.dumps(document))
    out = ("--out", folder / "allocations.bin", "--file", genesis)
    done = headwater("genesis", "allocations", "build", folder / "holders.csv", *out)
    assert done.returncode == 0, done.stderr
    return json.loads(genesis.read_bytes())


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("walk")
    (folder / "holders.csv").write_text(f"{to_checksum(DELEGATOR.address)},7LPT\n")
    others = tuple(party.name for party in (BROADCASTER, VERIFIER, DELEGATOR, IDLER))
    quick = replace(FAST, commit_ms=20)
    made = staked_localnet(
        folder / "net", (10_000,), PARAMS, others, lambda document: allocate(folder, document), quick
    )
    config = made.nodes[0].home.config_file
    config.write_text(config.read_text().replace("[consensus]", "[consensus]\ncreate_empty_blocks = false"))
    control.start_detached(made)
    yield Walk(Commands(made.root, made.nodes[0].rpc_url), made, folder)
    control.stop(made)


def test_every_message_has_its_step():
    assert set(STEPS) == set(get_args(Body))


@pytest.mark.parametrize("message", STEPS, ids=snake_case)
def test_a_message_is_sent_by_command_and_its_effect_is_seen(walk, message):
    STEPS[message](walk)
    assert snake_case(message) in walk.user.walked


def test_after_the_walk_nothing_contradicts_itself(walk):
    assert walk.user.query("invariants")["broken"] == []
