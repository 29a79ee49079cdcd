r"""Which loss should choose the nodes? Excess risk of a pruned student against theta.

A feature-learning student 10-100-100-1 (small start, weight decay .01) of a teacher 10-6-1; both
hidden layers are pruned to k nodes, chosen greedily for theta L^A + (1 - theta) L^B, and
reconstructed, without training again. Theta acts through the choice alone: for given nodes the
layer's bound is least at theta = 0 (spectral.X7), and no theta is promised the least risk. All
methods prune the same student of a replicate. On the sample the change of output is measured, and
bounded by B1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.figures import (
    BLACK,
    BLUE,
    ORANGE,
    PURPLE,
    VERMILLION,
    Curve,
    Panel,
    draw,
)

from ..study import Study
from .curves import BARS, Bar, Records, means, styled, values, where
from .trained import INPUTS, NOISE, WIDTH, mean_square, outputs, relu_teacher, trained, untrained

SAMPLES, TESTS, VARIANCE, VISITS, DECAY = 1000, 5000, 4.0, 3e5, 0.01
TITLE = f"Choice of theta in pruning a trained student 10-100-100-1, n = {SAMPLES}"
#: theta is a list, so that all its values prune the same student.
GRID: dict[str, list[Any]] = {
    "width": [2, 8, 20],
    "thetas": [[0.0, 0.05, 0.1, 0.25, 0.5, 1.0]],
}
REPLICATES = 40
QUICK: dict[str, Any] = {"grid": {**GRID, "width": [2, 8]}, "replicates": 4}
_BASELINES = {
    "magnitude": (VERMILLION, "s", "magnitude"),
    "leverage": (ORANGE, "^", "leverage sampling"),
    "random": (PURPLE, "v", "random"),
}


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Excess risk of one student, pruned in every way, and B1's bound on the change of output."""
    teacher = relu_teacher(VARIANCE, rng)
    x, fresh = rng.standard_normal((SAMPLES, INPUTS)), rng.standard_normal((TESTS, INPUTS))
    y, truth = outputs(teacher, x) + NOISE * rng.standard_normal(SAMPLES), outputs(teacher, fresh)
    start = untrained("small", rng)
    student = trained(start, x, y, regime="small", decay=DECAY, visits=VISITS, rng=rng).network
    record: dict[str, Any] = {
        "unpruned": mean_square(outputs(student, fresh) - truth),
        "train_risk": mean_square(outputs(student, x) - y),
    }
    k = int(parameters["width"])

    def pruned(name: str, method: str, theta: float) -> None:
        found = theory.compress(student, x, k, method=method, theta=theta, rng=rng)
        record[name] = mean_square(outputs(found.network, fresh) - truth)
        record[f"{name}_change"] = found.output_error**2
        record[f"{name}_change_bound"] = found.error_bound.value**2

    for theta in parameters["thetas"]:
        pruned(f"theta_{theta:g}", "greedy", theta)
    for method in _BASELINES:
        pruned(method, method, 0.0)
    return record


def figure(records: Records) -> Any:
    """Excess risk against theta, a panel a width; its ratio to theta = 0 of the same student."""
    panels = [_risk_panel(where(records, width=k), k) for k in values(records, "width")]
    if all("theta_0" in record for record in records):
        panels.append(_ratio_panel(records))
    panels.append(_change_panel(records))
    return draw(f"{TITLE}\n{BARS}", panels)


def _thetas(records: Records) -> list[float]:
    """Values of theta that all records have."""
    return sorted(set.intersection(*({float(t) for t in record["thetas"]} for record in records)))


def _risk_panel(records: Records, width: int) -> Panel:
    thetas = _thetas(records)
    y, bars = zip(*(_centre(records, f"theta_{theta:g}") for theta in thetas))
    curves = [Curve("greedy", thetas, y, "joined", BLUE, "o", bars)]
    ends = [thetas[0], thetas[-1]]
    for name, (colour, marker, label) in _BASELINES.items():
        level, bar = _centre(records, name)
        curves.append(Curve(label, ends, [level] * 2, "joined", colour, marker, [bar] * 2))
    level, _ = _centre(records, "unpruned")
    curves.append(Curve("unpruned", ends, [level] * 2, "floor", BLACK))
    return Panel(
        f"k = {width} of {WIDTH} nodes, both layers",
        r"$\theta$ (0: output loss, 1: input loss)",
        f"excess risk (target variance {VARIANCE:g})",
        curves,
        x_log=False,
        key="selection",
    )


def _centre(records: Records, entry: str) -> tuple[float, Bar]:
    """Mean of an entry over the students, and two standard errors."""
    _, (centre,), (bar,) = means(records, "width", entry)
    return centre, bar


def _ratio_panel(records: Records) -> Panel:
    """Geometric means of ratios, as risks vary by factors from student to student."""
    thetas, curves = _thetas(records), []
    for width, colour, marker in styled(records, "width"):
        mine = where(records, width=width)
        risks = np.array([[record[f"theta_{theta:g}"] for theta in thetas] for record in mine])
        logs = np.log(risks) - np.log([[record["theta_0"]] for record in mine])
        y = np.exp(logs.mean(axis=0))
        error = 2.0 * logs.std(axis=0, ddof=min(1, len(mine) - 1)) / np.sqrt(len(mine))
        bars = [(a * -np.expm1(-e), a * np.expm1(e)) for a, e in zip(y, error)]
        curves.append(Curve(f"k = {width}", thetas, list(y), "joined", colour, marker, bars))
    return Panel(
        r"against $\theta = 0$, student by student",
        r"$\theta$ (0: output loss, 1: input loss)",
        r"excess risk / that at $\theta = 0$, geometric mean",
        curves,
        x_log=False,
        y_log=False,
        key="width",
        limit=1.0,
    )


def _change_panel(records: Records) -> Panel:
    """Mean square of the change of output on the sample, and the median of B1's bound on it."""
    thetas, curves = _thetas(records), []
    for width, colour, marker in styled(records, "width"):
        mine = where(records, width=width)
        # of some students it is thousands of times larger than of others
        bound = [np.median([r[f"theta_{theta:g}_change_bound"] for r in mine]) for theta in thetas]
        y, bars = zip(*(_centre(mine, f"theta_{theta:g}_change") for theta in thetas))
        curves += [
            Curve(f"bound (B1), median, k = {width}", thetas, bound, "bound", colour),
            Curve(f"measured, k = {width}", thetas, y, "joined", colour, marker, bars),
        ]
    return Panel(
        "change of output on the sample",
        r"$\theta$ (0: output loss, 1: input loss)",
        rf"$\|f - f^\#\|_n^2$ (target variance {VARIANCE:g})",
        curves,
        x_log=False,
        key="change of output",
    )


STUDY = Study("theta", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
