"""The court on four real nodes: every outcome, and one validator that lies, sends garbage, forges and omits.

What the nodes' court workers would find is left on their desks by the test, so that no video is needed; the workers
themselves are in test_line and in the demonstration.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.messages.attestation import Attestation, Attestations, Attested, is_injected
from app.messages.bodies import Deposit, Job, TranscodeAvailability
from app.messages.record import to_json
from app.messages.segment import make_stream_id
from app.messages.transaction import hash_tx
from app.primitives.amounts import Wei
from app.primitives.hashing import ZERO_HASH, Hash32, sha256
from chain.keys.keyring import Keyring
from genesis.presets.test import TEST
from tests.support.nodes import ask, wait_for_height
from tests.support.processes import Running, eventually, headwater
from tests.support.staked_nets import Accounts, staked_localnet
from tests.support.work_world import Work, ladder, make_work, output_of

pytestmark = pytest.mark.network

PARAMS = replace(
    TEST,
    round_length=10_000,
    unbonding_period=20_000,
    evidence_max_age=20_000,
    signed_blocks_window=10_000,
    verification_rate=1,
    verification_period=1_000,
    claim_period=1_000,
    court_window=25,
)
TRUTH = sha256(b"what the encoder really gives")
LIAR = 3
"""The node that misbehaves; the others are honest."""


@dataclass
class CourtNet:
    """Four nodes, a transcoder (`validator0`), a broadcaster (`faucet`), and one job between them."""

    accounts: Accounts
    running: list[Running] = field(default_factory=list)
    disputes: int = 0

    def home(self, node: int) -> Path:
        return self.accounts.localnet.nodes[node].home.root

    def start(self, logs: Path) -> None:
        for node in range(4):
            path = self.home(node)
            if node == LIAR:
                self.running.append(Running(logs / f"{node}.log", path, module="tests.support.byzantine_node"))
            else:
                self.running.append(Running(logs / f"{node}.log", "node", "start", "--home", path, "--no-court"))
        for node in self.accounts.localnet.nodes:
            wait_for_height(node.rpc_url, 2)

    def order(self) -> None:
        signers = [Keyring(self.accounts.localnet.root).load(name, lambda _: "") for name in ("faucet", "validator0")]
        self.parties = [SimpleNamespace(key=each.private_key, address=each.address) for each in signers]
        self.accounts.send("validator0", TranscodeAvailability(1))
        stream_id = make_stream_id(self.parties[0].address, "s")
        self.accounts.send(
            "faucet", Deposit(Wei(10**18)), Job(stream_id, ladder(), Wei(200 * 10**9), escrow_segments=20)
        )
        eventually(lambda: self.ask("/job/1")["status"] == "assigned", "a drawn job")

    def ask(self, path: str) -> Any:
        return self.accounts.query(path)

    # --- a case

    def open_dispute(self) -> int:
        """Work on one more segment, claimed and shown; without verifiers it comes before the court at once."""
        number = self.disputes
        work: Work = make_work(1, self.parties[0], self.parties[1], (number, number))  # type: ignore[arg-type]
        self.accounts.send("validator0", work.claim)
        claim_id = number + 1
        eventually(lambda: self.ask(f"/claim/1/{claim_id}")["status"] == "challenged", "a challenge")
        self.accounts.send("validator0", work.verify(claim_id, number))
        self.disputes += 1
        eventually(lambda: self.is_dispute(self.disputes), "a dispute")
        return self.disputes

    def is_dispute(self, dispute_id: int) -> bool:
        return any(each["dispute_id"] == dispute_id for each in self.ask("/disputes")["items"])

    def say(self, dispute_id: int, *words: Hash32 | Attested | None) -> None:
        """Leave a word on each node's desk, in their order; none leaves it empty."""
        for node, word in enumerate(words):
            said = []
            if isinstance(word, Attested):
                said.append(Attestation(dispute_id, word, ZERO_HASH))
            elif word is not None:
                said.append(Attestation(dispute_id, Attested.EXECUTED, word))
            path = self.accounts.localnet.nodes[node].home.attestations_file
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(".new")
            draft.write_text(json.dumps(to_json(Attestations(tuple(said)))))
            draft.replace(path)

    def decided(self, dispute_id: int) -> Any:
        """Wait for the decision."""
        found = eventually(lambda: self._closed(dispute_id), f"the decision of dispute {dispute_id}", 120)
        assert self.ask("/invariants")["holds"]
        return found

    def _closed(self, dispute_id: int) -> Any:
        found = self.ask(f"/dispute/{dispute_id}")
        return None if found["outcome"] == "open" else found

    def misbehave(self, how: str) -> None:
        (self.home(LIAR) / "deeds").unlink(missing_ok=True)
        (self.home(LIAR) / "misbehave").write_text(how)

    def wait_for_deed(self, how: str) -> None:
        path = self.home(LIAR) / "deeds"
        eventually(lambda: path.exists() and how in path.read_text(), f"the deed: {how}", 60)


@pytest.fixture(scope="module")
def net(tmp_path_factory) -> Iterator[CourtNet]:
    folder = tmp_path_factory.mktemp("court")
    localnet = staked_localnet(folder / "net", (1000,) * 4, PARAMS)
    net = CourtNet(Accounts(localnet, localnet.nodes[0].rpc_url))
    try:
        net.start(folder)
        net.order()
        yield net
    finally:
        for running in net.running:
            running.__exit__(None, None, None)


def receipt(dispute_id: int) -> Hash32:
    """The transcoded hash that the dispute's receipt has."""
    return output_of(dispute_id - 1)


def test_more_than_two_thirds_for_the_transcoder_uphold_its_work(net):
    dispute_id = net.open_dispute()
    net.say(dispute_id, receipt(dispute_id), receipt(dispute_id))
    seen = eventually(lambda: net.ask(f"/dispute/{dispute_id}")["attestations"], "the first attestations")
    assert {(each["power"], each["result"]) for each in seen} == {(1000, receipt(dispute_id).hex())}
    net.say(dispute_id, *[receipt(dispute_id)] * 3, None)
    found = net.decided(dispute_id)
    assert (found["outcome"], found["total_power"]) == ("upheld", 4000)
    assert net.ask(f"/claim/1/{dispute_id}")["status"] == "verified"


def test_a_validator_that_attests_falsely_changes_nothing(net):
    dispute_id = net.open_dispute()
    net.say(dispute_id, *[TRUTH] * 3, receipt(dispute_id))
    assert net.decided(dispute_id)["outcome"] == "overturned"
    claim = net.ask(f"/claim/1/{dispute_id}")
    assert (claim["status"], claim["fee"], claim["slashed"]) == ("failed", "0", True)
    assert int(net.ask("/transcoder/{validator0}")["own_stake"]) < 1000 * 10**18


def test_what_two_thirds_cannot_fetch_is_missed(net):
    dispute_id = net.open_dispute()
    net.say(dispute_id, *[Attested.UNAVAILABLE] * 3, None)
    assert net.decided(dispute_id)["outcome"] == "unavailable"
    assert net.ask(f"/claim/1/{dispute_id}")["status"] == "missed"


def test_a_validator_that_sends_garbage_only_loses_its_vote(net):
    dispute_id = net.open_dispute()
    net.misbehave("garbage")
    try:
        net.wait_for_deed("garbage")
        net.say(dispute_id, *[receipt(dispute_id)] * 3, None)
        assert net.decided(dispute_id)["outcome"] == "upheld"
        height = net.ask("/status")["height"]
        wait_for_height(net.accounts.url, height + 3)
    finally:
        net.misbehave("")


@pytest.mark.parametrize("how", ["omit", "forge"])
def test_a_proposer_that_omits_only_delays_and_one_that_forges_gets_no_block(net, how):
    dispute_id = net.open_dispute()
    net.misbehave(how)
    try:
        net.say(dispute_id, TRUTH, receipt(dispute_id))
        net.wait_for_deed(how)
        net.say(dispute_id, *[receipt(dispute_id)] * 3, None)
        assert net.decided(dispute_id)["outcome"] == "upheld"
    finally:
        net.misbehave("")


def test_validators_that_disagree_void_the_case_and_freeze_the_profile(net):
    dispute_id = net.open_dispute()
    net.say(dispute_id, TRUTH, TRUTH, receipt(dispute_id), receipt(dispute_id))
    assert net.decided(dispute_id)["outcome"] == "void"
    assert net.ask("/profile/h264-verified-1")["frozen"] is True
    assert net.ask(f"/claim/1/{dispute_id}")["status"] == "verified"


def test_what_proposers_brought_is_in_blocks_with_a_result_like_a_transaction(net):
    async def first(client: Any) -> Any:
        for height in range(2, (await client.abci_info()).height + 1):
            for raw in (await client.block(height)).transactions:
                if is_injected(raw):
                    return raw, await client.tx(hash_tx(raw))
        raise AssertionError("no block has any")

    raw, found = ask(net.accounts.url, first)
    assert (found.transaction, found.result.code) == (raw, 0)
    assert "dispute_attested" in [event.type for event in found.result.events]
    shown = headwater("query", "tx", hash_tx(raw).hex(), "--node", net.accounts.url)
    assert (shown.returncode, "dispute_attested" in shown.stdout) == (0, True), shown
