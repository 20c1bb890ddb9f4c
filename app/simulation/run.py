"""Years of rounds, one after the other, and a report of each.

A round goes like this: it begins (with InitializeRound from anybody, where the chain does not do it itself);
transcoders call Reward, or do not; some resign; delegators whose turn it is look at their stake; and every
`work_every` rounds all streams are claimed, judged and paid.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from app.execution.invariants import require_sound
from app.messages.bodies import InitializeRound, ResignAsTranscoder, Reward
from app.messages.economy import EconomyOrder, GroupReport, RoundReport
from app.messages.events import ClaimPaid, RewardMissed, RewardPaid, RewardWithheld, StakeSlashed
from app.primitives.address import Address
from app.primitives.amounts import Lpt, Wei
from app.protocol.stake import get_stake
from app.protocol.transcoders import get_registered
from app.simulation.cast import ETH_OF_EACH, Chance, Operator, gather, make_genesis
from app.simulation.delegators import Yields, review
from app.simulation.measure import compute_gini, compute_nakamoto, compute_top_share, compute_yield_of_year
from app.simulation.work import Work
from app.simulation.world import World
from app.state.tables import ACCOUNTS, ACTIVE, CANDIDATES_BY_STAKE, COMMON_POOL, SUPPLY, TOTALS


@dataclass(slots=True)
class Account:
    """What has happened to the transcoders of one group, and to all that is bonded to them, since genesis."""

    rewards: int = 0
    slashed: int = 0
    fees: int = 0
    missed: int = 0
    withheld: int = 0
    moves: int = 0


class Economy:
    """One run."""

    def __init__(self, order: EconomyOrder) -> None:
        self._order, self._chance = order, Chance(order.seed)
        self._cast = gather(order, self._chance)
        self.world = World(make_genesis(order, self._cast, self._chance), order.seed)
        self._yields = Yields()
        self._work = Work(self.world, order.scenario, self._cast, self._chance)
        self._group_of = {operator.address: operator.group.name for operator in self._cast.operators}
        names = [*self._group_of.values(), *[holder.group.name for holder in self._cast.holders]]
        self._accounts = {name: Account() for name in names}

    def play(self) -> Iterator[RoundReport]:
        """Play all rounds, and report each as it ends; the state is sound at the end.

        Raises:
            InvariantBroken: a bug of ours.
        """
        for number in range(self._order.rounds):
            self._play_round(number)
            with_groups = number % self._order.scenario.work_every == 0 or number == self._order.rounds - 1
            yield self._report(with_groups)
        require_sound(self.world.state)

    def _play_round(self, number: int) -> None:
        self._begin(number)
        self._reward(number)
        self._resign(number)
        if number % self._order.scenario.work_every == 0:
            self._work.order()
        self.world.block(self.world.height + 1)
        self._yields.observe(self.world)
        for holder in self._cast.holders:
            if (number + holder.number) % holder.group.review_rounds == 0:
                moves = review(self.world, self._yields, holder, self._chance)
                self._accounts[holder.group.name].moves += moves
        self.world.block(self.world.height + 1)
        if number % self._order.scenario.work_every == 0:
            self._do_work()
        self._note_events()

    def _begin(self, number: int) -> None:
        if number == 0:
            self._work.open()
            self.world.block(1)
            return
        now = self.world.round
        self.world.run_to(now.start_height + now.length)
        if not self._order.params.auto_initialize_round:
            self.world.send(self._cast.operators[number % len(self._cast.operators)].address, InitializeRound())
        self._work.collect()
        self.world.block(now.start_height + now.length)

    def _reward(self, number: int) -> None:
        active = {address for (address,), _ in ACTIVE.items(self.world.state)}
        for place, operator in enumerate(self._cast.operators):
            misses = self._chance.happens(operator.group.misses, b"miss", place, number)
            if operator.address in active and not misses:
                self.world.send(operator.address, Reward())

    def _resign(self, number: int) -> None:
        for operator in self._cast.operators:
            leaves = number > 0 and operator.group.resigns_round == number
            if leaves and get_registered(self.world.state, operator.address) is not None:
                self.world.send(operator.address, ResignAsTranscoder())

    def _do_work(self) -> None:
        grinder = self._work.claim()
        claimed = self.world.height + 1
        self.world.block(claimed)
        if grinder is not None:
            attempt = self._work.grind(grinder, claimed)
            self.world.block(claimed + 1, self._work.proposer_key(grinder), attempt)
        else:
            self.world.block(claimed + 1)
        self._work.judge()

    def _note_events(self) -> None:
        for event in self.world.take_events():
            match event:
                case RewardPaid():
                    self._account_of(event.transcoder).rewards += event.amount
                case RewardMissed():
                    self._account_of(event.transcoder).missed += 1
                case RewardWithheld():
                    self._account_of(event.transcoder).withheld += 1
                case StakeSlashed():
                    self._account_of(event.transcoder).slashed += event.bonded + event.unbonding
                case ClaimPaid():
                    self._account_of(event.transcoder).fees += event.amount

    def _account_of(self, transcoder: Address) -> Account:
        return self._accounts[self._group_of[transcoder]]

    def _report(self, with_groups: bool) -> RoundReport:
        state, now = self.world.state, self.world.round
        totals, supply = TOTALS.read(state), SUPPLY.read(state)
        stakes = [active.stake for _, active in ACTIVE.items(state) if not active.left]
        return RoundReport(
            round=now.number,
            height=self.world.height,
            supply=supply.lpt,
            bonded=totals.bonded,
            unbonding=totals.unbonding,
            common_pool=COMMON_POOL.read(state).lpt,
            inflation_rate=now.inflation_rate,
            minted=now.minted,
            yield_year=compute_yield_of_year(now.minted, now.active_stake),
            candidates=sum(1 for _ in CANDIDATES_BY_STAKE.keys(state)),
            active=len(stakes),
            active_stake=now.active_stake,
            top_share=compute_top_share(stakes),
            gini=compute_gini(stakes),
            nakamoto=compute_nakamoto(stakes),
            blocks=self.world.blocks,
            transactions=self.world.transactions,
            refused=self.world.refused,
            groups=self._report_groups() if with_groups else (),
        )

    def _report_groups(self) -> tuple[GroupReport, ...]:
        return tuple([self._report_group(name) for name in self._accounts])

    def _report_group(self, name: str) -> GroupReport:
        account, operators = self._accounts[name], [o for o in self._cast.operators if o.group.name == name]
        members = [operator.address for operator in operators]
        members += [holder.address for holder in self._cast.holders if holder.group.name == name]
        tallies = [self._work.tallies[operator.address] for operator in operators]
        return GroupReport(
            name=name,
            stake=Lpt(sum(get_stake(self.world.state, address) for address in members)),
            active=self._count_active(operators),
            rewards=Lpt(account.rewards),
            slashed=Lpt(account.slashed),
            fees=Wei(account.fees),
            spent=Wei(sum(ETH_OF_EACH - ACCOUNTS.read(self.world.state, address).wei for address in members)),
            missed=account.missed,
            withheld=account.withheld,
            faked=sum(tally.faked for tally in tallies),
            caught=sum(tally.caught for tally in tallies),
            moves=account.moves,
        )

    def _count_active(self, operators: list[Operator]) -> int:
        found = [ACTIVE.get(self.world.state, operator.address) for operator in operators]
        return sum(1 for active in found if active is not None and not active.left)
