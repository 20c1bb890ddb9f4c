"""`headwater node`: one node of a chain on this machine."""

import asyncio
import base64
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from chain.cli.output import Output, confirm, home_option, output_option
from chain.cometbft.binary import find_binary
from chain.cometbft.config import DEFAULT_MEMPOOL, MEMPOOLS, NodeConfig
from chain.cometbft.home import NodeHome
from chain.failures import UsageFailure
from chain.node.health import Health, Observation
from chain.node.join import Invitation, ask_to_join, parse_hash
from chain.node.lock import hold, holder
from chain.node.ports import split_address
from chain.node.probe import PROBE_LIMITS, observe
from chain.node.rollback import roll_back
from chain.node.run import run_until_signal
from chain.node.supervisor import NodePlan, NodeReport, NodeSupervisor, SupervisorLimits
from chain.rpc.client import RpcClient
from chain.rpc.errors import RpcUnreachable


@click.group()
def node() -> None:
    """Run one node: the application and CometBFT, together, in one home directory.

    \b
    HOME/config   config.toml, genesis.json and the node's two keys
    HOME/data     CometBFT's blocks      HOME/app   the application's state
    HOME/logs     app.log, cometbft.log
    """


@node.command()
@click.option("--moniker", required=True, help="The node's name, for people.")
@click.option(
    "--genesis", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The chain's genesis.json."
)
@click.option("--rpc", default="tcp://127.0.0.1:26657", show_default=True, help="Where to answer RPC.")
@click.option("--p2p", default="tcp://0.0.0.0:26656", show_default=True, help="Where to listen for other nodes.")
@click.option("--external-address", default="", help="The host:port that other nodes reach this one at.")
@click.option("--peer", "peers", multiple=True, help="id@host:port of a node to stay connected to; repeatable.")
@click.option("--seed", "seeds", multiple=True, help="id@host:port of a node to learn others from; repeatable.")
@click.option("--prometheus", default="", help="host:port to serve CometBFT's metrics at; off when not given.")
@click.option("--join", "join_address", help="RPC of a node of a running chain, to take genesis and peers from.")
@click.option("--genesis-hash", help="SHA-256 of the genesis document; another one is refused.")
@click.option(
    "--mempool",
    type=click.Choice(MEMPOOLS),
    help=f"Whose, the same on every node: CometBFT's is flood.  [default: that of --join, or {DEFAULT_MEMPOOL}]",
)
@click.option("--private-network", is_flag=True, help="Allow peers with private addresses, and several on one.")
@home_option
@output_option
def init(
    home: Path,
    output: Output,
    genesis: Path | None,
    join_address: str | None,
    genesis_hash: str | None,
    **options: Any,
) -> None:
    """Make a node's home: keys (kept if there are some), config.toml and, if given, the genesis document.

    To join a running chain, as a full node at first:

    \b
      headwater node init --moniker me --join http://203.0.113.7:26657 --genesis-hash 3f8a…
      headwater node start

    Without --genesis-hash the node's word for the document is all there is. Once `headwater node status` no longer says
    catching_up, it becomes a validator by stake, from the round after the next on:

    \b
      headwater tx bond 1000LPT --from me
      headwater tx transcoder --node-home ~/.headwater --from me …
    """
    split_address(options["rpc"])
    split_address(options["p2p"])
    node_home = NodeHome(home)
    node_home.check_vacant()
    if genesis and join_address:
        raise UsageFailure("--genesis and --join both bring a genesis document; give one of them")
    invitation = asyncio.run(ask_to_join(join_address, genesis_hash)) if join_address else None
    document = invitation.document if invitation else _read_genesis(genesis, genesis_hash) if genesis else None
    mempool = _choose_mempool(options["mempool"], invitation)
    node_home.initialise(replace(_config(node_home, options, invitation), mempool=mempool))
    if document is not None:
        node_home.write_genesis(document)
    missing = "" if document else f"\nput the genesis document at {node_home.genesis_file} before the first start"
    facts = _identity(node_home) | _joined(invitation)
    output.result(facts, "\n".join(f"{name}: {_shown(value)}" for name, value in facts.items()) + missing)


def _choose_mempool(wanted: str | None, invitation: Invitation | None) -> str:
    if invitation is None:
        return wanted or DEFAULT_MEMPOOL
    if wanted not in {None, invitation.mempool}:
        raise UsageFailure(
            f"the network's nodes run with --mempool {invitation.mempool}; one with {wanted} would not understand them"
        )
    return invitation.mempool


def _joined(invitation: Invitation | None) -> dict[str, Any]:
    if invitation is None:
        return {}
    return {
        "chain_id": invitation.chain_id,
        "genesis_hash": invitation.genesis_hash,
        "peers": list(invitation.peers),
    }


def _shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _config(home: NodeHome, options: dict[str, Any], invitation: Invitation | None) -> NodeConfig:
    return NodeConfig(
        moniker=options["moniker"],
        proxy_app=f"unix://{home.socket_path()}",
        rpc_address=options["rpc"],
        p2p_address=options["p2p"],
        external_address=options["external_address"],
        persistent_peers=options["peers"] + (invitation.peers if invitation else ()),
        seeds=options["seeds"],
        loopback=options["private_network"] or (invitation is not None and invitation.is_private),
        prometheus_address=options["prometheus"],
    )


def _read_genesis(path: Path, expected_hash: str | None) -> bytes:
    document = path.read_bytes()
    found = hashlib.sha256(document).hexdigest()
    if expected_hash is not None and found != parse_hash(expected_hash):
        raise UsageFailure(f"{path} has the hash {found}, not {expected_hash}: it is another document")
    try:
        valid = isinstance(json.loads(document), dict)
    except ValueError:
        valid = False
    if not valid:
        raise UsageFailure(f"{path} is not a genesis document: it is not a JSON object")
    return document


def _identity(home: NodeHome) -> dict[str, str]:
    validator = home.validator_key()
    return {
        "home": str(home.root),
        "node_id": home.node_key().node_id,
        "validator_address": validator.address.hex().upper(),
        "validator_public_key": base64.b64encode(validator.public_key).decode(),
    }


@node.command()
@click.option("--app-only", is_flag=True, help="Run the application alone, at config.toml's proxy_app.")
@click.option(
    "--stall-seconds",
    type=click.FloatRange(min=1),
    default=SupervisorLimits().stall_seconds,
    show_default=True,
    help="End both when nothing has moved for so long and the node is at fault.",
)
@click.option(
    "--stop-seconds",
    type=click.FloatRange(min=0.1),
    default=SupervisorLimits().stop_seconds,
    show_default=True,
    help="End a process by force when it has not ended in this time.",
)
@click.option("--court/--no-court", default=True, help="Re-execute disputed work, for the court of validators.")
@home_option
def start(home: Path, app_only: bool, stall_seconds: float, stop_seconds: float, court: bool) -> None:
    """Run the node until Ctrl-C or SIGTERM (exit code 0).

    The application and CometBFT live and end together: when either ends or hangs, both are ended and the exit code
    is 1. A node that merely waits for other validators is left alone.

    While work is disputed, a third process re-executes it beside them; the validator's votes say what came out. With
    --no-court, or where the video engine is missing, the validator abstains, unless `headwater court start` runs.
    """
    limits = SupervisorLimits(stall_seconds=stall_seconds, stop_seconds=stop_seconds)
    node_home = NodeHome(home)
    if app_only:
        supervisor = NodeSupervisor(NodePlan(node_home, Path(), limits=limits))
        click.echo(
            f"the application listens at {node_home.config().proxy_app}; log: {node_home.log_folder / 'app.log'}"
        )
        run_until_signal(supervisor.run_application)
        return
    node_home.check_startable()
    supervisor = NodeSupervisor(NodePlan(node_home, find_binary(), limits=limits, court=court), Narrator())
    click.echo(f"starting; RPC {node_home.config().rpc_address}, logs in {node_home.log_folder}")
    run_until_signal(supervisor.run)
    click.echo("stopped")


class Narrator:
    """Says how the node is whenever that changes."""

    def __init__(self) -> None:
        self._before = Health.STARTING

    def __call__(self, seen: NodeReport) -> None:
        """Take the next report."""
        if seen.health is not self._before:
            click.echo(f"{seen.health.value}, height {seen.height}")
            self._before = seen.health


@node.command()
@home_option
@output_option
def status(home: Path, output: Output) -> None:
    """Show whether the node runs and how far it is. Exit code 3 when it does not answer."""
    node_home = NodeHome(home)
    config = node_home.check_startable()
    seen, answering = asyncio.run(_observe(config.rpc_address))
    process_id = holder(node_home.lock_file)
    if answering not in {None, node_home.node_key().node_id}:
        raise RpcUnreachable(
            f"another node answers at {config.rpc_address} (its id is {answering}); the one in {home} does not run, "
            "or has another address in its config.toml"
        )
    facts = _status_facts(node_home, process_id, seen) | {"rpc": config.rpc_address}
    if seen.block_height is None:
        running = f"its supervisor runs (process {process_id})" if process_id else "no supervisor runs it"
        raise RpcUnreachable(f"the node in {home} does not answer at {config.rpc_address}; {running}")
    output.result(facts, "\n".join(f"{name}: {value}" for name, value in facts.items()))


async def _observe(rpc_address: str) -> tuple[Observation, str | None]:
    """How the node at this address is, and its id."""
    async with RpcClient(rpc_address, PROBE_LIMITS) as client:
        seen = await observe(client)
        return seen, (await client.status()).node_id if seen.block_height is not None else None


def _status_facts(home: NodeHome, process_id: int | None, seen: Observation) -> dict[str, Any]:
    return {
        **_identity(home),
        "chain_id": home.genesis()["chain_id"],
        "supervisor_process": process_id,
        "block_height": seen.block_height,
        "application_height": seen.app_height,
        "catching_up": seen.catching_up,
        "consensus_answers": seen.consensus is not None,
    }


@node.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@home_option
@output_option
def rollback(home: Path, yes: bool, output: Output) -> None:
    """Take the newest block's effects back, in CometBFT and in the application; the next start executes it again.

    For a state that is wrong on this node alone, after what was wrong has been mended. A node goes back one height per
    call, and as far as its last 100 heights.
    """
    node_home = NodeHome(home)
    node_home.check_startable()
    with hold(node_home.lock_file):
        confirm(f"Take the newest block of the node in {home} back?", yes)
        by_cometbft, by_application = roll_back(node_home, find_binary())
    output.result({"cometbft": by_cometbft, "application": by_application}, f"{by_cometbft}\n{by_application}")


@node.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--new-chain", is_flag=True, help="Also forget what the validator key signed last: for another genesis.")
@click.option("--erase-keys", is_flag=True, help="Also make new keys: the node becomes another one.")
@home_option
@output_option
def reset(home: Path, yes: bool, new_chain: bool, erase_keys: bool, output: Output) -> None:
    """Remove the chain's data, so that the node syncs from the start. Keys, config.toml and genesis.json stay."""
    node_home = NodeHome(home)
    if not node_home.exists():
        raise UsageFailure(f"{home} is not a node's home")
    with hold(node_home.lock_file):
        lost = "blocks, state and logs" + (" and the keys" if erase_keys else "")
        confirm(f"Remove the {lost} of the node in {home}?", yes)
        node_home.erase_chain(new_chain=new_chain, erase_keys=erase_keys)
    output.result({"reset": str(home), "keys_erased": erase_keys}, f"{home}: removed {lost}")
