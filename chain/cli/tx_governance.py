"""The commands of `headwater tx` about governance: proposals of each kind, and votes."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, get_type_hints

import click

from app.messages.bodies import Body, ParameterChange, ProposalKind, Propose, Vote, VoteOption
from app.messages.limits import check_prose
from app.params import Params
from app.primitives.amounts import Amount, Lpt, Wei, parse_lpt, parse_wei
from app.primitives.fractions import Fraction, parse_fraction
from chain.cli.arguments import HEIGHT, ID
from chain.cli.sending import Sender, checked, sending
from genesis import arguments

_SWITCHES = {"on": 1, "true": 1, "off": 0, "false": 0}


def parse_change(text: str) -> ParameterChange:
    """Read `NAME=VALUE` with the value in the parameter's own unit: `quorum=40%`, `min_self_bond=100LPT`, `n=50`.

    Raises:
        ValueError: not that, or no such parameter; the text says what is expected.
    """
    name, equals, value = (part.strip() for part in text.partition("="))
    hint = get_type_hints(Params).get(name)
    if not equals or not value:
        raise ValueError(f"{text!r} is not NAME=VALUE; write for example quorum=40%")
    if hint is None:
        raise ValueError(f"there is no parameter {name!r}; headwater query params lists all")
    return ParameterChange(name, Amount(_parse_value(name, hint, value)))


def _parse_value(name: str, hint: Any, value: str) -> int:
    if hint is bool:
        if value.lower() not in _SWITCHES:
            raise ValueError(f"{name} is on or off, not {value!r}")
        return _SWITCHES[value.lower()]
    parsers: dict[Any, Callable[[str], int]] = {Fraction: parse_fraction, Lpt: parse_lpt, Wei: parse_wei}
    if hint in parsers:
        return parsers[hint](value)
    if not (value.isascii() and value.isdigit() and len(value) < 20):
        unit = next(field.metadata["unit"] for field in fields(Params) if field.name == name)
        raise ValueError(f"{name} is a whole number of {unit}, not {value!r}")
    return int(value)


CHANGE = arguments.Parsed("change", parse_change)


def _for_people(command: Callable[..., Any]) -> Callable[..., Any]:
    text = click.option("--text", default="", help="What it is for, or where that is written; at most 4000 bytes.")
    return click.option("--title", required=True, help="What it is called; at most 100 bytes.")(text(command))


def _proposal(kind: ProposalKind, title: str, text: str, **content: Any) -> Sequence[Body]:
    checked(lambda: check_prose("title", title))
    checked(lambda: check_prose("text", text, "\n"))
    return [Propose(kind, title, text, **content)]


@click.group()
def propose() -> None:
    """Put something to the vote.

    The deposit (proposal_deposit of headwater query params) is taken from your LPT until the voting ends. It comes back
    unless too few vote; then it is lost. The voting lasts voting_period blocks. Whose stake was bonded to an active
    transcoder as the running round began can vote: headwater tx vote. What passes takes effect by itself.

    \b
    Example:  headwater tx propose parameter quorum=40% --title "A higher quorum" --from alice
    """


@propose.command()
@click.argument("changes", type=CHANGE, nargs=-1, required=True)
@_for_people
@sending
def parameter(sender: Sender, changes: tuple[ParameterChange, ...], title: str, text: str) -> Sequence[Body]:
    """Change parameters: NAME=VALUE, several at once, all of them or none; from the next round's start on.

    \b
    Values have the parameter's unit: 5%, 100LPT, 3gwei, on, off, or a number of blocks or things.
    Example:  headwater tx propose parameter quorum=40% voting_period=172800 auto_reward=on --title "Votes"
    """
    return _proposal(ProposalKind.PARAMETERS, title, text, changes=changes)


@propose.command()
@click.argument("amounts", type=arguments.AMOUNT, nargs=-1, required=True)
@click.option("--to", metavar="ACCOUNT", required=True, help="Who is paid: an address, or the name of a key.")
@_for_people
@sending
def spend(sender: Sender, amounts: tuple[tuple[str, int], ...], to: str, title: str, text: str) -> Sequence[Body]:
    """Pay AMOUNTS of LPT, ETH or both out of the CommonPool, where headwater query supply shows what there is.

    \b
    Example:  headwater tx propose spend 500LPT 0.2ETH --to bob --title "Bob writes the guide"
    """
    totals = {"LPT": 0, "ETH": 0}
    for denom, amount in amounts:
        totals[denom] += amount
    content = {"recipient": sender.resolve(to), "lpt": Lpt(totals["LPT"]), "wei": Wei(totals["ETH"])}
    return _proposal(ProposalKind.SPEND, title, text, **content)


@propose.command()
@click.argument("amount", type=arguments.LPT)
@_for_people
@sending
def burn(sender: Sender, amount: Lpt, title: str, text: str) -> Sequence[Body]:
    """Burn AMOUNT of LPT of the CommonPool; the supply is smaller by it.

    \b
    Example:  headwater tx propose burn 500LPT --title "Burn what was slashed in May"
    """
    return _proposal(ProposalKind.BURN, title, text, lpt=amount)


@propose.command()
@click.option("--height", type=HEIGHT, required=True, help="The first block that needs the new version.")
@click.option("--app-version", type=ID, required=True, help="The version: a number that a release's notes give.")
@_for_people
@sending
def upgrade(sender: Sender, height: int, app_version: int, title: str, text: str) -> Sequence[Body]:
    """Plan an upgrade: at a height after the voting, every node without the version stops and says which it needs.

    \b
    Example:  headwater tx propose upgrade --height 250000 --app-version 2 --title "Release 2.0"
    """
    return _proposal(ProposalKind.UPGRADE, title, text, upgrade_height=height, app_version=app_version)


@propose.command("text")
@_for_people
@sending
def opinion(sender: Sender, title: str, text: str) -> Sequence[Body]:
    """Ask for an opinion; nothing follows from it by itself.

    \b
    Example:  headwater tx propose text --title "Shall we meet in Delft?"
    """
    return _proposal(ProposalKind.TEXT, title, text)


@click.command()
@click.argument("proposal_id", type=ID)
@click.argument("option", type=click.Choice([option.name.lower() for option in VoteOption]))
@sending
def vote(sender: Sender, proposal_id: int, option: str) -> Sequence[Body]:
    """Vote on the proposal PROPOSAL_ID, with the stake that you had as its round began; or change your vote.

    A transcoder votes for all who are bonded to it; who votes itself takes its own part out of that. Abstaining counts
    for the quorum alone.

    \b
    Example:  headwater tx vote 1 yes --from alice     what it is about: headwater query proposal 1
    """
    return [Vote(proposal_id, VoteOption[option.upper()])]


GOVERNANCE_COMMANDS = (propose, vote)
