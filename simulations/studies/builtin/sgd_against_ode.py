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
from .curves import BARS, Records, means, measured, styled, where

UNITS, TEACHERS, NOISE, RATE, OUTPUT_RATE = 3, 2, 0.1, 0.5, 0.2
TIMES = [1.0, 2.0, 4.0, 7.0, 12.0, 20.0]
TITLE = f"Online descent against its equations of motion, K = {UNITS}, M = {TEACHERS}, erf"
GRID: list[dict[str, Any]] = [
    {"process": "weights", "inputs": n} for n in (64, 128, 256, 512, 1024)
] + [{"process": "overlaps", "inputs": 4**p} for p in (3, 4, 5, 6, 7)]
REPLICATES = 200
SHOWN = (64, 1024)  # numbers of inputs whose errors are drawn over time
_AXES = ("inputs", "overlap_gap")
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
def motion(times: tuple[float, ...] = tuple(TIMES)) -> tuple[theory.OrderParameters, ...]:
    """Solution of the equations of motion at these times."""
    return tuple(
        theory.integrate_sgd(
            start(), times, learning_rate=RATE, output_learning_rate=OUTPUT_RATE, noise=NOISE
        )
    )


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """Errors of a run at the times, and its largest gap of an overlap at the end."""
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
    moved = max(np.abs(last.Q - limit.Q).max(), np.abs(last.R - limit.R).max())
    found = {f"error {t:g}": error for t, error in zip(TIMES, errors)}
    return {"overlap_gap": float(moved), **found}


def figure(records: Records) -> Any:
    """Errors over time, and the gaps against the number of inputs."""
    fine = tuple(float(t) for t in np.geomspace(TIMES[0], TIMES[-1], 60))
    solved = [theory.generalization_error(order) for order in motion(fine)]
    descents = [Curve("equations of motion", fine, solved, "law", BLACK)]
    mine = [r for r in where(records, process="overlaps") if r["inputs"] in SHOWN]
    for n, colour, marker in styled(mine, "inputs"):
        some = where(mine, inputs=n)
        runs = np.array([[record[f"error {t:g}"] for t in TIMES] for record in some])
        spread = 2.0 * runs.std(axis=0)
        descents.append(
            Curve(
                f"N = {n}, mean and 2 sd of the runs", TIMES, list(runs.mean(axis=0)),
                "measured", colour, marker, list(spread),
            )
        )  # fmt: skip
    panels = [
        Panel(
            "generalization error",
            "time t = steps/N",
            r"$\epsilon$",
            descents,
            y_log=False,
            key="error",
        ),
        Panel(
            "overlaps at the end",
            "inputs N",
            r"largest $|\Delta Q|, |\Delta R|$",
            _gaps(records),
            key="gap of the overlaps",
        ),
    ]
    return draw(f"{TITLE}\n{BARS}", panels)


def _gaps(records: Records) -> list[Curve]:
    """Gap against N of both processes with its slope, and the slope -1/2 through the second."""
    curves, line = [], Curve("", [], [])
    for process, colour, marker in (("weights", VERMILLION, "s"), ("overlaps", BLUE, "o")):
        mine = where(records, process=process)
        slope, error = fitted_slope(mine)
        label = rf"descent on {process}, slope {slope:.3f} $\pm$ {error:.3f}"
        curve = measured(mine, "inputs", "overlap_gap", label, colour, marker)
        curves.append(curve)
        centre, height = (np.exp(np.mean(np.log(each))) for each in means(mine, *_AXES)[:2])
        across = [64.0, 16384.0]
        law = [float(height * (centre / n) ** 0.5) for n in across]
        line = Curve(r"slope $-1/2$", across, law, "law", BLACK)
    return [line, *curves]


def fitted_slope(mine: Records) -> tuple[float, float]:
    """Slope of the mean gap against N, both logarithmic, by least squares, and its error."""
    across, centres, bars = means(mine, *_AXES)
    x, y = np.log(across), np.log(centres)
    x = (x - x.mean()) / np.sum((x - x.mean()) ** 2)
    error = np.array([bar if isinstance(bar, float) else 0.0 for bar in bars]) / 2.0
    return float(x @ y), float(np.linalg.norm(x * error / centres))


STUDY = Study("sgd-against-ode", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
