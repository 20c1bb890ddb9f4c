"""Every question that `headwater query` can ask, as a table: path, arguments, what a list shows, what can be proven."""

from dataclasses import dataclass
from enum import IntEnum

from app.messages import keyspace
from app.messages.keyspace import Layout
from app.messages.records import ChallengeStatus, JobStatus, ProposalStatus


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        path: of the application's query; arguments stand in braces, `account` may be a key's name.
        help: what the answer says.
        example: arguments of an example.
        columns: of a list, as names with dots; empty where the answer is one record.
        filters: options of a list.
        layout: the table of the raw record, where `--prove` can ask for it by the same arguments.
        statuses: what the filter `status` may name.
        notes: what an answer takes for granted, told with it.
    """

    name: str
    path: str
    help: str
    example: str = ""
    columns: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    layout: Layout | None = None
    statuses: type[IntEnum] | None = None
    notes: tuple[str, ...] = ()


QUESTIONS: tuple[Question, ...] = (
    Question("status", "/status", "The newest height, its app hash, and the totals."),
    Question("params", "/params", "The protocol's parameters as they hold now.", layout=keyspace.PARAMS),
    Question(
        "round",
        "/round?preview=yes",
        "The running round: its blocks, inflation, stake and work; and what the next election would give.",
        layout=keyspace.ROUND,
        notes=(
            "next_election is a preview by the stakes and parameters of now; of drawn_from one more is drawn by chance",
        ),
    ),
    Question(
        "supply",
        "/supply",
        "All LPT and ETH there is, minted, burned, bonded, and in the CommonPool.",
        layout=keyspace.SUPPLY,
    ),
    Question("mempool", "/mempool", "Which mempool the node has, and how full it is."),
    Question(
        "common-pool",
        "/common-pool",
        "Slashed LPT and ownerless remainders, for governance.",
        layout=keyspace.COMMON_POOL,
    ),
    Question("accounts", "/accounts", "All accounts.", columns=("address", "lpt", "wei", "nonce")),
    Question(
        "allocations",
        "/allocations",
        "What the genesis document allocates to those who claim it, what is left, and until when.",
        layout=keyspace.ALLOCATIONS,
    ),
    Question(
        "allocation",
        "/allocation/{allocation}",
        "Whether ALLOCATION was claimed, and can be: its index; or, with --file, an account.",
        "alice --file allocations.bin",
    ),
    Question(
        "account",
        "/account/{account}",
        "Balances and next nonce of ACCOUNT, an address or the name of a key.",
        "alice",
        layout=keyspace.ACCOUNTS,
    ),
    Question(
        "nonce", "/nonce/{account}", "The nonce of ACCOUNT's next transaction, counting those that wait.", "alice"
    ),
    Question(
        "delegator",
        "/delegator/{account}",
        "To whom ACCOUNT is bonded, its stake with all rewards until now, its fees until now, its locks.",
        "alice",
        layout=keyspace.DELEGATORS,
    ),
    Question(
        "delegators",
        "/delegators",
        "All who are, or were, bonded.",
        columns=("address", "candidate", "stake", "pending_fees"),
    ),
    Question(
        "locks",
        "/locks/{account}",
        "The stake of ACCOUNT that is on its way out, and when it is released.",
        "alice",
        ("lock_id", "value", "released", "release_height", "candidate"),
    ),
    Question(
        "pool",
        "/pool/{account}",
        "All that is bonded towards the transcoder ACCOUNT: what earns, what joins next round, fees to collect.",
        "t1",
        layout=keyspace.POOLS,
    ),
    Question(
        "yield",
        "/yield/{account}",
        "What --stake would earn in a year if it were bonded to the transcoder ACCOUNT now: an estimate.",
        "t1 --stake 100LPT",
        filters=("stake",),
        notes=(
            "For a year as it is now: so many rounds, each minting as much, everybody's stake in the same proportions",
            "(rewards stay bonded), the rates that hold next; every reward called, nothing slashed, nothing withheld.",
            "Fees as in the blocks since fees_since_height, which the node still keeps; - where they do not tell.",
        ),
    ),
    Question(
        "transcoder",
        "/transcoder/{account}",
        "Rates, stake, slots and record of the transcoder ACCOUNT, and whether it is active.",
        "t1",
        layout=keyspace.TRANSCODERS,
    ),
    Question(
        "transcoders",
        "/transcoders",
        "All registered transcoders.",
        columns=("address", "total_stake", "next_rates.price_per_segment", "slots", "segments_claimed", "service_uri"),
    ),
    Question(
        "active",
        "/active",
        "The transcoders elected for the running round, with what was locked in.",
        columns=("address", "stake", "rates.price_per_segment", "from_waitlist", "rewarded", "left", "work"),
    ),
    Question("election", "/election", "Who would be elected if the round ended now, and who waits."),
    Question("validators", "/validators", "The consensus validators.", columns=("operator", "power", "pubkey")),
    Question(
        "deposit",
        "/deposit/{account}",
        "What ACCOUNT has deposited for its jobs.",
        "carol",
        layout=keyspace.DEPOSITS,
    ),
    Question("job", "/job/{job_id}", "The job JOB_ID.", "1", layout=keyspace.JOBS),
    Question(
        "jobs",
        "/jobs",
        "All jobs, or some.",
        "--broadcaster carol --status assigned",
        ("job_id", "status", "stream_id", "transcoder", "fee_per_segment", "segments_claimed", "segments_paid"),
        ("broadcaster", "transcoder", "status"),
        statuses=JobStatus,
    ),
    Question(
        "claim",
        "/claim/{job_id}/{claim_id}",
        "The claim CLAIM_ID of the job JOB_ID; its height is the block that it was made in.",
        "1 1",
        layout=keyspace.CLAIMS,
    ),
    Question(
        "claims",
        "/claims/{job_id}",
        "The claims of the job JOB_ID.",
        "1",
        ("claim_id", "status", "height", "segments", "fee", "challenged", "open_challenges"),
    ),
    Question(
        "challenge",
        "/challenge/{job_id}/{claim_id}/{segment}",
        "The challenged segment SEGMENT of a claim, with its committee and their verdicts.",
        "1 1 7",
        layout=keyspace.CHALLENGES,
    ),
    Question(
        "challenges",
        "/challenges",
        "Challenged segments, all or some; --status takes several with commas between.",
        "--job 1 --status committing,revealing",
        ("job_id", "claim_id", "segment", "status", "deadline"),
        ("job", "verifier", "status"),
        statuses=ChallengeStatus,
    ),
    Question(
        "disputes",
        "/disputes",
        "Segments that are, or were, before the court of validators.",
        "--outcome open",
        ("dispute_id", "job_id", "claim_id", "segment", "reason", "closes_height", "outcome"),
        ("outcome",),
    ),
    Question(
        "dispute",
        "/dispute/{dispute_id}",
        "The dispute DISPUTE_ID; while it is open, what each validator has attested so far.",
        "1",
        layout=keyspace.DISPUTES,
    ),
    Question(
        "verifier", "/verifier/{account}", "Bond and record of the verifier ACCOUNT.", "v1", layout=keyspace.VERIFIERS
    ),
    Question(
        "verifiers",
        "/verifiers",
        "All registered verifiers.",
        columns=("address", "bond", "drawn", "revealed", "silent", "fees_earned"),
    ),
    Question(
        "profile", "/profile/{profile_id}", "The profile PROFILE_ID.", "h264-verified-1", layout=keyspace.PROFILES
    ),
    Question("profiles", "/profiles", "All profiles.", columns=("profile_id", "codec", "codec_weight", "frozen")),
    Question(
        "proposal",
        "/proposal/{proposal_id}",
        "The proposal PROPOSAL_ID, its votes as they are weighed now, and what they would make of it.",
        "1",
        layout=keyspace.PROPOSALS,
    ),
    Question(
        "proposals",
        "/proposals",
        "All proposals, or those of a status, with their votes.",
        "--status voting",
        (
            "proposal_id",
            "status",
            "content.kind",
            "end_height",
            "yes",
            "no",
            "abstain",
            "active_stake",
            "content.title",
        ),
        ("status",),
        statuses=ProposalStatus,
    ),
    Question(
        "vote",
        "/vote/{proposal_id}/{account}",
        "How ACCOUNT has voted on the proposal PROPOSAL_ID, and how much stake it votes with.",
        "1 alice",
    ),
    Question(
        "votes",
        "/votes/{proposal_id}",
        "All votes on the proposal PROPOSAL_ID.",
        "1",
        ("voter", "option", "stake", "transcoder"),
    ),
    Question("upgrade", "/upgrade", "The version of the application that runs the chain, and a planned one."),
    Question("invariants", "/invariants", "Whether the node's state contradicts itself anywhere; walks all of it."),
    Question(
        "due", "/due", "What the next blocks have to do.", columns=("height", "kind", "job_id", "claim_id", "segment")
    ),
    Question(
        "table",
        "/table/{table}",
        "Any table of the state as it is, record by record; without such a table the answer names them all.",
        "lock-batch --limit 10",
        ("key", "record"),
    ),
)
