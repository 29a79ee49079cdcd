"""Compiled SGD steps against a plain NumPy loop of the same update, on one BLAS thread.

A training goes over its samples again and again, so the time of a step is that in five passes over
one sample. The third time is that of the matrix products alone, by BLAS from compiled code, each
with its factors as BLAS likes them best: where the products are those of matrices, no
implementation that uses this BLAS is faster, and (NumPy / products) is the largest ratio there is
to win. Of vectors (one row a batch, or one output) loops of one's own are faster than BLAS.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from harness import interleaved, table
from numba import njit
from threadpoolctl import threadpool_limits

from pruneproof.simulations.students import initial, kernels, plain
from pruneproof.simulations.students.flat import LOSSES, flatten

#: Passes over the sample in one training.
PASSES = 5
CASES: list[tuple[tuple[int, ...], str, int, str]] = [
    ((10, 16, 1), "relu", 1, ">= 20"),
    ((10, 64, 1), "relu", 1, ">= 20"),
    ((10, 64, 1), "relu", 4, ">= 20"),
    ((10, 16, 1), "relu", 32, ">= 20"),
    ((10, 64, 1), "relu", 32, ">= 20"),
    ((10, 64, 64, 1), "relu", 32, ">= 20"),
    ((10, 64, 1), "tanh", 32, ">= 20"),
    ((10, 64, 1), "erf", 32, ">= 20"),
    ((10, 512, 1), "relu", 32, ">= 1"),
    ((10, 512, 512, 1), "relu", 32, ">= 1"),
    ((10, 512, 512, 1), "tanh", 32, ">= 1"),
    ((10, 512, 512, 1), "erf", 32, ">= 1"),
]


def training(
    epoch: Callable[..., float], widths: tuple[int, ...], activation: str, batch: int, steps: int
) -> Callable[[], None]:
    """PASSES passes over the same batches, `steps` batches in all."""
    rng = np.random.default_rng(0)
    n = batch * steps // PASSES
    x, y = rng.standard_normal((n, widths[0])), rng.standard_normal((n, widths[-1]))
    theta, shape = flatten(initial(widths, activation, rng=rng))
    velocity, order = np.zeros_like(theta), rng.permutation(n)
    data: tuple[Any, ...] = (shape.widths, shape.activations, x, y, order, batch)
    still = np.empty(0, dtype=np.int64)

    def run() -> None:
        for _ in range(PASSES):
            epoch(theta, velocity, *data, 1e-4, 0.9, 0.01, LOSSES["squared"], still)

    return run


@njit(cache=True)  # type: ignore[untyped-decorator]
def _products(
    x: Any, weight: Any, slope: Any, sums: Any, step: Any, back: Any, first: bool, steps: int
) -> None:
    for _ in range(steps):
        np.dot(x, weight, sums)
        np.dot(x.T, slope, step)
        if not first:
            np.dot(slope, weight.T, back)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _vector_products(x: Any, weight: Any, slope: Any, sums: Any, step: Any, steps: int) -> None:
    for _ in range(steps):
        np.dot(x, weight, sums)
        np.dot(slope, x, step)


def products(widths: tuple[int, ...], batch: int, steps: int) -> Callable[[], None]:
    """The matrix products of `steps` batches, and nothing else."""
    rng = np.random.default_rng(0)
    works: list[Callable[[], None]] = []
    for place, (inner, outer) in enumerate(itertools.pairwise(widths)):
        x, weight = rng.standard_normal((batch, inner)), rng.standard_normal((inner, outer))
        slope = rng.standard_normal((batch, outer))
        if outer == 1:
            u, v = slope[:, 0].copy(), weight[:, 0].copy()
            works.append(partial(_vector_products, x, v, u, u * 0, v * 0, steps))
        else:
            out = (slope * 0, weight * 0, x * 0)
            works.append(partial(_products, x, weight, slope, *out, place == 0, steps))

    def run() -> None:
        for work in works:
            work()

    return run


def compared(
    widths: tuple[int, ...], activation: str, batch: int, target: str, quick: bool
) -> tuple[Any, ...]:
    steps = (20 if quick else 60) if max(widths) >= 512 else (200 if quick else 1000)
    times = interleaved(
        {
            "ours": training(kernels.epoch, widths, activation, batch, steps),
            "numpy": training(plain.epoch, widths, activation, batch, steps),
            "products": products(widths, batch, steps),
        },
        3 if quick else 9,
    )
    ours, base, floor = (1e6 * times[name] / steps for name in ("ours", "numpy", "products"))
    name = "-".join(map(str, widths)) + f" {activation}, batch {batch}"
    return name, ours, base, floor, base / ours, base / floor, target


def main(quick: bool) -> None:
    threadpool_limits(1)
    header = ("network", "ours us", "NumPy us", "products us", "ratio", "NumPy/products", "target")
    rows = [compared(*case, quick) for case in CASES]
    note = "A target above NumPy/products cannot be met by BLAS: its products alone take longer."
    table("one SGD step, compiled against plain NumPy (medians)", header, rows, note)


if __name__ == "__main__":
    main("--quick" in sys.argv)
