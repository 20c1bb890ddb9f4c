"""From what a user asks for to a broadcaster that can run: input, job or order, journal, and what a crash has left."""

import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from app.messages.bodies import Job
from app.messages.rejections import Rejection
from app.messages.segment import check_stream_id, make_stream_id
from app.primitives.address import Address, to_checksum
from app.primitives.amounts import Wei
from chain.failures import UsageFailure
from chain.keys.keyring import Signer
from chain.rpc.client import RpcClient
from transcoder.journal.broadcaster import BroadcasterJournal
from transcoder.net.http import MIB, HttpPolicy, open_session
from transcoder.net.shell import ServiceShell
from transcoder.roles.broadcaster import Order
from transcoder.services.blocks import BlockPulse
from transcoder.services.broadcast.delivery import Courier
from transcoder.services.broadcast.ladders import choose_options
from transcoder.services.broadcast.office import Office, compute_escrow, is_ended, load_own_job
from transcoder.services.broadcast.reports import Happening, Report, Watcher
from transcoder.services.broadcast.session import Session, begin_session, continue_session, load_session
from transcoder.services.broadcast.source import FileSource, SourcePlan
from transcoder.services.broadcaster import BroadcasterService, BroadcastPlan
from transcoder.services.chain_reader import ChainReader
from transcoder.services.outbox import OutboxSender

_SHORTEST_ATTEMPT_SECONDS = 10.0
"""A slow transcoder is not asked again before this; a long deadline has room for a second attempt."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user asks for.

    Attributes:
        stream: the stream's name; None takes the job's, or the input's.
        job_id: a job that was ordered already; None orders one, or goes on with the one in the journal.
        ladder: see `choose_options`.
        deposit_wei: what the deposit shall hold at least before a job is ordered.
    """

    path: Path
    loop: bool
    duration_seconds: Fraction | None
    stream: str | None
    job_id: int | None
    ladder: str | None
    price_wei: int
    escrow_segments: int
    deposit_wei: int
    plan: BroadcastPlan


@dataclass(frozen=True, slots=True)
class Ground:
    """What a broadcaster stands on: its key, its home, its node, and its shell."""

    signer: Signer
    home: Path
    rpc: RpcClient
    chain_id: str
    shell: ServiceShell
    watch: Watcher


@asynccontextmanager
async def open_broadcaster(wish: Wish, ground: Ground) -> AsyncIterator[BroadcasterService]:
    """A broadcaster whose shell is ready to `run`; everything is closed at the end.

    Raises:
        UsageFailure: the input, the renditions, the stream's name or the job cannot be meant.
        RpcUnreachable: no node answers.
        InUse, WrongOwner: the journal in this home is not ours to write.
    """
    reader = ChainReader(ground.rpc)
    address = ground.signer.address
    stream_id = await _stream_id_of(wish, reader, address)
    params = (await reader.moment()).params
    async with AsyncExitStack() as stack:
        journal = stack.enter_context(
            contextlib.closing(BroadcasterJournal(ground.home / "journal.sqlite", to_checksum(address)))
        )
        await journal.call(journal.keep_to_chain, ground.chain_id)
        source_plan = SourcePlan(wish.path, Fraction(params.t, 1000), wish.loop, wish.duration_seconds)
        source = FileSource(source_plan)
        stack.push_async_callback(source.close)
        session = await _session_of(wish, reader, journal, stream_id, source_plan.fingerprint())
        order = None if session.job_id is not None else await _order_of(wish, reader, source, stream_id)
        courier = Courier(await stack.enter_async_context(open_session()), _policy_of(wish))
        service = BroadcasterService(
            ground.signer, journal, source, courier, ground.shell, ground.home, wish.plan, ground.watch
        )
        sender = OutboxSender(journal, ground.rpc, ground.signer, ground.chain_id)
        service.office = Office(address, journal, reader, sender, session, order, service.hear)
        _run_in(ground.shell, service, reader)
        ground.watch(Report(Happening.STARTED, facts={"stream": stream_id, "job": session.job_id}))
        yield service


def _run_in(shell: ServiceShell, service: BroadcasterService, reader: ChainReader) -> None:
    pulse = BlockPulse(reader, service.office.beat)
    shell.add_background("chain", pulse.run)
    shell.add_background("work", service.run)
    shell.add_health_check("node", pulse.health)


def default_stream(path: Path) -> str:
    """The name that a stream has when nobody names it."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", path.stem).strip("-")[:40] or "stream"


async def _stream_id_of(wish: Wish, reader: ChainReader, address: Address) -> str:
    if wish.job_id is not None:
        stream_id = (await load_own_job(reader, wish.job_id, address)).job.stream_id
        if wish.stream is not None and make_stream_id(address, wish.stream) != stream_id:
            raise UsageFailure(f"job {wish.job_id} is for stream {stream_id}; leave --stream out, or name that one")
    else:
        stream_id = make_stream_id(address, wish.stream or default_stream(wish.path))
    if stream_id.startswith(make_stream_id(address, ".")):
        raise UsageFailure("a stream's name must not begin with a dot")
    try:
        check_stream_id(stream_id, address)
    except Rejection as rejection:
        raise UsageFailure(rejection.text) from rejection
    return stream_id


async def _session_of(
    wish: Wish, reader: ChainReader, journal: BroadcasterJournal, stream_id: str, fingerprint: str
) -> Session:
    """The broadcast in the journal where it can go on, else a new one."""
    known = await journal.call(load_session, journal, stream_id)
    if known is None or known.is_over or wish.job_id not in (None, known.job_id):
        return await journal.call(begin_session, journal, stream_id, fingerprint, wish.job_id)
    if known.job_id is not None:
        view = await reader.job(known.job_id)
        if view is None:
            raise UsageFailure(
                f"the chain does not know job {known.job_id}, which this home's journal has; it may have been made "
                "anew: use another --home"
            )
        if is_ended(view):
            return await journal.call(begin_session, journal, stream_id, fingerprint, None)
    return await journal.call(continue_session, journal, known, fingerprint)


async def _order_of(wish: Wish, reader: ChainReader, source: FileSource, stream_id: str) -> Order:
    options = choose_options(wish.ladder, source.video, source.frame_rate)
    message = Job(stream_id, options, Wei(wish.price_wei), wish.escrow_segments)
    escrow = await compute_escrow(reader, Order(message, 0))
    return Order(message, max(wish.deposit_wei, escrow))


def _policy_of(wish: Wish) -> HttpPolicy:
    seconds = max(_SHORTEST_ATTEMPT_SECONDS, wish.plan.policy.deadline_seconds / 2)
    return HttpPolicy(attempts=1, timeout_seconds=seconds, stall_seconds=seconds, answer_limit_bytes=MIB)
