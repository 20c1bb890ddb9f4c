"""The commands of `headwater tx` about stake: unbonding, resigning, and a validator's key and return."""

from collections.abc import Sequence
from pathlib import Path

import click

from app.messages.bodies import (
    Body,
    Rebond,
    ResignAsTranscoder,
    RotateConsensusKey,
    Unbond,
    Unjail,
    UpdateDelegatorStake,
)
from app.messages.limits import MAX_LOCKS
from app.primitives.amounts import Lpt
from chain.cli.arguments import ID
from chain.cli.sending import Sender, sending
from chain.cometbft.home import NodeHome
from genesis import arguments


@click.command(
    help=f"""Take AMOUNT of LPT out of your stake. It lies under a lock until the unbonding period is over.

    Until then it can still be slashed for what its transcoder did before, and rebonded. An account has at most
    {MAX_LOCKS} locks at a time. A transcoder whose own stake becomes too little stops being one.

    \b
    Example:  headwater tx unbond 40LPT --from alice     and later: headwater tx withdraw --lock 1
    """
)
@click.argument("amount", type=arguments.LPT)
@sending
def unbond(sender: Sender, amount: Lpt) -> Sequence[Body]:
    """One Unbond."""
    return [Unbond(amount)]


@click.command()
@click.argument("lock_id", type=ID)
@click.option("--to", metavar="TRANSCODER", required=True, help="Your transcoder; any, where you are bonded to none.")
@sending
def rebond(sender: Sender, lock_id: int, to: str) -> Sequence[Body]:
    """Bond again what lies under the lock LOCK_ID; it earns from the next round on.

    \b
    Example:  headwater tx rebond 1 --to 0x52908400098527886E0F7030069857D2E4169EE7
    """
    return [Rebond(lock_id, sender.resolve(to))]


@click.command("resign-as-transcoder")
@sending
def resign(sender: Sender) -> Sequence[Body]:
    """Stop being a transcoder, at once. Your jobs go on until either side ends them; you take no new ones.

    Your own stake can be unbonded; it cannot move to another transcoder before the unbonding period is over.

    \b
    Example:  headwater tx resign-as-transcoder --from t1
    """
    return [ResignAsTranscoder()]


@click.command("update-delegator-stake")
@click.argument("delegator", required=False)
@sending
def update_delegator_stake(sender: Sender, delegator: str | None) -> Sequence[Body]:
    """Bring the record of DELEGATOR (or of yourself) up to date; it is worth the same before and after.

    Queries always show what is so now; this is for who reads raw records with their proofs.

    \b
    Example:  headwater tx update-delegator-stake alice
    """
    return [UpdateDelegatorStake(sender.resolve(delegator) if delegator else sender.address)]


@click.command()
@sending
def unjail(sender: Sender) -> Sequence[Body]:
    """Return to the candidates after having missed too many blocks, once the time in jail is over.

    \b
    Example:  headwater tx unjail --from t1     how long is it: headwater query transcoder t1
    """
    return [Unjail()]


@click.command("rotate-consensus-key")
@click.argument("consensus_pubkey", type=arguments.PUBKEY, required=False)
@click.option("--node-home", type=click.Path(path_type=Path), help="Or the node's directory, to take its new key from.")
@sending
def rotate_consensus_key(sender: Sender, consensus_pubkey: bytes | None, node_home: Path | None) -> Sequence[Body]:
    """Sign blocks with another ed25519 key, from two blocks later on. What the old one signs still counts against you.

    \b
    Example:  headwater tx rotate-consensus-key --node-home ~/.headwater/new-node --from t1
    """
    if (consensus_pubkey is None) == (node_home is None):
        raise click.UsageError("give the new key, or --node-home with the node that has it")
    return [RotateConsensusKey(consensus_pubkey or NodeHome(node_home or Path()).validator_key().public_key)]


STAKE_COMMANDS = (unbond, rebond, resign, update_delegator_stake, unjail, rotate_consensus_key)
