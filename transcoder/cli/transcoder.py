"""`headwater transcoder`: run a transcoder against the chain."""

import asyncio

import click

from app.primitives.address import to_checksum
from app.primitives.amounts import Wei
from app.primitives.fractions import Fraction
from genesis.arguments import FRACTION, WEI
from transcoder.cli.common import OpenService, ServiceOptions, open_service, service_options
from transcoder.cli.running import require_reproducible, run_service
from transcoder.content.store import MIB, ContentStore, StoreLimits
from transcoder.journal.transcoder import TranscoderJournal
from transcoder.media.tamper import Cheat, tamper
from transcoder.roles.transcoder import ClaimPolicy
from transcoder.services.blocks import BlockPulse
from transcoder.services.chain_reader import ChainReader
from transcoder.services.outbox import PASSING_REASONS, OutboxSender
from transcoder.services.transcoder import StandingTerms, TranscoderService
from transcoder.services.workshop import Tamper, Workshop


@click.group()
def transcoder() -> None:
    """Run a transcoder: take segments of the jobs it is drawn for, transcode, claim, answer challenges, be paid."""


@transcoder.command()
@service_options("127.0.0.1:8935")
@click.option("--price", type=WEI, default="50gwei", show_default=True, help="Lowest price per unit of work.")
@click.option("--cut", type=FRACTION, default="10%", show_default=True, help="Block reward cut.")
@click.option("--share", type=FRACTION, default="50%", show_default=True, help="Share of fees for delegators.")
@click.option("--slots", type=click.IntRange(0, 100), default=1, show_default=True, help="Jobs at a time; 0 for none.")
@click.option("--url", default="", help="Address to publish for broadcasters.  [default: the listening address]")
@click.option("--claim-every", type=click.IntRange(1, 1000), default=10, show_default=True, help="Segments per claim.")
@click.option("--claim-idle", type=click.FloatRange(0.1), default=6.0, show_default=True, help="… or idle seconds.")
@click.option("--parallel", type=click.IntRange(1, 64), default=1, show_default=True, help="Segments at a time.")
@click.option("--content-mib", type=click.IntRange(16), default=4096, show_default=True, help="Content kept, in MiB.")
@click.option("--no-reward", is_flag=True, help="Do not send Reward; the chain may do it as the round closes.")
@click.option("--cheat", type=click.Choice([c.value for c in Cheat]), help="Tamper with work, to be caught.")
def start(service: ServiceOptions, **options: object) -> None:
    """Start a transcoder and keep it running until Ctrl-C or SIGTERM.

    It registers by itself as soon as its key is bonded to itself with enough LPT, which you do once:

    \b
      headwater tx bond 100LPT --from alice
      headwater transcoder start --from alice --price 50gwei --slots 2
    """
    asyncio.run(_run(service, options))


async def _run(options: ServiceOptions, wanted: dict[str, object]) -> None:
    await require_reproducible()
    async with open_service("transcoder", options) as opened:
        service = _build(opened, wanted)
        pulse = BlockPulse(service.reader, service.beat)
        await run_service(opened, service.shell, pulse, service.journal)


def _build(opened: OpenService, wanted: dict[str, object]) -> TranscoderService:
    journal = TranscoderJournal(opened.journal_path, to_checksum(opened.signer.address))
    limits = StoreLimits(total_bytes=int(str(wanted["content_mib"])) * MIB)
    workshop = Workshop(
        opened.signer,
        journal,
        ContentStore(opened.home / "content", limits),
        parallel=int(str(wanted["parallel"])),
        tamper=_tamper(wanted["cheat"]),
    )
    return TranscoderService(
        workshop,
        ChainReader(opened.rpc),
        OutboxSender(journal, opened.rpc, opened.signer, opened.chain_id, PASSING_REASONS),
        opened.shell(),
        policy=ClaimPolicy(int(str(wanted["claim_every"])), float(str(wanted["claim_idle"]))),
        calls_reward=not wanted["no_reward"],
        terms=_terms(wanted),
    )


def _terms(wanted: dict[str, object]) -> StandingTerms:
    return StandingTerms(
        Wei(int(str(wanted["price"]))),
        Fraction(int(str(wanted["cut"]))),
        Fraction(int(str(wanted["share"]))),
        int(str(wanted["slots"])),
        str(wanted["url"]),
    )


def _tamper(cheat: object) -> Tamper | None:
    if cheat is None:
        return None
    kind = Cheat(str(cheat))
    return lambda honest: tamper(honest, honest.renditions[-1].name, kind)
