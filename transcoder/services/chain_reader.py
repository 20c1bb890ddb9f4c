"""The chain as the services read it: queries over RPC, decoded into the records of the state."""

import json
from typing import Any, TypeVar
from urllib.parse import urlencode

from app.messages import records
from app.messages.record import from_json
from app.params import Params
from app.primitives.address import to_checksum
from chain.failures import Failure
from chain.rpc.client import RpcClient
from transcoder.roles.views import ChainMoment, ChallengeView, ClaimView, JobView

R = TypeVar("R")


class QueryRefused(Failure):
    """The node has no answer to a query; the text says why."""


class ChainReader:
    """Typed queries to one node."""

    def __init__(self, rpc: RpcClient) -> None:
        self._rpc = rpc

    async def ask(self, path: str, **query: str) -> dict[str, Any]:
        """The JSON answer to a query.

        Raises:
            QueryRefused: there is none.
            RpcUnreachable: no node answers.
        """
        full = f"{path}?{urlencode(query)}" if query else path
        result = await self._rpc.abci_query(full)
        if result.code:
            raise QueryRefused(f"{full}: {result.log}")
        answer: dict[str, Any] = json.loads(result.value)
        return answer

    async def items(self, path: str, **query: str) -> list[dict[str, Any]]:
        """All items of a list, page by page."""
        found: list[dict[str, Any]] = []
        while True:
            answer = await self.ask(path, **query)
            found += answer["items"]
            if answer["next"] is None:
                return found
            query["after"] = answer["next"]

    async def find(self, cls: type[R], path: str) -> R | None:
        """One record, or none where there is none."""
        try:
            return pick(cls, await self.ask(path))
        except QueryRefused:
            return None

    async def moment(self) -> ChainMoment:
        """The chain now."""
        answer = await self.ask("/round")
        params = pick(Params, await self.ask("/params"))
        return ChainMoment(answer["height"], params, pick(records.RoundState, answer))

    async def height(self) -> int:
        """The height of the last commit."""
        answer = await self.ask("/status")
        return int(answer["height"])

    async def job(self, job_id: int) -> JobView | None:
        """One job."""
        job = await self.find(records.Job, f"/job/{job_id}")
        return None if job is None else JobView(job_id, job)

    async def own_stake(self, address: bytes) -> int:
        """What an account has bonded to itself, in base units of LPT."""
        try:
            answer = await self.ask(f"/delegator/{to_checksum(address)}")
        except QueryRefused:
            return 0
        return int(answer["stake"]) if answer["candidate"] == answer["address"] else 0

    async def jobs_of(self, transcoder: bytes) -> list[JobView]:
        """The jobs that a transcoder was drawn for."""
        items = await self.items("/jobs", transcoder=to_checksum(transcoder))
        return [JobView(item["job_id"], pick(records.Job, item)) for item in items]

    async def claims(self, job_id: int) -> list[ClaimView]:
        """The claims of a job."""
        items = await self.items(f"/claims/{job_id}")
        return [ClaimView(job_id, item["claim_id"], pick(records.Claim, item)) for item in items]

    async def challenge(self, job_id: int, claim_id: int, segment: int) -> ChallengeView | None:
        """One challenged segment."""
        found = await self.find(records.Challenge, f"/challenge/{job_id}/{claim_id}/{segment}")
        return None if found is None else ChallengeView(job_id, claim_id, segment, found)

    async def challenges(self, **query: str) -> list[ChallengeView]:
        """Challenged segments, by job, status or verifier."""
        return [
            ChallengeView(item["job_id"], item["claim_id"], item["segment"], pick(records.Challenge, item))
            for item in await self.items("/challenges", **query)
        ]


def pick(cls: type[R], answer: dict[str, Any]) -> R:
    """A record out of an answer that holds more than its fields."""
    names = cls.__dataclass_fields__  # type: ignore[attr-defined]
    return from_json(cls, {name: value for name, value in answer.items() if name in names})
