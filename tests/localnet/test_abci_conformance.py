"""Our ABCI server against CometBFT's own client, `abci-cli`, over both kinds of socket."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.abci_client import server_process
from tests.support.abci_kvstore import KvStore

pytestmark = pytest.mark.network

ROOT = Path(__file__).resolve().parents[2]
BINARY = ROOT / ".cache/bin/abci-cli"
PACKAGE = "github.com/cometbft/cometbft/abci/cmd/abci-cli@v0.40.0"
BUILD_SECONDS = 600
COMMAND_SECONDS = 60

BATCH = """\
echo hello
info
check_tx "abc=123"
check_tx "abc"
prepare_proposal "abc=123" "def=456"
process_proposal "abc=123"
process_proposal "abc"
finalize_block "abc=123" "def=456"
query "abc"
commit
query "abc"
query "nothing"
"""

ANSWERS = """\
> echo hello
-> code: OK
-> data: hello
-> data.hex: 0x68656C6C6F

> info
-> code: OK
-> data: kvstore
-> data.hex: 0x6B7673746F7265

> check_tx "abc=123"
-> code: OK
-> data: abc=123
-> data.hex: 0x6162633D313233

> check_tx "abc"
-> code: 5
-> data: abc
-> data.hex: 0x616263

> prepare_proposal "abc=123" "def=456"
-> code: OK
-> log: Succeeded. Tx: abc=123
-> code: OK
-> log: Succeeded. Tx: def=456

> process_proposal "abc=123"
-> code: OK
-> status: ACCEPT

> process_proposal "abc"
-> code: OK
-> status: REJECT

> finalize_block "abc=123" "def=456"
-> code: OK
-> data.hex: 0x6162633D313233
-> code: OK
-> data.hex: 0x6465663D343536
-> code: OK
-> data.hex: 0x@APP_HASH@

> query "abc"
-> code: 1
-> log: does not exist
-> height: 0
-> key: abc
-> key.hex: 616263

> commit
-> code: OK

> query "abc"
-> code: OK
-> log: exists
-> height: 1
-> key: abc
-> key.hex: 616263
-> value: 123
-> value.hex: 313233

> query "nothing"
-> code: 1
-> log: does not exist
-> height: 0
-> key: nothing
-> key.hex: 6E6F7468696E67
"""


@pytest.fixture(scope="session")
def abci_cli():
    """The binary, built once from the same Go module as the node."""
    if not BINARY.exists():
        go = shutil.which("go")
        if go is None:
            pytest.skip(f"NOT TESTED against abci-cli: neither {BINARY} nor Go to build it with ({PACKAGE})")
        environment = os.environ | {"GOBIN": str(BINARY.parent), "CGO_ENABLED": "0"}
        command = [go, "install", PACKAGE]
        built = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=BUILD_SECONDS)
        if built.returncode != 0:
            pytest.skip(f"NOT TESTED against abci-cli: it could not be built: {built.stderr.strip()[-500:]}")
    return BINARY


@pytest.fixture(params=["unix", "tcp"])
def server(request, tmp_path):
    listen = f"unix://{tmp_path}/s" if request.param == "unix" else "tcp://127.0.0.1:0"
    with server_process(listen) as running:
        yield running


def call(abci_cli, server, *arguments, text=None):
    command = [abci_cli, "--address", server.address, "--log_level", "error", *arguments]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=COMMAND_SECONDS)
    return done.returncode, done.stdout


def without_trailing_spaces(text):
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def test_a_session_of_every_command_gets_the_answers_it_must(abci_cli, server):
    app_hash = KvStore.hash_of({b"abc": b"123", b"def": b"456"})
    exit_code, output = call(abci_cli, server, "--verbose", "batch", text=BATCH)
    assert exit_code == 0
    assert without_trailing_spaces(output) == ANSWERS.strip().replace("@APP_HASH@", app_hash.hex().upper())
    assert server.terminate()[0] == 0


def test_one_client_after_the_other_is_served_with_the_state_kept(abci_cli, server):
    assert call(abci_cli, server, "finalize_block", '"a=1"')[0] == 0
    assert call(abci_cli, server, "commit") == (0, "-> code: OK\n")
    assert "-> value: 1\n" in call(abci_cli, server, "query", '"a"')[1]
    assert server.terminate()[0] == 0


def test_an_application_that_raises_in_a_query_is_not_a_dead_one(abci_cli, server):
    output = call(abci_cli, server, "query", "--path", "/raise", '"a"')[1]
    assert "-> log: RuntimeError: the application was told to raise\n" in output
    assert call(abci_cli, server, "echo", "alive")[1].startswith("-> code: OK\n-> data: alive\n")


def test_an_application_that_raises_in_a_block_ends_client_and_server(abci_cli, server):
    assert call(abci_cli, server, "finalize_block", '"raise"')[0] != 0
    exit_code, errors = server.wait()
    assert exit_code == 1
    assert "finalize_block failed: RuntimeError: the application was told to raise" in errors
