"""The `headwater` command as the user of a network types it, and what it tells as JSON."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from tests.support.processes import headwater

REJECTED = 1


@dataclass
class Commands:
    """One home with everybody's keys, and a node.

    Attributes:
        walked: the types of all messages that the chain has accepted from here.
    """

    home: Path
    url: str
    walked: set[str] = field(default_factory=set)

    def query(self, line: str) -> dict[str, Any]:
        """The answer of `headwater query …`."""
        return self._told(self._run("query", *line.split()))

    def tx(self, line: str, *more: object) -> dict[str, Any]:
        """`headwater tx …`, accepted; where the round waits for somebody to initialise it, this user does that."""
        done = self._run("tx", *line.split(), *more, "--yes")
        if done.returncode == REJECTED and json.loads(done.stderr)["error"]["reason"] == "ROUND_NOT_INITIALIZED":
            self.tx("initialize-round --from faucet")
            done = self._run("tx", *line.split(), *more, "--yes")
        result = self._told(done)
        self.walked |= {message["type"] for message in result["messages"]}
        return result

    def _run(self, *words: object) -> CompletedProcess[str]:
        return headwater(*words, "-o", "json", HEADWATER_HOME=str(self.home), HEADWATER_NODE=self.url)

    def _told(self, done: CompletedProcess[str]) -> dict[str, Any]:
        assert done.returncode == 0, f"{done.args[3:]}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer
