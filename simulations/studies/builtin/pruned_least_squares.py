r"""Risk of overparametrised least squares against the share of weights kept (laws.L8).

p coordinates of unequal variance, a sparse true weight vector, n < p samples with noise; the
least-norm interpolator is pruned by magnitude or by the Hessian score sqrt(mu) |w|. Pruning may
lower the risk at first, as it removes weights that carry noise only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.figures import BLUE, GREY, VERMILLION, Curve, Panel, draw

from ..study import Study
from .curves import BARS, Records, measured, values, where
from .layers import Floats, gaussian

COORDINATES, NOISE = 800, 0.04
TITLE = f"Pruned least squares, {COORDINATES} weights, noise variance {NOISE:g}"
GRID: dict[str, list[Any]] = {
    "samples": [200, 400],
    "method": ["magnitude", "hessian"],
    "kept": [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0],
}
REPLICATES = 20
QUICK: dict[str, Any] = {
    "grid": {**GRID, "samples": [400], "kept": [0.05, 0.2, 1.0]},
    "replicates": 6,
}


def problem() -> tuple[Floats, Floats]:
    """Variances spread log-normally, by quantiles; every 7th weight is not 0, in all variances."""
    from scipy.special import ndtri

    i = np.arange(COORDINATES)
    mu = np.exp(0.7 * ndtri((i + 0.5) / COORDINATES))
    beta = np.where(i % 7 == 3, np.where(i % 2 == 0, 2.0, -1.0), 0.0) / math.sqrt(COORDINATES)
    return mu, beta


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """Squared test error, noise included, of one fit pruned to one share."""
    mu, beta = problem()
    n, score = int(parameters["samples"]), np.sqrt(mu)
    x = gaussian(n, mu, rng)
    y = x @ beta + math.sqrt(NOISE) * rng.standard_normal(n)
    fit = x.T @ np.linalg.solve(x @ x.T, y)
    size = np.abs(fit) * (score if parameters["method"] == "hessian" else 1.0)
    lost = np.argsort(-size, kind="stable")[round(parameters["kept"] * COORDINATES) :]
    fit[lost] = 0.0
    return {"risk": NOISE + float(mu @ (beta - fit) ** 2)}


def figure(records: Records) -> Any:
    """Risk against the share kept, a panel a number of samples."""
    mu, beta = problem()
    everything = NOISE + float(mu @ beta**2)
    panels = []
    for n in values(records, "samples"):
        shares = np.geomspace(min(values(records, "kept")), 1.0, 41)
        curves = []
        for method, colour, marker in (("magnitude", BLUE, "o"), ("hessian", VERMILLION, "s")):
            mine = where(records, samples=n, method=method)
            law = [_law(mu, beta, n, kept, method) for kept in shares]
            curves += [
                Curve(f"law (L8), {method}", list(shares), law, "law", colour),
                measured(mine, "kept", "risk", f"measured, {method}", colour, marker),
            ]
        best = [NOISE, NOISE]
        curves.append(Curve("noise alone", [shares[0], 1.0], best, "floor", GREY))
        panels.append(
            Panel(
                f"{n} samples",
                "share of the weights kept",
                "squared test error (noise included)",
                curves,
                x_base=10,
                y_log=False,
                limit=everything,
                limit_label="nothing kept",
            )
        )
    return draw(f"{TITLE}\n{BARS}", panels)


def _law(mu: Floats, beta: Floats, n: int, kept: float, method: Any) -> float:
    law = theory.pruned_least_squares_law(mu, beta, n, kept, noise=NOISE, method=method)
    return float(law.risk)


STUDY = Study("pruned-least-squares", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
