"""The state store at a million keys: what a commit, a read and the process cost.

Run: python -m tests.benchmarks.bench_store

The baseline of a commit is plyvel itself, writing the same values in one synced batch into a database of the same size,
without a tree and without history; the baseline of a read is plyvel's own `get`.
"""

import argparse
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from app.store.leveldb import LevelDbBackend, plyvel
from app.store.state_store import StateStore

VALUE_BYTES = 60
BATCH_KEYS = 50_000
READS = 20_000


def make_key(number: int) -> bytes:
    """A key as the account table has them: a table byte and an address of 20 bytes."""
    return b"\x01" + random.Random(number).randbytes(20)


def build(path: Path, key_count: int) -> None:
    """Fill a store and a bare database with the same pairs."""
    store = StateStore(LevelDbBackend(path / "store"), history_heights=2)
    bare = plyvel.DB(str(path / "bare"), create_if_missing=True, write_buffer_size=32 << 20)
    source = random.Random(0)
    for first in range(0, key_count, BATCH_KEYS):
        last = min(first + BATCH_KEYS, key_count)
        pairs = {make_key(number): source.randbytes(VALUE_BYTES) for number in range(first, last)}
        store.commit(store.height + 1, store.prepare(pairs))
        with bare.write_batch(sync=True) as batch:
            for key, value in pairs.items():
                batch.put(key, value)
    store.close()
    bare.close()


def sample_changes(key_count: int, changed: int, rounds: int) -> Iterator[dict[bytes, bytes]]:
    """The same rounds of changes for whoever asks."""
    source = random.Random(1)
    for _ in range(rounds):
        yield {make_key(number): source.randbytes(VALUE_BYTES) for number in source.sample(range(key_count), changed)}


def measure_store(path: Path, key_count: int, changed: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of each commit and its two halves, of a read and of a proof; the megabytes of the process after them."""
    store = StateStore(LevelDbBackend(path / "store"))
    times: dict[str, list[float]] = {"prepare": [], "commit": [], "total": []}
    for changes in sample_changes(key_count, changed, rounds):
        started = time.perf_counter()
        prepared = store.prepare(changes)
        middle = time.perf_counter()
        store.commit(store.height + 1, prepared)
        ended = time.perf_counter()
        times["prepare"].append(middle - started)
        times["commit"].append(ended - middle)
        times["total"].append(ended - started)
    times["read"] = [measure_reads(store.get, key_count)]
    times["proof"] = [measure_proofs(store, key_count)]
    times["memory"] = [measure_private_megabytes()]
    times["mapped"] = [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]
    store.close()
    return times


def measure_private_megabytes() -> float:
    """The process's own memory in megabytes; LevelDB's mapped files, which the kernel may drop, are not in it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this kernel does not tell a process's own memory")


def measure_bare(path: Path, key_count: int, changed: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of the same batches and reads through bare plyvel."""
    bare = plyvel.DB(str(path / "bare"), write_buffer_size=32 << 20)
    times: dict[str, list[float]] = {"bare": []}
    for changes in sample_changes(key_count, changed, rounds):
        started = time.perf_counter()
        with bare.write_batch(sync=True) as batch:
            for key, value in changes.items():
                batch.put(key, value)
        times["bare"].append(time.perf_counter() - started)
    times["bare read"] = [measure_reads(bare.get, key_count)]
    bare.close()
    return times


def measure_reads(get: Callable[[bytes], bytes | None], key_count: int) -> float:
    """Seconds of one read, over random keys."""
    keys = [make_key(number) for number in random.Random(2).sample(range(key_count), min(READS, key_count))]
    started = time.perf_counter()
    for key in keys:
        get(key)
    return (time.perf_counter() - started) / len(keys)


def measure_proofs(store: StateStore, key_count: int) -> float:
    """Seconds of one proof at the height before the last."""
    keys = [make_key(number) for number in random.Random(3).sample(range(key_count), min(1000, key_count))]
    started = time.perf_counter()
    view = store.view().at(store.height - 1)
    for key in keys:
        view.prove(key)
    return (time.perf_counter() - started) / len(keys)


def row(what: str, value: str, target: str, ratio: str) -> str:
    """One line of the table."""
    return f"| {what:<62} | {value:>12} | {target:>9} | {ratio:>22} |"


def report(times: dict[str, list[float]], changed: int) -> list[str]:
    """The lines of the table."""
    median = {name: statistics.median(values) for name, values in times.items()}
    return [
        row("what", "measured", "target", "ratio to bare plyvel"),
        row("-" * 62, "-" * 12, "-" * 9, "-" * 22),
        row(
            f"commit of {changed:,} changed keys, synced: first after opening",
            f"{times['total'][0]:.3f} s",
            "≤ 0.5 s",
            "",
        ),
        row(
            f"the same, median of {len(times['total'])}",
            f"{median['total']:.3f} s",
            "≤ 0.5 s",
            f"{median['total'] / median['bare']:.1f}x of {median['bare'] * 1e3:.1f} ms",
        ),
        row("the same, slowest", f"{max(times['total']):.3f} s", "≤ 0.5 s", ""),
        row("  of it computing the root (FinalizeBlock), median", f"{median['prepare']:.3f} s", "", ""),
        row("  of it writing (Commit), median", f"{median['commit']:.3f} s", "", ""),
        row(
            "read of a random key",
            f"{median['read'] * 1e6:.1f} us",
            "≤ 15 us",
            f"{median['read'] / median['bare read']:.1f}x of {median['bare read'] * 1e6:.1f} us",
        ),
        row("proof at the height before the last", f"{median['proof'] * 1e6:.0f} us", "", ""),
        row("memory of the process itself", f"{median['memory']:.0f} MB", "≤ 600 MB", ""),
        row("the same with LevelDB's mapped files, highest", f"{median['mapped']:.0f} MB", "≤ 600 MB", ""),
    ]


def run_measurement(path: Path, key_count: int, changed: int, rounds: int) -> None:
    """Measure in this process, which did not build the store, and print the table."""
    # The store comes first, so that its memory is measured without the baseline's.
    times = measure_store(path, key_count, changed, rounds) | measure_bare(path, key_count, changed, rounds)
    print(f"{key_count:,} keys of 21 bytes, values of {VALUE_BYTES} bytes")
    print("\n".join(report(times, changed)))


def main() -> None:
    """Build in this process, measure in a fresh one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--changed", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=120)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure is not None:
        run_measurement(arguments.measure, arguments.keys, arguments.changed, arguments.rounds)
        return
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        build(Path(folder), arguments.keys)
        print(f"built in {time.perf_counter() - started:.1f} s", flush=True)
        sizes = ["--keys", str(arguments.keys), "--changed", str(arguments.changed), "--rounds", str(arguments.rounds)]
        command = [sys.executable, "-m", "tests.benchmarks.bench_store", "--measure", folder, *sizes]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
