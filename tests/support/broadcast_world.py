"""A chain, a transcoder that was drawn, a short clip, and the command that broadcasts it."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.messages.bodies import TranscodeAvailability, Transcoder
from app.messages.options import Rendition, TranscodingOptions
from app.messages.record import to_json
from app.messages.records import Job
from app.primitives.amounts import Wei
from app.primitives.fractions import Fraction
from app.state import tables
from chain.keys.keyring import Keyring
from genesis.presets.test import TEST
from genesis.profiles import FIRST_PROFILES
from tests.support.chain_driver import Chain, Party, make_genesis
from tests.support.chain_server import ChainServer, serving
from tests.support.processes import eventually
from tests.support.transcoder_stand_in import TranscoderStandIn

T_MS = 500
OPTIONS = TranscodingOptions(
    "h264-verified-1", (Rendition("144p", 256, 144, 25, 1, 30), Rendition("72p", 128, 72, 25, 1, 30))
)
PARAMS = replace(TEST, t=T_MS, job_assignment_timeout=30, round_length=1000, unbonding_period=2000)


@dataclass
class BroadcastWorld:
    """Everything that a broadcast needs but the broadcaster."""

    chain: ChainServer
    transcoder: TranscoderStandIn
    broadcaster: Party
    home: Path
    clip: Path

    def command(self, *extra: object) -> list[str]:
        """The command line of a broadcaster with this world's settings."""
        ladder = self.home.parent / "ladder.json"
        ladder.write_text(json.dumps(to_json(OPTIONS)["renditions"]))
        options: dict[str, object] = {
            "--from": "bob",
            "--home": self.home,
            "--node": self.chain.url,
            "--listen": "127.0.0.1:0",
            "--input": self.clip,
            "--stream": "s",
            "--ladder": ladder,
            "--price": "1gwei",
            "--escrow-segments": 4,
            "--deposit": "0.01ETH",
            "-o": "json",
        }
        flat = [str(part) for pair in options.items() for part in pair]
        return [sys.executable, "-m", "chain.cli.main", "broadcaster", "start", *flat, *map(str, extra)]

    @property
    def playlist(self) -> Path:
        """The master playlist on disk."""
        return self.home / "hls" / "s" / "index.m3u8"

    def jobs(self) -> list[Job]:
        """The jobs on the chain, by id."""
        return self.chain.do(lambda chain: [job for _, job in tables.JOBS.items(chain.state)])


@contextlib.contextmanager
def broadcast_world(folder: Path, clip: Path, slots: int = 4) -> Iterator[BroadcastWorld]:
    """A running chain with one active transcoder, and an account called bob that has ETH."""
    broadcaster, worker = Party("bob"), Party("worker")
    genesis = make_genesis(PARAMS, [broadcaster], [worker], profiles=FIRST_PROFILES)
    stand_in = TranscoderStandIn(worker, broadcaster.address, OPTIONS)
    chain = Chain(genesis)
    rates = (Wei(1000), Fraction(10**8), Fraction(5 * 10**8))
    chain.must(worker, Transcoder(*rates, stand_in.url, worker.consensus_key))
    if slots:
        chain.must(worker, TranscodeAvailability(slots))
    home = folder / "home"
    Keyring(home).add("bob", broadcaster.key, None)
    try:
        with serving(chain) as server:
            yield BroadcastWorld(server, stand_in, broadcaster, home, clip)
    finally:
        stand_in.close()


class Broadcaster:
    """A broadcaster process; what it prints is read as it comes."""

    def __init__(self, world: BroadcastWorld, *extra: object) -> None:
        self._output = world.home.parent / f"output-{os.urandom(4).hex()}"
        self._errors = self._output.with_suffix(".errors")
        with self._output.open("wb") as output, self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                world.command(*extra), stdin=subprocess.DEVNULL, stdout=output, stderr=errors, start_new_session=True
            )

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it has told so far."""
        lines = self._output.read_text().split("\n")[:-1]
        return [json.loads(line) for line in lines]

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """The events of one kind."""
        return [event for event in self.events if event["event"] == kind]

    @property
    def errors(self) -> str:
        """What it said on standard error."""
        return self._errors.read_text()

    def wait_for(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait for so many events of a kind."""

        def found() -> list[dict[str, Any]] | None:
            assert self.process.poll() in (None, 0), self.errors
            events = self.of_kind(kind)
            return events if len(events) >= count else None

        return eventually(found, f"{count} {kind} of {self.events[-3:]} {self.errors}")

    def end(self, limit_seconds: float = 60) -> int:
        """Wait for its end; the exit code."""
        return self.process.wait(limit_seconds)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> "Broadcaster":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()
