"""`headwater localnet`: a network of validators on this machine."""

import asyncio
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from app.primitives.address import Address, parse_address
from chain.cli.output import DEFAULT_HOME, Output, confirm, output_option, table
from chain.cometbft.binary import find_binary
from chain.cometbft.config import DEFAULT_MEMPOOL, MEMPOOLS
from chain.failures import UsageFailure
from chain.localnet import control, create, layout
from chain.localnet.genesis import FAUCET, FUNDED_LPT, FUNDED_WEI, headwater_genesis
from chain.localnet.layout import Localnet, LocalnetSettings
from chain.localnet.supervisor import LocalnetPlan, LocalnetSupervisor
from chain.node.lock import hold, holder
from chain.node.process import tail
from chain.node.run import run_until_signal
from chain.rpc.errors import RpcUnreachable

FOLLOW_SECONDS = 0.3
LOG_FILES = {"app": "app.log", "cometbft": "cometbft.log"}


def localnet_home_option(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--home` for a localnet's directory."""
    return click.option(
        "--home",
        type=click.Path(file_okay=False, path_type=Path),
        default=DEFAULT_HOME / "localnet",
        envvar="HEADWATER_LOCALNET",
        show_envvar=True,
        show_default="~/.headwater/localnet",
        help="The localnet's directory.",
    )(command)


@click.group()
def localnet() -> None:
    """Run several validators on this machine's loopback, to try things out.

    The directory holds one node's home per validator (node0, node1 …), each of which `headwater node` understands too.
    """


@localnet.command()
@click.option("--validators", type=click.IntRange(1, create.MOST_VALIDATORS), help="How many.  [default: 4]")
@click.option("--preset", default="localnet", show_default=True, help="The protocol parameters of a new chain.")
@click.option(
    "--fund", "funded", multiple=True, help="An address that gets 10,000 LPT and 100 ETH at genesis; repeatable."
)
@click.option(
    "--mempool",
    type=click.Choice(MEMPOOLS),
    help=f"Whose: CometBFT's is flood. For a new one.  [default: {DEFAULT_MEMPOOL}]",
)
@click.option("--detach", is_flag=True, help="Return when it is up, and leave it running.")
@localnet_home_option
@output_option
def start(
    home: Path,
    validators: int | None,
    preset: str,
    funded: tuple[str, ...],
    mempool: str | None,
    detach: bool,
    output: Output,
) -> None:
    """Start a localnet, or go on with the one in --home. Ctrl-C stops every process.

    A new one has an account per validator (validator0 …) and a rich one called faucet; their keys lie openly in
    HOME/keys, so commands use them with --home HOME --from faucet.
    """
    made = _load_or_create(home, validators, preset, funded, mempool)
    if not detach:
        supervisor = LocalnetSupervisor(made, LocalnetPlan(find_binary()), output.note)
        run_until_signal(supervisor.run)
        output.result({"stopped": str(home)}, "stopped")
        return
    process_id = control.start_detached(made)
    made = layout.load(home)
    text = "\n".join(f"{node.name}  RPC {node.rpc_url}  home {node.home.root}" for node in made.nodes)
    output.result(
        made.to_json() | {"supervisor_process": process_id},
        f"{text}\nrunning as process {process_id}; end it with: headwater localnet stop --home {home}",
    )


def _address(text: str) -> Address:
    try:
        return parse_address(text)
    except ValueError as error:
        raise UsageFailure(str(error)) from error


def _load_or_create(
    home: Path, validators: int | None, preset: str, funded: tuple[str, ...], mempool: str | None
) -> Localnet:
    if not layout.record_file(home).exists():
        accounts = [(_address(text), FUNDED_LPT, FUNDED_WEI) for text in funded]
        settings = LocalnetSettings(mempool=mempool or DEFAULT_MEMPOOL)
        return create.create(home, validators or 4, headwater_genesis(preset, accounts), settings)
    if funded:
        raise UsageFailure(f"--fund is for new localnets; take money from the faucet: --home {home} --from {FAUCET}")
    made = layout.load(home)
    if validators not in {None, len(made.nodes)}:
        raise UsageFailure(
            f"the localnet in {home} has {len(made.nodes)} validators, not {validators}; "
            "choose another --home, or remove it with: headwater localnet reset --all"
        )
    if mempool not in {None, made.settings.mempool}:
        raise UsageFailure(
            f"the localnet in {home} was made with --mempool {made.settings.mempool}; choose another --home"
        )
    return made


@localnet.command()
@localnet_home_option
@output_option
def stop(home: Path, output: Output) -> None:
    """Stop a running localnet and every process of it."""
    was_running = control.stop(layout.load(home))
    output.result({"was_running": was_running}, "stopped" if was_running else "it was not running")


@localnet.command()
@localnet_home_option
@output_option
def status(home: Path, output: Output) -> None:
    """Show every node's height. Exit code 3 when none answers."""
    made = layout.load(home)
    states = asyncio.run(control.node_states(made))
    if all(state.block_height is None for state in states):
        raise RpcUnreachable(f"no node of the localnet in {home} answers; start it with: headwater localnet start")
    rows = [(s.name, _word(s), s.block_height, s.app_height, s.rpc_url) for s in states]
    output.result(
        {
            "chain_id": made.chain_id,
            "supervisor_process": holder(made.lock_file),
            "nodes": [_state_json(state) for state in states],
        },
        table(["node", "state", "block", "application", "rpc"], rows),
    )


def _word(state: control.NodeState) -> str:
    if not state.running:
        return "down"
    if state.block_height is None:
        return "not answering"
    return "catching up" if state.catching_up else "running"


def _state_json(state: control.NodeState) -> dict[str, Any]:
    return {
        "name": state.name,
        "state": _word(state),
        "rpc": state.rpc_url,
        "home": state.home,
        "block_height": state.block_height,
        "application_height": state.app_height,
    }


@localnet.command()
@click.option("--node", "name", default="node0", show_default=True, help="Of this node.")
@localnet_home_option
@output_option
def url(home: Path, name: str, output: Output) -> None:
    """Print the RPC address of a node, for --node and HEADWATER_NODE.

    \b
    Example:  export HEADWATER_NODE=$(headwater localnet url)
    """
    found = {node.name: node.rpc_url for node in layout.load(home).nodes}
    if name not in found:
        raise _unknown_node(name, home, found)
    output.result({"node": name, "rpc": found[name]}, found[name])


def _unknown_node(name: str, home: Path, known: Iterable[str]) -> UsageFailure:
    return UsageFailure(f"there is no {name!r} in {home}; there are: {', '.join(known)}")


@localnet.command()
@click.option("--node", "names", multiple=True, help="Only this node (node0 …); repeatable.")
@click.option("--process", type=click.Choice(sorted(LOG_FILES)), default="app", show_default=True, help="Whose log.")
@click.option("-n", "--lines", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many lines.")
@click.option("-f", "--follow", is_flag=True, help="Go on as lines come, until Ctrl-C.")
@localnet_home_option
def logs(home: Path, names: tuple[str, ...], process: str, lines: int, follow: bool) -> None:
    """Show the last log lines of every node, or of some."""
    files = _log_files(layout.load(home), names, process)
    for name, file in files.items():
        for line in tail(file, lines).splitlines():
            click.echo(f"{name} | {line}")
    if follow:
        _follow(files)


def _log_files(made: Localnet, names: tuple[str, ...], process: str) -> dict[str, Path]:
    known = {node.name: node.home.log_folder / LOG_FILES[process] for node in made.nodes}
    for name in names:
        if name not in known:
            raise _unknown_node(name, made.root, known)
    return {name: file for name, file in known.items() if not names or name in names}


def _follow(files: dict[str, Path]) -> None:
    """Print what is appended; a file that shrank was begun anew."""
    read = {name: _size(file) for name, file in files.items()}
    while True:
        for name, file in files.items():
            size = _size(file)
            start_at = read[name] if size >= read[name] else 0
            if size > start_at:
                with file.open("rb") as stream:
                    stream.seek(start_at)
                    text = stream.read(size - start_at).decode(errors="replace")
                click.echo("".join(f"{name} | {line}\n" for line in text.splitlines()), nl=False)
            read[name] = size
        time.sleep(FOLLOW_SECONDS)


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


@localnet.command()
@click.option("--all", "everything", is_flag=True, help="Remove the nodes too: keys, genesis and ports.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@localnet_home_option
@output_option
def reset(home: Path, everything: bool, yes: bool, output: Output) -> None:
    """Back to the first block with the same keys and genesis; with --all remove the localnet."""
    made = layout.load(home)
    with hold(made.lock_file):
        question = "Remove the localnet" if everything else "Remove the chain of the localnet"
        confirm(f"{question} in {home}?", yes)
        (create.erase_all if everything else create.erase_chain)(made)
    output.result({"removed": "all" if everything else "chain"}, "removed" if everything else "back to the genesis")
