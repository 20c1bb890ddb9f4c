"""The chain and the model side by side: each block goes to both, and afterwards both must say the same.

What may differ, and by how much:

- **fees** are rounded down for each account each time that they are collected, and the rest stays with the pool: an
  account has never more than in the model, and less by less than a wei for each operation that touched it;
- a **stake** is an exact fraction in both, which differs by less than `DUST` of a base unit; what can be paid out of it
  is the fraction rounded down, once for what earns and once for what joins;
- a **lock** is worth its exact value rounded down.

Everything else is whole units with one owner, and equal to the unit.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from fractions import Fraction as Exact
from itertools import product
from math import floor
from typing import Any

from app.execution.result import BlockResult
from app.messages.genesis_state import GenesisState
from app.messages.records import SlashReason
from app.primitives.address import Address
from app.primitives.amounts import Height
from app.primitives.fractions import Fraction
from app.protocol.environment import Evidence
from app.protocol.locks import get_lock_value
from app.protocol.rounds import add_work
from app.protocol.slashing import slash as slash_chain
from app.protocol.transcoders import consensus_address
from app.state.tables import (
    ACTIVE,
    COMMON_POOL,
    DELEGATORS,
    JOINED,
    LOCKS,
    POOLS,
    SUPPLY,
    TOTALS,
    TRANSCODERS,
    VALIDATORS,
)
from tests.support.chain_driver import Chain, Party, enact
from tests.support.model.messages import apply, objections
from tests.support.model.rounds import active_stake, credit_fees, elect, miss_block, pass_round, sign_twice
from tests.support.model.stakes import slash
from tests.support.model.world import DUST, NOTHING, found, whole

FEE = 10**16


@dataclass(frozen=True, slots=True)
class Sent:
    """A transaction as both understand it."""

    sender: Party
    messages: tuple[Any, ...]


class Pair:
    """One chain and its model."""

    def __init__(self, genesis: GenesisState, parties: Sequence[Party]) -> None:
        self.chain, self.world = Chain(genesis), found(genesis)
        self.parties = {party.address: party for party in parties}
        self.world.mintable = self.world.supply * self.world.rate // 10**9
        self._see_the_draw()
        elect(self.world)
        self.block()

    def block(
        self,
        *sent: Sent,
        proposer: Party | None = None,
        absent: Sequence[Party] = (),
        evidence: Sequence[tuple[Party, int]] = (),
    ) -> BlockResult:
        """Make the next block in both, and compare."""
        chain, world = self.chain, self.world
        key = consensus_address(proposer.consensus_key) if proposer else bytes(20)
        world.height = chain.next_height
        result = chain.block(
            *(chain.sign(each.sender, *each.messages, fee=FEE) for each in sent),
            proposer=key,
            absent=[consensus_address(party.consensus_key) for party in absent],
            evidence=[Evidence(consensus_address(party.consensus_key), height) for party, height in evidence],
        )
        self._see_the_draw()
        self._follow(lambda: self._play_block(sent, result, proposer, absent, evidence))
        return result

    def slash(
        self, party: Party, fraction: int, reason: SlashReason, offence: int, finder: Party | None = None
    ) -> None:
        """Slash a transcoder in both, as a height of its own, by the one function that all messages use."""
        if party.address not in self.world.candidates:
            return
        self._come_to_a_height_of_no_duty()
        address, finders = party.address, [] if finder is None else [finder.address]

        def make(overlay: Any, env: Any) -> None:
            slash_chain(overlay, env, address, Fraction(fraction), reason, Height(offence), *finders)

        self.world.height = self.chain.next_height
        enact(self.chain, make)
        self._follow(lambda: slash(self.world, address, fraction, offence, *finders))

    def work(self, party: Party, work: int) -> None:
        """Count work for a transcoder in both, as a claim does."""
        if party.address not in self.world.seats:
            return
        self._come_to_a_height_of_no_duty()
        enact(self.chain, lambda overlay, env: add_work(overlay, party.address, work))
        self.world.seats[party.address].work += work
        self.compare()

    def _come_to_a_height_of_no_duty(self) -> None:
        # A height of `enact` is no block: nothing begins in it, so that it must not be one in which a round does.
        while self.world.initialized and (
            self.chain.next_height >= self.world.end or self.chain.next_height == self.world.lock_start
        ):
            self.block()

    def _follow(self, play: Callable[[], object]) -> None:
        """Let the model do the same, and compare; where dust decides, with each answer that it can have."""
        before, doubts = self.world, self.world.doubts
        doubts.assume(())
        try:
            self.world = deepcopy(before)
            play()
            self.compare()
        except AssertionError:
            asked = min(doubts.asked, 4)
            for answers in list(product((False, True), repeat=asked))[1:]:
                doubts.assume(answers)
                with suppress(AssertionError):
                    self.world = deepcopy(before)
                    play()
                    self.compare()
                    return
            raise

    def _play_block(
        self,
        sent: Sequence[Sent],
        result: BlockResult,
        proposer: Party | None,
        absent: Sequence[Party],
        evidence: Sequence[tuple[Party, int]],
    ) -> None:
        keys = self.world.keys
        for party, height in evidence:
            if party.consensus_key in keys:
                sign_twice(self.world, keys[party.consensus_key], height)
        for party in absent:
            if party.consensus_key in keys:
                miss_block(self.world, keys[party.consensus_key])
        pass_round(self.world)
        for each, told in zip(sent, result.tx_results, strict=True):
            self._play(each, told.code, told.log)
        self._share_fees(proposer, FEE * len(sent))

    def _see_the_draw(self) -> None:
        state = self.chain.engine._genesis or self.chain.state
        self.world.drawn = next((a for (a,), seat in ACTIVE.items(state) if seat.from_waitlist), None)

    def _play(self, sent: Sent, code: int, log: str) -> None:
        sender = sent.sender.address
        self.world.purse(sender).wei -= FEE
        trial = deepcopy(self.world)
        trial.is_draw_told = code == 0
        for message in sent.messages:
            against = objections(trial, sender, message)
            if against:
                assert code in against, f"{message} has {against} against it; the chain says {code} {log}"
                return
            apply(trial, sender, message)
        assert code == 0, f"nothing speaks against {sent}; the chain says {code} {log}"
        self.world = trial

    def _share_fees(self, proposer: Party | None, fees: int) -> None:
        operator = self.world.keys.get(proposer.consensus_key) if proposer else None
        if operator is None:
            self.world.common_wei += fees
        else:
            credit_fees(self.world, operator, fees)

    # --- the comparison

    def compare(self) -> None:
        """Everything of the one against everything of the other."""
        for address in self.parties:
            self._compare_account(address)
        self._compare_locks()
        self._compare_round()
        self._compare_transcoders()
        self._compare_sums()

    def _compare_account(self, address: Address) -> None:
        chain, world, name = self.chain, self.world, self.parties[address].name
        account, purse, mine = chain.account(self.parties[address]), world.purse(address), world.bonds.get(address)
        assert (account.lpt, account.wei) == (purse.lpt, purse.wei), f"balances of {name}"
        parts, expected = exact_parts(chain, address), (mine.earning, mine.joining) if mine else (NOTHING, NOTHING)
        for part, exact in zip(parts, expected, strict=True):
            assert abs(part - exact) < DUST, f"{name} has {float(part)}, {float(part - exact)} more than in the model"
        least, most = (sum(whole(part)[which] for part in expected) for which in (0, 1))
        assert least <= chain.stake(self.parties[address]) <= most, f"what {name} can take"
        fees, owed = chain.fees(self.parties[address]), world.fees.get(address, NOTHING)
        done = world.operations.get(address, 0)
        assert 0 <= owed - fees <= done + 1, f"{name} has fees of {fees}; {float(owed)} in the model after {done} steps"

    def _compare_locks(self) -> None:
        there = dict(LOCKS.items(self.chain.state))
        assert set(there) == set(self.world.locks)
        for key, lock in there.items():
            model = self.world.locks[key]
            assert (lock.candidate, lock.principal) == (model.candidate, model.unbonded), key
            assert (lock.liable_until, lock.release_height) == (model.liable_until, model.release), key
            assert get_lock_value(self.chain.state, lock) == floor(model.value), f"lock {key} is worth another amount"

    def _compare_round(self) -> None:
        now, world = self.chain.round, self.world
        assert (now.number, now.start_height, now.length) == (world.number, world.start, world.length)
        assert now.initialized == world.initialized
        assert now.inflation_rate == world.rate
        assert (now.mintable, now.minted) == (world.mintable, world.minted)
        assert now.active_stake == active_stake(world.seats)
        assert now.lowest_price == world.lowest_price
        for (address,), active in ACTIVE.items(self.chain.state):
            seat = world.seats[address]
            assert (active.stake, active.from_waitlist) == (seat.stake, seat.from_waitlist)
            assert (active.rewarded, active.left, active.work) == (seat.rewarded, seat.left, seat.work)
        assert {a for (a,), _ in ACTIVE.items(self.chain.state)} == set(world.seats)

    def _compare_transcoders(self) -> None:
        there = {address: record for (address,), record in TRANSCODERS.items(self.chain.state)}
        assert set(there) == set(self.world.candidates)
        for address, record in there.items():
            model = self.world.candidates[address]
            assert (not record.resigned_height and not record.tombstoned) == model.registered, address
            assert (record.tombstoned, record.jailed_until) == (model.tombstoned, model.jailed_until)
            assert record.missed_rewards == model.missed_rewards
            assert record.consensus_pubkey == model.key
        validators = {key: (each.operator, each.power) for (key,), each in VALIDATORS.items(self.chain.state)}
        assert validators == self.world.validators

    def _compare_sums(self) -> None:
        world, supply, totals = self.world, SUPPLY.read(self.chain.state), TOTALS.read(self.chain.state)
        assert (supply.lpt, supply.minted, supply.burned) == (world.supply, world.minted_ever, 0)
        assert (totals.bonded, totals.unbonding) == (world.bonded, world.unbonding)
        pool = COMMON_POOL.read(self.chain.state)
        assert pool.lpt == world.common_lpt
        assert 0 <= pool.wei - world.common_wei <= sum(world.operations.values()) + len(self.parties)
        balances = sum(purse.lpt for purse in world.purses.values())
        assert world.supply == balances + world.bonded + world.unbonding + world.common_lpt


def exact_parts(chain: Chain, address: Address) -> tuple[Exact, Exact]:
    """An account's claim on its pool without any rounding: what earns, and what joins."""
    delegator = DELEGATORS.get(chain.state, address)
    if delegator is None:
        return NOTHING, NOTHING
    pool, now = POOLS.read(chain.state, delegator.candidate), chain.round.number
    if delegator.era != pool.era:
        return NOTHING, NOTHING
    shares = Exact(delegator.shares)
    joining: int = delegator.joining_shares
    bucket = JOINED.get(chain.state, delegator.candidate, delegator.joining_round) if joining else None
    if bucket is not None:
        shares, joining = shares + Exact(joining * bucket.shares, bucket.joining_shares), 0
    earns = shares * Exact(pool.stake, pool.shares) if shares else NOTHING
    joins = joining * Exact(pool.joining_stake, pool.joining_shares) if joining else NOTHING
    return (earns, joins) if delegator.joining_round >= now else (earns + joins, NOTHING)
