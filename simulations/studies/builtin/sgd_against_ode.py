r"""Online descent of a committee machine against its equations of motion (Saad and Solla, 1995).

K = 3 units learn M = 2 teachers (erf, T = I) with label noise from the same overlaps C at every
number of inputs N; the equations of motion are the limit N -> infinity at time t = steps/N. The
gap of one run falls as N^{-1/2}. "weights" descends on weights, "overlaps" draws the overlaps in
their exact law at that N, which is why it reaches larger N.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.committee import overlap_descent, rows_of, train_online
from pruneproof.simulations.figures import BLACK, BLUE, VERMILLION, Curve, Panel, draw
from pruneproof.simulations.teachers import Committee

from ..study import Study
from .curves import BARS, Records, measured, styled, where

UNITS, TEACHERS, NOISE, RATE, OUTPUT_RATE = 3, 2, 0.1, 0.5, 0.2
TIMES = [1.0, 2.0, 4.0, 7.0, 12.0, 20.0]
TITLE = f"Online descent against its equations of motion, K = {UNITS}, M = {TEACHERS}, erf"
GRID: list[dict[str, Any]] = [
    {"process": "weights", "inputs": n} for n in (64, 128, 256, 512, 1024)
] + [{"process": "overlaps", "inputs": 4**p} for p in (3, 4, 5, 6, 7)]
REPLICATES = 40
QUICK: dict[str, Any] = {
    "grid": [{"process": "weights", "inputs": n} for n in (64, 256)]
    + [{"process": "overlaps", "inputs": n} for n in (64, 256, 1024)],
    "replicates": 8,
}


def start() -> theory.OrderParameters:
    """Overlaps at time 0: units of length .7 that lean to one teacher or to none."""
    cross = np.array([[0.35, 0.1], [0.05, 0.3], [0.1, -0.1]])
    student = 0.49 * np.eye(UNITS) + 0.05 * (1.0 - np.eye(UNITS))
    weights = np.array([0.6, 0.5, 0.4])
    return theory.OrderParameters(student, cross, np.eye(TEACHERS), weights, np.ones(TEACHERS))


@functools.cache
def motion() -> tuple[theory.OrderParameters, ...]:
    """Solution of the equations of motion at the times."""
    return tuple(
        theory.integrate_sgd(
            start(), TIMES, learning_rate=RATE, output_learning_rate=OUTPUT_RATE, noise=NOISE
        )
    )


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Generalization errors at the times, and the gaps at the last one, of one run."""
    n = int(parameters["inputs"])
    rates: dict[str, Any] = {"learning_rate": RATE, "output_learning_rate": OUTPUT_RATE}
    if parameters["process"] == "weights":
        rows, targets = rows_of(start(), n, rng=rng)
        teacher = Committee(targets, np.ones(TEACHERS), noise=NOISE)
        orders = list(train_online(rows, start().v, teacher, TIMES, **rates, rng=rng).orders)
    else:
        orders = overlap_descent(start(), n, TIMES, **rates, noise=NOISE, rng=rng)
    errors = [theory.generalization_error(order) for order in orders]
    last, limit = orders[-1], motion()[-1]
    gap = errors[-1] - theory.generalization_error(limit)
    moved = [np.abs(last.Q - limit.Q).max(), np.abs(last.R - limit.R).max()]
    return {"squared_gap": gap**2, "overlap_gap": float(max(moved)), "errors": errors}


def figure(records: Records) -> Any:
    """Errors over time, and the gaps against the number of inputs."""
    solved = [float(theory.generalization_error(order)) for order in motion()]
    descents = [Curve("equations of motion", TIMES, solved, "law", BLACK)]
    mine = where(records, process="overlaps")
    for n, colour, marker in styled(mine, "inputs"):
        runs = np.array([record["errors"] for record in where(mine, inputs=n)])
        spread = 2.0 * runs.std(axis=0)
        descents.append(
            Curve(
                f"N = {n}, mean and 2 sd of the runs", TIMES, list(runs.mean(axis=0)),
                "measured", colour, marker, list(spread),
            )
        )  # fmt: skip
    panels = [
        Panel("generalization error", "time t = steps/N", r"$\epsilon$", descents, y_log=False)
    ]
    label = r"largest $|\Delta Q|, |\Delta R|$"
    panels.append(Panel("overlaps at the end", "inputs N", label, _gaps(records)))
    return draw(f"{TITLE}\n{BARS}", panels)


def _gaps(records: Records) -> list[Curve]:
    """Gap against N of both processes, and the slope -1/2 through the middle of the second."""
    curves, middle = [], (1.0, 1.0)
    for process, colour, marker in (("weights", VERMILLION, "s"), ("overlaps", BLUE, "o")):
        mine = where(records, process=process)
        curve = measured(mine, "inputs", "overlap_gap", f"descent on {process}", colour, marker)
        curves.append(curve)
        middle = _mean_log(curve.x), _mean_log([y for y in curve.y if y is not None])
    across = sorted({x for curve in curves for x in curve.x})
    slope = [middle[1] * (middle[0] / n) ** 0.5 for n in across]
    return [Curve(r"slope $N^{-1/2}$", across, slope, "law", BLACK), *curves]


def _mean_log(x: Any) -> float:
    return float(np.exp(np.mean(np.log(x))))


STUDY = Study("sgd-against-ode", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
