"""The terminal view: a live screen on a terminal, lines elsewhere, and the table at the end."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from app.primitives.amounts import format_wei
from transcoder.demo.stage import Stage
from transcoder.demo.verdict import Check, Earning

REFRESH_PER_SECOND = 4


class Screen:
    """Shows the stage; use as a context manager."""

    def __init__(self, console: Console, stage: Stage, streamed: "Streamed") -> None:
        self._console = console
        self._stage = stage
        self._streamed = streamed
        self._said = ""
        self._live = Live(console=console, refresh_per_second=REFRESH_PER_SECOND, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.__exit__(kind, error, trace)

    def show(self) -> None:
        """Show the stage as it is now."""
        if self._console.is_terminal:
            self._live.update(render(self._stage, self._streamed))
        elif self._stage.phase != self._said:
            self._said = self._stage.phase
            self._console.print(f"height {self._stage.height}: {self._said}", highlight=False)


class Streamed:
    """How many segments went in and came out, as the broadcaster's playlist and the chain show it."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.sent = 0
        self.playable = 0
        self.by_transcoder: dict[str, int] = {}


def render(stage: Stage, streamed: Streamed) -> RenderableType:
    """The whole screen."""
    head = Text.assemble(
        ("Headwater demo", "bold"),
        f"  height {stage.height}  round {stage.round_number}, {stage.round_left} blocks left",
    )
    bar = ProgressBar(total=max(1, streamed.wanted), completed=streamed.playable, width=40)
    line = Text(f"segments: {streamed.sent} sent, {streamed.playable} playable of {streamed.wanted}")
    return Group(
        head, Text(stage.phase, "cyan"), line, bar, _job(stage), _work(stage, streamed), _verdicts(stage), _money(stage)
    )


def _job(stage: Stage) -> RenderableType:
    if stage.job is None:
        return Panel("no job yet", title="job", width=100)
    job = stage.job
    text = (
        f"job {job['job_id']} {job['status']}  transcoder {stage.name_of(job['transcoder'])}  "
        f"fee {format_wei(int(job['fee_per_segment']))} a segment\n"
        f"claims: {stage.count_by_status(stage.claims)}\nchallenges: {stage.count_by_status(stage.challenges)}"
    )
    return Panel(text, title="job", width=100)


def _work(stage: Stage, streamed: Streamed) -> RenderableType:
    table = Table(title="segments per transcoder", width=100)
    for column in ("transcoder", "active", "segments out", "claimed", "in claims"):
        table.add_column(column)
    for address, name in stage.names.items():
        if not name.startswith("transcoder"):
            continue
        mine = [c for c in stage.claims if stage.name_of(c["transcoder"]) == name]
        active = "yes" if stage.name_of(address) in {stage.name_of(a) for a in stage.active} else "no"
        claimed = sum(claim["segments"] for claim in mine)
        table.add_row(name, active, str(streamed.by_transcoder.get(name, 0)), str(claimed), stage.count_by_status(mine))
    return table


def _verdicts(stage: Stage) -> RenderableType:
    table = Table(title="last verdicts", width=100)
    for column in ("segment", "verifier", "saw"):
        table.add_column(column)
    for segment, name, text in stage.verdict_lines()[-6:]:
        table.add_row(str(segment), name, text)
    return table


def _money(stage: Stage) -> RenderableType:
    table = Table(title="balances", width=100)
    for column in ("who", "LPT free", "LPT bonded", "ETH with fees"):
        table.add_column(column, justify="left" if column == "who" else "right")
    for name, (free, bonded, wei) in stage.balances.items():
        table.add_row(name, free, bonded, wei)
    return table


def print_outcome(console: Console, stage: Stage, checks: list[Check], earnings: list[Earning], playlist: Path) -> None:
    """The table at the end: who earned what by which transactions, what was seen, and what was checked."""
    console.print(_earnings_table(earnings))
    verdicts = Table(title="what the verifiers saw")
    for column in ("segment", "verifier", "saw"):
        verdicts.add_column(column)
    for segment, name, text in stage.verdict_lines():
        verdicts.add_row(str(segment), name, text)
    console.print(verdicts)
    done = Table(title="what had to happen")
    for column in ("", "check", "found"):
        done.add_column(column)
    for check in checks:
        done.add_row("[green]yes[/]" if check.holds else "[red]NO[/]", check.claim, check.found)
    console.print(done)
    console.print(f"playlist: {playlist}", soft_wrap=True, highlight=False)


def _earnings_table(earnings: list[Earning]) -> Table:
    table = Table(title="who earned what")
    for column in ("who", "what", "amount", "transaction"):
        table.add_column(column, overflow="fold")
    for earning in earnings:
        table.add_row(earning.who, earning.what, earning.amount, earning.transaction)
    return table


def outcome_json(stage: Stage, checks: list[Check], earnings: list[Earning], playlist: Path) -> dict[str, Any]:
    """The same for programs."""
    return {
        "ok": all(check.holds for check in checks),
        "height": stage.height,
        "playlist": str(playlist),
        "checks": [check.to_json() for check in checks],
        "earnings": [earning.to_json() for earning in earnings],
        "verdicts": [{"segment": s, "verifier": n, "saw": t} for s, n, t in stage.verdict_lines()],
    }
