"""A transcoder that a broadcaster can talk to: real transcoding, real signatures, and faults on demand."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from aiohttp import web

from app.messages.options import TranscodingOptions
from app.messages.receipt import Leaf, Receipt, sign_receipt, transcoded_hash_of
from app.messages.record import to_json
from app.messages.segment import Segment, recover_broadcaster
from app.primitives.address import Address
from app.primitives.hashing import Hash32, sha256
from tests.support.chain_driver import Party
from tests.support.chain_server import LoopThread, listen
from transcoder.media.transcode import transcode_segment
from transcoder.receipts.manifest import leaves_of, media_ladder


class Fault(Enum):
    """What goes wrong with one request."""

    NONE = auto()
    BUSY = auto()
    CRASH = auto()
    HANG = auto()
    REFUSE = auto()
    GARBAGE = auto()
    WRONG_BYTES = auto()
    """The renditions are not those of the hashes."""
    WRONG_KEY = auto()
    """The receipt is signed by somebody else."""
    WRONG_RECEIPT = auto()
    """The receipt is for another segment."""
    WRONG_LEAVES = auto()
    """The leaves are not those of the receipt."""


@dataclass(frozen=True)
class Request:
    """A segment as it came."""

    number: int
    data_hash: Hash32
    attempt: int


@dataclass
class TranscoderStandIn:
    """Serves `POST /jobs/J/segments/N` and `GET /content/CID`.

    Attributes:
        fault: asked for each request.
        requests: everything that came, in order.
    """

    party: Party
    broadcaster: Address
    options: TranscodingOptions
    fault: Callable[[Request], Fault] = lambda request: Fault.NONE
    delay_seconds: float = 0.0
    requests: list[Request] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._contents: dict[str, bytes] = {}
        self._made: dict[int, tuple[Hash32, tuple[Leaf, ...]]] = {}
        self._turn = asyncio.Lock()
        self._thread = LoopThread()
        self._runner, self.port = self._thread.call(self._start())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._thread.call(self._runner.cleanup())
        self._thread.close()

    @property
    def hashes(self) -> dict[int, set[Hash32]]:
        """For each number the different payloads that came under it."""
        found: dict[int, set[Hash32]] = {}
        for request in self.requests:
            found.setdefault(request.number, set()).add(request.data_hash)
        return found

    async def _start(self) -> tuple[web.AppRunner, int]:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/jobs/{job_id}/segments/{number}", self._take)
        app.router.add_get("/content/{cid}", self._give)
        return await listen(app)

    async def _give(self, request: web.Request) -> web.Response:
        data = self._contents.get(request.match_info["cid"])
        if data is None:
            raise web.HTTPNotFound
        return web.Response(body=data)

    async def _take(self, request: web.Request) -> web.Response:
        data = await request.read()
        job_id, number = int(request.match_info["job_id"]), int(request.match_info["number"])
        segment = Segment(request.headers["Headwater-Stream"], number, sha256(data))
        signature = bytes.fromhex(request.headers["Headwater-Signature"])
        assert recover_broadcaster(segment, signature) == self.broadcaster
        attempt = sum(known.number == number for known in self.requests)
        self.requests.append(Request(number, segment.data_hash, attempt))
        fault = self.fault(self.requests[-1])
        early = await self._fail(fault)
        if early is not None:
            return early
        async with self._turn:
            leaves = await self._transcode(job_id, segment, data)
        self.answered.append(number)
        return self._answer(job_id, segment, signature, leaves, fault)

    async def _fail(self, fault: Fault) -> web.Response | None:
        if fault is Fault.HANG:
            await asyncio.sleep(3600)
        answers = {
            Fault.BUSY: (429, "busy", {"Retry-After": "0"}),
            Fault.CRASH: (500, "crash", {}),
            Fault.REFUSE: (422, "cannot-transcode", {}),
        }
        if fault in answers:
            status, code, headers = answers[fault]
            return web.json_response({"error": code, "text": "on demand"}, status=status, headers=headers)
        return web.Response(text="[[[") if fault is Fault.GARBAGE else None

    async def _transcode(self, job_id: int, segment: Segment, data: bytes) -> tuple[Leaf, ...]:
        known = self._made.get(segment.sequence_number)
        if known is not None and known[0] == segment.data_hash:
            return known[1]
        await asyncio.sleep(self.delay_seconds)
        ladder = media_ladder(self.options)
        result = await asyncio.to_thread(transcode_segment, data, ladder.renditions)
        leaves = leaves_of(job_id, self.options, segment.sequence_number, result)
        for output in result.renditions:
            self._contents[output.sha256.hex()] = output.data
        self._made[segment.sequence_number] = segment.data_hash, leaves
        return leaves

    def _answer(
        self, job_id: int, segment: Segment, signature: bytes, leaves: tuple[Leaf, ...], fault: Fault
    ) -> web.Response:
        if fault is Fault.WRONG_BYTES:
            wrong = sha256(b"never made")
            self._contents[wrong.hex()] = b"something else"
            leaves = (replace(leaves[0], output_hash=wrong), *leaves[1:])
        number = segment.sequence_number + (fault is Fault.WRONG_RECEIPT)
        root = transcoded_hash_of(leaves)
        receipt = Receipt(job_id, segment.stream_id, number, segment.data_hash, root, signature, "stand-in", b"")
        signed = sign_receipt(receipt, Party("a stranger").key if fault is Fault.WRONG_KEY else self.party.key)
        shown = (*leaves[:-1], replace(leaves[-1], frames=1)) if fault is Fault.WRONG_LEAVES else leaves
        return web.Response(text=json.dumps({"receipt": to_json(signed), "leaves": [to_json(each) for each in shown]}))
