"""The simulation's process: the application's code runs beside the command, as a node's application does."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from typing import IO

from app.messages.economy import EconomyOrder, RoundReport
from app.messages.record import from_json, to_json
from chain.failures import Failure

_TAIL_CHARACTERS = 2000


class SimulationFailed(Failure):
    """The simulation's process has ended with an error: a bug of ours. The text has its last words."""


def play(orders: Sequence[EconomyOrder]) -> Iterator[RoundReport]:
    """Play orders one after the other, and give each round's report as the round ends.

    Raises:
        SimulationFailed: the process has failed, or the state at its end contradicts itself.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors, _start(errors) as process:
        try:
            yield from _read(process, orders)
        finally:
            process.kill()  # who stops listening ends it; one that has ended already is not harmed
        if process.wait() != 0:
            errors.seek(0)
            raise SimulationFailed(f"the simulation has failed: {errors.read()[-_TAIL_CHARACTERS:]}")


def _start(errors: IO[str]) -> "subprocess.Popen[str]":
    command = (sys.executable, "-P", "-m", "app.simulation")
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)


def _read(process: "subprocess.Popen[str]", orders: Sequence[EconomyOrder]) -> Iterator[RoundReport]:
    assert process.stdin is not None and process.stdout is not None, "both are pipes"
    with process.stdin as stdin:
        stdin.writelines(json.dumps(to_json(order)) + "\n" for order in orders)
    for line in process.stdout:
        yield from_json(RoundReport, json.loads(line), "report")
    process.wait()
