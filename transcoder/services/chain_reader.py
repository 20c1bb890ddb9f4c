"""The chain as the services read it: `chain.tx.queries` in the records of the state."""

from typing import Any, TypeVar

from app.messages import records
from app.messages.record import RecordError, from_json
from app.params import Params
from app.primitives.address import to_checksum
from chain.rpc.client import RpcClient
from chain.rpc.errors import RpcMalformed
from chain.rpc.verified import QueryRefused
from chain.tx.queries import Queries
from transcoder.roles.views import ChainMoment, ChallengeView, ClaimView, JobView

__all__ = ["ChainReader", "QueryRefused", "pick"]

R = TypeVar("R")


class ChainReader:
    """Typed queries to one node. All of them raise RpcFailure where it does not answer, or not what it should."""

    def __init__(self, rpc: RpcClient) -> None:
        self._queries = Queries(rpc)

    async def ask(self, path: str, **filters: str | int | None) -> dict[str, Any]:
        """The JSON answer to a query.

        Raises:
            QueryRefused: there is none.
            RpcUnreachable, RpcMalformed, RpcError: as the node's.
        """
        return await self._queries.ask(path, **filters)

    async def items(self, path: str, **filters: str | int | None) -> list[dict[str, Any]]:
        """All items of a list, page by page."""
        try:
            answer = await self._queries.all_items(path, None, **filters)
            return list(answer["items"])
        except (KeyError, TypeError) as error:
            raise RpcMalformed(f"the answer to {path} is no list: {error!r}") from error

    async def find(self, cls: type[R], path: str) -> R | None:
        """One record, or none where there is none."""
        try:
            return pick(cls, await self.ask(path))
        except QueryRefused:
            return None

    async def moment(self) -> ChainMoment:
        """The chain now."""
        answer = await self._queries.round()
        params: Params = await self._queries.params()
        return ChainMoment(_number(answer, "height"), params, pick(records.RoundState, answer))

    async def height(self) -> int:
        """The height of the last commit."""
        return _number(await self._queries.status(), "height")

    async def job(self, job_id: int) -> JobView | None:
        """One job."""
        job = await self.find(records.Job, f"/job/{job_id}")
        return None if job is None else JobView(job_id, job)

    async def deposit(self, address: bytes) -> int:
        """What a broadcaster has deposited, in wei."""
        return _number(await self.ask(f"/deposit/{to_checksum(address)}"), "amount")

    async def own_stake(self, address: bytes) -> int:
        """What an account has bonded to itself, in base units of LPT."""
        try:
            answer = await self.ask(f"/delegator/{to_checksum(address)}")
        except QueryRefused:
            return 0
        return _number(answer, "stake") if answer.get("candidate") == answer.get("address") else 0

    async def claims(self, job_id: int, after: int = 0) -> list[ClaimView]:
        """The claims of a job with ids above `after`, the id of one of them; 0 for all."""
        items = await self.items(f"/claims/{job_id}", after=after or None)
        return [ClaimView(job_id, _number(item, "claim_id"), pick(records.Claim, item)) for item in items]

    async def claim(self, job_id: int, claim_id: int) -> ClaimView | None:
        """One claim."""
        found = await self.find(records.Claim, f"/claim/{job_id}/{claim_id}")
        return None if found is None else ClaimView(job_id, claim_id, found)

    async def challenge(self, job_id: int, claim_id: int, segment: int) -> ChallengeView | None:
        """One challenged segment."""
        found = await self.find(records.Challenge, f"/challenge/{job_id}/{claim_id}/{segment}")
        return None if found is None else ChallengeView(job_id, claim_id, segment, found)

    async def challenges(self, **filters: str | int | None) -> list[ChallengeView]:
        """Challenged segments, by job, status or verifier."""
        return [_challenge(item) for item in await self.items("/challenges", **filters)]


def _challenge(item: dict[str, Any]) -> ChallengeView:
    place = _number(item, "job_id"), _number(item, "claim_id"), _number(item, "segment")
    return ChallengeView(*place, pick(records.Challenge, item))


def pick(cls: type[R], answer: dict[str, Any]) -> R:
    """A record out of an answer that holds more than its fields.

    Raises:
        RpcMalformed: it is not in there.
    """
    names = cls.__dataclass_fields__  # type: ignore[attr-defined]
    try:
        return from_json(cls, {name: value for name, value in answer.items() if name in names})
    except (RecordError, AttributeError) as error:
        raise RpcMalformed(f"the node answered with a {cls.__name__} that this version does not know: {error}") from (
            error
        )


def _number(answer: dict[str, Any], name: str) -> int:
    try:
        return int(answer[name])
    except (KeyError, TypeError, ValueError) as error:
        raise RpcMalformed(f"the node's answer has no number {name!r}") from error
