"""One judgement over real sockets and in the real sandbox: what is agreed with, what is seen, what is not believed."""

import asyncio
import contextlib
import sys
import threading
import time
from dataclasses import replace
from functools import partial

import pytest
from aiohttp import web

from app.messages.receipt import transcoded_hash_of
from app.messages.record import encode
from app.messages.records import Challenge, ChallengeStatus
from app.messages.verdict import Finding
from app.primitives.amounts import Height
from app.primitives.hashing import ZERO_HASH, sha256
from tests.support.chain_server import listen
from tests.support.work_node import OPTIONS, media, signer, until
from transcoder.content.client import ContentClient
from transcoder.content.server import content_routes
from transcoder.content.store import ContentStore
from transcoder.media import sandbox
from transcoder.media.sandbox import SandboxLimits
from transcoder.media.tamper import Cheat, tamper
from transcoder.media.transcode import transcode_segment
from transcoder.net.http import HttpPolicy, open_session
from transcoder.receipts.manifest import encode_manifest, leaves_of, media_ladder
from transcoder.services import judge as judge_module
from transcoder.services.judge import Case, Judge, NotYet, make_verdict

pytestmark = pytest.mark.media

PLACE = (1, 1, 0)
VERA = signer("vera").address


@pytest.fixture(scope="module")
def honest():
    return transcode_segment(media()[0], media_ladder(OPTIONS).renditions)


class Claimed:
    """A segment as a transcoder shows it: what it keeps, and what the chain has of its receipt."""

    def __init__(self, folder, result, data=None):
        self.store = ContentStore(folder / "content")
        self.data = media()[0] if data is None else data
        self.leaves = leaves_of(1, OPTIONS, 0, result)
        self.manifest = encode_manifest(self.leaves)
        self.transcoded_hash = transcoded_hash_of(self.leaves)
        self.outputs = [output.data for output in result.renditions]

    def case(self, url):
        for piece in (self.data, self.manifest, *self.outputs):
            self.store.put(piece)
        challenge = Challenge(
            ChallengeStatus.COMMITTING,
            Height(100),
            data_hash=sha256(self.data),
            transcoded_hash=self.transcoded_hash,
            input_cid=sha256(self.data),
            output_cid=sha256(self.manifest),
        )
        return Case(PLACE, challenge, OPTIONS, (url,))


def judge(claimed, limits=None, verifier=VERA):
    """Vera's opinion."""

    async def run():
        async with serving(claimed) as url, open_session() as session:
            client = ContentClient(session, HttpPolicy(attempts=1, timeout_seconds=10.0, stall_seconds=2.0))
            return await Judge(verifier, client, limits or SandboxLimits()).judge(claimed.case(url))

    return asyncio.run(run())


@contextlib.asynccontextmanager
async def serving(claimed):
    app = web.Application()
    app.add_routes(content_routes(claimed.store))
    runner, port = await listen(app)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()
        claimed.store.close()


def test_right_work_is_agreed_with_and_the_digest_is_the_verifiers_own(tmp_path, honest):
    opinions = [judge(Claimed(tmp_path / name, honest), verifier=signer(name).address) for name in ("vera", "viktor")]
    for opinion in opinions:
        assert opinion.finding is Finding.AGREES
        assert opinion.result == transcoded_hash_of(leaves_of(1, OPTIONS, 0, honest))
    assert opinions[0].keyed_digest != opinions[1].keyed_digest
    assert ZERO_HASH not in (opinions[0].keyed_digest, opinions[1].keyed_digest)


@pytest.mark.parametrize(
    ("cheat", "finding"),
    [
        (Cheat.BLACK_FRAMES, Finding.PICTURES_DIFFER),
        (Cheat.WRONG_SIZE, Finding.SIZE_DIFFERS),
        (Cheat.WRONG_BYTES, Finding.BYTES_DIFFER),
    ],
)
@pytest.mark.parametrize(("rendition", "name"), [(0, "144p"), (1, "72p")])
def test_a_cheat_is_named_with_its_rendition(tmp_path, honest, cheat, finding, rendition, name):
    opinion = judge(Claimed(tmp_path, tamper(honest, name, cheat)))
    assert (opinion.finding, opinion.rendition) == (finding, rendition)
    assert opinion.result == transcoded_hash_of(leaves_of(1, OPTIONS, 0, honest))
    assert opinion.text.startswith(name)


def test_a_leaf_that_does_not_fit_the_right_bytes_is_seen(tmp_path, honest):
    claimed = Claimed(tmp_path, honest)
    claimed.leaves = (claimed.leaves[0], replace(claimed.leaves[1], frames=1))
    claimed.manifest = encode_manifest(claimed.leaves)
    claimed.transcoded_hash = transcoded_hash_of(claimed.leaves)
    opinion = judge(claimed)
    assert (opinion.finding, opinion.rendition) == (Finding.BYTES_DIFFER, 1)


def test_an_output_that_is_wrong_is_told_from_its_leaf_where_it_is_not_shown(tmp_path, honest):
    claimed = Claimed(tmp_path, tamper(honest, "72p", Cheat.WRONG_BYTES))
    claimed.outputs.pop()
    opinion = judge(claimed)
    assert (opinion.finding, opinion.rendition) == (Finding.BYTES_DIFFER, 1)
    assert opinion.result == transcoded_hash_of(leaves_of(1, OPTIONS, 0, honest))


@pytest.mark.parametrize("missing", ["data", "manifest", "outputs"])
def test_what_cannot_be_fetched_is_not_agreed_with(tmp_path, honest, missing):
    """Also the outputs of right work: nobody could play them."""
    claimed = Claimed(tmp_path, honest)

    async def run():
        async with serving(claimed) as url, open_session() as session:
            case = claimed.case(url)
            content = getattr(claimed, missing)
            gone = sha256(content if isinstance(content, bytes) else content[-1])
            real = claimed.store.get
            claimed.store.get = lambda cid: None if cid == gone else real(cid)
            with pytest.raises(NotYet, match=gone.hex()):
                await Judge(VERA, ContentClient(session)).judge(case)

    asyncio.run(run())


def lies(honest):
    leaves = leaves_of(1, OPTIONS, 0, honest)
    return {
        "of other work": encode_manifest(tuple(replace(leaf, output_hash=sha256(b"else")) for leaf in leaves)),
        "too many": encode_manifest(leaves * 40),
        "too few": encode_manifest(leaves[:1]),
        "in another order": encode_manifest(leaves[::-1]),
        "no manifest": b"\x00\x01",
        "a leaf alone": encode(leaves[0]),
    }


@pytest.mark.parametrize("lie", ["of other work", "too many", "too few", "in another order", "no manifest"])
def test_a_lying_manifest_makes_nobody_fetch_what_no_receipt_commits_to(tmp_path, honest, lie):
    claimed = Claimed(tmp_path, tamper(honest, "72p", Cheat.BLACK_FRAMES))
    claimed.manifest = lies(honest)[lie]
    asked = []
    real = claimed.store.get
    claimed.store.get = lambda cid: asked.append(cid) or real(cid)
    opinion = judge(claimed)
    assert opinion.finding is Finding.BYTES_DIFFER
    assert opinion.result == transcoded_hash_of(leaves_of(1, OPTIONS, 0, honest))
    assert asked == [sha256(claimed.data), sha256(claimed.manifest)]


def test_a_manifest_above_its_limit_is_not_read(tmp_path, honest):
    claimed = Claimed(tmp_path, honest)
    claimed.manifest = bytes(70_000)
    with pytest.raises(NotYet, match="are allowed"):
        judge(claimed)


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        (SandboxLimits(cpu_seconds=1, wall_seconds=0.05), "wall-clock"),
        (SandboxLimits(memory_bytes=48 << 20), ""),
    ],
    ids=["time", "memory"],
)
def test_what_the_sandbox_cannot_finish_is_unavailable(tmp_path, honest, limits, text):
    opinion = judge(Claimed(tmp_path, honest), limits)
    assert (opinion.finding, opinion.result) == (Finding.UNAVAILABLE, ZERO_HASH)
    assert text in opinion.text


def test_an_input_that_is_no_video_is_unavailable(tmp_path, honest):
    opinion = judge(Claimed(tmp_path, honest, data=b"a broadcaster may sign anything"))
    assert opinion.finding is Finding.UNAVAILABLE
    assert opinion.text.startswith("input-refused")


def test_every_verdict_has_a_salt_of_its_own(tmp_path, honest):
    opinion = judge(Claimed(tmp_path, honest))
    first, second = (make_verdict(VERA, PLACE, opinion) for _ in range(2))
    assert first.salt != second.salt
    assert first.commitment != second.commitment


def test_the_end_of_a_verifier_ends_its_re_execution(tmp_path, honest, monkeypatch):
    """Else the process would wait for a segment that takes as long as the sandbox lets it."""
    endless = (sys.executable, "-c", "import time; time.sleep(3600)")
    started, ended = [], []
    real = partial(sandbox.reexecute, command=endless)

    def reexecute(*args, **kwargs):
        started.append(1)
        ended.append(real(*args, **kwargs))

    monkeypatch.setattr(judge_module.sandbox, "reexecute", reexecute)
    claimed = Claimed(tmp_path, honest)

    async def run():
        async with serving(claimed) as url, open_session() as session:
            judging = asyncio.create_task(Judge(VERA, ContentClient(session)).judge(claimed.case(url)))
            await until(lambda: started)
            judging.cancel()
            with pytest.raises(asyncio.CancelledError):
                await judging

    asyncio.run(run())
    assert [result.reason for result in ended] == [sandbox.UnavailableReason.STOPPED]


def test_no_more_segments_are_executed_at_a_time_than_there_are_slots_for(tmp_path, honest, monkeypatch):
    at_work, most, lock = [0], [0], threading.Lock()

    def execute(*_, **__):
        with lock:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
        time.sleep(0.02)
        with lock:
            at_work[0] -= 1
        return sandbox.Unavailable(sandbox.UnavailableReason.CRASHED, "it is enough to have been here")

    async def run():
        claimed = Claimed(tmp_path, honest)
        async with serving(claimed) as url, open_session() as session:
            client = ContentClient(session, HttpPolicy(attempts=1, timeout_seconds=10.0, stall_seconds=2.0))
            ours, case = Judge(VERA, client, slots=asyncio.Semaphore(2)), claimed.case(url)
            return await asyncio.gather(*(ours.judge(case) for _ in range(6)))

    monkeypatch.setattr(sandbox, "reexecute", execute)
    opinions = asyncio.run(run())
    assert [each.finding for each in opinions] == [Finding.UNAVAILABLE] * 6
    assert most == [2]
