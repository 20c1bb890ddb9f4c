"""Whatever people do with their stake during a voting: the tally is that of somebody who asks each account in turn."""

from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.messages.bodies import Bond, ProposalKind, Propose, ResignAsTranscoder, Unbond, Vote, VoteOption
from app.messages.events import ProposalMade, StakeSlashed, VoteCast, VotingEnded
from app.messages.records import ProposalStatus
from app.primitives.fractions import ONE
from app.protocol.environment import Evidence
from app.protocol.governance.voting import compute_tally
from app.protocol.stake import get_candidate, get_stake, get_total_stake
from app.protocol.transcoders import consensus_address, get_registered
from app.state.tables import ACTIVE, PROPOSALS
from genesis.presets.test import TEST
from tests.support.chain_driver import LPT, Chain, Party, events_of, make_genesis, rates_of

VALIDATORS = [Party(f"validator {i}") for i in range(3)]
ACCOUNTS = [Party(f"account {i}") for i in range(4)]
PARTIES = [*VALIDATORS, *ACCOUNTS]
ANYBODY = st.sampled_from(PARTIES)
AMOUNTS = st.one_of(st.integers(1, 10**6), st.integers(1, 2000 * LPT))
OPTIONS = list(VoteOption)
TEXT = Propose(ProposalKind.TEXT, "title", "")


class VotingMachine(RuleBasedStateMachine):
    """One chain, and what each account held as each round began, written down by walking over all of them."""

    @initialize(period=st.integers(4, 24), slashed=st.sampled_from((ONE // 2, ONE)), delegated=AMOUNTS)
    def begin(self, period, slashed, delegated):
        params = replace(
            TEST, n=2, round_length=4, round_lock_amount=ONE // 4, voting_period=period, auto_reward=True,
            double_sign_slash_amount=slashed, unbonding_period=24,
        )  # fmt: skip
        self.chain = Chain(make_genesis(params, ACCOUNTS, VALIDATORS))
        self.rounds, self.votes, self.slashed_out = {}, {}, {}
        self.make_block()
        for party in ACCOUNTS[:2]:
            self.step(party, Bond(delegated, VALIDATORS[0].address))
        self.time_passes(4)
        self.propose(ACCOUNTS[3])

    # --- what happens

    @rule(party=ANYBODY, to=ANYBODY, amount=st.one_of(st.just(0), AMOUNTS))
    def bond(self, party, to, amount):
        self.step(party, Bond(amount, to.address))

    @rule(party=ANYBODY)
    def register(self, party):
        self.step(party, Bond(5 * LPT, party.address), rates_of(party))

    @rule(party=ANYBODY, amount=AMOUNTS)
    def unbond(self, party, amount):
        self.step(party, Unbond(amount))

    @rule(party=ANYBODY)
    def leave_with_everything(self, party):
        self.step(party, Unbond(get_stake(self.chain.state, party.address)))

    @rule(party=st.sampled_from(VALIDATORS))
    def resign(self, party):
        self.step(party, ResignAsTranscoder())

    @rule(party=st.sampled_from(VALIDATORS))
    def sign_twice(self, party):
        self.step(evidence=[Evidence(consensus_address(party.consensus_key), self.chain.engine.height)])

    @rule(party=ANYBODY)
    def propose(self, party):
        self.step(party, TEXT)

    @rule(cast=st.lists(st.tuples(ANYBODY, st.sampled_from(OPTIONS)), min_size=3, max_size=7), which=st.integers(0, 1))
    def several_vote(self, cast, which):
        while self.is_special():
            self.make_block()
        proposals = [key[0] for key, each in PROPOSALS.items(self.chain.state) if each.status is ProposalStatus.VOTING]
        if proposals:
            chosen = proposals[-min(which + 1, len(proposals))]
            self.make_block(*[self.chain.sign(party, Vote(chosen, option)) for party, option in cast])
        else:
            self.propose(ACCOUNTS[3])

    @rule(blocks=st.integers(1, 5))
    def time_passes(self, blocks):
        for _ in range(blocks):
            self.make_block()

    # --- blocks: those that begin a round or end a voting are empty, so that what they see is what was before

    def step(self, party=None, *messages, **said):
        txs = [] if party is None else [self.chain.sign(party, *messages)]
        while self.is_special():
            self.make_block()
        self.make_block(*txs, **said)

    def is_special(self):
        now, height = self.chain.round, self.chain.next_height
        ends = [each.end_height for _, each in PROPOSALS.items(self.chain.state)]
        return height >= now.start_height + now.length or height in ends

    def make_block(self, *txs, **said):
        block = self.chain.block(*txs, **said)
        state = self.chain.state
        for event in events_of(block, ProposalMade):
            self.votes[event.proposal_id] = {}
        for event in events_of(block, VoteCast):
            self.votes[event.proposal_id][event.voter] = event.option
        for event in events_of(block, StakeSlashed):
            if event.bonded and get_total_stake(state, event.transcoder) == 0:
                self.slashed_out[event.transcoder] = self.chain.round.number
        if self.chain.round.number not in self.rounds:
            held = {p.address: (get_candidate(state, p.address), get_stake(state, p.address)) for p in PARTIES}
            active = {address: active.stake for (address,), active in ACTIVE.items(state)}
            self.rounds[self.chain.round.number] = held, active
        for event in events_of(block, VotingEnded):
            assert (event.yes, event.no, event.abstain) == self.count(event.proposal_id)
            assert event.status is self.outcome(event)

    # --- the naive tally

    def count(self, proposal_id):
        proposal, votes = PROPOSALS.read(self.chain.state, proposal_id), self.votes[proposal_id]
        held, active = self.rounds[proposal.voting_round]
        totals = dict.fromkeys(OPTIONS, 0)
        for transcoder, stake in active.items():
            if self.slashed_out.get(transcoder, -1) >= proposal.voting_round:
                continue
            rest = stake
            for address, (candidate, own) in held.items():
                if candidate == transcoder and address in votes:
                    totals[votes[address]] += own
                    rest -= own
            if transcoder in votes and get_registered(self.chain.state, transcoder) is not None:
                totals[votes[transcoder]] += rest
        return tuple(totals[option] for option in OPTIONS)

    def outcome(self, event):
        cast, params = event.yes + event.no + event.abstain, self.chain.params
        _, active = self.rounds[PROPOSALS.read(self.chain.state, event.proposal_id).voting_round]
        if not cast or cast * ONE < sum(active.values()) * params.quorum:
            return ProposalStatus.QUORUM_MISSED
        passed = event.yes and event.yes * ONE >= (event.yes + event.no) * params.threshold
        return ProposalStatus.ADOPTED if passed else ProposalStatus.REJECTED

    @invariant()
    def every_open_voting_is_counted_as_by_asking_everybody(self):
        for (proposal_id,), proposal in PROPOSALS.items(self.chain.state) if hasattr(self, "votes") else ():
            if proposal.status is ProposalStatus.VOTING:
                assert compute_tally(self.chain.state, proposal_id, proposal) == self.count(proposal_id)


VotingMachine.TestCase.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestVotes = VotingMachine.TestCase
