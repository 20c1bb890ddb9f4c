"""`headwater broadcaster`: send a stream to be transcoded, and serve what comes back."""

import asyncio
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from app.primitives.address import to_checksum
from chain.cli.output import Output, home_option, output_option
from chain.failures import Failure
from chain.files import write_atomically
from genesis.arguments import WEI
from transcoder.cli.broadcast_lines import ReportPrinter
from transcoder.cli.broadcast_status import StatusFile, read_status, show_status
from transcoder.cli.common import OpenService, ServiceOptions, open_service, service_options
from transcoder.net.shell import ServiceShell
from transcoder.roles.send_queue import SendPolicy
from transcoder.services.broadcast.opening import Ground, Wish, open_broadcaster
from transcoder.services.broadcaster import BroadcastPlan

ENDLESS_WINDOW = 30
"""How many segments the playlists of a stream without an end show: a minute of segments of 2 s."""


@click.group()
def broadcaster() -> None:
    """Broadcast: order a transcoder on the chain, send it a stream, and serve what comes back as HLS.

    \b
    HOME/keys            your keys                HOME/journal.sqlite  what must not be lost
    HOME/segments        signed, without receipt  HOME/hls             playlists and renditions
    HOME/logs            broadcaster.log
    """


@broadcaster.command()
@click.option(
    "--input",
    "path",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The video file to send, at the pace of a live source.",
)
@click.option("--loop", is_flag=True, help="Begin again at the file's end, with time running on.")
@click.option("--duration", type=click.FloatRange(min=0, min_open=True), help="End after so many seconds of video.")
@click.option("--stream", help="The stream's name: letters, digits, dash, underscore.  [default: from the input]")
@click.option("--job", "job_id", type=click.IntRange(1), help="Send to this job instead of ordering one.")
@click.option("--ladder", help="Renditions: 480p,360p,240p, or a .json file.  [default: what suits the input]")
@click.option(
    "--price",
    type=WEI,
    default="100gwei",
    show_default=True,
    help="What to offer per unit of work (240p at 30 pictures/s, one segment).",
)
@click.option(
    "--escrow-segments",
    type=click.IntRange(1),
    default=30,
    show_default=True,
    help="For how many segments the job's escrow is.",
)
@click.option(
    "--deposit",
    type=WEI,
    default="1ETH",
    show_default=True,
    help="The least to have deposited before a job is ordered.",
)
@click.option(
    "--window",
    type=click.IntRange(3),
    help=f"Show and keep only so many segments.  [default: all; {ENDLESS_WINDOW} of --loop without --duration]",
)
@click.option(
    "--in-flight",
    type=click.IntRange(1, 64),
    default=SendPolicy().in_flight,
    show_default=True,
    help="How many segments may be with the transcoder at once.",
)
@click.option(
    "--drop-after",
    type=click.FloatRange(min=1),
    default=SendPolicy().deadline_seconds,
    show_default=True,
    help="Drop a segment that has no receipt so many seconds after it was due.",
)
@click.option("--keep-job-on-stop", is_flag=True, help="On Ctrl-C leave job and playlists open for the next start.")
@service_options("127.0.0.1:8936")
@output_option
def start(service: ServiceOptions, output: Output, **wanted: Any) -> None:
    """Broadcast a file: order a job, send segments, check every receipt, and serve the renditions.

    \b
    Example:
      headwater broadcaster start --from alice --input clip.mp4 --loop --duration 60
      mpv http://127.0.0.1:8936/stream/clip/index.m3u8

    A deposit is made where it is missing, then the job is ordered, and a transcoder drawn by the chain. Each segment is
    signed and journalled before it is sent; a receipt counts only with the drawn transcoder's signature, and a
    rendition only with the hash that the receipt commits to.

    After a crash, start it with the same options: it goes on with the next segment of the same job, and sends what has
    no receipt again. When the input ends, and on the first Ctrl-C or SIGTERM, it waits until every segment has its
    receipt or was dropped, finishes the playlists, ends the job, and exits with 0; the second Ctrl-C stops at once.
    """
    asyncio.run(_broadcast(service, _wish(wanted), output))


def _wish(wanted: dict[str, Any]) -> Wish:
    duration = wanted["duration"]
    window = wanted["window"]
    if window is None and wanted["loop"] and duration is None:
        window = ENDLESS_WINDOW
    policy = SendPolicy(in_flight=wanted["in_flight"], deadline_seconds=wanted["drop_after"])
    return Wish(
        path=wanted["path"],
        loop=wanted["loop"],
        duration_seconds=None if duration is None else Fraction(str(duration)),
        stream=wanted["stream"],
        job_id=wanted["job_id"],
        ladder=wanted["ladder"],
        price_wei=wanted["price"],
        escrow_segments=wanted["escrow_segments"],
        deposit_wei=wanted["deposit"],
        plan=BroadcastPlan(window, policy, wanted["keep_job_on_stop"]),
    )


async def _broadcast(options: ServiceOptions, wish: Wish, output: Output) -> None:
    async with open_service("broadcaster", options) as opened:
        printer = ReportPrinter(output.is_json)
        shell = opened.shell()
        ground = Ground(opened.signer, opened.home, opened.rpc, opened.chain_id, shell, printer)
        async with open_broadcaster(wish, ground) as service:
            shell.add_background("announce", lambda: _announce(service.name, opened, shell, printer))
            await shell.run()
        if service.failure is not None:
            raise service.failure


async def _announce(stream: str, opened: OpenService, shell: ServiceShell, printer: ReportPrinter) -> None:
    """Say where the stream will be, now that the address is known."""
    status = StatusFile(shell.url, stream, to_checksum(opened.signer.address), os.getpid())
    await asyncio.to_thread(write_atomically, StatusFile.path(opened.home), status.encode())
    log = opened.options.log_path("broadcaster")
    printer.say_address(f"{shell.url}/stream/{stream}/index.m3u8", "standard error" if log is None else str(log))
    await asyncio.Event().wait()


@broadcaster.command()
@home_option
@click.option("--url", help="Ask the broadcaster at this address.  [default: the one that HOME's last start had]")
@output_option
def status(home: Path, url: str | None, output: Output) -> None:
    """Say how the broadcaster of this home is doing: what it serves, and what became of its segments.

    The exit code is 0 when it runs and is well, 3 when it cannot be reached, and 1 when it is not well.
    """
    found = asyncio.run(read_status(home, url))
    output.result(found, show_status(found))
    if found["health"]["status"] != "ok":
        raise click.exceptions.Exit(Failure.exit_code)
