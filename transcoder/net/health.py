"""The state of a service, as its owner and its supervisor ask for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Health:
    """One finding: fit for work or not, and the facts behind it (JSON values)."""

    ok: bool
    details: Mapping[str, Any] = field(default_factory=dict)


HealthCheck = Callable[[], Health]


def run_checks(checks: Mapping[str, HealthCheck]) -> dict[str, Health]:
    """Ask every check; one that raises counts as failed and its error as the reason."""
    return {name: _run(check) for name, check in checks.items()}


def _run(check: HealthCheck) -> Health:
    try:
        return check()
    except Exception as error:
        return Health(False, {"error": f"{type(error).__name__}: {error}"})


def health_report(
    service: str, findings: Mapping[str, Health], *, stopping: bool = False
) -> tuple[int, dict[str, Any]]:
    """HTTP status (200 or 503) and body for a set of findings."""
    ok = not stopping and all(finding.ok for finding in findings.values())
    status = "stopping" if stopping else "ok" if ok else "failing"
    checks = {name: {"ok": finding.ok, **finding.details} for name, finding in findings.items()}
    return (200 if ok else 503), {"service": service, "status": status, "checks": checks}
