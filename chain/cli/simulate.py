"""`headwater simulate`: years of the protocol on this machine, in a minute or two."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.messages.economy import ROUNDS_PER_YEAR, EconomyOrder, GroupReport, RoundReport
from app.primitives.fractions import format_fraction
from chain.cli.output import Output, output_option, table
from chain.economy.default import DEFAULT_SCENARIO
from chain.economy.play import play
from chain.economy.scenario import load_scenario
from chain.economy.tables import format_token, write_tables
from chain.failures import UsageFailure
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
@click.option("--print-scenario", is_flag=True, help="Print the built-in scenario, to make your own of it, and end.")
@output_option
def economy(
    scenario: Path | None,
    preset: str,
    years: int | None,
    rounds: int | None,
    seed: int,
    out: Path,
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
    """
    if print_scenario:
        click.echo(DEFAULT_SCENARIO, nl=False)
        return
    if years and rounds:
        raise UsageFailure("give --years or --rounds, not both")
    params = get_preset(preset)
    count = rounds or ROUNDS_PER_YEAR * (years or 5)
    order = EconomyOrder(params, load_scenario(scenario, params), count, seed)
    folder = _make_folder(out)
    reports = list(_shown(play(order), count, output))
    written = write_tables(folder, reports)
    output.result(_summarize(order, preset, reports[-1], written), _describe(reports[-1], written))


def _make_folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageFailure(f"cannot make the directory {path}: {error.strerror}; name another one by --out") from None
    return path


def _shown(reports: Iterable[RoundReport], count: int, output: Output) -> Iterator[RoundReport]:
    """The same reports, with a bar on a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("rounds"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
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
