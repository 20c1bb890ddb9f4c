"""`headwater verifier`: run a verifier against the chain."""

import asyncio
import os
from functools import partial

import click

from app.primitives.address import to_checksum
from app.primitives.amounts import Lpt
from genesis.arguments import LPT
from transcoder.cli.common import OpenService, ServiceOptions, open_service, service_options
from transcoder.cli.running import require_reproducible, run_service
from transcoder.content.client import ContentClient
from transcoder.journal.verifier import VerifierJournal
from transcoder.media.sandbox import SandboxLimits
from transcoder.net.http import open_session
from transcoder.services.blocks import BlockPulse
from transcoder.services.chain_reader import ChainReader
from transcoder.services.judge import Judge
from transcoder.services.outbox import PASSING_REASONS, OutboxSender
from transcoder.services.verifier import VerifierService


@click.group()
def verifier() -> None:
    """Run a verifier: do challenged segments again, commit to what came out, reveal it, and be paid for it."""


@verifier.command()
@service_options("127.0.0.1:0")
@click.option("--bond", type=LPT, default="10LPT", show_default=True, help="To bond, when not registered yet.")
@click.option("--cpu-seconds", type=click.IntRange(1), default=60, show_default=True, help="For one re-execution.")
@click.option("--memory-mib", type=click.IntRange(64), default=1536, show_default=True, help="For one re-execution.")
@click.option(
    "--parallel",
    type=click.IntRange(1),
    default=max(1, (os.cpu_count() or 1) // 2),
    show_default="half of the processors",
    help="Re-executions at a time.",
)
def start(service: ServiceOptions, bond: Lpt, cpu_seconds: int, memory_mib: int, parallel: int) -> None:
    """Start a verifier and keep it running until Ctrl-C or SIGTERM.

    It registers with its bond by itself. Segments are executed in processes of their own with limits on CPU time and
    memory, so that no input can harm this one.

    \b
      headwater verifier start --from carol --bond 10LPT
    """
    limits = SandboxLimits(cpu_seconds=cpu_seconds, memory_bytes=memory_mib << 20)
    asyncio.run(_run(service, bond, limits, parallel))


async def _run(options: ServiceOptions, bond: Lpt, limits: SandboxLimits, parallel: int) -> None:
    await require_reproducible()
    async with open_service("verifier", options) as opened, open_session() as session:
        slots = asyncio.Semaphore(parallel)
        service = await _build(opened, Judge(opened.signer.address, ContentClient(session), limits, slots), bond)
        service.shell.add_background("judging", service.work)
        await run_service(opened, service.shell, BlockPulse(service.reader, service.beat), service.journal)


async def _build(opened: OpenService, judge: Judge, bond: Lpt) -> VerifierService:
    journal = await asyncio.to_thread(partial(VerifierJournal, opened.journal_path, to_checksum(opened.signer.address)))
    sender = OutboxSender(journal, opened.rpc, opened.signer, opened.chain_id, PASSING_REASONS)
    return VerifierService(opened.signer.address, journal, ChainReader(opened.rpc), sender, judge, opened.shell(), bond)
