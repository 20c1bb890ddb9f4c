"""`headwater query`: ask the chain. The questions are those of `chain.cli.query_table`, plus one about transactions."""

import asyncio
import string
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from app.messages.record import decode, to_json
from app.primitives.address import to_checksum
from app.primitives.hashing import Hash32
from chain.cli.arguments import HASH, HEIGHT, ID
from chain.cli.output import Output, home_option, node_option, output_option
from chain.cli.present import aligned, answer_lines, cell
from chain.cli.query_table import QUESTIONS, Question
from chain.cli.sending import result_text
from chain.cli.tx_allocation import find_allocation
from chain.cli.who import resolve_account
from chain.failures import EXIT_REJECTED, Failure, UsageFailure
from chain.rpc.client import RpcClient
from chain.rpc.verified import verified_read
from chain.tx.errors import TxRejected
from chain.tx.queries import Answer, Queries
from chain.tx.result import TxResult, result_of
from genesis import arguments

_ACCOUNT = "account"
_ALLOCATION = "allocation"
_TEXTS = (_ACCOUNT, _ALLOCATION, "profile_id", "table")
_ACCOUNT_FILTERS = ("broadcaster", "transcoder", "verifier")


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list is asked for."""

    limit: int | None = None
    after: str | None = None


class UnknownTransaction(Failure):
    """No block that the node knows holds this transaction."""


class StateUnsound(Failure):
    """An invariant of the chain does not hold."""

    exit_code = EXIT_REJECTED


@click.group()
def query() -> None:
    """Ask the chain; nothing here costs anything or needs a key.

    \b
    Examples:
      headwater query account alice              an address, or the name of a key of yours
      headwater query job 1 -o json              as a program wants it: amounts in base units
      headwater query transcoders                a list
      headwater query round --height 100         as it was (nodes keep the last 100 heights)
      headwater query account 0x7a2f… --prove    checked against the block's app hash, not just believed

    With --prove the raw record is read with its Merkle proof. What is then trusted is the block header that the node
    gives; point --node at a `cometbft light` proxy to have that checked too.
    """


@query.command()
@click.argument("hash", type=HASH)
@node_option
@output_option
def tx(hash: Hash32, node: str, output: Output) -> None:
    """What became of the transaction HASH. Exit code 1 if the chain rejected it, or does not have it.

    \b
    Example:  headwater query tx 5F16F4C7F149AC4F9510D9CF8CF384038AD348B3BCDC01915F95DE12DF9D1B02
    """
    result = asyncio.run(_find(hash, node))
    if result.code:
        raise TxRejected(result.code, result.log, result.tx_hash, result.height)
    output.result(result.to_json(), result_text(result))


async def _find(tx_hash: Hash32, node: str) -> TxResult:
    async with RpcClient(node) as rpc:
        found = await rpc.tx(tx_hash)
    if found is None:
        raise UnknownTransaction(f"no block holds {tx_hash.hex().upper()}, or this node has not indexed it")
    return result_of(found)


def _make_command(question: Question) -> click.Command:
    """The command of one question."""

    def ask(home: Path, node: str, output: Output, height: int, prove: bool = False, **given: Any) -> None:
        window = Window(given.pop("limit", None), given.pop("after", None))
        arguments, filters = _resolved(question, given, home)
        if prove:
            answer = asyncio.run(_prove(question, arguments, node, height))
        else:
            answer = asyncio.run(_ask(question, arguments, filters, window, node, height))
        _show(question, answer, output)

    command: Callable[..., None] = ask
    for decorate in _options(question):
        command = decorate(command)
    for argument in reversed(_arguments(question)):
        command = click.argument(argument, type=None if argument in _TEXTS else ID)(command)
    example = f"headwater query {question.name} {question.example}".rstrip()
    return click.command(question.name, help=f"{question.help}\n\n\b\nExample:  {example}")(command)


def _options(question: Question) -> list[Callable[..., Any]]:
    found: list[Callable[..., Any]] = [
        output_option,
        node_option,
        home_option,
        click.option("--height", type=HEIGHT, default=0, help="As it was after this block.  [default: the newest]"),
    ]
    if question.layout is not None:
        found.append(click.option("--prove", is_flag=True, help="Read the raw record and check its Merkle proof."))
    if _ALLOCATION in _arguments(question):
        source = click.Path(exists=True, dir_okay=False, path_type=Path)
        found.append(click.option("--file", "allocations_file", type=source, help="Where accounts are looked up."))
    if question.columns:
        found.append(click.option("--limit", type=click.IntRange(1), help="Show so many at most.  [default: all]"))
        found.append(click.option("--after", help="Go on behind this one: what the answer before has as its next."))
    found += [_filter(name) for name in question.filters]
    return found


def _filter(name: str) -> Callable[..., Any]:
    if name == "stake":
        return click.option("--stake", type=arguments.LPT, required=True, help="How much, as 100LPT.")
    return click.option(f"--{name}", help=f"Only those of this {name}.")


def _arguments(question: Question) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(question.path) if name]


def _resolved(question: Question, given: dict[str, Any], home: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arguments with accounts as addresses, and filters as the chain wants them."""
    arguments = {name: given[name] for name in _arguments(question)}
    if _ALLOCATION in arguments:
        arguments[_ALLOCATION] = _allocation_index(arguments[_ALLOCATION], given["allocations_file"], home)
    if _ACCOUNT in arguments:
        arguments[_ACCOUNT] = resolve_account(arguments[_ACCOUNT], home)
    filters = {name: given[name] for name in question.filters if given[name] is not None}
    for name in _ACCOUNT_FILTERS:
        if name in filters:
            filters[name] = to_checksum(resolve_account(filters[name], home))
    if "status" in filters and question.statuses is not None:
        _check_statuses(filters["status"], [status.name.lower() for status in question.statuses])
    return arguments, filters


def _allocation_index(text: str, source: Path | None, home: Path) -> int:
    """The index that `text` is, or that the account has in the file: the chain itself knows no holders."""
    if text.isascii() and text.isdigit():
        return int(text)
    if source is None:
        raise UsageFailure("the chain knows allocations by index alone; to ask by account, add --file allocations.bin")
    return find_allocation(source, resolve_account(text, home)).index


def _check_statuses(text: str, known: list[str]) -> None:
    for name in text.split(","):
        if name not in known:
            raise UsageFailure(f"{name!r} is no status; there are: {', '.join(known)}")


async def _ask(
    question: Question, given: dict[str, Any], filters: dict[str, Any], window: Window, node: str, height: int
) -> Answer:
    texts = {name: _path_part(value) for name, value in given.items()}
    path = question.path.format(**texts)
    async with RpcClient(node) as rpc:
        queries = Queries(rpc, height)
        if question.columns:
            return await queries.all_items(path, window.limit, after=window.after, **filters)
        return await queries.ask(path, **filters)


def _path_part(value: Any) -> str:
    return to_checksum(value) if isinstance(value, bytes) else quote(str(value), safe="")


async def _prove(question: Question, arguments: dict[str, Any], node: str, height: int) -> Answer:
    layout = question.layout
    assert layout is not None, "only such questions have --prove"
    async with RpcClient(node) as rpc:
        proven = await verified_read(rpc, layout.key(*arguments.values()), height or None)
    record = None if proven.value is None else to_json(decode(layout.record, proven.value))
    return {
        "proven_height": proven.height,
        "app_hash": proven.app_hash.hex().upper(),
        "exists": record is not None,
        "record": record,
    }


def _show(question: Question, answer: Answer, output: Output) -> None:
    if "items" not in answer or not question.columns:
        notes = question.notes if "proven_height" not in answer else ()
        noted = answer | {"notes": " ".join(notes)} if notes else answer
        output.result(noted, "\n".join([answer_lines(answer), *notes]))
    elif answer["items"]:
        rows = [[cell(item, column) for column in question.columns] for item in answer["items"]]
        output.result(answer, aligned([column.rpartition(".")[2] for column in question.columns], rows))
    else:
        output.result(answer, f"none at height {answer['height']}")
    if question.columns and answer.get("next"):
        output.note(f"there are more: --after {answer['next']}")
    if answer.get("broken"):
        raise StateUnsound("; ".join(str(item) for item in answer["broken"]))


for _question in QUESTIONS:
    query.add_command(_make_command(_question))
