"""What a node answers, decoded: hashes, keys, values and transactions are bytes; heights and powers are ints."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventAttribute:
    """One key and value of an event; `indexed` says whether searches and subscriptions can see it."""

    key: str
    value: str
    indexed: bool


@dataclass(frozen=True, slots=True)
class Event:
    """What the application said about a transaction or a block."""

    type: str
    attributes: tuple[EventAttribute, ...]

    def attribute(self, key: str) -> str | None:
        """The value of the first attribute with this key, or None."""
        return next((item.value for item in self.attributes if item.key == key), None)


@dataclass(frozen=True, slots=True)
class TransactionResult:
    """What the application answered to one transaction; code 0 means accepted."""

    code: int
    codespace: str
    data: bytes
    log: str
    info: str
    gas_wanted: int
    gas_used: int
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class BroadcastResult:
    """The answer to a broadcast: the transaction's hash and, unless it was asynchronous, what CheckTx said."""

    code: int
    codespace: str
    data: bytes
    log: str
    hash: bytes


@dataclass(frozen=True, slots=True)
class BundleResult:
    """The answer to a bundle: the code of each member in order, and a text about those that were refused."""

    codes: tuple[int, ...]
    log: str


@dataclass(frozen=True, slots=True)
class BroadcastCommitResult:
    """CheckTx's answer and, when the transaction got into a block, FinalizeBlock's; height 0 means it did not."""

    hash: bytes
    height: int
    check: TransactionResult
    result: TransactionResult


@dataclass(frozen=True, slots=True)
class CommittedTransaction:
    """A transaction in a block, as the node's index has it."""

    hash: bytes
    height: int
    index: int
    transaction: bytes
    result: TransactionResult


@dataclass(frozen=True, slots=True)
class Header:
    """A block's header. `app_hash` commits to the state after the block before (height - 1)."""

    chain_id: str
    height: int
    time: str
    last_block_hash: bytes
    data_hash: bytes
    validators_hash: bytes
    next_validators_hash: bytes
    app_hash: bytes
    last_results_hash: bytes
    proposer: bytes


@dataclass(frozen=True, slots=True)
class Block:
    """A block: its hash, header and transactions in order."""

    hash: bytes
    header: Header
    transactions: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ValidatorUpdate:
    """A change of the validator set that a block brought: power 0 removes."""

    public_key: bytes
    power: int


@dataclass(frozen=True, slots=True)
class BlockResults:
    """What the application answered to a block. `app_hash` is the state after it."""

    height: int
    transactions: tuple[TransactionResult, ...]
    events: tuple[Event, ...]
    validator_updates: tuple[ValidatorUpdate, ...]
    app_hash: bytes


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """Who the node is and how far it has come. `app_hash` is the one in the header of `height`.

    `listen_address` is where it says that peers reach it; a host of zeros stands for all its addresses.
    """

    node_id: str
    moniker: str
    chain_id: str
    height: int
    block_hash: bytes
    app_hash: bytes
    block_time: str
    earliest_height: int
    catching_up: bool
    validator_address: bytes
    validator_public_key: bytes
    voting_power: int
    listen_address: str = ""


@dataclass(frozen=True, slots=True)
class AbciInfo:
    """What the application says of itself: the last height it committed and the app hash after it."""

    data: str
    version: str
    app_version: int
    height: int
    app_hash: bytes


@dataclass(frozen=True, slots=True)
class ProofOp:
    """One step of a Merkle proof in CometBFT's form."""

    type: str
    key: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The application's answer to a query; `height` is the height it speaks of, `proof` is empty unless asked for."""

    code: int
    codespace: str
    log: str
    info: str
    index: int
    key: bytes
    value: bytes
    height: int
    proof: tuple[ProofOp, ...]


@dataclass(frozen=True, slots=True)
class Peer:
    """Another node that this one is connected to: `address` is the host it was seen at."""

    node_id: str
    moniker: str
    address: str
    outbound: bool
    listen_address: str = ""


@dataclass(frozen=True, slots=True)
class Validator:
    """A member of the consensus validator set; `public_key` is its 32-byte ed25519 key."""

    address: bytes
    public_key: bytes
    power: int
    proposer_priority: int


@dataclass(frozen=True, slots=True)
class ConsensusStep:
    """Where consensus stands: step 1 new height, 3 propose, 4 prevote, 6 precommit, 8 commit."""

    height: int
    round: int
    step: int
