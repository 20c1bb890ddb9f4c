"""What every `headwater tx` command shares: its options, and the way from messages to an answer.

A command only turns its arguments into messages; signing, sending, waiting, dry runs and offline signing happen here.
"""

import asyncio
import functools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from app.messages.bodies import Body
from app.messages.codec import message_name
from app.messages.events import event_name
from app.messages.rejections import Rejection
from app.primitives.address import Address, to_checksum
from app.primitives.amounts import Wei, format_wei
from chain.cli.arguments import ID
from chain.cli.keys import asked_passphrase, passphrase_option
from chain.cli.output import Output, home_option, node_option, output_option
from chain.cli.present import describe
from chain.cli.who import choose_key, resolve_account
from chain.failures import Failure, UsageFailure
from chain.keys.keyring import Keyring, Signer
from chain.rpc.client import RpcClient
from chain.tx.client import TxClient, TxLimits, TxOptions
from chain.tx.events import UnknownEvent
from chain.tx.message_json import message_to_json
from chain.tx.queries import Queries
from chain.tx.result import TxResult
from chain.tx.signing import SignedTx, make_body, sign
from genesis import arguments

VALID_FOR_BLOCKS = 200
INCLUSION_SECONDS = 30.0


class WouldFail(Failure):
    """A dry run found that the chain would refuse the transaction."""


@dataclass(frozen=True, slots=True)
class Choices:
    """The common options as given."""

    key: str | None
    home: Path
    passphrase_file: Path | None
    node: str
    chain_id: str | None
    fee: Wei | None
    nonce: int | None
    memo: str
    valid_for: int | None
    timeout: float
    offline: bool
    dry_run: bool
    no_wait: bool
    yes: bool
    output: Output = field(repr=False)


class Sender:
    """What a command may ask about who sends."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.file_memo = ""

    @cached_property
    def key(self) -> str:
        """The name of the key that signs."""
        return choose_key(self.choices.key, self.choices.home)

    @property
    def address(self) -> Address:
        """The account that signs."""
        return Keyring(self.choices.home).show(self.key).address

    def resolve(self, text: str) -> Address:
        """An account named by address or key."""
        return resolve_account(text, self.choices.home)

    def note(self, text: str) -> None:
        """Tell something that is not the result."""
        self.choices.output.note(text)

    def open(self) -> Signer:
        """The signer; asks for the passphrase where the key has one."""
        return Keyring(self.choices.home).load(self.key, asked_passphrase(self.choices.passphrase_file))


def sending(command: Callable[..., Sequence[Body]]) -> Callable[..., None]:
    """Give a command that returns messages the common options; it gets `sender: Sender` as its first argument."""

    @functools.wraps(command)
    def wrapped(*positional: Any, **options: Any) -> None:
        choices = Choices(**{item.name: options.pop(item.name) for item in fields(Choices)})
        sender = Sender(choices)
        execute(sender, tuple(command(sender, *positional, **options)))

    for decorate in reversed(_COMMON):
        wrapped = decorate(wrapped)
    return wrapped


def checked(check: Callable[[], None]) -> None:
    """Run one of the chain's own stateless checks before anything is sent.

    Raises:
        UsageFailure: what the chain would refuse, in its words.
    """
    try:
        check()
    except Rejection as rejection:
        raise UsageFailure(rejection.text) from None


def execute(sender: Sender, messages: tuple[Body, ...]) -> None:
    """Sign messages and do with them what the options say.

    Raises:
        UsageFailure: options that contradict each other, or messages that no node would read.
        TxRejected, TxTimeout, NodeUnreachable, RpcFailure: as `chain.tx.client`.
    """
    choices = sender.choices
    _check_choices(choices)
    memo = choices.memo or sender.file_memo
    try:
        if choices.offline:
            _sign_offline(sender, messages, memo)
        else:
            asyncio.run(_send_online(sender, messages, memo))
    except Rejection as rejection:
        raise UsageFailure(f"no node would read this: {rejection}") from None


def _check_choices(choices: Choices) -> None:
    if choices.offline and (choices.nonce is None or choices.chain_id is None or choices.fee is None):
        raise UsageFailure(
            "--offline asks nobody: give --nonce, --chain-id and --fee "
            "(headwater query nonce ADDRESS, headwater query params)"
        )
    if choices.offline and choices.valid_for:
        raise UsageFailure("--valid-for counts from the chain's height, which --offline does not know")


def _sign_offline(sender: Sender, messages: tuple[Body, ...], memo: str) -> None:
    choices = sender.choices
    assert choices.nonce is not None and choices.chain_id is not None and choices.fee is not None, "checked before"
    body = replace(make_body(choices.chain_id, choices.nonce, messages, memo), fee_wei=choices.fee)
    signed = sign(body, sender.open())
    shown = _signed_json(sender, signed) | {"transaction": signed.raw.hex()}
    choices.output.result(shown, signed.raw.hex())
    choices.output.note("signed, not sent; send it with: headwater tx broadcast HEX")


async def _send_online(sender: Sender, messages: tuple[Body, ...], memo: str) -> None:
    choices = sender.choices
    signer = sender.open()
    async with RpcClient(choices.node) as rpc:
        chain_id = choices.chain_id or (await rpc.status()).chain_id
        client = TxClient(rpc, signer, chain_id, TxLimits(inclusion_seconds=choices.timeout))
        valid_for = VALID_FOR_BLOCKS if choices.valid_for is None else choices.valid_for
        options = TxOptions(choices.fee, choices.nonce, memo, valid_for)
        if choices.dry_run:
            await _dry_run(sender, client, messages, options)
            return
        _ask(sender, messages)
        signed = await client.submit(messages, options)
        if choices.no_wait:
            name = signed.tx_hash.hex().upper()
            text = f"sent {name} (nonce {signed.body.nonce}); ask with: headwater query tx {name}"
            choices.output.result(_signed_json(sender, signed), text)
            return
        result = (await client.wait(signed)).require_accepted()
        choices.output.result(_signed_json(sender, signed) | result.to_json(), result_text(result, signed.body.fee_wei))


async def _dry_run(sender: Sender, client: TxClient, messages: tuple[Body, ...], options: TxOptions) -> None:
    signed = await client.prepare(messages, options)
    account = await Queries(client.rpc).account(client.signer.address)
    if int(account["wei"]) < signed.body.fee_wei:
        raise WouldFail(
            f"INSUFFICIENT_FUNDS: the fee is {format_wei(signed.body.fee_wei)}, "
            f"{to_checksum(client.signer.address)} has {format_wei(int(account['wei']))}"
        )
    lines = [
        f"would send, as {sender.key} {to_checksum(client.signer.address)} on {client.chain_id}:",
        *_message_lines(messages),
        f"fee {format_wei(signed.body.fee_wei)}, nonce {signed.body.nonce}, {len(signed.raw)} bytes; nothing was sent",
    ]
    sender.choices.output.result(_signed_json(sender, signed) | {"dry_run": True}, "\n".join(lines))


def _ask(sender: Sender, messages: tuple[Body, ...]) -> None:
    """At a terminal, let a person look at it first; programs are not asked."""
    if sender.choices.yes or not sys.stdin.isatty():
        return
    what = "\n".join(_message_lines(messages))
    click.confirm(f"{sender.key} {to_checksum(sender.address)} sends\n{what}\nSign and send?", abort=True, err=True)


def _message_lines(messages: Sequence[Body]) -> list[str]:
    return [f"  {message_name(message)}  {describe(message)}".rstrip() for message in messages]


def result_text(result: TxResult, fee: int | None = None) -> str:
    """An accepted transaction for people: where it is, what it cost, and what it did."""
    paid = f", fee {format_wei(fee)}" if fee is not None else ""
    lines = [f"accepted in block {result.height}{paid}: {result.tx_hash.hex().upper()}"]
    lines += [f"  {event_text(event)}".rstrip() for event in result.events]
    return "\n".join(lines)


def event_text(event: Any) -> str:
    """An event in one line."""
    if isinstance(event, UnknownEvent):
        return "  ".join([event.name, *(f"{key} {value}" for key, value in event.attributes)])
    return f"{event_name(event)}  {describe(event)}"


def _signed_json(sender: Sender, signed: SignedTx) -> dict[str, Any]:
    body = signed.body
    return {
        "hash": signed.tx_hash.hex().upper(),
        "from": to_checksum(sender.address),
        "chain_id": body.chain_id,
        "nonce": body.nonce,
        "fee_wei": str(body.fee_wei),
        "valid_until_height": body.valid_until_height,
        "memo": body.memo,
        "size_bytes": len(signed.raw),
        "messages": [message_to_json(message) for message in body.messages],
    }


_COMMON: tuple[Callable[..., Any], ...] = (
    click.option("--from", "key", metavar="KEY", help="The key that signs.  [default: the only one there is]"),
    home_option,
    passphrase_option,
    node_option,
    click.option("--chain-id", help="The chain it is for.  [default: the node's]"),
    click.option("--fee", type=arguments.WEI, help="What to pay, as 5000gwei.  [default: the minimum and a tenth]"),
    click.option("--nonce", type=ID, help="The transaction's number.  [default: the next one]"),
    click.option("--memo", default="", help="A note that the chain keeps; at most 256 bytes."),
    click.option("--valid-for", type=click.IntRange(0), help="Blocks until it expires, 0 for never.  [default: 200]"),
    click.option(
        "--timeout",
        type=click.FloatRange(0, min_open=True),
        default=INCLUSION_SECONDS,
        show_default=True,
        help="Seconds to wait for its block.",
    ),
    click.option("--offline", is_flag=True, help="Sign and print, talk to nobody; needs --nonce, --chain-id, --fee."),
    click.option("--dry-run", is_flag=True, help="Show what would be sent and what it costs; send nothing."),
    click.option("--no-wait", is_flag=True, help="Return when the node has accepted it, before its block."),
    click.option("--yes", is_flag=True, help="Do not ask at a terminal."),
    output_option,
)
