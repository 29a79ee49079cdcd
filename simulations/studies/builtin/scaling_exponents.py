r"""Excess risk of tuned ridge regression against the number of samples (laws.L10).

Eigenvalues i^{-alpha}, target v_i^2 = i^{-(1 + 2 alpha r)}, noise. The law is followed over twelve
decades of n, until its slope is the exponent. The first of them are simulated, at the ridge that
the law finds best: there the slope is still another one, so that fitting it would mislead.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.decays import power_law
from pruneproof.simulations.figures import Curve, Panel, draw

from ..study import Study
from .curves import BARS, Records, measured, styled, where
from .layers import Floats

FUNCTIONS, CAPACITY, NOISE = 1000, 2.0, 0.1
TITLE = (
    f"Tuned ridge regression, power-law eigenvalues (exponent {CAPACITY:g}), "
    f"noise variance {NOISE:g}"
)
GRID: dict[str, list[Any]] = {
    "source": [0.25, 0.5, 1.5],
    "samples": [10, 30, 100, 300],
}
REPLICATES = 40
QUICK: dict[str, Any] = {"grid": {**GRID, "samples": [10, 30, 100]}, "replicates": 10}


def target(source: float) -> Floats:
    """Coefficients v_i of the target."""
    return np.sqrt(power_law(FUNCTIONS, 1.0 + 2.0 * CAPACITY * source))


@functools.cache
def tuned(source: float, samples: float) -> tuple[float, float]:
    """Best ridge and excess risk by the law, with eigenfunctions without end."""
    ridge, law = theory.tuned_power_law_risk(CAPACITY, source, samples, noise=NOISE)
    return ridge, law.excess


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """Excess risk of one fit.

    Eigenfunctions beyond the last are never learnt: they act as a ridge of their trace on the fit,
    and as noise of the target's remainder, which stays in the risk.
    """
    n, source = int(parameters["samples"]), float(parameters["source"])
    mu, v = power_law(FUNCTIONS, CAPACITY), target(source)
    ridge = tuned(source, n)[0] + _beyond(CAPACITY - 1.0)
    unlearnt = _beyond(2.0 * CAPACITY * source)
    x = rng.standard_normal((n, FUNCTIONS))
    y = x @ v + math.sqrt(NOISE + unlearnt) * rng.standard_normal(n)
    fit = mu * (x.T @ np.linalg.solve((x * mu) @ x.T + ridge * np.eye(n), y))
    return {"excess_risk": float(np.sum((v - fit) ** 2)) + unlearnt}


def _beyond(fall: float) -> float:
    """Sum of i^-(1 + fall) beyond the last eigenfunction, by the midpoint rule."""
    return float((FUNCTIONS + 0.5) ** -fall / fall)


def figure(records: Records) -> Any:
    """Excess risk, and its local slope, against the samples."""
    ns = np.logspace(1, 12, 23)
    risks: list[Curve] = []
    slopes: list[Curve] = []
    for r, colour, marker in styled(records, "source"):
        law = np.array([tuned(r, n)[1] for n in ns])
        exponent = theory.scaling_exponent(CAPACITY, r)
        name = f"source r = {r:g}"
        risks += [
            Curve(f"law (L7, L10), {name}", list(ns), list(law), "law", colour),
            measured(
                where(records, source=r), "samples", "excess_risk", f"measured, {name}",
                colour, marker,
            ),
        ]  # fmt: skip
        middle = list(np.sqrt(ns[1:] * ns[:-1]))
        local = list(np.diff(np.log(law)) / np.diff(np.log(ns)))
        ends = [float(ns[0]), float(ns[-1])]
        slopes += [
            Curve(f"law (L7, L10), {name}", middle, local, "law", colour),
            Curve(f"exponent {-exponent:.3g}, {name}", ends, [-exponent] * 2, "floor", colour),
        ]
    panels = [
        Panel("excess risk", "samples n", r"excess risk (units of $v_1^2$)", risks, x_base=10),
        Panel(
            "its slope", "samples n", r"$d\,\log(\mathrm{excess})/d\,\log n$", slopes,
            x_base=10, y_log=False,
        ),
    ]  # fmt: skip
    return draw(f"{TITLE}\n{BARS}", panels)


STUDY = Study("scaling-exponents", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
