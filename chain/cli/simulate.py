"""`headwater simulate`: years of the protocol on this machine, in a minute or two."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console, Group
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.messages.economy import ROUNDS_PER_YEAR, EconomyOrder, GroupReport, RoundReport
from app.params import Params
from app.primitives.amounts import Wei, format_lpt, format_wei
from app.primitives.fractions import format_fraction
from chain.cli.output import Output, output_option, table
from chain.economy import plots as plotting
from chain.economy.cheating import make_orders, read_points
from chain.economy.default import DEFAULT_SCENARIO
from chain.economy.play import play
from chain.economy.scenario import load_scenario
from chain.economy.tables import format_token, write_tables
from chain.failures import UsageFailure
from genesis.incentives import DEAREST_UNITS, Market, compute_hidden_segments, find_incentives
from genesis.presets.registry import PRESETS, get_preset

_EXAMPLE = """\b
A scenario is a TOML file; every field but name, idle, count, stake and wealth has a default:
  name = "two kinds"
  idle = "4000000LPT"
  streams = 10
  [[transcoders]]
  name = "honest"
  count = 20
  stake = "20000LPT"
  [[transcoders]]
  name = "lazy"
  count = 2
  stake = "20000LPT"
  misses = "60%"
  [[delegators]]
  name = "following"
  count = 200
  wealth = "500000LPT"
"""


@click.group()
def simulate() -> None:
    """Look at what the protocol's rules lead to, without a network."""


@simulate.command(epilog=_EXAMPLE)
@click.argument("scenario", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option("--preset", type=click.Choice(list(PRESETS)), default="whitepaper", show_default=True, help="Parameters.")
@click.option("--years", type=click.IntRange(1, 100), help="How long, in years of 365 rounds.  [default: 5]")
@click.option("--rounds", type=click.IntRange(1, 36_500), help="How long, in rounds.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True, help="Of all chance.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("economy"),
    show_default=True,
    help="The directory for tables and plots; files of an earlier run in it are replaced.",
)
@click.option(
    "--cheating/--no-cheating", default=True, show_default=True, help="Play cheaters at each VerificationRate."
)
@click.option("--plots/--no-plots", default=True, show_default=True, help="Draw, where matplotlib is installed.")
@click.option("--print-scenario", is_flag=True, help="Print the built-in scenario, to make your own of it, and end.")
@output_option
def economy(
    scenario: Path | None,
    preset: str,
    years: int | None,
    rounds: int | None,
    seed: int,
    out: Path,
    cheating: bool,
    plots: bool,
    print_scenario: bool,
    output: Output,
) -> None:
    """Play the real protocol for years of rounds with the actors of SCENARIO, or of the built-in one.

    Blocks are executed by the application's own code. Nothing is left to chance but by --seed: the same seed gives the
    same tables. A round stands for a day whatever the preset, so a year has 365 of them.

    \b
    Written to --out:
      rounds.csv   supply, participation, inflation, yield and concentration, round by round
      groups.csv   stake, rewards, fees and slashes of each group of actors
      cheating.csv what transcoders of several stakes earn by faking everything, at several VerificationRates
      *.png        the same as pictures, where the extra is installed: pip install 'headwater[plots]'
    """
    if print_scenario:
        click.echo(DEFAULT_SCENARIO, nl=False)
        return
    if years and rounds:
        raise UsageFailure("give --years or --rounds, not both")
    params = get_preset(preset)
    count = rounds or ROUNDS_PER_YEAR * (years or 5)
    made = load_scenario(scenario, params)
    order = EconomyOrder(params, made, count, seed)
    cheaters = make_orders(params, made.wei_per_lpt, made.price_per_segment, seed) if cheating else []
    folder = _make_folder(out)
    reports = list(_shown(play([order, *cheaters]), order, cheaters, output))
    told, points = reports[:count], read_points(cheaters, reports[count:])
    written = write_tables(folder, told, points)
    if plots and plotting.can_draw():
        written += plotting.draw_all(folder, order, told, points)
    elif plots:
        output.note(f"no pictures: matplotlib is not installed. {plotting.INSTALL}, then run this again")
    market = Market(made.wei_per_lpt, Wei(DEAREST_UNITS * made.price_per_segment))
    output.result(
        _summarize(order, preset, told[-1], written) | _incentives_json(params, market),
        Group(_describe(told[-1], written), "", _describe_incentives(params, market, preset)),
    )


def _make_folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageFailure(f"cannot make the directory {path}: {error.strerror}; name another one by --out") from None
    return path


def _shown(
    reports: Iterable[RoundReport], order: EconomyOrder, cheaters: list[EconomyOrder], output: Output
) -> Iterator[RoundReport]:
    """The same reports, with a bar on a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("rounds"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    count = order.rounds + sum(each.rounds for each in cheaters)
    hidden = output.is_json or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        yield from progress.track(reports, total=count)


def _summarize(order: EconomyOrder, preset: str, last: RoundReport, written: list[Path]) -> dict[str, Any]:
    return {
        "preset": preset,
        "scenario": order.scenario.name,
        "seed": order.seed,
        "rounds": order.rounds,
        "blocks": last.blocks,
        "transactions": last.transactions,
        "refused": last.refused,
        "supply": str(last.supply),
        "bonded": str(last.bonded),
        "inflation_rate": last.inflation_rate,
        "groups": {group.name: _group_json(group) for group in last.groups},
        "files": [str(path) for path in written],
    }


def _group_json(group: GroupReport) -> dict[str, Any]:
    return {
        "stake": str(group.stake),
        "rewards": str(group.rewards),
        "slashed": str(group.slashed),
        "fees": str(group.fees),
    }


def _incentives_json(params: Params, market: Market) -> dict[str, Any]:
    return {
        "incentives": [
            {"conduct": each.conduct, "gain_wei": str(each.gain), "loss_wei": str(each.loss), "is_safe": each.is_safe}
            for each in find_incentives(params, market)
        ],
        "segments_a_grinding_proposer_hides": compute_hidden_segments(params),
    }


def _describe_incentives(params: Params, market: Market, preset: str) -> Any:
    rows = [
        (each.conduct, _gwei(each.gain), _gwei(each.loss), "no" if each.is_safe else "YES", each.limit)
        for each in find_incentives(params, market)
    ]
    hidden, most = compute_hidden_segments(params), params.max_segments_per_claim
    rows.append(("grinding the block hash", "-", "0", "YES", f"hides {hidden} of {most} segments"))
    title = (
        f"Does it pay under {preset}? In gwei each time, for the least self-bond, {format_lpt(params.min_self_bond)}, "
        f"at {format_wei(market.wei_per_lpt)} an LPT"
    )
    return table(("conduct", "gains", "costs", "pays", "begins to pay at"), rows, title)


def _gwei(amount: int) -> str:
    return f"{amount // 10**9:,}" if amount >= 100 * 10**9 else f"{amount / 10**9:.3g}"


def _describe(last: RoundReport, written: list[Path]) -> Any:
    rows = [
        (group.name, _whole(group.stake), _whole(group.rewards), _whole(group.slashed), _short(group.fees))
        for group in last.groups
    ]
    bonded = format_fraction(last.bonded * 10**5 // max(1, last.supply) * 10**4)
    title = (
        f"After round {last.round}: {_whole(last.supply)} LPT, {bonded} of them bonded, inflation "
        f"{format_fraction(last.inflation_rate)} a round\nin {', '.join(str(path) for path in written)}"
    )
    return table(("group", "stake LPT", "rewards LPT", "slashed LPT", "fees ETH"), rows, title)


def _whole(amount: int) -> int:
    return amount // 10**18


def _short(amount: int) -> str:
    return format_token(amount // 10**14 * 10**14)
