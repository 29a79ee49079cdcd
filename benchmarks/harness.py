"""What every benchmark shares: interleaved medians, thread counts, one table.

A row compares ours with a base measured in the same process, turn by turn, so that a busy machine
slows both; only the ratio is meant to be read.
"""

from __future__ import annotations

import gc
import platform
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable
from typing import Any


def seconds(work: Callable[[], Any]) -> float:
    """Wall-clock seconds of one call."""
    gc.collect()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def interleaved(works: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Median seconds of each work, called in turn `repeats` times after one warm-up round."""
    for work in works.values():
        work()
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            times[name].append(seconds(work))
    return {name: statistics.median(values) for name, values in times.items()}


def peak_floats(work: Callable[[], Any]) -> float:
    """Peak of newly allocated memory during one call, in float64 numbers."""
    gc.collect()
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 8


def blas_threads() -> str:
    """Thread counts of the BLAS pools in this process."""
    import threadpoolctl

    pools = {(p["internal_api"], p["num_threads"]) for p in threadpoolctl.threadpool_info()}
    return ", ".join(f"{api} {count}" for api, count in sorted(pools)) or "none"


def table(title: str, header: Iterable[str], rows: list[tuple[Any, ...]], note: str = "") -> None:
    """Print one table; a benchmark with no rows has measured nothing and fails."""
    if not rows:
        sys.exit(f"{title}: no row ran")
    names = list(header)
    text = [[_cell(value) for value in row] for row in rows]
    width = [max(len(r[i]) for r in [names, *text]) for i in range(len(names))]
    print(f"\n{title}")
    print(f"BLAS threads: {blas_threads()}; python {platform.python_version()}")
    for row in [names, *text]:
        print(
            "  ".join(
                cell.rjust(w) if i else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, width))
            )
        )
    if note:
        print(note)


def _cell(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
