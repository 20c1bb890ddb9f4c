"""`headwater network`: a new network over several machines or containers."""

from datetime import UTC, datetime
from pathlib import Path

import click

from chain.cli.output import Output, home_option, output_option
from chain.cometbft.config import DEFAULT_MEMPOOL, MEMPOOLS
from chain.network.create import NetworkPlan, create
from genesis.presets.registry import PRESETS


@click.group()
def network() -> None:
    """Make the homes and the genesis document of a network over several machines. (On one: headwater localnet.)"""


@network.command()
@click.option("--chain-id", default="headwater", show_default=True, help="Name of the chain.")
@click.option("--preset", type=click.Choice(list(PRESETS)), default="localnet", show_default=True, help="Parameters.")
@click.option(
    "--validator", "validators", multiple=True, required=True, help="Name of one, which is its host too; repeatable."
)
@click.option("--transcoder", "transcoders", multiple=True, help="Name of one, bonded from the start; repeatable.")
@click.option("--account", "accounts", multiple=True, help="Name of an account with money; repeatable.")
@click.option("--verification-rate", type=click.IntRange(1), help="Challenge one segment in so many.")
@click.option(
    "--mempool",
    type=click.Choice(MEMPOOLS),
    default=DEFAULT_MEMPOOL,
    show_default=True,
    help="Whose: CometBFT's is flood.",
)
@home_option
@output_option
def init(
    home: Path,
    output: Output,
    chain_id: str,
    preset: str,
    validators: tuple[str, ...],
    transcoders: tuple[str, ...],
    accounts: tuple[str, ...],
    verification_rate: int | None,
    mempool: str,
) -> None:
    """Make one folder per participant in --home: keys (open ones: only for networks to try out), node, genesis.

    Names are hosts as well: validators look for each other there, on port 26656. A network that is there is kept.

    \\b
    Example:  headwater network init --home net --validator alpha --validator beta --account me
    Then bring net/alpha to the machine of that name, and there:  headwater node start --home alpha
    """
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    plan = NetworkPlan(chain_id, now, validators, transcoders, accounts, preset, verification_rate, mempool=mempool)
    made = create(home, plan)
    text = f"{home}: made {', '.join(plan.names)}" if made else f"{home}: there is a network already; it is kept"
    output.result({"made": made, "home": str(home), "names": list(plan.names)}, text)
