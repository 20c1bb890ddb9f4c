"""Queries: JSON views of committed state by path, and raw records with proofs by key.

`/store/state/key` with a key of `app.messages.keyspace` answers the raw record, as CometBFT's light client asks for
it. At the tip a proof is given for the height before, because its header is not there yet. All other paths answer one
JSON object with `height`; lists answer `items` and `next`, the cursor for `after`.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol
from urllib.parse import parse_qsl

from app.execution.invariants import find_broken
from app.execution.query_parts import (
    MAX_ITEMS,
    Query,
    QueryError,
    page,
    read_address,
    read_number,
    require_found,
)
from app.execution.stake_queries import STAKE_ANSWERS, preview_election
from app.messages.record import to_json
from app.messages.records import CourtOutcome, ProposalStatus
from app.messages.rejections import Reason
from app.primitives.address import Address, to_checksum
from app.primitives.state_proof import ProofOp, StateProofError, encode_proof
from app.protocol.allocations import get_last_height, is_claimed
from app.protocol.clock import DueKind
from app.protocol.governance.electorate import get_voting_stake
from app.protocol.governance.voting import compute_status, compute_tally
from app.protocol.rounds import get_candidates_in_order
from app.protocol.stake import get_stake, get_total_stake
from app.protocol.transcoders import get_waiting_position
from app.protocol.verification.court import get_powers
from app.state import tables
from app.state.tables import ReadState, Table
from app.store.errors import HistoryUnavailable
from app.store.state_view import StateView

_DUE_OF_OPEN = {
    "awaiting_receipt": DueKind.MISS_RECEIPT,
    "awaiting_committee": DueKind.DRAW_COMMITTEE,
    "committing": DueKind.CLOSE_COMMITS,
    "revealing": DueKind.CLOSE_REVEALS,
}
"""What is written down for later of a challenge in each status that does not last."""

MAX_PROFILE_ID_LENGTH = 255
"""What a key can hold."""


class Waiting(Protocol):
    """What queries may ask of the mempool, from any thread."""

    def next_nonce(self, state: ReadState, sender: Address) -> int:
        """The nonce that a sender's next transaction should have."""

    def describe(self) -> dict[str, Any]:
        """Which mempool it is, and how full."""


@dataclass(slots=True)
class QueryAnswer:
    """The answer to a query: code 0 with a value, or another code with a text."""

    height: int
    code: int = 0
    log: str = ""
    key: bytes = b""
    value: bytes = b""
    proof: tuple[ProofOp, ...] = field(default_factory=tuple)


def answer_query(view: StateView, mempool: Waiting, path: str, data: bytes, height: int, prove: bool) -> QueryAnswer:
    """Answer a query; every mistake becomes a code, because an exception would end the node."""
    try:
        if path == "/store/state/key":
            return _answer_key(view, data, height, prove)
        at = view.at(height) if height else view
        answer = _answer_json(view, at, mempool, path)
        return QueryAnswer(at.height, value=json.dumps({"height": at.height, **answer}).encode())
    except (QueryError, HistoryUnavailable, StateProofError) as error:
        return QueryAnswer(view.height, int(Reason.INVALID_FIELD), str(error))


def _answer_key(view: StateView, key: bytes, height: int, prove: bool) -> QueryAnswer:
    if prove and height == 0:
        height = max(view.height - 1, view.oldest_height)
    at = view.at(height) if height else view
    proof = encode_proof(at.prove(key)) if prove and key else ()
    return QueryAnswer(at.height, key=key, value=at.get(key) or b"", proof=proof)


def _answer_json(newest: StateView, view: StateView, mempool: Waiting, path: str) -> dict[str, Any]:
    if view.height == 0:
        raise QueryError("there is no state before the first block; ask again")
    path, _, query = path.partition("?")
    name, *arguments = path.strip("/").split("/")
    answer = _ANSWERS.get((name, len(arguments)))
    if answer is None:
        usages = sorted("/".join([known, *["…"] * count]) for known, count in _ANSWERS)
        raise QueryError(f"no such query: {path!r}; known are {', '.join(usages)}")
    if name == "nonce":
        return {"nonce": mempool.next_nonce(newest, read_address(arguments[0]))}
    if name == "mempool":
        return mempool.describe()
    return answer(view, dict(parse_qsl(query)), *arguments)


def _round(view: StateView, query: Query) -> dict[str, Any]:
    """The running round; and, where it is asked for, because it walks the candidates, what would follow it."""
    running = to_json(tables.ROUND.read(view))
    return {**running, "next_election": preview_election(view)} if "preview" in query else running


def _status(view: StateView, query: Query) -> dict[str, Any]:
    supply, totals = tables.SUPPLY.read(view), tables.TOTALS.read(view)
    return {"app_hash": view.app_hash.hex(), "supply": to_json(supply), "totals": to_json(totals)}


def _supply(view: StateView, query: Query) -> dict[str, Any]:
    pool = tables.COMMON_POOL.read(view)
    return {**_status(view, query), "common_pool": to_json(pool)}


def _allocations(view: StateView, query: Query) -> dict[str, Any]:
    record = require_found(tables.ALLOCATIONS.get(view), "this chain's genesis document has no allocations")
    last = get_last_height(record, tables.PARAMS.read(view).allocation_expiry)
    return {**to_json(record), "last_height": last}


def _allocation(view: StateView, query: Query, number: str) -> dict[str, Any]:
    known, index = _allocations(view, query), read_number(number)
    if index >= known["count"]:
        raise QueryError(f"there is no allocation {index}; the genesis document has {known['count']}")
    claimed = is_claimed(view, index)
    return {
        "index": index,
        "claimed": claimed,
        "claimable": not claimed and not known["expired_height"],
        "last_height": known["last_height"],
    }


def _account(view: StateView, query: Query, text: str) -> dict[str, Any]:
    address = read_address(text)
    return {"address": to_checksum(address), **to_json(tables.ACCOUNTS.read(view, address))}


def _transcoder(view: StateView, query: Query, text: str) -> dict[str, Any]:
    address = read_address(text)
    record = require_found(tables.TRANSCODERS.get(view, address), f"{text} is not a registered transcoder")
    active = tables.ACTIVE.get(view, address)
    return {
        **_transcoder_item(view, address, record),
        "own_stake": str(get_stake(view, address)),
        "active": None if active is None else to_json(active),
        "waiting_position": get_waiting_position(view, address, tables.PARAMS.read(view).n),
    }


def _transcoder_item(view: ReadState, address: Address, record: Any) -> dict[str, Any]:
    total = str(get_total_stake(view, address))
    return {"address": to_checksum(address), "total_stake": total, **to_json(record)}


def _transcoders(view: StateView, query: Query) -> dict[str, Any]:
    pairs = ((address, record) for (address,), record in tables.TRANSCODERS.items(view))
    return page(((to_checksum(a), _transcoder_item(view, a, r)) for a, r in pairs), query)


def _election(view: StateView, query: Query) -> dict[str, Any]:
    ranked = get_candidates_in_order(view)
    n = tables.PARAMS.read(view).n
    items = [{"address": to_checksum(a), "stake": str(get_total_stake(view, a))} for a in ranked]
    return {"elected": items[:n], "waiting": items[n:]}


def _validators(view: StateView, query: Query) -> dict[str, Any]:
    items = ((key.hex(), {"pubkey": key.hex(), **to_json(v)}) for (key,), v in tables.VALIDATORS.items(view))
    return page(items, query)


def _deposit(view: StateView, query: Query, text: str) -> dict[str, Any]:
    address = read_address(text)
    return {"address": to_checksum(address), **to_json(tables.DEPOSITS.read(view, address))}


def _job(view: StateView, query: Query, number: str) -> dict[str, Any]:
    job_id = read_number(number)
    return {"job_id": job_id, **to_json(require_found(tables.JOBS.get(view, job_id), f"there is no job {job_id}"))}


def _jobs(view: StateView, query: Query) -> dict[str, Any]:
    wanted = query.get("broadcaster"), query.get("transcoder"), query.get("status")

    def matches(job: dict[str, Any]) -> bool:
        found = (job["broadcaster"], job["transcoder"], job["status"])
        return all(w is None or w.lower() == f.lower() for w, f in zip(wanted, found, strict=True))

    items = ((str(i), {"job_id": i, **to_json(job)}) for (i,), job in tables.JOBS.items(view))
    return page(((cursor, item) for cursor, item in items if matches(item)), query)


def _claim_item(job_id: int, claim_id: int, claim: Any) -> dict[str, Any]:
    return {"job_id": job_id, "claim_id": claim_id, **to_json(claim)}


def _claim(view: StateView, query: Query, job: str, number: str) -> dict[str, Any]:
    job_id, claim_id = read_number(job), read_number(number)
    claim = require_found(tables.CLAIMS.get(view, job_id, claim_id), f"job {job_id} has no claim {claim_id}")
    return _claim_item(job_id, claim_id, claim)


def _claims(view: StateView, query: Query, job: str) -> dict[str, Any]:
    pairs = tables.CLAIMS.items(view, read_number(job))
    return page(((str(claim_id), _claim_item(job_id, claim_id, c)) for (job_id, claim_id), c in pairs), query)


def _challenge_item(key: tuple[int, ...], challenge: Any) -> dict[str, Any]:
    return {"job_id": key[0], "claim_id": key[1], "segment": key[2], **to_json(challenge)}


def _challenge(view: StateView, query: Query, job: str, claim: str, segment: str) -> dict[str, Any]:
    key = (read_number(job), read_number(claim), read_number(segment))
    challenge = require_found(tables.CHALLENGES.get(view, *key), f"segment {segment} is not challenged")
    return _challenge_item(key, challenge)


def _challenges(view: StateView, query: Query) -> dict[str, Any]:
    items = (_challenge_item(key, challenge) for key, challenge in _candidates(view, query))

    def matches(item: dict[str, Any]) -> bool:
        status, verifier = query.get("status"), query.get("verifier", "").lower()
        seated = [seat["verifier"].lower() for seat in item["committee"]]
        return (status is None or item["status"] in status.split(",")) and (not verifier or verifier in seated)

    cursors = ((f"{i['job_id']}-{i['claim_id']}-{i['segment']}", i) for i in items if matches(i))
    return page(cursors, query)


def _candidates(view: StateView, query: Query) -> Iterable[tuple[tuple[int, ...], Any]]:
    """The challenges to look at.

    Open ones wait for a height: services ask for them in every block, and they are few among all that ever were.
    """
    leading = (read_number(query["job"]),) if "job" in query else ()
    kinds = [_DUE_OF_OPEN.get(status) for status in query.get("status", "").split(",")]
    if None in kinds:
        return tables.CHALLENGES.items(view, *leading)
    places = sorted(key[2:] for key in tables.DUE.keys(view) if key[1] in kinds)
    return ((place, tables.CHALLENGES.read(view, *place)) for place in places if place[: len(leading)] == leading)


def _dispute(view: StateView, query: Query, number: str) -> dict[str, Any]:
    dispute_id = read_number(number)
    record = require_found(tables.DISPUTES.get(view, dispute_id), f"there is no dispute {dispute_id}")
    powers = get_powers(view)
    attested = [
        {"validator": to_checksum(operator), "power": powers.get(operator, 0), **to_json(said)}
        for (_, operator), said in tables.ATTESTATIONS.items(view, dispute_id)
    ]
    total = sum(powers.values())
    return {"dispute_id": dispute_id, **to_json(record), "attestations": attested, "total_power": total}


def _disputes(view: StateView, query: Query) -> dict[str, Any]:
    """All disputes; the open ones, which court workers ask for all the time, without a walk over the others."""
    wanted = query.get("outcome")
    if wanted == CourtOutcome.OPEN.name.lower():
        found = ((key[0], tables.DISPUTES.read(view, *key)) for key in tables.OPEN_DISPUTES.keys(view))
    else:
        found = ((key[0], record) for key, record in tables.DISPUTES.items(view))
    items = ({"dispute_id": dispute_id, **to_json(record)} for dispute_id, record in found)
    return page(((str(i["dispute_id"]), i) for i in items if wanted in (None, i["outcome"])), query)


def _verifier(view: StateView, query: Query, text: str) -> dict[str, Any]:
    record = require_found(tables.VERIFIERS.get(view, read_address(text)), f"{text} is not a registered verifier")
    return {"address": to_checksum(read_address(text)), **to_json(record)}


def _profile(view: StateView, query: Query, profile_id: str) -> dict[str, Any]:
    known = tables.PROFILES.get(view, profile_id) if len(profile_id.encode()) <= MAX_PROFILE_ID_LENGTH else None
    record = require_found(known, f"there is no profile {profile_id!r}")
    return {"profile_id": profile_id, **to_json(record)}


def _invariants(view: StateView, query: Query) -> dict[str, Any]:
    broken = find_broken(view)
    return {"holds": not broken, "broken": broken}


def _proposal_item(view: ReadState, proposal_id: int, proposal: Any) -> dict[str, Any]:
    item: dict[str, Any] = {"proposal_id": proposal_id, **to_json(proposal)}
    tally = compute_tally(view, proposal_id, proposal)
    item.update({name: str(stake) for name, stake in tally._asdict().items()})
    return item


def _proposal(view: StateView, query: Query, number: str) -> dict[str, Any]:
    proposal_id = read_number(number)
    proposal = require_found(tables.PROPOSALS.get(view, proposal_id), f"there is no proposal {proposal_id}")
    params, tally = tables.PARAMS.read(view), compute_tally(view, proposal_id, proposal)
    is_open = proposal.status is ProposalStatus.VOTING
    return {
        **_proposal_item(view, proposal_id, proposal),
        "quorum": params.quorum,
        "threshold": params.threshold,
        "would_be": compute_status(tally, proposal.active_stake, params).name.lower() if is_open else None,
    }


def _proposals(view: StateView, query: Query) -> dict[str, Any]:
    status = query.get("status")
    items = ((str(i), _proposal_item(view, i, proposal)) for (i,), proposal in tables.PROPOSALS.items(view))
    return page(((cursor, item) for cursor, item in items if status in (None, item["status"])), query)


def _vote(view: StateView, query: Query, number: str, text: str) -> dict[str, Any]:
    proposal_id, address = read_number(number), read_address(text)
    proposal = require_found(tables.PROPOSALS.get(view, proposal_id), f"there is no proposal {proposal_id}")
    vote, ballot = tables.VOTES.get(view, proposal_id, address), tables.BALLOTS.get(view, proposal_id, address)
    could = get_voting_stake(view, proposal.voting_round, address) if proposal.status is ProposalStatus.VOTING else None
    return {
        "proposal_id": proposal_id,
        "voter": to_checksum(address),
        "vote": None if vote is None else to_json(vote),
        "ballot": None if ballot is None else to_json(ballot),
        "voting_stake": "0" if could is None else str(could[1]),
    }


def _votes(view: StateView, query: Query, number: str) -> dict[str, Any]:
    pairs = ((to_checksum(voter), vote) for (_, voter), vote in tables.VOTES.items(view, read_number(number)))
    return page(((voter, {"voter": voter, **to_json(vote)}) for voter, vote in pairs), query)


def _singleton(table: Table[Any]) -> Callable[[StateView, Query], dict[str, Any]]:
    return lambda view, query: to_json(table.read(view))


def _by_address(table: Table[Any]) -> Callable[[StateView, Query], dict[str, Any]]:
    def answer(view: StateView, query: Query) -> dict[str, Any]:
        pairs = ((to_checksum(address), record) for (address,), record in table.items(view))
        return page(((text, {"address": text, **to_json(record)}) for text, record in pairs), query)

    return answer


def _by_id(table: Table[Any], name: str) -> Callable[[StateView, Query], dict[str, Any]]:
    def answer(view: StateView, query: Query) -> dict[str, Any]:
        pairs = ((str(key[0]), {name: key[0], **to_json(record)}) for key, record in table.items(view))
        return page(pairs, query)

    return answer


def _due(view: StateView, query: Query) -> dict[str, Any]:
    keys = islice(tables.DUE.keys(view), MAX_ITEMS)
    names = ("height", "kind", "job_id", "claim_id", "segment")
    return {"items": [dict(zip(names, key, strict=True)) for key in keys], "next": None}


_ANSWERS: dict[tuple[str, int], Callable[..., dict[str, Any]]] = {
    ("status", 0): _status,
    ("params", 0): _singleton(tables.PARAMS),
    ("round", 0): _round,
    ("supply", 0): _supply,
    ("allocations", 0): _allocations,
    ("allocation", 1): _allocation,
    ("account", 1): _account,
    ("nonce", 1): _account,
    ("mempool", 0): _status,
    ("transcoder", 1): _transcoder,
    ("transcoders", 0): _transcoders,
    ("active", 0): _by_address(tables.ACTIVE),
    ("election", 0): _election,
    ("validators", 0): _validators,
    ("deposit", 1): _deposit,
    ("job", 1): _job,
    ("jobs", 0): _jobs,
    ("claim", 2): _claim,
    ("claims", 1): _claims,
    ("challenge", 3): _challenge,
    ("challenges", 0): _challenges,
    ("dispute", 1): _dispute,
    ("disputes", 0): _disputes,
    ("verifier", 1): _verifier,
    ("verifiers", 0): _by_address(tables.VERIFIERS),
    ("profile", 1): _profile,
    ("profiles", 0): _by_id(tables.PROFILES, "profile_id"),
    ("proposal", 1): _proposal,
    ("proposals", 0): _proposals,
    ("vote", 2): _vote,
    ("votes", 1): _votes,
    ("upgrade", 0): _singleton(tables.APP_VERSIONS),
    **STAKE_ANSWERS,
    ("invariants", 0): _invariants,
    ("due", 0): _due,
}
