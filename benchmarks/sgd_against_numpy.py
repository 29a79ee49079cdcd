"""Compiled SGD steps against a plain NumPy loop of the same update, on one BLAS thread.

The third time is that of the matrix products alone, called from compiled code: no implementation
that uses this BLAS can be faster, so (NumPy / products) is the largest ratio there is to win.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from harness import interleaved, table
from numba import njit
from threadpoolctl import threadpool_limits

from pruneproof.simulations.students import initial, kernels, plain
from pruneproof.simulations.students.flat import LOSSES, flatten

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


def one_pass(
    epoch: Callable[..., float], widths: tuple[int, ...], activation: str, batch: int, steps: int
) -> Callable[[], None]:
    """A pass over `steps` batches."""
    rng = np.random.default_rng(0)
    n = batch * steps
    x, y = rng.standard_normal((n, widths[0])), rng.standard_normal((n, widths[-1]))
    theta, shape = flatten(initial(widths, activation, rng=rng))
    velocity, order = np.zeros_like(theta), rng.permutation(n)
    data: tuple[Any, ...] = (shape.widths, shape.activations, x, y, order, batch)

    def run() -> None:
        epoch(theta, velocity, *data, 1e-4, 0.9, 0.01, LOSSES["squared"])

    return run


@njit(cache=True)  # type: ignore[untyped-decorator]
def _products(
    x: Any, weight: Any, slope: Any, sums: Any, step: Any, back: Any, first: bool, steps: int
) -> None:
    for _ in range(steps):
        np.dot(x, weight.T, sums)
        np.dot(slope.T, x, step)
        if not first:
            np.dot(slope, weight, back)


def products(widths: tuple[int, ...], batch: int, steps: int) -> Callable[[], None]:
    """The matrix products of `steps` batches, and nothing else."""
    rng = np.random.default_rng(0)
    layers = []
    for place, (inner, outer) in enumerate(itertools.pairwise(widths)):
        x, weight = rng.standard_normal((batch, inner)), rng.standard_normal((outer, inner))
        slope = rng.standard_normal((batch, outer))
        layers.append((x, weight, slope, slope * 0, weight * 0, x * 0, place == 0))

    def run() -> None:
        for layer in layers:
            _products(*layer, steps)

    return run


def compared(
    widths: tuple[int, ...], activation: str, batch: int, target: str, quick: bool
) -> tuple[Any, ...]:
    steps = (20 if quick else 60) if max(widths) >= 512 else (200 if quick else 1000)
    times = interleaved(
        {
            "ours": one_pass(kernels.epoch, widths, activation, batch, steps),
            "numpy": one_pass(plain.epoch, widths, activation, batch, steps),
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
    note = "A target above NumPy/products cannot be met: the products alone take longer."
    table("one SGD step, compiled against plain NumPy (medians)", header, rows, note)


if __name__ == "__main__":
    main("--quick" in sys.argv)
