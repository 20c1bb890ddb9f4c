"""`headwater` in this process, against the real application and keys in a temporary directory."""

import json

import pytest

from chain.cli import main, query, sending, tx, tx_submit
from chain.keys.keyring import Keyring
from tests.support.engine_node import EngineNode
from tests.support.genesis_documents import localnet_document, private_key

PEOPLE = ("alice", "bob")


class Shell:
    """Runs command lines and keeps what they said."""

    def __init__(self, home, node, capsys):
        self.home, self.node, self._capsys = home, node, capsys
        self.code, self.out, self.err = 0, "", ""

    def __call__(self, line, *more):
        words = [*line.split(), *(str(word) for word in more)]
        takes_home = "--help" not in words and words[:2] != ["query", "tx"]
        return self._run([*words, "--home", str(self.home)] if takes_home else words)

    def run_without_home(self, line):
        return self._run(line.split())

    def _run(self, words):
        self.code = main.run(words)
        self.out, self.err = self._capsys.readouterr()
        return self.code

    def json(self, line, *more):
        """The JSON that a command prints."""
        assert self(line, *more, "-o", "json") == 0, self.err
        return json.loads(self.out)


@pytest.fixture
def node():
    return EngineNode(localnet_document(preset="test"))


@pytest.fixture
def shell(tmp_path, node, monkeypatch, capsys):
    for module in (sending, query, tx, tx_submit):
        monkeypatch.setattr(module, "RpcClient", lambda url: node)
    keyring = Keyring(tmp_path)
    for name in PEOPLE:
        keyring.add(name, private_key(name), None)
    return Shell(tmp_path, node, capsys)
