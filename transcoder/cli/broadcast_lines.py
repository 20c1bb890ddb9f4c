"""A line for each thing that a broadcaster reports: for people, or as JSON."""

import json
import time

import click

from transcoder.services.broadcast.reports import Happening, Report

_COLOURS = {Happening.DROPPED: "red", Happening.REFUSED: "red", Happening.FAILED: "yellow", Happening.FINISHED: "green"}


class ReportPrinter:
    """Prints reports as they come, one line each."""

    def __init__(self, is_json: bool) -> None:
        self._is_json = is_json

    def __call__(self, report: Report) -> None:
        """Print a report."""
        if self._is_json:
            number = {} if report.number is None else {"segment": report.number}
            _print(json.dumps({"event": report.kind.value, **number, **report.facts}))
        else:
            text = f"{time.strftime('%H:%M:%S')}  {describe(report)}"
            _print(click.style(text, fg=_COLOURS.get(report.kind)))

    def say_address(self, url: str, log: str) -> None:
        """Print where the stream is served."""
        if self._is_json:
            _print(json.dumps({"event": "serving", "url": url, "log": log}))
        else:
            _print(f"serving {url}\nlogging to {log}")


def _print(text: str) -> None:
    click.echo(text)


def describe(report: Report) -> str:
    """A report in words."""
    facts = report.facts
    match report.kind:
        case Happening.STARTED:
            job = "ordering a job" if facts["job"] is None else f"going on with job {facts['job']}"
            return f"stream {facts['stream']}: {job}"
        case Happening.JOB:
            where = f"{facts['transcoder']} at {facts['service_uri']}" if facts["transcoder"] else "waits to be drawn"
            return f"job {facts['job']} {facts['status']}: {where}"
        case Happening.PUBLISHED:
            size = sum(facts["sizes_bytes"]) / 1e6
            return (
                f"segment {report.number:>5}  playable {facts['latency_seconds']:.2f} s after it was due, "
                f"{len(facts['sizes_bytes'])} renditions, {size:.2f} MB"
            )
        case Happening.FINISHED:
            return f"{facts['how']}: {facts['published']} segments published, {facts['dropped']} dropped"
        case _:
            return f"segment {report.number:>5}  {report.kind.value}: {facts['problem']}"
