import asyncio
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from chain.failures import UsageFailure
from chain.keys.keyring import KeyMissing, Keyring
from chain.rpc.errors import RpcUnreachable
from transcoder.cli.common import ServiceOptions, open_service, parse_listen, service_options


@click.command()
@click.option("--price", default="1gwei")
@service_options("127.0.0.1:8935")
def role(price: str, service: ServiceOptions) -> None:
    """Work as a role."""
    click.echo(f"{price} {service}")


def run(*arguments: str) -> Any:
    return CliRunner().invoke(role, arguments)


def test_the_options_arrive_as_one_parameter_beside_the_commands_own(tmp_path: Path) -> None:
    result = run("--from", "alice", "--home", str(tmp_path), "--listen", "0.0.0.0:0", "--price", "3gwei")
    assert result.exit_code == 0, result.output
    expected = ServiceOptions(tmp_path, "alice", "http://127.0.0.1:26657", "0.0.0.0", 0, None, "info", None)
    assert result.output.strip() == f"3gwei {expected}"


def test_help_shows_the_commands_text_its_options_and_the_shared_ones() -> None:
    text = run("--help").output
    assert "Work as a role." in text
    for option in ("--price", "--from", "--home", "--node", "--listen", "--passphrase-file", "--log-level"):
        assert option in text
    assert "127.0.0.1:8935" in text


def test_a_key_must_be_named() -> None:
    result = run()
    assert result.exit_code == 2
    assert "--from" in result.output


@pytest.mark.parametrize("text", ["", "8935", "localhost", "host:port", "http://host:1", "a@b:1", "h:1/x", "h:70000"])
def test_what_is_no_host_and_port_is_refused(text: str) -> None:
    with pytest.raises(UsageFailure, match="HOST:PORT"):
        parse_listen(text)


def test_an_ipv6_address_can_be_listened_on() -> None:
    assert parse_listen("[::1]:8935") == ("::1", 8935)


def options(home: Path, node: str = "http://127.0.0.1:1") -> ServiceOptions:
    return ServiceOptions(home, "alice", node, "127.0.0.1", 0, None, "info", None)


def test_logs_go_to_the_home_unless_told_otherwise(tmp_path: Path) -> None:
    assert options(tmp_path).log_path("verifier") == tmp_path / "logs" / "verifier.log"
    to_error = ServiceOptions(tmp_path, "alice", "", "127.0.0.1", 0, None, "info", "-")
    assert to_error.log_path("verifier") is None


async def opened(settings: ServiceOptions) -> None:
    async with open_service("verifier", settings):
        raise AssertionError("there is nothing to open")


def test_a_missing_key_is_said_before_anything_else(tmp_path: Path) -> None:
    with pytest.raises(KeyMissing, match="alice"):
        asyncio.run(opened(options(tmp_path)))


def test_a_node_that_does_not_answer_is_said(tmp_path: Path) -> None:
    Keyring(tmp_path).add("alice", b"\1" * 32, None)
    with pytest.raises(RpcUnreachable, match=r"127\.0\.0\.1:1"):
        asyncio.run(opened(options(tmp_path)))
