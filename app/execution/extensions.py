"""Vote extensions on their way into the state: made, checked, injected by the next proposer, and executed.

What a node attests enters the state only as a part of a decided block: the proposer of the next height puts the signed
extensions of the last commit in front of its transactions. Others accept the block only if each is signed by who it is
said to be from, is of the last height and round, and all together hold more than two thirds of the power, so that a
proposer can leave out little. One that puts in none at all only delays: the next one brings what is attested then. No
extension holds anything while no dispute is open, and then nothing is put in.

CometBFT has an application verify the extensions that decided a block, and not those that came late: what is no
extension, or is signed in a way that we do not accept, is left out by the proposer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.execution.result import TxResult, rejected
from app.messages.attestation import (
    MAX_ATTESTATIONS,
    Attestation,
    CommitExtensions,
    SignedExtension,
    decode_extension,
    decode_injected,
    encode_extension,
    encode_injected,
    extension_sign_bytes,
    is_injected,
)
from app.messages.record import RecordError
from app.messages.rejections import Reason, Rejection, require
from app.primitives.address import Address
from app.primitives.ed25519 import verify_ed25519
from app.protocol.environment import NOBODY, BlockEnv, TxEnv
from app.protocol.verification.court import attest, is_two_thirds
from app.state.tables import CONSENSUS_KEYS, OPEN_DISPUTES, ReadState
from app.store.overlay import Overlay


@dataclass(frozen=True, slots=True)
class LastCommit:
    """The commit of the height before, as CometBFT tells it with a block.

    Attributes:
        powers: of all validators of that height, by CometBFT's address of their key.
        signed: those who voted for the block.
    """

    round: int = 0
    powers: Mapping[Address, int] | None = None
    signed: frozenset[Address] = frozenset()


NO_COMMIT = LastCommit()

# --- a validator's own extension, and another's


def make_extension(state: ReadState, known: Sequence[Attestation]) -> bytes:
    """Our extension: what we know of open disputes, the oldest first."""
    attested = {each.dispute_id: each for each in known if OPEN_DISPUTES.has(state, each.dispute_id)}
    return encode_extension([attested[dispute_id] for dispute_id in sorted(attested)[:MAX_ATTESTATIONS]])


def is_extension(state: ReadState, extension: bytes) -> bool:
    """Whether another validator, that has executed what we have, could have made this extension."""
    try:
        return all(OPEN_DISPUTES.has(state, each.dispute_id) for each in decode_extension(extension))
    except RecordError:
        return False


# --- the proposer


def make_injection(
    state: ReadState, chain_id: str, height: int, commit: LastCommit, votes: Sequence[SignedExtension]
) -> bytes | None:
    """What goes in front of our block at a height, or none where there is nothing to bring or too little of it."""
    good = tuple([vote for vote in votes if _is_good(state, vote, chain_id, height - 1, commit.round)])
    if not any(vote.extension for vote in good):
        return None
    raw = encode_injected(CommitExtensions(height - 1, commit.round, good))
    try:
        read_injection(state, raw, chain_id, height, commit)
    except Rejection:
        return None
    return raw


def _is_good(state: ReadState, vote: SignedExtension, chain_id: str, height: int, round_: int) -> bool:
    owner = CONSENSUS_KEYS.get(state, vote.validator)
    if owner is None:
        return False
    try:
        decode_extension(vote.extension)
    except RecordError:
        return False
    return verify_ed25519(owner.pubkey, extension_sign_bytes(vote.extension, height, round_, chain_id), vote.signature)


# --- everybody


def split_injection(txs: Sequence[bytes]) -> tuple[Sequence[bytes], Sequence[bytes]]:
    """What a proposer has put in front of a block's transactions (one at most), and these."""
    front = 1 if txs and is_injected(txs[0]) else 0
    return txs[:front], txs[front:]


def read_injection(
    state: ReadState, raw: bytes, chain_id: str, height: int, commit: LastCommit
) -> list[tuple[Address, tuple[Attestation, ...]]]:
    """The operators and what they attest, out of the front of a block.

    Raises:
        Rejection: EXTENSIONS_INVALID.
    """
    try:
        injected = decode_injected(raw)
    except RecordError as error:
        raise Rejection(Reason.EXTENSIONS_INVALID, str(error)) from None
    if (injected.height, injected.round) != (height - 1, commit.round):
        raise Rejection(
            Reason.EXTENSIONS_INVALID,
            f"extensions of height {injected.height}, round {injected.round}; the last commit is of height "
            f"{height - 1}, round {commit.round}",
        )
    powers = commit.powers or {}
    _check_voters(injected, commit, powers)
    for vote in injected.votes:
        if not _is_good(state, vote, chain_id, injected.height, injected.round):
            raise Rejection(Reason.EXTENSIONS_INVALID, f"{vote.validator.hex()} has not signed this extension")
    return [
        (CONSENSUS_KEYS.read(state, vote.validator).operator, decode_extension(vote.extension))
        for vote in injected.votes
    ]


def _check_voters(injected: CommitExtensions, commit: LastCommit, powers: Mapping[Address, int]) -> None:
    voters = [vote.validator for vote in injected.votes]
    require(len(frozenset(voters)) == len(voters), Reason.EXTENSIONS_INVALID, "a validator stands twice in it")
    for voter in voters:
        if voter not in commit.signed:
            raise Rejection(Reason.EXTENSIONS_INVALID, f"{voter.hex()} has not voted for the last block")
    power, total = sum(powers[voter] for voter in voters), sum(powers.values())
    if not is_two_thirds(power, total):
        raise Rejection(Reason.EXTENSIONS_INVALID, f"a power of {power} of {total}; more than two thirds is needed")


def process_injection(state: Overlay, env: BlockEnv, raw: bytes, commit: LastCommit) -> TxResult:
    """Take what the front of a decided block attests; where it is forged, nothing of it."""
    inner, tx_env = Overlay(state), TxEnv(env, NOBODY)
    try:
        attested = read_injection(state, raw, env.chain_id, env.height, commit)
    except Rejection as rejection:
        return rejected(rejection)
    for operator, attestations in attested:
        attest(inner, tx_env, operator, attestations)
    inner.apply_to_parent()
    return TxResult(events=tx_env.events)
