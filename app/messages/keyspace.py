"""The whole keyspace of the chain state on one page.

A key is the table's name, a slash, and the key parts: numbers as 8 big-endian bytes so that they sort, addresses and
hashes as they are, text behind one length byte. No name is the beginning of another one with its slash.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from app.messages import records
from app.messages.attestation import Attestation
from app.params import Params
from app.primitives.address import Address
from app.primitives.hashing import Hash32

KeyPart = int | bytes | str
NUMBER, AMOUNT = "number", "amount"
"""Key parts that are integers: 8 bytes, and 16 for amounts."""


@dataclass(frozen=True)
class Layout:
    """One table: its name, the types of its key parts in order, and the record it holds."""

    name: str
    parts: tuple[Any, ...]
    record: Any

    @cached_property
    def prefix(self) -> bytes:
        """What every key of the table begins with."""
        return self.name.encode() + b"/"

    def key(self, *parts: KeyPart) -> bytes:
        """The key of an entry, or with fewer parts than the table has, the beginning of all that share them."""
        if len(parts) == 1 and isinstance(parts[0], bytes):
            return self.prefix + parts[0]  # most keys: an account's, made several times for every transaction
        return self.prefix + b"".join([encode_part(kind, part) for kind, part in zip(self.parts, parts, strict=False)])

    def split(self, key: bytes) -> tuple[Any, ...]:
        """The key parts of an entry's key."""
        at, found = len(self.prefix), []
        for kind in self.parts:
            part, at = decode_part(kind, key, at)
            found.append(part)
        return tuple(found)


def encode_part(kind: Any, part: KeyPart) -> bytes:
    """One key part as bytes."""
    if isinstance(part, int):
        return part.to_bytes(16 if kind == AMOUNT else 8, "big")
    if isinstance(part, str):
        text = part.encode()
        return bytes([len(text)]) + text
    return part


def decode_part(kind: Any, key: bytes, at: int) -> tuple[KeyPart, int]:
    """Read one key part at `at`; returns it and where the next one begins."""
    if kind in (NUMBER, AMOUNT):
        end = at + (16 if kind == AMOUNT else 8)
        return int.from_bytes(key[at:end], "big"), end
    if kind is str:
        end = at + 1 + key[at]
        return key[at + 1 : end].decode(), end
    end = at + (20 if kind is Address else 32)
    return key[at:end], end


# ledger
ACCOUNTS = Layout("account", (Address,), records.Account)
SUPPLY = Layout("supply", (), records.Supply)
COMMON_POOL = Layout("common-pool", (), records.CommonPool)
TOTALS = Layout("totals", (), records.Totals)
# allocations of the genesis document; number of a group of them
ALLOCATIONS = Layout("allocations", (), records.Allocations)
CLAIMED_ALLOCATIONS = Layout("allocation-bits", (NUMBER,), records.AllocationBits)
# parameters, and those that governance has adopted for the next round
PARAMS = Layout("params", (), Params)
# stake: the pool of a candidate; (candidate, round) of joined bonds; (candidate, era) that a slash ended; delegators
POOLS = Layout("pool", (Address,), records.DelegationPool)
JOINED = Layout("joined", (Address, NUMBER), records.JoinedBucket)
ENDED_ERAS = Layout("ended-era", (Address, NUMBER), records.EndedEra)
DELEGATORS = Layout("delegator", (Address,), records.Delegator)
# (delegator, round) of what it held as that round began
HOLDINGS = Layout("holding", (Address, NUMBER), records.Holding)
# locks: (delegator, lock); (candidate, last height of liability, number) of what they hold
LOCKS = Layout("lock", (Address, NUMBER), records.Lock)
LOCK_BATCHES = Layout("lock-batch", (Address, NUMBER, NUMBER), records.LockBatch)
# transcoders, and two orders: of who can be elected, by 2^128 - 1 - stake; of all candidates, by price
TRANSCODERS = Layout("transcoder", (Address,), records.Transcoder)
CANDIDATES_BY_STAKE = Layout("by-stake", (AMOUNT, Address), records.Empty)
CANDIDATES_BY_PRICE = Layout("by-price", (AMOUNT, Address), records.Empty)
# rounds
ROUND = Layout("round", (), records.RoundState)
ACTIVE = Layout("active", (Address,), records.ActiveTranscoder)
# validators: by ed25519 key; by CometBFT's address of it
VALIDATORS = Layout("validator", (Hash32,), records.Validator)
CONSENSUS_KEYS = Layout("consensus-key", (Address,), records.ConsensusKeyOwner)
# (operator, height) of each block that it did not sign
MISSED_BLOCKS = Layout("missed-block", (Address, NUMBER), records.Empty)
# deposits and jobs
DEPOSITS = Layout("deposit", (Address,), records.AmountRecord)
PROFILES = Layout("profile", (str,), records.Profile)
JOBS = Layout("job", (NUMBER,), records.Job)
WAITING_JOBS = Layout("waiting-job", (NUMBER,), records.Empty)
# (job, transcoder) that had it before
FORMER_TRANSCODERS = Layout("former", (NUMBER, Address), records.FormerTranscoder)
OPEN_JOBS = Layout("open-job", (Address, NUMBER), records.Empty)
# claims: (job, claim); (job, first segment) of what is claimed
CLAIMS = Layout("claim", (NUMBER, NUMBER), records.Claim)
CLAIMED_RANGES = Layout("claimed", (NUMBER, NUMBER), records.RangeEnd)
# verification: (job, claim, segment)
CHALLENGES = Layout("challenge", (NUMBER, NUMBER, NUMBER), records.Challenge)
DISPUTES = Layout("dispute", (NUMBER,), records.Dispute)
# the court: disputes that are open; (challenger, dispute) of those with a bond;
# (dispute, operator) of what validators attest while they are
OPEN_DISPUTES = Layout("open-dispute", (NUMBER,), records.Empty)
OPEN_CHALLENGES = Layout("open-challenge", (Address, NUMBER), records.Empty)
ATTESTATIONS = Layout("attestation", (NUMBER, Address), Attestation)
# (job, segment, transcoder) that was slashed because of two receipts
DOUBLE_CLAIMS = Layout("double-claim", (NUMBER, NUMBER, Address), records.Empty)
VERIFIERS = Layout("verifier", (Address,), records.Verifier)
# governance: proposals; (proposal, voter); (proposal, transcoder); rounds with whose stakes open proposals are voted,
# and (round, transcoder) of the past ones; the version; (height, proposal) of adopted changes of parameters
PROPOSALS = Layout("proposal", (NUMBER,), records.Proposal)
VOTES = Layout("vote", (NUMBER, Address), records.Vote)
BALLOTS = Layout("ballot", (NUMBER, Address), records.Ballot)
VOTING_ROUNDS = Layout("voting-round", (NUMBER,), records.VotingRound)
ELECTORS = Layout("elector", (NUMBER, Address), records.Elector)
APP_VERSION = Layout("app-version", (), records.AppVersion)
ADOPTED_CHANGES = Layout("adopted-change", (NUMBER, NUMBER), records.Empty)
# what falls due at a height: (height, kind, job, claim, segment)
DUE = Layout("due", (NUMBER, NUMBER, NUMBER, NUMBER, NUMBER), records.Empty)

LAYOUTS: tuple[Layout, ...] = tuple(value for value in list(vars().values()) if isinstance(value, Layout))
