"""Running a service in the foreground: its pulse, its checks, one line when it is ready, and a clean end."""

import asyncio
from functools import partial

import click

from app.primitives.address import to_checksum
from chain.failures import Failure
from transcoder.cli.common import OpenService
from transcoder.cli.terminal_warnings import warnings_at_terminal
from transcoder.journal.core import Journal
from transcoder.media.profile import VERIFIED_PROFILE
from transcoder.media.self_check import self_check
from transcoder.net.shell import ServiceShell
from transcoder.services.blocks import BlockPulse


class NotReproducible(Failure):
    """This build does not reproduce a profile's golden vectors; its work would be disputed."""


async def require_reproducible() -> None:
    """Prove to ourselves that this build gives the bytes that the profile's golden vectors stand for.

    Raises:
        NotReproducible: naming the stage that differs.
    """
    check = await asyncio.to_thread(self_check, VERIFIED_PROFILE)
    if not check.is_ok:
        raise NotReproducible(check.text)


async def run_service(opened: OpenService, shell: ServiceShell, pulse: BlockPulse, journal: Journal) -> None:
    """Run until a signal: a beat per block beside the shell's routes; the journal is closed at the very end.

    Raises:
        WrongOwner: the journal is another chain's.
    """
    shell.add_cleanup(partial(asyncio.to_thread, journal.close))
    shell.add_background("blocks", pulse.run)
    shell.add_health_check("chain", pulse.health)
    await journal.call(journal.keep_to_chain, opened.chain_id)
    saying = asyncio.create_task(_say_ready(opened, shell))
    try:
        with warnings_at_terminal(opened.options.log_path(opened.role)):
            await shell.run()
    finally:
        saying.cancel()


async def _say_ready(opened: OpenService, shell: ServiceShell) -> None:
    await shell.ready.wait()
    log = opened.options.log_path(opened.role)
    where = f", log {log}" if log else ""
    click.echo(f"{opened.role} {to_checksum(opened.signer.address)} at {shell.url} on {opened.chain_id}{where}")
