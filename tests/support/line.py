"""The whole line on this machine: a network of one validator, and the processes that a user would start."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.messages.options import Rendition, TranscodingOptions
from app.messages.record import to_json
from app.primitives.address import to_checksum
from chain.keys.keyring import Keyring, Signer
from chain.localnet.create import create
from chain.localnet.genesis import FUNDED_LPT, FUNDED_WEI, headwater_genesis
from chain.localnet.layout import Localnet, LocalnetSettings
from chain.rpc.client import RpcClient
from chain.rpc.transport import RpcLimits
from chain.tx.queries import Queries
from genesis.check import require_valid
from tests.support.genesis_documents import private_key
from tests.support.nodes import FAST, wait_for_height
from tests.support.processes import Running, eventually
from transcoder.demo.ledger import Entry, Ledger

VERIFIERS = ("vera", "viktor", "vivian")
BROADCASTER = "bob"
TRANSCODER = "validator0"
"""The validator transcodes itself: it is active from the first block on."""

OPTIONS = TranscodingOptions(
    "h264-verified-1", (Rendition("144p", 256, 144, 25, 1, 30), Rendition("72p", 128, 72, 25, 1, 30))
)
PARAMS = {
    "t": 1000,
    "round_length": 40,
    "unbonding_period": 400,
    "claim_period": 200,
    "verification_rate": 1,
    "verification_period": 15,
    "slashing_period": 3,
    "commit_period": 120,  # whoever waits for a busy machine; where all are done, nobody waits
    "reveal_period": 120,
    "court_window": 120,
}
LIMIT_SECONDS = 90.0


class Service(Running):
    """A service in a home of its own; it listens at a free port, another one at each start."""

    def __init__(self, home: Path, node_url: str, key_name: str, *command: object) -> None:
        self.home = home
        options = ("--from", key_name, "--home", home, "--node", node_url, "--listen", "127.0.0.1:0")
        super().__init__(home.parent / f"{home.name}-{os.urandom(3).hex()}.log", *command, *options)

    @property
    def url(self) -> str:
        """Where it listens, as it says itself."""
        return eventually(lambda: re.search(r"http://127\.0\.0\.1:\d+", self.text), f"its address: {self.text}")[0]

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()


@dataclass
class Line:
    """Everything that runs, and questions about it."""

    root: Path
    localnet: Localnet
    clip: Path
    node: Running
    services: dict[str, Service] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.localnet.nodes[0].rpc_url

    def start(self, name: str, *options: object) -> Service:
        """Start somebody's service, again in the same home."""
        role = "transcoder" if name == TRANSCODER else "broadcaster" if name == BROADCASTER else "verifier"
        defaults: dict[str, tuple[object, ...]] = {
            "transcoder": ("--claim-every", 3, "--claim-idle", 2, "--slots", 4, "--price", "100gwei"),
            "verifier": ("--bond", "10LPT"),
            "broadcaster": ("--input", self.clip, "--ladder", self._ladder(), "--price", "200gwei"),
        }
        service = Service(self.root / name, self.url, name, role, "start", *defaults[role], *options)
        self.services[name] = service
        return service

    def start_node(self) -> None:
        """Start the node, again with what it has."""
        home = self.localnet.nodes[0].home.root
        self.node = Running(self.root / "node.log", "node", "start", "--home", home)
        wait_for_height(self.url, 1)

    def kill_node(self) -> None:
        """End application and CometBFT as a power cut would."""
        self.node.process.kill()
        self.node.process.wait()

    def ask(self, path: str, **filters: Any) -> Any:
        """A query's answer."""
        return self._with_rpc(lambda rpc: Queries(rpc).ask(path, **filters))

    def items(self, path: str, **filters: Any) -> list[Any]:
        """All items of a list."""
        return self._with_rpc(lambda rpc: Queries(rpc).all_items(path, None, **filters))["items"]

    def history(self) -> list[Entry]:
        """Every transaction so far."""

        async def read(rpc: RpcClient) -> list[Entry]:
            ledger = Ledger()
            await ledger.follow(rpc)
            return ledger.entries

        return self._with_rpc(read)

    def _with_rpc(self, question: Callable[[RpcClient], Any]) -> Any:
        async def run() -> Any:
            async with RpcClient(self.url, RpcLimits(attempts=10)) as rpc:
                return await question(rpc)

        return asyncio.run(run())

    def _ladder(self) -> Path:
        path = self.root / "ladder.json"
        path.write_text(json.dumps(to_json(OPTIONS)["renditions"]))
        return path

    def address(self, name: str) -> str:
        return to_checksum(self.signer(name).address)

    def signer(self, name: str) -> Signer:
        return Keyring(self.root / name).load(name, lambda _: "")

    # --- a stream and its job

    def job_of(self, stream: str) -> dict[str, Any] | None:
        """The job that was ordered for a stream."""
        jobs = [job for job in self.items("/jobs") if job["stream_id"].endswith(f"-{stream}")]
        assert len(jobs) <= 1, jobs
        return jobs[0] if jobs else None

    def wait_for_job(self, stream: str) -> int:
        """Wait until a stream's job is drawn; its id."""
        return int(eventually(lambda: (self.job_of(stream) or {}).get("job_id"), f"the job of {stream}"))

    def rows(self, name: str, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a service's journal holds, whether it runs or not."""
        path = self.root / name / "journal.sqlite"
        if not path.exists():
            return []
        with contextlib.closing(sqlite3.connect(path, timeout=10)) as database:
            return database.execute(sql, values).fetchall()

    def receipts(self, job_id: int) -> list[tuple[int, str]]:
        """Numbers and states of the transcoder's receipts."""
        sql = "SELECT sequence_number, state FROM receipt WHERE job_id = ? ORDER BY 1"
        return [(int(number), str(state)) for number, state in self.rows(TRANSCODER, sql, job_id)]

    def playlist(self, stream: str) -> Path:
        return self.root / BROADCASTER / "hls" / stream / "index.m3u8"

    def close(self) -> None:
        """End everything that was started."""
        for running in [*self.services.values(), self.node]:
            if running.process.poll() is None:
                running.signal(signal.SIGTERM)
        for running in [*self.services.values(), self.node]:
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.process.wait(15)
            running.__exit__(None, None, None)


def make_line(root: Path, clip: Path) -> Line:
    """A running network whose accounts have money; no services yet."""
    keys = {name: private_key(name) for name in (BROADCASTER, *VERIFIERS)}
    for name, key in keys.items():
        Keyring(root / name).add(name, key, None)
    funded = [(Signer.of(key).address, FUNDED_LPT, FUNDED_WEI) for key in keys.values()]
    usual = headwater_genesis("localnet", funded)

    def write(folder: Path, validators: Any) -> dict[str, Any]:
        document = usual(folder, validators)
        document["app_state"]["params"] |= PARAMS
        require_valid(document)
        return document

    localnet = create(root / "net", 1, write, LocalnetSettings(timeouts=FAST), usual_ports=False)
    operator = Keyring(localnet.root).load(TRANSCODER, lambda _: "")
    Keyring(root / TRANSCODER).add(TRANSCODER, operator.private_key, None)
    line = Line(root, localnet, clip, None)
    line.start_node()
    return line
