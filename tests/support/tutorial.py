"""The README's tutorial as what it is: lines for one bash session, and what is left when they have run."""

import contextlib
import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

STRICT = """\
set -euo pipefail
trap 'echo "FAILED with exit code $?: $BASH_COMMAND" >&2' ERR
"""


def tutorial_steps() -> dict[int, str]:
    """The bash lines of each numbered step."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    tutorial = re.search(r"^## Tutorial$(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    assert tutorial, "the README has a tutorial"
    parts = re.split(r"^\*\*(\d+)\. ", tutorial[1], flags=re.MULTILINE)[1:]
    numbered = zip(parts[::2], parts[1::2], strict=True)
    return {int(number): "".join(_bash_blocks(part)) for number, part in numbered}


def _bash_blocks(text: str) -> Iterator[str]:
    yield from re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def session_environment(scratch: Path) -> dict[str, str]:
    """What a newcomer's session has: nothing of Headwater's, and an own place for temporary directories."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")}
    return plain | {"TMPDIR": str(scratch)}


def processes_standing_in(folder: Path) -> list[int]:
    """Every process whose working directory is in `folder`: what the tutorial starts stands where it was started."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "cwd").readlink().is_relative_to(folder):
                found.append(int(entry.name))
    return found


def kill_everything_in(folder: Path) -> None:
    """SIGKILL for every process that stands there."""
    for process_id in processes_standing_in(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGKILL)


def read_job(output: str) -> dict[str, object]:
    """What `headwater query job … -o json` printed among the rest."""
    start = re.search(r'^\{\n  "height": ', output, re.MULTILINE)
    assert start, output[-3000:]
    job: dict[str, object] = json.JSONDecoder().raw_decode(output[start.start() :])[0]
    return job
