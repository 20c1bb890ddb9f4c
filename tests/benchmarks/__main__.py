"""The performance table: `python -m tests.benchmarks [NAME …]`, all of them by default.

Each benchmark runs in a process of its own and prints its table, every figure beside its target and its ratio to a
named baseline. Slowness is no failure: machines differ. A benchmark that breaks is one.
"""

import argparse
import subprocess
import sys
import time

BENCHMARKS = ("abci", "store", "stake", "transfers", "mempool", "allocations", "media", "overhead")


def run(name: str) -> bool:
    """Run one, its output shown as it comes; whether it got to its end."""
    print(f"== {name}: python -m tests.benchmarks.bench_{name}", flush=True)
    started = time.monotonic()
    code = subprocess.run([sys.executable, "-m", f"tests.benchmarks.bench_{name}"], check=False).returncode
    print(f"== {name}: {'done' if code == 0 else f'ended with exit code {code}'}", end=" ")
    print(f"after {time.monotonic() - started:.0f} s\n", flush=True)
    return code == 0


def main() -> int:
    """Run what is named; 1 when a benchmark could not be run to its end."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}; all by default")
    names = parser.parse_args().names or list(BENCHMARKS)
    for name in names:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark {name!r}; there are {', '.join(BENCHMARKS)}")
    broken = [name for name in names if not run(name)]
    if broken:
        print(f"did not get to the end: {', '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
