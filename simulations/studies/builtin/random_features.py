r"""Risk of ridge regression on k random features: double descent, and its law (laws.L7).

Eigenvalues i^{-a}, target v_i^2 = i^{-(1 + 2 a r)}, Gaussian eigenfunctions and features; n samples
with noise. Without ridge the risk peaks at k = n, where the fit first interpolates; a ridge
flattens the peak. The population's risk of each fit is a finite sum: no test set is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.decays import power_law
from pruneproof.simulations.figures import BLACK, Curve, Panel, draw

from ..study import Study
from .curves import BARS, Records, measured, styled, values, where
from .layers import Floats

FUNCTIONS, CAPACITY, SOURCE, SAMPLES = 400, 1.3, 0.5, 100
TITLE = f"Ridge regression on random features, {SAMPLES} samples, {FUNCTIONS} eigenfunctions"
GRID: dict[str, list[Any]] = {
    "noise": [0.01, 0.25],
    "ridge": [1e-6, 1e-2, 1.0],
    "features": [10, 20, 40, 70, 90, 110, 140, 200, 400, 800],
}
REPLICATES = 30
QUICK: dict[str, Any] = {
    "grid": {"noise": [0.25], "ridge": [1e-2, 1.0], "features": [20, 70, 140, 400]},
    "replicates": 8,
}


def target() -> Floats:
    """Coefficients v_i of the target in the eigenfunctions."""
    return np.sqrt(power_law(FUNCTIONS, 1.0 + 2.0 * CAPACITY * SOURCE))


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """Excess risk sum (v - v_hat)^2 of one fit, by the singular values of its features."""
    k, root = int(parameters["features"]), np.sqrt(power_law(FUNCTIONS, CAPACITY))
    functions = rng.standard_normal((SAMPLES, FUNCTIONS))
    noise = math.sqrt(parameters["noise"]) * rng.standard_normal(SAMPLES)
    lift = root[:, None] * rng.standard_normal((FUNCTIONS, k)) / math.sqrt(k)
    left, s, right = np.linalg.svd(functions @ lift, full_matrices=False)
    weights = s / (s**2 + parameters["ridge"]) * (left.T @ (functions @ target() + noise))
    return {"excess_risk": float(np.sum((target() - lift @ (right.T @ weights)) ** 2))}


def figure(records: Records) -> Any:
    """Excess risk against the features, a panel a noise."""
    panels = []
    for noise in values(records, "noise"):
        mine = where(records, noise=noise)
        across = values(mine, "features")
        ks = np.unique(np.geomspace(across[0], across[-1], 81).round())
        curves = []
        for d, colour, marker in styled(mine, "ridge"):
            law = [_law(d, int(k), noise) for k in ks]
            curves += [
                Curve(f"law (L7), ridge {d:g}", list(ks), law, "law", colour),
                measured(
                    where(mine, ridge=d), "features", "excess_risk", f"measured, ridge {d:g}",
                    colour, marker,
                ),
            ]  # fmt: skip
        best = [_law(values(mine, "ridge")[-1], math.inf, noise)] * 2
        curves.append(
            Curve("law of the kernel itself, largest ridge", [ks[0], ks[-1]], best, "law", BLACK)
        )
        panels.append(
            Panel(
                f"noise variance {noise:g}",
                f"random features k (n = {SAMPLES} samples)",
                r"excess risk (units of $v_1^2$)",
                curves,
                x_base=10,
            )
        )
    return draw(f"{TITLE}\n{BARS}", panels)


def _law(ridge: float, features: float, noise: float) -> float:
    mu = power_law(FUNCTIONS, CAPACITY)
    law = theory.random_feature_law(mu, target(), ridge, SAMPLES, features, noise=noise)
    return float(law.excess)


STUDY = Study("random-features", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
