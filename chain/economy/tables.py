"""Reports as CSV: a file of rounds, one of groups, and one of what cheating comes to.

Amounts are decimal numbers of whole tokens with all their digits, shares are numbers from 0 to 1.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from app.messages.economy import ROUNDS_PER_YEAR, GroupReport, RoundReport
from app.primitives.amounts import UNITS_PER_TOKEN
from app.primitives.fractions import ONE
from chain.economy.cheating import CheatingPoint

ROUND_COLUMNS = (
    "round",
    "year",
    "height",
    "supply_lpt",
    "bonded_lpt",
    "unbonding_lpt",
    "common_pool_lpt",
    "participation",
    "inflation_per_round",
    "minted_lpt",
    "yield_year",
    "candidates",
    "active",
    "active_stake_lpt",
    "top_share",
    "gini",
    "nakamoto",
)
GROUP_COLUMNS = (
    "round",
    "group",
    "stake_lpt",
    "active",
    "rewards_lpt",
    "slashed_lpt",
    "fees_eth",
    "spent_eth",
    "missed_rewards",
    "withheld_rewards",
    "faked_segments",
    "caught_segments",
    "moves",
)
CHEATING_COLUMNS = ("verification_rate", "own_stake_lpt", "faked_segments", "caught_segments", "net_eth")


def write_tables(folder: Path, reports: Sequence[RoundReport], points: Sequence[CheatingPoint]) -> list[Path]:
    """Write `rounds.csv`, `groups.csv`, and `cheating.csv` where there is something for it; returns their paths."""
    rounds, groups, cheating = (folder / f"{name}.csv" for name in ("rounds", "groups", "cheating"))
    write_csv(rounds, ROUND_COLUMNS, (_round_row(report) for report in reports))
    write_csv(groups, GROUP_COLUMNS, (row for report in reports for row in _group_rows(report)))
    if not points:
        return [rounds, groups]
    write_csv(cheating, CHEATING_COLUMNS, (_cheating_row(point) for point in points))
    return [rounds, groups, cheating]


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write one table."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def format_token(amount: int) -> str:
    """Base units as whole tokens, with a sign, without a unit."""
    return _decimal(amount, UNITS_PER_TOKEN, 18)


def format_share(parts: int) -> str:
    """Parts per billion as a decimal number."""
    return _decimal(parts, ONE, 9)


def _round_row(report: RoundReport) -> tuple[object, ...]:
    return (
        report.round,
        format_share(report.round * ONE // ROUNDS_PER_YEAR),
        report.height,
        format_token(report.supply),
        format_token(report.bonded),
        format_token(report.unbonding),
        format_token(report.common_pool),
        format_share(report.bonded * ONE // max(1, report.supply)),
        format_share(report.inflation_rate),
        format_token(report.minted),
        format_share(report.yield_year),
        report.candidates,
        report.active,
        format_token(report.active_stake),
        format_share(report.top_share),
        format_share(report.gini),
        report.nakamoto,
    )


def _cheating_row(point: CheatingPoint) -> tuple[object, ...]:
    return (point.rate, format_token(point.stake), point.faked, point.caught, format_token(point.net))


def _group_rows(report: RoundReport) -> Iterator[tuple[object, ...]]:
    for group in report.groups:
        yield (report.round, group.name, *_group_values(group))


def _group_values(group: GroupReport) -> tuple[object, ...]:
    return (
        format_token(group.stake),
        group.active,
        format_token(group.rewards),
        format_token(group.slashed),
        format_token(group.fees),
        format_token(group.spent),
        group.missed,
        group.withheld,
        group.faked,
        group.caught,
        group.moves,
    )


def _decimal(number: int, scale: int, digits: int) -> str:
    sign, (whole, rest) = "-" if number < 0 else "", divmod(abs(number), scale)
    part = str(rest).rjust(digits, "0").rstrip("0")
    return f"{sign}{whole}.{part}" if part else f"{sign}{whole}"
