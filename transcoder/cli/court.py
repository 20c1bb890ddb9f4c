"""`headwater court`: the part of a validator's node that re-executes disputed work."""

import asyncio
import contextlib
from pathlib import Path

import click

from app.primitives.address import Address
from chain.cli.output import home_option, node_option
from chain.cometbft.home import NodeHome
from chain.rpc.client import RpcClient
from transcoder.cli.running import require_reproducible
from transcoder.content.client import ContentClient
from transcoder.media.sandbox import SandboxLimits
from transcoder.net.http import open_session
from transcoder.net.logs import configure_logging
from transcoder.services.blocks import BlockPulse
from transcoder.services.chain_reader import ChainReader
from transcoder.services.court import IDLE_BLOCKS, CourtWorker, Desk
from transcoder.services.judge import Judge


@click.group()
def court() -> None:
    """Re-execute disputed work for a validator. `headwater node start` does this by itself while there are disputes."""


@court.command()
@node_option
@home_option
@click.option("--until-idle", is_flag=True, help=f"End when no dispute has been open for {IDLE_BLOCKS} blocks.")
@click.option("--cpu-seconds", type=click.IntRange(1), default=60, show_default=True, help="For one re-execution.")
@click.option("--memory-mib", type=click.IntRange(64), default=1536, show_default=True, help="For one re-execution.")
def start(home: Path, node: str, until_idle: bool, cpu_seconds: int, memory_mib: int) -> None:
    """Start the court worker of the node in --home and keep it running until Ctrl-C or SIGTERM.

    It needs no key: what it finds it leaves in the node's directory, and the node's votes carry it. Work is executed
    in processes of its own with limits on CPU time and memory.

    \b
    Example:  headwater court start --home ~/.headwater/node --node http://127.0.0.1:26657
    """
    limits = SandboxLimits(cpu_seconds=cpu_seconds, memory_bytes=memory_mib << 20)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(NodeHome(home), node, until_idle, limits))


async def _run(home: NodeHome, node: str, until_idle: bool, limits: SandboxLimits) -> None:
    configure_logging("court", "info", None)
    await require_reproducible()
    async with RpcClient(node) as rpc, open_session() as session:
        judge = Judge(Address(bytes(20)), ContentClient(session), limits)
        worker = CourtWorker(ChainReader(rpc), judge, Desk(home.attestations_file))
        pulse = BlockPulse(worker.reader, worker.beat)
        tasks = [asyncio.create_task(pulse.run()), asyncio.create_task(worker.work())]
        if until_idle:
            tasks.append(asyncio.create_task(_until(worker.is_over)))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _until(event: asyncio.Event) -> None:
    await event.wait()
