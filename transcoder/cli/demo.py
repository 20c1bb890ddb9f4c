"""`headwater demo`: the main job from end to end, on this machine."""

import asyncio
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console

from chain.cli.main import EXIT_INTERRUPTED
from chain.cli.output import Output, output_option
from chain.failures import EXIT_ACCEPTED, EXIT_REJECTED, Failure, UsageFailure
from chain.node.run import run_until_signal
from transcoder.demo.script import Script
from transcoder.demo.story import Story
from transcoder.media.clip import ClipUnavailable, ensure_clip
from transcoder.media.errors import MediaError
from transcoder.media.probe import probe
from transcoder.media.tamper import Cheat

LOG_WIDTH = 140
"""Columns of the tables where there is no terminal: a transaction's hash fits into one line."""


@click.command()
@click.option("--input", "clip", type=click.Path(path_type=Path, dir_okay=False), help="Video file.  [default: a clip]")
@click.option("--duration", type=click.IntRange(8, 3600), default=60, show_default=True, help="Seconds of stream.")
@click.option("--validators", type=click.IntRange(1, 16), default=4, show_default=True, help="How many.")
@click.option("--transcoders", type=click.IntRange(1, 16), default=3, show_default=True, help="How many.")
@click.option("--cheat", type=click.Choice([cheat.value for cheat in Cheat]), help="Let a transcoder tamper.")
@click.option(
    "--home", type=click.Path(path_type=Path, file_okay=False), help="Where to keep it.  [default: a new one]"
)
@click.option("--keep", is_flag=True, help="Leave everything running at the end, until Ctrl-C.")
@output_option
def demo(
    clip: Path | None,
    duration: int,
    validators: int,
    transcoders: int,
    cheat: str | None,
    home: Path | None,
    keep: bool,
    output: Output,
) -> None:
    """Show everything at work: 4 validators, a broadcaster, 3 transcoders and 3 verifiers, each its own process.

    A clip is streamed at live pace, transcoded by the drawn transcoder, claimed, challenged, verified by a committee
    and paid, all by real transactions on a real network. It ends with exit code 0 only if every phase happened.

    \b
      headwater demo                          a minute of stream, about four in all
      headwater demo --cheat black-frames     a transcoder cheats and is not paid
      headwater demo --keep                   … and play the stream while it runs
    """
    script = Script(
        clip=_clip(clip),  # first: what cannot be shown leaves no home behind
        root=_home(home),
        duration_seconds=duration,
        validators=validators,
        transcoders=transcoders,
        cheat=None if cheat is None else Cheat(cheat),
        keep=keep,
    )
    console = _console(output.is_json)
    exit_code = EXIT_ACCEPTED

    async def run(stop: asyncio.Event) -> None:
        nonlocal exit_code
        if not await Story(script, console, output.is_json).tell(stop):
            exit_code = EXIT_INTERRUPTED if stop.is_set() else EXIT_REJECTED

    run_until_signal(run)
    if exit_code == EXIT_INTERRUPTED:
        console.print(f"stopped before the end; every process has ended, the logs are in {script.root}", soft_wrap=True)
    sys.exit(exit_code)


def _console(to_stderr: bool) -> Console:
    console = Console(stderr=to_stderr)
    return console if console.is_terminal else Console(stderr=to_stderr, width=LOG_WIDTH)


def _clip(clip: Path | None) -> Path:
    if clip is None:
        try:
            return ensure_clip()
        except ClipUnavailable as error:
            raise Failure(f"{error}; or bring a video of your own: --input FILE") from error
    try:
        probe(clip)
    except MediaError as error:
        raise UsageFailure(f"{clip} cannot be broadcast: {error}") from error
    return clip


def _home(home: Path | None) -> Path:
    if home is None:
        return Path(tempfile.mkdtemp(prefix="headwater-demo-"))
    if home.exists() and any(home.iterdir()):
        raise UsageFailure(f"{home} is not empty; a demonstration starts a new chain, so choose another --home")
    home.mkdir(parents=True, exist_ok=True)
    return home.resolve()
