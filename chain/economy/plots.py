"""Reports as pictures, by matplotlib, which comes with the extra `headwater[plots]` and is imported when it is used."""

import importlib.util
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.messages.economy import OPTIONS, ROUNDS_PER_YEAR, EconomyOrder, RoundReport
from app.messages.options import WEIGHT_ONE, compute_fee_per_segment
from app.params import Params
from app.primitives.amounts import UNITS_PER_TOKEN
from app.primitives.fractions import ONE
from chain.economy.cheating import RATES, CheatingPoint
from genesis.incentives import HASHES_PER_PROPOSAL, compute_hidden_segments

Axes = Any
"""matplotlib's; its annotations say less than they cost."""

INSTALL = "pip install 'headwater[plots]'"
_WIDTH, _DPI = 8.5, 120
_SMOOTH_ROUNDS = 7
_WIDE = 4
"""How many times the smallest value the largest is, where an axis is better logarithmic."""
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#555555", "#8c6d31", "#7b4fa3")
"""Of Okabe and Ito, and three more: told apart by those who see fewer colours."""
_LINES = ("-", "-", "-", "-", "--", ":", "-.")


def can_draw() -> bool:
    """Whether matplotlib is there."""
    return importlib.util.find_spec("matplotlib") is not None


def draw_all(
    folder: Path, order: EconomyOrder, reports: Sequence[RoundReport], points: Sequence[CheatingPoint]
) -> list[Path]:
    """Draw every picture; returns their paths."""
    return [
        _draw_economy(folder / "economy.png", order, reports),
        _draw_concentration(folder / "concentration.png", reports),
        _draw_groups(folder / "groups.png", order, reports),
        *([_draw_cheating(folder / "cheating.png", order, points)] if points else []),
        _draw_grinding(folder / "grinding.png", order.params),
    ]


def _draw_economy(path: Path, order: EconomyOrder, reports: Sequence[RoundReport]) -> Path:
    figure, (bonded, inflation, yields) = _panels(3, 8.5)
    years, target = _years(reports), order.params.participation_rate / ONE
    figure.suptitle(f"Participation, inflation and yield: scenario “{order.scenario.name}”")
    bonded.plot(years, [100 * r.bonded / r.supply for r in reports], color=_COLOURS[0], label="bonded")
    bonded.axhline(100 * target, color=_COLOURS[6], linestyle="--", linewidth=1, label="ParticipationRate (target)")
    bonded.set_ylabel("% of the LPT supply")
    bonded.set_ylim(0, 100)
    inflation.plot(years, [100 * r.inflation_rate / ONE for r in reports], color=_COLOURS[1], label="inflation rate")
    inflation.set_ylabel("% of the supply\nper round")
    inflation.set_ylim(bottom=0)
    smooth = _smooth([100 * r.yield_year / ONE for r in reports])
    yields.plot(
        years, smooth, color=_COLOURS[2], label=f"LPT minted per LPT in the active set, {_SMOOTH_ROUNDS} rounds' mean"
    )
    yields.set_ylabel("% per year\n(365 rounds)")
    yields.set_ylim(bottom=0)
    return _save(path, figure, (bonded, inflation, yields), "years of 365 rounds")


def _draw_concentration(path: Path, reports: Sequence[RoundReport]) -> Path:
    figure, (shares, count) = _panels(2, 6.5)
    years = _years(reports)
    figure.suptitle("How concentrated the active stake is")
    shares.plot(years, [r.gini / ONE for r in reports], color=_COLOURS[0], label="Gini coefficient (0: all equal)")
    shares.plot(years, [r.top_share / ONE for r in reports], color=_COLOURS[1], label="share of the largest transcoder")
    shares.axhline(1 / 3, color=_COLOURS[6], linestyle="--", linewidth=1, label="a third: can stop consensus")
    shares.set_ylabel("from 0 to 1")
    shares.set_ylim(0, 1)
    nakamoto, active = [r.nakamoto for r in reports], [r.active for r in reports]
    count.step(years, active, where="post", color=_COLOURS[3], label="active transcoders")
    count.step(years, nakamoto, where="post", color=_COLOURS[2], label="fewest that hold more than a third (Nakamoto)")
    _plain_log(count, 0.8, 2 * max(active, default=1))
    count.set_ylabel("transcoders")
    return _save(path, figure, (shares, count), "years of 365 rounds")


def _draw_groups(path: Path, order: EconomyOrder, reports: Sequence[RoundReport]) -> Path:
    figure, (growth, slashed) = _panels(2, 8)
    figure.suptitle("What became of each group of transcoders")
    told = [report for report in reports if report.groups]
    years, supply = _years(told), told[0].supply
    dilution = [100 * report.supply / supply for report in told]
    growth.plot(years, dilution, color="#000000", linestyle="--", linewidth=1, label="LPT supply (who stands still)")
    lowest, highest = min(dilution), max(dilution)
    for place, group in enumerate(order.scenario.transcoders):
        rows = [next(g for g in report.groups if g.name == group.name) for report in told]
        grown = [100 * row.stake / (group.stake * group.count) for row in rows]
        lowest, highest = min(lowest, *grown), max(highest, *grown)
        style = {
            "color": _COLOURS[place % len(_COLOURS)],
            "linestyle": _LINES[place % len(_LINES)],
            "linewidth": 3 if place == 0 else 1.5,
            "label": group.name,
        }
        growth.plot(years, grown, **style)
        slashed.plot(years, [row.slashed / UNITS_PER_TOKEN for row in rows], **style)
    if highest > _WIDE * lowest:
        _plain_log(growth, 0.8 * max(lowest, 0.1), 1.3 * highest)
    growth.set_ylabel("own stake,\n% of that at genesis")
    slashed.set_ylabel("LPT slashed since genesis,\ndelegators' included")
    slashed.set_yscale("symlog", linthresh=100)
    slashed.set_ylim(bottom=0)
    slashed.yaxis.set_major_formatter("{x:,.0f}")
    return _save(path, figure, (growth, slashed), "years of 365 rounds", columns=2, without_legend=[slashed])


def _draw_cheating(path: Path, order: EconomyOrder, points: Sequence[CheatingPoint]) -> Path:
    figure, (net,) = _panels(1, 5.5)
    figure.suptitle("What faking segments earns, against working honestly (1,000 segments)")
    fee = compute_fee_per_segment(order.scenario.price_per_segment, OPTIONS, WEIGHT_ONE) / UNITS_PER_TOKEN
    for place, stake in enumerate(sorted({point.stake for point in points})):
        mine = [point for point in points if point.stake == stake and point.faked]
        colour, name = _COLOURS[place % len(_COLOURS)], f"own stake {stake // UNITS_PER_TOKEN:,} LPT"
        net.plot(
            [p.rate for p in mine], [1000 * p.net / p.faked / UNITS_PER_TOKEN for p in mine],
            color=colour, marker="o", markersize=4, label=name,
        )  # fmt: skip
    net.axhline(0, color="#000000", linewidth=1)
    net.axhspan(0, 100, color=_COLOURS[1], alpha=0.08, linewidth=0, label="cheating pays")
    net.axvline(
        order.params.verification_rate, color=_COLOURS[6], linestyle="--", linewidth=1, label="the preset's rate"
    )
    net.set_xscale("log")
    net.xaxis.set_major_formatter("{x:,.0f}")
    net.set_yscale("symlog", linthresh=1000 * fee)
    net.set_ylim(top=10_000 * fee)
    net.yaxis.set_major_formatter("{x:g}")
    net.set_ylabel("ETH per 1,000 faked segments")
    return _save(path, figure, (net,), "VerificationRate: one segment in so many is challenged")


def _draw_grinding(path: Path, params: Params) -> Path:
    figure, (hidden,) = _panels(1, 5)
    figure.suptitle("How much a proposer hides that claims in the block before its own")
    for place, tries in enumerate((10, 1_000, HASHES_PER_PROPOSAL)):
        counts = [compute_hidden_segments(replace(params, verification_rate=rate), tries) for rate in RATES]
        label = f"tries {tries:,} hashes of its block"
        hidden.plot(RATES, counts, color=_COLOURS[place], marker="o", markersize=4, label=label)
    most = params.max_segments_per_claim
    hidden.axhline(most, color="#000000", linewidth=1, label="all of the largest claim")
    hidden.axvline(params.verification_rate, color=_COLOURS[6], linestyle="--", linewidth=1, label="the preset's rate")
    hidden.set_xscale("log")
    hidden.xaxis.set_major_formatter("{x:,.0f}")
    hidden.set_ylim(0, 1.1 * most)
    hidden.set_ylabel("faked segments of one claim\nthat no challenge meets")
    return _save(path, figure, (hidden,), "VerificationRate: one segment in so many is challenged")


def _plain_log(panel: Axes, low: float, high: float) -> None:
    """A logarithmic axis with ticks at 1, 2 and 5, written as plain numbers."""
    panel.set_yscale("log")
    steps = [step * 10.0**power for power in range(-3, 9) for step in (1, 2, 5)]
    panel.set_yticks([step for step in steps if low <= step <= high], minor=False)
    panel.set_yticks([], minor=True)
    panel.set_ylim(low, high)
    panel.yaxis.set_major_formatter("{x:g}")


def _panels(count: int, height: float) -> tuple[Any, tuple[Axes, ...]]:
    # The object interface without pyplot: no window, no global state, any thread.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    FigureCanvasAgg(figure)
    made = figure.subplots(count, 1, sharex=True, squeeze=False)
    return figure, tuple(row[0] for row in made)


def _save(
    path: Path, figure: Any, panels: Sequence[Axes], x_label: str, columns: int = 1, without_legend: Sequence[Axes] = ()
) -> Path:
    for panel in panels:
        panel.grid(alpha=0.3)
        if panel not in without_legend:
            panel.legend(fontsize="small", ncols=columns, framealpha=0.9)
        panel.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel(x_label)
    figure.savefig(path, dpi=_DPI)
    return path


def _years(reports: Sequence[RoundReport]) -> list[float]:
    return [report.round / ROUNDS_PER_YEAR for report in reports]


def _smooth(values: Sequence[float]) -> list[float]:
    windows = [values[max(0, at - _SMOOTH_ROUNDS + 1) : at + 1] for at in range(len(values))]
    return [sum(window) / len(window) for window in windows]
