"""What the commands of all off-chain roles share: where their home, key, node and address come from, and opening them.

A service's home holds its keys (`keys/`), its journal, its content and its logs. One home belongs to one service: the
journal refuses a second one.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from chain.cli.keys import asked_passphrase, passphrase_option
from chain.cli.output import home_option, node_option
from chain.failures import UsageFailure
from chain.keys.keyring import Keyring, Signer
from chain.rpc.client import RpcClient
from transcoder.net.logs import LEVELS, configure_logging
from transcoder.net.shell import ServiceShell

STANDARD_ERROR = "-"
"""The log file's name that means standard error."""


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """What the options of `service_options` were; `log_file` is None for HOME/logs/ROLE.log, or `-`."""

    home: Path
    key_name: str
    node: str
    host: str
    port: int
    passphrase_file: Path | None
    log_level: str
    log_file: str | None

    def log_path(self, role: str) -> Path | None:
        """Where the role's log goes; None stands for standard error."""
        if self.log_file == STANDARD_ERROR:
            return None
        return Path(self.log_file) if self.log_file else self.home / "logs" / f"{role}.log"


@dataclass(frozen=True, slots=True)
class OpenService:
    """What a service starts from."""

    role: str
    options: ServiceOptions
    signer: Signer
    rpc: RpcClient
    chain_id: str

    @property
    def home(self) -> Path:
        """The service's own directory; it exists."""
        return self.options.home

    @property
    def journal_path(self) -> Path:
        """Where the role's journal is."""
        return self.home / "journal.sqlite"

    def shell(self, **limits: Any) -> ServiceShell:
        """The HTTP shell at the address of `--listen`."""
        return ServiceShell(f"headwater-{self.role}", host=self.options.host, port=self.options.port, **limits)


def service_options(default_listen: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command --home, --from, --node, --listen, --passphrase-file, --log-level and --log-file.

    They arrive as one parameter `service: ServiceOptions`.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        def gather(
            *arguments: Any,
            home: Path,
            key_name: str,
            node: str,
            listen: tuple[str, int],
            passphrase_file: Path | None,
            log_level: str,
            log_file: str | None,
            **others: Any,
        ) -> None:
            service = ServiceOptions(home, key_name, node, *listen, passphrase_file, log_level, log_file)
            command(*arguments, service=service, **others)

        gather.__doc__ = command.__doc__
        gather.__name__ = command.__name__
        gather.__dict__.update(command.__dict__)  # the options that click has noted on it so far
        return _with_options(gather, default_listen)

    return decorate


def _with_options(command: Callable[..., None], default_listen: str) -> Callable[..., None]:
    for option in (
        click.option("--log-file", help="Where the log goes; - is standard error.  [default: HOME/logs/ROLE.log]"),
        click.option(
            "--log-level",
            type=click.Choice(LEVELS),
            default="info",
            show_default=True,
            help="The least that is logged.",
        ),
        passphrase_option,
        click.option(
            "--listen",
            default=default_listen,
            show_default=True,
            callback=lambda _context, _parameter, text: parse_listen(text),
            help="HOST:PORT to answer HTTP at; port 0 takes a free one, and says which.",
        ),
        node_option,
        home_option,
        click.option("--from", "key_name", required=True, help="The key to work and sign with; see `headwater keys`."),
    ):
        command = option(command)
    return command


def parse_listen(text: str) -> tuple[str, int]:
    """Host and port of HOST:PORT.

    Raises:
        UsageFailure: anything else.
    """
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
        is_plain = parts.netloc == text and "@" not in text
    except ValueError:
        host, port, is_plain = None, None, False
    if not host or port is None or not is_plain:
        raise UsageFailure(f"{text!r} is not an address to listen on; write HOST:PORT, for example 127.0.0.1:8935")
    return host, port


@asynccontextmanager
async def open_service(role: str, options: ServiceOptions) -> AsyncIterator[OpenService]:
    """Make the home, open the key (which may ask for its passphrase), send logs to their place, and find the chain.

    Raises:
        UsageFailure: the key or the log file cannot be had.
        RpcUnreachable: no node answers, so that there is no chain to work for.
    """
    signer = Keyring(options.home).load(options.key_name, asked_passphrase(options.passphrase_file))
    configure_logging(role, options.log_level, options.log_path(role))
    async with RpcClient(options.node) as rpc:
        status = await rpc.status()
        yield OpenService(role, options, signer, rpc, status.chain_id)
