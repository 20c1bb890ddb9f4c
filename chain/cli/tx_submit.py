"""`headwater tx submit`: many transactions that were signed before."""

import asyncio
import sys
from pathlib import Path
from typing import TextIO

import click
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from app.messages.rejections import Rejection
from chain.cli.output import Output, node_option, output_option, table
from chain.failures import EXIT_REJECTED, Failure, UsageFailure
from chain.rpc.client import RpcClient
from chain.tx.batch import Batch, BatchLimits, Report, read_signed

MOST_SHOWN = 10


class SomeRefused(Failure):
    """Some of the transactions are refused for good; the others are on the chain."""

    exit_code = EXIT_REJECTED


@click.command("submit")
@click.option("--file", "source", type=click.File(encoding="ascii"), required=True, help="One per line; - for a pipe.")
@click.option(
    "--outstanding",
    type=click.IntRange(1, 100_000),
    default=BatchLimits().outstanding,
    show_default=True,
    help="How many may be on their way at once.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(1),
    default=BatchLimits().stall_seconds,
    show_default=True,
    help="Give up when nothing has got into a block for so many seconds.",
)
@node_option
@output_option
def submit(source: TextIO, outstanding: int, timeout: float, node: str, output: Output) -> None:
    """Send many signed transactions, a line of hexadecimal digits each, and wait until the chain has them.

    They go together in bundles where the node keeps its own mempool. What the node puts off or loses is sent again.
    Interrupted, the same command goes on: what is on the chain already is only counted. Lines of one sender should
    stand in the order of their nonces.

    \b
    Example:  for n in 0 1 2; do
                headwater tx transfer bob 1LPT --offline --nonce $n --chain-id my-chain --fee 5000gwei
              done > signed.txt
              headwater tx submit --file signed.txt
    """
    limits = BatchLimits(outstanding=outstanding, stall_seconds=timeout)
    try:
        report = asyncio.run(_submit(source, node, limits, hidden=output.is_json or not sys.stderr.isatty()))
    except (ValueError, Rejection) as error:
        raise UsageFailure(f"{source.name} does not hold a signed transaction in each line: {error}") from None
    output.result(_as_json(report), _as_text(report))
    if report.refused:
        raise SomeRefused(f"{len(report.refused)} of {report.read} transactions are refused")


async def _submit(source: TextIO, node: str, limits: BatchLimits, hidden: bool) -> Report:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=hidden) as progress:
        task = progress.add_task("on the chain", total=_count_lines(source))

        def show(report: Report) -> None:
            progress.update(task, completed=report.settled)

        async with RpcClient(node) as rpc:
            return await Batch(rpc, limits, show).run(read_signed(source))


def _count_lines(source: TextIO) -> int | None:
    """How many there are, where that can be known beforehand."""
    path = Path(source.name)
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return sum(1 for line in file if line.strip())


def _as_json(report: Report) -> dict[str, object]:
    return {
        "read": report.read,
        "included": report.included,
        "sent_again": report.resent,
        "refused": [{"line": place, "reason": reason, "text": text} for place, reason, text in report.refused],
    }


def _as_text(report: Report) -> RenderableType:
    text = f"{report.included} of {report.read} are on the chain; sent again: {report.resent}"
    if not report.refused:
        return text
    return table(["line", "refused because", ""], report.refused[:MOST_SHOWN], title=text)
