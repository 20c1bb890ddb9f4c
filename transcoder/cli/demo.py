"""`headwater demo`: the main job from end to end, on this machine."""

import asyncio
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console

from chain.cli.output import Output, output_option
from chain.failures import UsageFailure
from chain.node.run import run_until_signal
from transcoder.demo.script import Script
from transcoder.demo.story import Story
from transcoder.media.clip import ensure_clip
from transcoder.media.tamper import Cheat


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
        root=_home(home),
        clip=clip if clip is not None else ensure_clip(),
        duration_seconds=duration,
        validators=validators,
        transcoders=transcoders,
        cheat=None if cheat is None else Cheat(cheat),
        keep=keep,
    )
    if not script.clip.is_file():
        raise UsageFailure(f"there is no file {script.clip}")
    console = Console(stderr=output.is_json)
    happened: list[bool] = []

    async def run(stop: asyncio.Event) -> None:
        happened.append(await Story(script, console, output.is_json).tell(stop))
        if stop.is_set() and not keep:
            console.print("stopped before the end", highlight=False)

    run_until_signal(run)
    if not all(happened):
        sys.exit(1)


def _home(home: Path | None) -> Path:
    if home is None:
        return Path(tempfile.mkdtemp(prefix="headwater-demo-"))
    if home.exists() and any(home.iterdir()):
        raise UsageFailure(f"{home} is not empty; a demonstration starts a new chain, so choose another --home")
    home.mkdir(parents=True, exist_ok=True)
    return home.resolve()
