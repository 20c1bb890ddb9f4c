"""The terminal view: a live screen on a terminal, lines elsewhere, and the table at the end."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.text import Text

from app.primitives.amounts import format_wei
from chain.cli.output import table
from transcoder.demo.stage import Stage
from transcoder.demo.verdict import Check, Earning

REFRESH_PER_SECOND = 4
SHOWN_VERDICTS = 4


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
    """How many segments are to be streamed, and how many of them can be played already."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.playable = 0


def render(stage: Stage, streamed: Streamed) -> RenderableType:
    """The whole screen, for a terminal of 100 columns and 30 lines."""
    head = Text.assemble(
        ("Headwater demo", "bold"),
        f"   height {stage.height}   round {stage.round_number}, {stage.round_left} blocks left   ",
        (stage.phase, "cyan"),
    )
    bar = Padding(
        ProgressBar(total=max(1, streamed.wanted, streamed.playable), completed=streamed.playable, width=60),
        (0, 0, 1, 0),
    )
    line = Text(f"stream: {streamed.playable} of about {streamed.wanted} segments can be played")
    return Group(head, line, bar, _job(stage), _work(stage), _verdicts(stage), _money(stage))


def _job(stage: Stage) -> RenderableType:
    if stage.job is None:
        return Text("job: none yet\n")
    job = stage.job
    return Text(
        f"job {job['job_id']}: {job['status']}, {stage.name_of(job['transcoder'])}, "
        f"{format_wei(int(job['fee_per_segment']))} a segment\n"
        f"claims: {stage.count_by_status(stage.claims)}\n"
        f"challenges: {stage.count_by_status(stage.challenges)}\n"
    )


def _work(stage: Stage) -> RenderableType:
    rows = []
    for name in [name for name in stage.names.values() if name.startswith("transcoder")]:
        mine = [claim for claim in stage.claims if stage.name_of(claim["transcoder"]) == name]
        active = "yes" if name in [stage.name_of(address) for address in stage.active] else "no"
        came, went = stage.segments.get(name, (0, 0))
        claimed = sum(claim["segments"] for claim in mine)
        rows.append((name, active, came, went, claimed, stage.count_by_status(mine)))
    return table(("transcoder", "active", "segments in", "segments out", "claimed", "claims"), rows)


def _verdicts(stage: Stage) -> RenderableType:
    return table(("segment", "verifier", "saw"), stage.verdict_lines()[-SHOWN_VERDICTS:], title="\nlast verdicts")


def _money(stage: Stage) -> RenderableType:
    rows = [(name, *amounts) for name, amounts in stage.balances.items()]
    return table(("balances", "LPT free", "LPT bonded", "ETH with fees"), rows, title="")


def print_outcome(console: Console, stage: Stage, checks: list[Check], earnings: list[Earning], playlist: Path) -> None:
    """The table at the end: who earned what by which transactions, what was seen, and what was checked."""
    paid = [(each.who, each.what, each.amount, each.transaction) for each in earnings]
    console.print(table(("who", "what", "amount", "transaction"), paid, title="Who earned what"))
    console.print(table(("segment", "verifier", "saw"), stage.verdict_lines(), title="\nWhat the verifiers saw"))
    done = [("[green]yes[/]" if check.holds else "[red]NO[/]", check.claim, check.found) for check in checks]
    console.print(table(("", "check", "found"), done, title="\nWhat had to happen"))
    console.print(f"playlist: {playlist}", soft_wrap=True, highlight=False)


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
