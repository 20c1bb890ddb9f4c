"""From the JSON of CometBFT's RPC to typed answers.

Integers of 64 bits arrive as strings, hashes as upper-case hex, other bytes as base64, empty lists as null.
Source: cometbft v0.40.0 rpc/core/types/responses.go, abci/types/types.go (jsonpb with defaults emitted).
"""

import base64
from typing import Any

from chain.rpc.types import (
    AbciInfo,
    Block,
    BlockResults,
    BroadcastCommitResult,
    BroadcastResult,
    CommittedTransaction,
    ConsensusStep,
    Event,
    EventAttribute,
    Header,
    NodeStatus,
    Peer,
    ProofOp,
    QueryResult,
    TransactionResult,
    Validator,
    ValidatorUpdate,
)

Json = Any


def base64_bytes(text: str | None) -> bytes:
    """Bytes out of base64; null is empty."""
    return base64.b64decode(text, validate=True) if text else b""


def hex_bytes(text: str | None) -> bytes:
    """Bytes out of hex; null is empty."""
    return bytes.fromhex(text) if text else b""


def decode_event(item: Json) -> Event:
    """One event of a transaction or block."""
    attributes = (
        EventAttribute(str(entry["key"]), str(entry["value"]), bool(entry.get("index", False)))
        for entry in item.get("attributes") or ()
    )
    return Event(str(item["type"]), tuple(attributes))


def decode_transaction_result(item: Json) -> TransactionResult:
    """CheckTx's or FinalizeBlock's answer to one transaction; members of value zero may be left out."""
    return TransactionResult(
        code=int(item.get("code", 0)),
        codespace=str(item.get("codespace", "")),
        data=base64_bytes(item.get("data")),
        log=str(item.get("log", "")),
        info=str(item.get("info", "")),
        gas_wanted=int(item.get("gas_wanted", 0)),
        gas_used=int(item.get("gas_used", 0)),
        events=tuple(decode_event(event) for event in item.get("events") or ()),
    )


def decode_broadcast(result: Json) -> BroadcastResult:
    """broadcast_tx_sync and broadcast_tx_async."""
    return BroadcastResult(
        code=int(result["code"]),
        codespace=str(result["codespace"]),
        data=hex_bytes(result["data"]),
        log=str(result["log"]),
        hash=hex_bytes(result["hash"]),
    )


def decode_broadcast_commit(result: Json) -> BroadcastCommitResult:
    """broadcast_tx_commit."""
    return BroadcastCommitResult(
        hash=hex_bytes(result["hash"]),
        height=int(result["height"]),
        check=decode_transaction_result(result["check_tx"]),
        result=decode_transaction_result(result["tx_result"]),
    )


def decode_committed_transaction(result: Json) -> CommittedTransaction:
    """tx, and each entry of tx_search."""
    return CommittedTransaction(
        hash=hex_bytes(result["hash"]),
        height=int(result["height"]),
        index=int(result["index"]),
        transaction=base64_bytes(result["tx"]),
        result=decode_transaction_result(result["tx_result"]),
    )


def decode_header(item: Json) -> Header:
    """A header, wherever it stands."""
    return Header(
        chain_id=str(item["chain_id"]),
        height=int(item["height"]),
        time=str(item["time"]),
        last_block_hash=hex_bytes(item["last_block_id"]["hash"]),
        data_hash=hex_bytes(item["data_hash"]),
        validators_hash=hex_bytes(item["validators_hash"]),
        next_validators_hash=hex_bytes(item["next_validators_hash"]),
        app_hash=hex_bytes(item["app_hash"]),
        last_results_hash=hex_bytes(item["last_results_hash"]),
        proposer=hex_bytes(item["proposer_address"]),
    )


def decode_block(result: Json) -> Block:
    """block."""
    return Block(
        hash=hex_bytes(result["block_id"]["hash"]),
        header=decode_header(result["block"]["header"]),
        transactions=tuple(base64_bytes(item) for item in result["block"]["data"]["txs"] or ()),
    )


def decode_block_results(result: Json) -> BlockResults:
    """block_results."""
    return BlockResults(
        height=int(result["height"]),
        transactions=tuple(decode_transaction_result(item) for item in result["txs_results"] or ()),
        events=tuple(decode_event(item) for item in result["finalize_block_events"] or ()),
        validator_updates=tuple(_decode_validator_update(item) for item in result["validator_updates"] or ()),
        app_hash=base64_bytes(result["app_hash"]),
    )


def _decode_validator_update(item: Json) -> ValidatorUpdate:
    key = item["pub_key"]
    encoded = key["Sum"]["value"]["ed25519"] if "Sum" in key else key.get("ed25519") or key.get("value")
    return ValidatorUpdate(base64_bytes(encoded), int(item.get("power", 0)))


def decode_status(result: Json) -> NodeStatus:
    """status."""
    info, sync, validator = result["node_info"], result["sync_info"], result["validator_info"]
    return NodeStatus(
        node_id=str(info["id"]),
        moniker=str(info["moniker"]),
        chain_id=str(info["network"]),
        height=int(sync["latest_block_height"]),
        block_hash=hex_bytes(sync["latest_block_hash"]),
        app_hash=hex_bytes(sync["latest_app_hash"]),
        block_time=str(sync["latest_block_time"]),
        earliest_height=int(sync["earliest_block_height"]),
        catching_up=bool(sync["catching_up"]),
        validator_address=hex_bytes(validator["address"]),
        validator_public_key=base64_bytes(validator["pub_key"]["value"]),
        voting_power=int(validator["voting_power"]),
        listen_address=str(info["listen_addr"]),
    )


def decode_abci_info(result: Json) -> AbciInfo:
    """abci_info; members of value zero are left out by the node."""
    response = result["response"]
    return AbciInfo(
        data=str(response.get("data", "")),
        version=str(response.get("version", "")),
        app_version=int(response.get("app_version", 0)),
        height=int(response.get("last_block_height", 0)),
        app_hash=base64_bytes(response.get("last_block_app_hash")),
    )


def decode_query(result: Json) -> QueryResult:
    """abci_query."""
    response = result["response"]
    operations = (response.get("proofOps") or {}).get("ops") or ()
    return QueryResult(
        code=int(response.get("code", 0)),
        codespace=str(response.get("codespace", "")),
        log=str(response.get("log", "")),
        info=str(response.get("info", "")),
        index=int(response.get("index", 0)),
        key=base64_bytes(response.get("key")),
        value=base64_bytes(response.get("value")),
        height=int(response.get("height", 0)),
        proof=tuple(ProofOp(str(o["type"]), base64_bytes(o["key"]), base64_bytes(o["data"])) for o in operations),
    )


def decode_peers(result: Json) -> tuple[Peer, ...]:
    """net_info."""
    return tuple(
        Peer(
            node_id=str(item["node_info"]["id"]),
            moniker=str(item["node_info"]["moniker"]),
            address=str(item["remote_ip"]),
            outbound=bool(item["is_outbound"]),
            listen_address=str(item["node_info"]["listen_addr"]),
        )
        for item in result["peers"] or ()
    )


def decode_genesis_chunk(result: Json) -> tuple[bytes, int]:
    """genesis_chunked: one part of the document, and how many parts there are."""
    return base64_bytes(result["data"]), int(result["total"])


def decode_validators(result: Json) -> tuple[Validator, ...]:
    """One page of validators."""
    return tuple(
        Validator(
            address=hex_bytes(item["address"]),
            public_key=base64_bytes(item["pub_key"]["value"]),
            power=int(item["voting_power"]),
            proposer_priority=int(item["proposer_priority"]),
        )
        for item in result["validators"] or ()
    )


def decode_consensus_step(result: Json) -> ConsensusStep:
    """consensus_state."""
    height, round_, step = str(result["round_state"]["height/round/step"]).split("/")
    return ConsensusStep(int(height), int(round_), int(step))
