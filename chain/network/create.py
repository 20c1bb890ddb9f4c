"""Making a new network: each participant's home in a folder of its own, to be brought to its machine.

DIR/NAME           the home of a participant: its account key NAME, and a validator's node (chain/cometbft/home.py)
DIR/faucet         the key of an account with money to give away
DIR/network.json   who takes part; written last, so that a directory with it is complete
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from app.messages.genesis_state import GenesisAccount, GenesisTranscoder
from app.primitives.address import Address
from app.primitives.amounts import Lpt, parse_lpt
from chain.cometbft.config import DEFAULT_MEMPOOL, LOCALNET_TIMEOUTS, ConsensusTimeouts, NodeConfig
from chain.cometbft.home import NodeHome
from chain.failures import Failure, UsageFailure
from chain.files import write_atomically
from chain.keys.keyring import Keyring
from chain.keys.keystore import generate_private_key
from chain.localnet.genesis import FAUCET, FAUCET_LPT, FAUCET_WEI, FUNDED_LPT, FUNDED_WEI
from genesis.check import require_valid
from genesis.document import Genesis, build_document, dump_document
from genesis.edit import add_account, add_transcoder, new_genesis
from genesis.failures import GenesisError
from genesis.localnet import VALIDATOR_BALANCE_LPT, VALIDATOR_BALANCE_WEI, validator_transcoder
from genesis.presets.registry import get_preset

RPC_PORT, P2P_PORT = 26657, 26656
FIRST_STAKE = parse_lpt("500LPT")
STAKE_STEP = parse_lpt("100LPT")
NO_KEY = b""


class NetworkDamaged(Failure):
    """A network was made here, but a part of it is missing."""


@dataclass(frozen=True, slots=True)
class NetworkPlan:
    """Who takes part: names, which are also the hosts that validators reach each other at.

    `transcoders` start with a bond to themselves, `accounts` with money only; `verification_rate` replaces that of
    the preset.
    """

    chain_id: str
    genesis_time: str
    validators: tuple[str, ...]
    transcoders: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    preset: str = "localnet"
    verification_rate: int | None = None
    timeouts: ConsensusTimeouts = LOCALNET_TIMEOUTS
    mempool: str = DEFAULT_MEMPOOL

    @property
    def names(self) -> tuple[str, ...]:
        """Everybody with a folder."""
        return (*self.validators, *self.transcoders, *self.accounts, FAUCET)


def record_file(root: Path) -> Path:
    """What says that a network is complete."""
    return root / "network.json"


def create(root: Path, plan: NetworkPlan) -> bool:
    """Make the network, or leave alone the one that is there; False in that case.

    What an interrupted run has left is completed: keys that are there are kept.

    Raises:
        UsageFailure: names that stand twice, or parameters that no chain could start from.
        NetworkDamaged: a network was made here, and a participant's folder has been lost since.
    """
    if len(dict.fromkeys(plan.names)) < len(plan.names):
        raise UsageFailure(f"every participant needs a name of its own: {', '.join(plan.names)}")
    if record_file(root).exists():
        _require_complete(root, json.loads(record_file(root).read_bytes()))
        return False
    homes = {name: NodeHome(root / name) for name in plan.validators}
    for name, home in homes.items():
        if not home.exists():
            home.initialise(NodeConfig(moniker=name, proxy_app="noop"))
    document = build_genesis(plan, {name: _account(root / name, name) for name in plan.names}, homes)
    for name, home in homes.items():
        home.genesis_file.unlink(missing_ok=True)  # of an interrupted run, which no node can have started from
        home.write_genesis(document)
        home.rewrite_config(replace(node_config(name, homes, plan.timeouts), mempool=plan.mempool))
    record = asdict(plan) | {"names": plan.names}
    write_atomically(record_file(root), (json.dumps(record, indent=2) + "\n").encode())
    return True


def _require_complete(root: Path, record: dict[str, Any]) -> None:
    for name in record["names"]:
        wanted = root / name / ("config/genesis.json" if name in record["validators"] else f"keys/{name}.json")
        if not wanted.exists():
            raise NetworkDamaged(
                f"{wanted} is missing, and the chain of {root} has begun without it: bring it back from a copy, "
                "or remove the whole network to begin another one"
            )


def _account(home: Path, name: str) -> Address:
    keyring = Keyring(home)
    if not any(entry.name == name for entry in keyring.list()):
        keyring.add(name, generate_private_key(), None)
    return keyring.show(name).address


def build_genesis(plan: NetworkPlan, accounts: dict[str, Address], homes: dict[str, NodeHome]) -> bytes:
    """The genesis document as the bytes of its file.

    Raises:
        UsageFailure: no chain could start from it.
    """
    genesis = new_genesis(plan.chain_id, plan.genesis_time, get_preset(plan.preset))
    for name, home in homes.items():
        transcoder = validator_transcoder(accounts[name], home.validator_key().public_key)
        genesis = add_transcoder(genesis, transcoder, name)
    for transcoder in _workers(plan.transcoders, accounts, genesis):
        genesis = add_transcoder(genesis, transcoder)
    for account in _balances(plan, accounts):
        genesis = add_account(genesis, account)
    document = build_document(genesis)
    if plan.verification_rate is not None:
        document["app_state"]["params"]["verification_rate"] = plan.verification_rate
    try:
        require_valid(document)
    except GenesisError as error:
        raise UsageFailure(f"this network cannot start: {error}") from error
    return dump_document(document)


def _workers(names: Sequence[str], accounts: dict[str, Address], genesis: Genesis) -> Iterator[GenesisTranscoder]:
    """Bonded, but without slots: terms and address come with the transcoder's own first transaction."""
    for number, name in enumerate(names):
        stake = Lpt(max(genesis.state.params.min_self_bond, FIRST_STAKE) + number * STAKE_STEP)
        yield replace(validator_transcoder(accounts[name], NO_KEY), stake=stake)


def _balances(plan: NetworkPlan, accounts: dict[str, Address]) -> Iterator[GenesisAccount]:
    for name in plan.validators:
        yield GenesisAccount(accounts[name], VALIDATOR_BALANCE_LPT, VALIDATOR_BALANCE_WEI)
    for name in (*plan.transcoders, *plan.accounts):
        yield GenesisAccount(accounts[name], FUNDED_LPT, FUNDED_WEI)
    yield GenesisAccount(accounts[FAUCET], FAUCET_LPT, FAUCET_WEI)


def node_config(name: str, homes: dict[str, NodeHome], timeouts: ConsensusTimeouts) -> NodeConfig:
    """What config.toml of the validator `name` has to say: each of the others is a persistent peer, by its name."""
    peers = (f"{home.node_key().node_id}@{other}:{P2P_PORT}" for other, home in homes.items() if other != name)
    return NodeConfig(
        moniker=name,
        proxy_app=f"unix://{homes[name].socket_path()}",
        rpc_address=f"tcp://0.0.0.0:{RPC_PORT}",
        p2p_address=f"tcp://0.0.0.0:{P2P_PORT}",
        persistent_peers=tuple(peers),
        loopback=True,
        timeouts=timeouts,
    )
