"""Steps of online descent a second, on weights and on overlaps, against plain NumPy loops.

N = 500 inputs, 6 students, 2 teachers, erf, one core: every row does the same steps in full, the
draws of the inputs included. "inputs alone" are the normal numbers, which no way of descending on
weights escapes: theirs is the largest ratio there is to win with that generator.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from harness import interleaved, table
from threadpoolctl import threadpool_limits

from pruneproof.simulations.committee import kernels, normals, plain
from pruneproof.simulations.committee.sgd import overlaps_descended, trained_online
from pruneproof.simulations.teachers import Committee

INPUTS, UNITS, TEACHERS = 500, 6, 2


def problem() -> tuple[Any, Any, Committee]:
    teacher = Committee.orthogonal(TEACHERS, INPUTS, amplitude=1.0, rng=0)
    rows = np.random.default_rng(1).standard_normal((UNITS, INPUTS)) / INPUTS**0.5
    return rows, np.ones(UNITS), teacher


def on_weights(twin: Any, steps: int) -> Callable[[], Any]:
    rows, outputs, teacher = problem()
    end = [steps / INPUTS]
    return lambda: trained_online(
        twin.descend, drawer_of(twin), rows, outputs, teacher, end,
        learning_rate=0.2, output_learning_rate=0.1, rng=2,
    )  # fmt: skip


def on_overlaps(twin: Any, steps: int) -> Callable[[], Any]:
    rows, outputs, teacher = problem()
    start = teacher.order_of(rows, outputs)
    end = [steps / INPUTS]
    return lambda: overlaps_descended(
        twin.descend_overlaps, drawer_of(twin), start, INPUTS, end,
        learning_rate=0.2, output_learning_rate=0.1, rng=2,
    )  # fmt: skip


def drawer_of(twin: Any) -> Any:
    return plain.drawer if twin is plain else normals.drawer


def draws(drawer: Any, steps: int) -> Callable[[], Any]:
    fill, block = drawer(np.random.default_rng(0)), np.empty((50, INPUTS))

    def run() -> None:
        for _ in range(steps // 50):
            fill(block)

    return run


def main(quick: bool) -> None:
    threadpool_limits(1)
    few, many = (2_000, 20_000) if quick else (20_000, 200_000)
    slow = few // 10
    works = {
        "weights": (few, on_weights(kernels, few), "weights, plain NumPy"),
        "overlaps": (many, on_overlaps(kernels, many), "overlaps, plain NumPy"),
        "weights, plain NumPy": (slow, on_weights(plain, slow), ""),
        "overlaps, plain NumPy": (slow, on_overlaps(plain, slow), ""),
        "inputs alone": (few, draws(normals.drawer, few), "weights, plain NumPy"),
        "inputs alone, NumPy": (few, draws(plain.drawer, few), "weights, plain NumPy"),
    }
    times = interleaved({name: work for name, (_, work, _) in works.items()}, 3 if quick else 9)
    each = {name: times[name] / works[name][0] for name in works}
    targets = {"weights": ">= 200000", "overlaps": ">= 2000000"}
    rows = [
        (
            name,
            f"{1 / each[name]:,.0f}",
            each[works[name][2]] / each[name] if works[name][2] else 1.0,
            targets.get(name, ""),
        )
        for name in works
    ]
    header = ("descent on", "steps a second", "ratio to plain", "target")
    table(f"online descent, N = {INPUTS}, K = {UNITS}, M = {TEACHERS}", header, rows)


if __name__ == "__main__":
    main("--quick" in sys.argv)
