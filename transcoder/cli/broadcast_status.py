"""Asking a running broadcaster how it is."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from rich.table import Table

from chain.cli.output import table
from chain.failures import UsageFailure
from transcoder.net.http import HttpFailure, HttpPolicy, open_session, request_once

SERVICE_NAME = "headwater-broadcaster"
_POLICY = HttpPolicy(attempts=1, timeout_seconds=5.0)
_SHOWN = {
    "headwater_segments_total": "segments",
    "headwater_segments_queued": "queued",
    "headwater_media_bytes_total": "bytes",
}


@dataclass(frozen=True, slots=True)
class StatusFile:
    """What a start leaves in its home for `status`: where it answers, and for which stream."""

    url: str
    stream: str
    address: str
    process_id: int

    @staticmethod
    def path(home: Path) -> Path:
        """The file."""
        return home / "broadcaster.json"

    def encode(self) -> bytes:
        """The file's content."""
        return (json.dumps(asdict(self), indent=2) + "\n").encode()

    @classmethod
    def read(cls, home: Path) -> "StatusFile":
        """The file of a home.

        Raises:
            UsageFailure: no broadcaster was started there.
        """
        try:
            return cls(**json.loads(cls.path(home).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise UsageFailure(f"no broadcaster was started in {home}; name another --home, or its --url") from error


async def read_status(home: Path, url: str | None) -> dict[str, Any]:
    """Health and counts of a running broadcaster.

    Raises:
        UsageFailure: no address is known.
        HttpFailure: nothing answers there, or something else than a broadcaster.
    """
    if url is not None and not url.startswith(("http://", "https://")):
        raise UsageFailure(f"{url!r} is not an address of the form http://HOST:PORT")
    known = StatusFile.read(home) if url is None else None
    base = (url or "").rstrip("/") if known is None else known.url
    async with open_session() as session:
        try:
            health = await request_once(session, "GET", f"{base}/healthz", policy=_POLICY)
            metrics = await request_once(session, "GET", f"{base}/metrics", policy=_POLICY)
        except HttpFailure as failure:
            raise HttpFailure(f"no broadcaster answers at {base}: {failure}") from failure
    return {
        "url": base,
        "playlist": None if known is None else f"{base}/stream/{known.stream}/index.m3u8",
        "health": _report_of(health.body, base),
        "counts": _counts(metrics.body.decode("utf-8", "replace")),
    }


def _report_of(body: bytes, base: str) -> dict[str, Any]:
    try:
        report: dict[str, Any] = json.loads(body)
        if report["service"] != SERVICE_NAME:
            raise HttpFailure(f"what answers at {base} is {report['service']}, not {SERVICE_NAME}")
    except (ValueError, KeyError, TypeError) as error:
        raise HttpFailure(f"what answers at {base} is no broadcaster") from error
    return report


def _counts(text: str) -> dict[str, float]:
    """The samples that matter, by name and label."""
    counts = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in _SHOWN:
                counts["/".join([_SHOWN[sample.name], *sample.labels.values()])] = sample.value
    return counts


def show_status(found: dict[str, Any]) -> Table:
    """The status for people."""
    rows: list[tuple[str, object]] = [("broadcaster", found["url"]), ("playlist", found["playlist"])]
    rows.append(("health", found["health"]["status"]))
    for name, check in found["health"]["checks"].items():
        facts = ", ".join(f"{key} {value}" for key, value in check.items() if key != "ok" and value != "")
        rows.append((f"  {name}", f"{'ok' if check['ok'] else 'NOT ok'}{f' ({facts})' if facts else ''}"))
    rows += [(name, f"{value:g}") for name, value in found["counts"].items()]
    return table(["", ""], rows)
