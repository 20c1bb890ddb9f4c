"""`headwater tx claim-allocation`: LPT that the genesis document allocates to the sender."""

from collections.abc import Sequence
from pathlib import Path

import click

from app.messages.bodies import Body, ClaimAllocation
from app.messages.record import RecordError, from_json
from app.primitives.address import Address, to_checksum
from chain.cli.sending import Sender, sending
from chain.failures import UsageFailure
from chain.tx.message_json import read_json_file
from genesis.allocations import MAGIC, Allocation, AllocationFile
from genesis.failures import GenesisError


@click.command("claim-allocation")
@click.option(
    "--file",
    "source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The chain's file of allocations, or your own part of it as JSON.",
)
@sending
def claim_allocation(sender: Sender, source: Path) -> Sequence[Body]:
    """Take the LPT that the genesis document allocates to you into your balance; once, and in time.

    Whoever made the chain gives out the file of all allocations, or your part of it (headwater genesis allocations
    proof). The fee is paid in ETH, of which the account needs a little before.

    \b
    Examples:  headwater tx claim-allocation --file allocations.bin --from alice
               headwater tx claim-allocation --file claim.json --from alice
               until when: headwater query allocations
    """
    found = find_allocation(source, sender.address)
    return [ClaimAllocation(found.index, found.amount, found.proof)]


def find_allocation(source: Path, holder: Address) -> Allocation:
    """What a file, of either kind, allocates to an account.

    Raises:
        UsageFailure: nothing, or the file is none of these.
    """
    found = _from_all(source, holder) if _is_whole(source) else _from_claim(source)
    if found is None or found.holder != holder:
        raise UsageFailure(f"{source} allocates nothing to {to_checksum(holder)}")
    return found


def _is_whole(source: Path) -> bool:
    try:
        with source.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise UsageFailure(f"cannot read {source}: {error.strerror}") from None


def _from_all(source: Path, holder: Address) -> Allocation | None:
    try:
        with AllocationFile(source) as file:
            index = file.find(holder)
            return None if index is None else file.read(index)
    except GenesisError as error:
        raise UsageFailure(str(error)) from None


def _from_claim(source: Path) -> Allocation:
    claim = read_json_file(source)
    if isinstance(claim, dict):
        claim = {name: value for name, value in claim.items() if name != "root"}
    try:
        return from_json(Allocation, claim, str(source))
    except RecordError as error:
        raise UsageFailure(f"{error}; headwater genesis allocations proof prints such a file") from None
