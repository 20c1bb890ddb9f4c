"""The `headwater` command: its own groups, and those that other packages offer under the entry points
"headwater.commands". A group is imported when it is used, so that one that cannot be imported harms no other.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

import click
from click.shell_completion import get_completion_class

from chain.failures import Failure

ENTRY_POINTS = "headwater.commands"
EXIT_INTERRUPTED = 130
OWN_GROUPS = {
    "keys": "chain.cli.keys:keys",
    "node": "chain.cli.node:node",
    "localnet": "chain.cli.localnet:localnet",
    "network": "chain.cli.network:network",
    "tx": "chain.cli.tx:tx",
    "query": "chain.cli.query:query",
    "simulate": "chain.cli.simulate:simulate",
}
EPILOG = """\b
First steps, on this machine:
  headwater localnet start --validators 4 --detach   a network to play with
  headwater localnet status                          who is at which height
  headwater keys add alice --unencrypted             an account, for a localnet
  headwater --help, headwater tx --help …            every command explains itself
\b
Where things are:
  --home or HEADWATER_HOME    your directory (default ~/.headwater)
  --node or HEADWATER_NODE    the node to talk to (default http://127.0.0.1:26657)
  -o json                     every result as JSON on standard output
\b
Exit codes: 0 accepted, 1 rejected by the chain or failed, 2 usage, 3 cannot reach a node.
Completion: headwater completion --help"""


class CommandMissing(Failure):
    """A group is announced, but its code cannot be imported."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a group's code is: `target` is module:attribute."""

    name: str
    target: str
    offered_by: str

    def load(self) -> click.Command:
        """Import it; CommandMissing says what failed."""
        try:
            found = EntryPoint(self.name, self.target, ENTRY_POINTS).load()
        except Exception as error:
            raise CommandMissing(
                f"`headwater {self.name}` ({self.target}, from {self.offered_by}) cannot be loaded: "
                f"{type(error).__name__}: {error}"
            ) from error
        if not isinstance(found, click.Command):
            raise CommandMissing(f"`headwater {self.name}`: {self.target} is not a command")
        return found


def find_sources() -> dict[str, Source]:
    """All groups by name, without importing any; our own win over those of other packages."""
    offered = {
        point.name: Source(point.name, point.value, point.dist.name if point.dist else "an unnamed package")
        for point in entry_points(group=ENTRY_POINTS)
    }
    own = {name: Source(name, target, "headwater") for name, target in OWN_GROUPS.items() if _module_exists(target)}
    return offered | own


def _module_exists(target: str) -> bool:
    return importlib.util.find_spec(target.partition(":")[0]) is not None


class LazyGroups(click.Group):
    """A group whose members are found by name and imported when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every name, ours first in the order of a newcomer's needs."""
        sources = find_sources()
        own = [name for name in OWN_GROUPS if name in sources]
        return own + sorted(set(sources) - set(own)) + sorted(self.commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command; one that cannot be imported becomes a command that says so."""
        source = find_sources().get(cmd_name)
        if source is None:
            return super().get_command(ctx, cmd_name)
        try:
            return source.load()
        except CommandMissing as missing:
            return _broken(cmd_name, missing)


def _broken(name: str, missing: CommandMissing) -> click.Command:
    @click.command(
        name,
        short_help="(cannot be loaded; call it to see why)",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    )
    def command() -> None:
        raise missing

    return command


@click.group(cls=LazyGroups, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="headwater", prog_name="headwater")
def headwater() -> None:
    """Headwater: decentralised live video on a chain of its own.

    Transcoders stake LPT, are elected per round, do the jobs of broadcasters, claim what they did, and are challenged,
    verified, paid or slashed by the chain. This command runs nodes and networks, keeps keys, sends transactions and
    asks the chain.
    """


@headwater.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes `headwater` in your shell.

    \b
    bash:  headwater completion bash >> ~/.bashrc
    zsh:   headwater completion zsh >> ~/.zshrc
    fish:  headwater completion fish > ~/.config/fish/completions/headwater.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None, "click knows the three shells"
    click.echo(kind(headwater, {}, "headwater", "_HEADWATER_COMPLETE").source())


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; failures are one message on standard error, never a traceback."""
    try:
        result = headwater.main(list(arguments), prog_name="headwater", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except Failure as failure:
        click.echo(f"error: {failure}", err=True)
        return failure.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("aborted", err=True)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return result if isinstance(result, int) else 0


def main() -> None:
    """The entry point of the `headwater` script."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
