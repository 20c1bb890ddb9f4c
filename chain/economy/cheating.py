"""What a transcoder that fakes every segment earns or loses, for each VerificationRate and own stake.

Every point is played: the protocol draws the challenges, refunds the claims and slashes. Each faking transcoder has an
honest twin with the same stake beside it, and what it earns is what it has at the end beyond its twin, fees included.
The work that it saves counts with its whole fee, the most that honest work can cost; so the twin needs no jobs.

What one claim does wrong is slashed once, so a claim has no more segments than meet one challenge on average.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from app.messages.economy import EconomyOrder, GroupReport, RoundReport, Scenario, TranscoderGroup
from app.params import Params
from app.primitives.amounts import UNITS_PER_TOKEN, Lpt, Wei
from app.primitives.fractions import ONE, Fraction

RATES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
STAKES = (10, 30, 100, 300, 1000)
"""Whole LPT."""
ROUNDS = 20
SECURITY = Lpt(100_000 * UNITS_PER_TOKEN)
"""Stake of an honest transcoder without work, so that there is always a validator left."""


@dataclass(frozen=True, slots=True)
class CheatingPoint:
    """One transcoder's outcome.

    Attributes:
        rate: one segment in so many was challenged.
        faked, caught: segments.
        net: in wei, for all that it faked, against its honest twin.
    """

    rate: int
    stake: Lpt
    faked: int
    caught: int
    net: int


def make_orders(params: Params, wei_per_lpt: Wei, price: Wei, seed: int) -> list[EconomyOrder]:
    """One order for each rate, of the preset's parameters otherwise but for what keeps all of them in the game.

    Rewards are not withheld for want of work, `n` is large enough, and the least self-bond is that of the smallest.
    """
    open_to_all = replace(
        params,
        n=max(params.n, 2 * len(STAKES) + 1),
        min_self_bond=Lpt(UNITS_PER_TOKEN),
        competitiveness_tolerance=ONE,
        job_assignment_timeout=1,
    )
    scenario = _make_scenario(wei_per_lpt, price)
    return [
        EconomyOrder(
            replace(open_to_all, verification_rate=rate),
            replace(scenario, segments=min(rate, params.max_segments_per_claim)),
            ROUNDS,
            seed,
        )
        for rate in RATES
    ]


def read_points(orders: Sequence[EconomyOrder], reports: Iterable[RoundReport]) -> list[CheatingPoint]:
    """The outcomes of all orders, from all of their reports."""
    lasts = [report for report in reports if report.round == ROUNDS - 1]
    return [point for order, last in zip(orders, lasts, strict=True) for point in _read(order, last)]


def _read(order: EconomyOrder, last: RoundReport) -> list[CheatingPoint]:
    groups = {group.name: group for group in last.groups}
    price = order.scenario.wei_per_lpt
    return [
        _compare(order.params.verification_rate, stake, groups[f"faking-{stake}"], groups[f"honest-{stake}"], price)
        for stake in STAKES
    ]


def _compare(rate: int, stake: int, faking: GroupReport, honest: GroupReport, wei_per_lpt: Wei) -> CheatingPoint:
    net = faking.fees + (faking.stake - honest.stake) * wei_per_lpt // UNITS_PER_TOKEN
    return CheatingPoint(rate, Lpt(stake * UNITS_PER_TOKEN), faking.faked, faking.caught, net)


def _make_scenario(wei_per_lpt: Wei, price: Wei) -> Scenario:
    groups = [
        TranscoderGroup("security", 1, SECURITY, slots=0),
        *[_group(f"faking-{stake}", stake, fakes=ONE, slots=1) for stake in STAKES],
        *[_group(f"honest-{stake}", stake, fakes=Fraction(0), slots=0) for stake in STAKES],
    ]
    return Scenario(
        name="cheating",
        idle=SECURITY,
        transcoders=tuple(groups),
        wei_per_lpt=wei_per_lpt,
        streams=len(STAKES),
        work_every=1,
        price_per_segment=price,
    )


def _group(name: str, stake: int, fakes: Fraction, slots: int) -> TranscoderGroup:
    return TranscoderGroup(name, 1, Lpt(stake * UNITS_PER_TOKEN), fakes=fakes, slots=slots)
