"""A simulation of the economy: what it is told, and what it reports of each round (`app.simulation`).

It runs in a process of its own, as a node's application does, so these records are all that passes between the two:
orders on its standard input and reports on its standard output, one a line, in the JSON of `app.messages.record`.
"""

from dataclasses import dataclass

from app.messages.options import Rendition, TranscodingOptions
from app.params import Params
from app.primitives.amounts import Lpt, Wei
from app.primitives.fractions import Fraction

ROUNDS_PER_YEAR = 365
"""A round is the whitepaper's day whatever its length: presets with shorter rounds play the same years faster."""

PROFILE = "h264-verified-1"
OPTIONS = TranscodingOptions(
    PROFILE,
    (
        Rendition("720p", 1280, 720, 30, 1, 24),
        Rendition("480p", 854, 480, 30, 1, 24),
        Rendition("360p", 640, 360, 30, 1, 24),
        Rendition("240p", 426, 240, 30, 1, 24),
    ),
)
"""What every job orders: 16.3 units of work."""


@dataclass(frozen=True, slots=True)
class TranscoderGroup:
    """Transcoders that behave alike.

    Attributes:
        stake: own stake of each at genesis.
        misses: of the rounds in which it does not call Reward.
        fakes: of the segments that it claims without having transcoded them.
        tries: block hashes that it tries, as the proposer of the block after its claim, until nothing faked is
            challenged; 0 for one that does not.
        parts: candidates over which it divides that stake.
        slots: jobs that each candidate takes at a time.
        resigns_round: in which it resigns; 0 for never.
    """

    name: str
    count: int
    stake: Lpt
    block_reward_cut: Fraction = Fraction(100_000_000)
    fee_share: Fraction = Fraction(500_000_000)
    misses: Fraction = Fraction(0)
    fakes: Fraction = Fraction(0)
    tries: int = 0
    parts: int = 1
    slots: int = 1
    resigns_round: int = 0


@dataclass(frozen=True, slots=True)
class DelegatorGroup:
    """Delegators that behave alike.

    Attributes:
        wealth: LPT of the richest; the next has a half of it, then a third and so on.
        bonded: of them that are bonded at genesis, each to a transcoder by chance.
        follows_yield: whether it moves to who has paid more than its own transcoder; otherwise only from one that
            is not in the active set any more.
        review_rounds: how often each looks.
        least_yield, most_yield: of a year, below which it takes its stake out; members lie between the two.
    """

    name: str
    count: int
    wealth: Lpt
    bonded: Fraction = Fraction(500_000_000)
    follows_yield: bool = True
    review_rounds: int = 30
    least_yield: Fraction = Fraction(50_000_000)
    most_yield: Fraction = Fraction(400_000_000)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Who takes part, and how much work there is.

    Attributes:
        idle: LPT that nobody ever bonds.
        wei_per_lpt: the price of an LPT, for results that add up LPT and ETH; the protocol knows none.
        streams: jobs at a time, each with a broadcaster of its own.
        segments: of each stream that are claimed in one claim.
        work_every: rounds from one claim of a stream to the next.
        price_per_segment: offered and asked, per unit of work.
    """

    name: str
    idle: Lpt
    transcoders: tuple[TranscoderGroup, ...]
    delegators: tuple[DelegatorGroup, ...] = ()
    wei_per_lpt: Wei = Wei(10**15)
    streams: int = 0
    segments: int = 100
    work_every: int = 7
    price_per_segment: Wei = Wei(100 * 10**9)


@dataclass(frozen=True, slots=True)
class EconomyOrder:
    """One run: the same order gives the same reports."""

    params: Params
    scenario: Scenario
    rounds: int
    seed: int


@dataclass(frozen=True, slots=True)
class GroupReport:
    """One group at the end of a round; all but `stake` and `active` are sums since genesis.

    Attributes:
        stake: bonded by its members, rewards included.
        active: of its members in the active set.
        rewards, slashed: LPT minted for, and taken from, its transcoders and all who are bonded to them.
        fees: ETH paid for its claims, shares of delegators included.
        spent: ETH that its members have paid for transactions.
        missed, withheld: rewards not called, and not paid for want of work.
        faked, caught: segments claimed without work, and those of them that were challenged.
        moves: bonds of its members that moved to another transcoder.
    """

    name: str
    stake: Lpt
    active: int
    rewards: Lpt
    slashed: Lpt
    fees: Wei
    spent: Wei
    missed: int
    withheld: int
    faked: int
    caught: int
    moves: int


@dataclass(frozen=True, slots=True)
class RoundReport:
    """The economy at the end of a round.

    Attributes:
        minted: in this round.
        yield_year: what a year of rounds like this one would mint for each LPT in the active set.
        candidates, active: transcoders.
        top_share: of the active stake, held by the largest.
        gini: of the stakes in the active set; 0 where all are equal.
        nakamoto: the fewest transcoders that hold more than a third of the active stake.
        blocks, transactions, refused: run so far, and transactions that the protocol refused.
        groups: every `work_every` rounds and in the last one; otherwise empty.
    """

    round: int
    height: int
    supply: Lpt
    bonded: Lpt
    unbonding: Lpt
    common_pool: Lpt
    inflation_rate: Fraction
    minted: Lpt
    yield_year: int
    candidates: int
    active: int
    active_stake: Lpt
    top_share: Fraction
    gini: Fraction
    nakamoto: int
    blocks: int
    transactions: int
    refused: int
    groups: tuple[GroupReport, ...]
