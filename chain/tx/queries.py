"""Questions to the chain, one method each (protocol.md names the records; paths are those of app/execution).

Every answer is a dict with `height`, the height it speaks of, and the record's JSON: amounts are decimal strings of
base units, addresses have their checksum. Lists are walked to their end; `limit` stops earlier.
"""

import json
from typing import Any
from urllib.parse import quote, urlencode

from app.messages.record import RecordError, from_json
from app.params import Params
from app.primitives.address import Address, to_checksum
from chain.rpc.client import RpcClient
from chain.rpc.errors import RpcMalformed
from chain.rpc.verified import QueryRefused

Answer = dict[str, Any]


class Queries:
    """Questions to one node, all at `height` (0: its newest)."""

    def __init__(self, rpc: RpcClient, height: int = 0) -> None:
        self._rpc = rpc
        self._height = height

    async def ask(self, path: str, **filters: str | int | None) -> Answer:
        """The JSON answer to a path.

        Raises:
            QueryRefused: the chain has none.
            RpcFailure: no node answered, or not with JSON.
        """
        given = {name: str(value) for name, value in filters.items() if value is not None}
        full = f"{path}?{urlencode(given)}" if given else path
        result = await self._rpc.abci_query(full, height=self._height)
        if result.code:
            raise QueryRefused(result.code, result.log)
        try:
            answer = json.loads(result.value)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise RpcMalformed(f"{self._rpc.url} answered {full} in a form we do not know; is it a Headwater node?")
        return answer

    async def all_items(self, path: str, limit: int | None = None, **filters: str | int | None) -> Answer:
        """A list from its first page to its last, or to `limit` items; `next` is the cursor where it was cut."""
        items: list[Any] = []
        after, height = filters.pop("after", None), 0
        while True:
            wanted = None if limit is None else limit - len(items)
            page = await self.ask(path, **filters, after=after, limit=wanted)
            items += page["items"]
            after, height = page["next"], page["height"]
            if after is None or (limit is not None and len(items) >= limit):
                return {"height": height, "items": items, "next": after}

    async def status(self) -> Answer:
        """App hash, supply and totals."""
        return await self.ask("/status")

    async def params(self) -> Params:
        """The parameters that hold now."""
        answer = await self.ask("/params")
        answer.pop("height", None)
        try:
            return from_json(Params, answer, "params")
        except RecordError as error:
            raise RpcMalformed(f"the chain has other parameters than this version knows: {error}") from error

    async def round(self) -> Answer:
        """The running round."""
        return await self.ask("/round")

    async def account(self, address: Address) -> Answer:
        """Nonce and balances."""
        return await self.ask(f"/account/{to_checksum(address)}")

    async def nonce(self, address: Address) -> int:
        """The nonce of the account's next transaction, those that wait in the node's mempool counted."""
        return int((await self.ask(f"/nonce/{to_checksum(address)}"))["nonce"])

    async def delegator(self, address: Address) -> Answer:
        """A bond: candidate, stake and pending fees."""
        return await self.ask(f"/delegator/{to_checksum(address)}")

    async def transcoder(self, address: Address) -> Answer:
        """A registered transcoder with its stakes, and whether it is active."""
        return await self.ask(f"/transcoder/{to_checksum(address)}")

    async def transcoders(self, limit: int | None = None) -> Answer:
        """All registered transcoders."""
        return await self.all_items("/transcoders", limit)

    async def active(self) -> Answer:
        """The transcoders elected for the running round."""
        return await self.all_items("/active")

    async def validators(self) -> Answer:
        """The consensus validators."""
        return await self.all_items("/validators")

    async def deposit(self, address: Address) -> Answer:
        """What a broadcaster has deposited."""
        return await self.ask(f"/deposit/{to_checksum(address)}")

    async def job(self, job_id: int) -> Answer:
        """One job."""
        return await self.ask(f"/job/{job_id}")

    async def jobs(self, limit: int | None = None, **filters: str | None) -> Answer:
        """Jobs; filters are `broadcaster`, `transcoder` and `status`."""
        return await self.all_items("/jobs", limit, **filters)

    async def claim(self, job_id: int, claim_id: int) -> Answer:
        """One claim; here `height` is the height it was made at."""
        return await self.ask(f"/claim/{job_id}/{claim_id}")

    async def claims(self, job_id: int) -> Answer:
        """The claims of a job."""
        return await self.all_items(f"/claims/{job_id}")

    async def challenge(self, job_id: int, claim_id: int, segment: int) -> Answer:
        """One challenged segment."""
        return await self.ask(f"/challenge/{job_id}/{claim_id}/{segment}")

    async def challenges(self, limit: int | None = None, **filters: str | int | None) -> Answer:
        """Challenged segments; filters are `job`, `verifier` and `status` (several with commas between)."""
        return await self.all_items("/challenges", limit, **filters)

    async def disputes(self) -> Answer:
        """Segments that wait for the court."""
        return await self.all_items("/disputes")

    async def verifier(self, address: Address) -> Answer:
        """A registered verifier."""
        return await self.ask(f"/verifier/{to_checksum(address)}")

    async def verifiers(self, limit: int | None = None) -> Answer:
        """All registered verifiers."""
        return await self.all_items("/verifiers", limit)

    async def profile(self, profile_id: str) -> Answer:
        """A profile that jobs may name."""
        return await self.ask(f"/profile/{quote(profile_id, safe='')}")

    async def profiles(self) -> Answer:
        """All profiles."""
        return await self.all_items("/profiles")

    async def proposal(self, proposal_id: int) -> Answer:
        """One proposal with its votes as they are weighed now."""
        return await self.ask(f"/proposal/{proposal_id}")

    async def proposals(self, limit: int | None = None, **filters: str | None) -> Answer:
        """All proposals; the filter is `status`."""
        return await self.all_items("/proposals", limit, **filters)

    async def vote(self, proposal_id: int, voter: Address) -> Answer:
        """How an account has voted on a proposal, and with how much stake it could."""
        return await self.ask(f"/vote/{proposal_id}/{to_checksum(voter)}")

    async def votes(self, proposal_id: int) -> Answer:
        """All votes on a proposal."""
        return await self.all_items(f"/votes/{proposal_id}")

    async def upgrade(self) -> Answer:
        """The version that runs the chain, and a planned one."""
        return await self.ask("/upgrade")

    async def supply(self) -> Answer:
        """All LPT and ETH there is, and the CommonPool."""
        return await self.ask("/supply")

    async def invariants(self) -> Answer:
        """Whether the node's state contradicts itself anywhere (it walks all of it)."""
        return await self.ask("/invariants")
