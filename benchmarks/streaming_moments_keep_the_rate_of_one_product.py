"""Streaming second moments run at the rate of one `x.T @ x`, in 3 m^2 floats beyond the chunk."""

from __future__ import annotations

import sys

import numpy as np
from harness import interleaved, peak_floats, table

from pruneproof.theory import MomentAccumulator


def stream(x: np.ndarray, rows: int) -> np.ndarray:
    moments = MomentAccumulator(x.shape[1])
    for start in range(0, len(x), rows):
        moments.update(x[start : start + rows])
    return moments.second_moment


def main(quick: bool) -> None:
    n, m = (10_000, 256) if quick else (100_000, 1024)
    x = np.random.default_rng(0).standard_normal((n, m))
    import scipy.linalg  # noqa: F401  (its BLAS pool must be loaded to be limited)
    from threadpoolctl import threadpool_limits

    for threads in (1, None):
        with threadpool_limits(threads, user_api="blas"):
            compare(x, quick)


def compare(x: np.ndarray, quick: bool) -> None:
    n, m = x.shape
    rows = []
    for chunk in (256, 1024, 4096, 16384):
        times = interleaved(
            {"one": lambda: x.T @ x / n, "ours": lambda c=chunk: stream(x, c)}, 2 if quick else 5
        )
        floats = peak_floats(lambda c=chunk: stream(x, c)) / m**2
        rate = times["one"] / times["ours"]
        rows.append((chunk, times["ours"], times["one"], rate, ">= .95", floats, "<= 3"))
    table(
        f"second_moment by chunks, n={n}, m={m}",
        ("rows a chunk", "ours s", "x.T @ x s", "rate", "wanted", "peak / m^2", "wanted"),
        rows,
    )


if __name__ == "__main__":
    main("--quick" in sys.argv)
