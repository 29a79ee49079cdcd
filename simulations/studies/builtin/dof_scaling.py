r"""Degrees of freedom against the ridge: population, sample, and the laws of both.

n samples of a Gaussian layer with eigenvalues mu_j = j^{-a}, j = 1..m; N_hat(lam) is that of their
second moment. Laws: L5 sandwiches the population's N(lam) (slope -1/a between lam = mu_m and mu_1);
L6 predicts N_hat(lam), which saturates below n however small the ridge.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.figures import (
    BLACK,
    PURPLE,
    Curve,
    Panel,
    draw,
)

from ..study import Study
from .curves import BARS, Records, measured, styled, values, where
from .layers import gaussian, power_law

NODES = 500
TITLE = f"Degrees of freedom of a layer of {NODES} nodes with power-law eigenvalues"
GRID: dict[str, list[Any]] = {
    "exponent": [1.2, 2.0],
    "samples": [50, 200, 1000],
    "ridge": [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1],
}
REPLICATES = 20
QUICK: dict[str, Any] = {
    "grid": {**GRID, "samples": [50, 200], "ridge": [1e-6, 1e-4, 1e-2]},
    "replicates": 6,
}


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """N_hat(lam) of one sample, and the population's ridge that it stands for (laws.L6)."""
    n, lam = int(parameters["samples"]), float(parameters["ridge"])
    x = gaussian(n, power_law(NODES, parameters["exponent"]), rng)
    spectrum = theory.decompose(x.T @ x / n if n > NODES else x @ x.T / n, vectors=False)
    return {
        "sample_dof": float(theory.degrees_of_freedom(spectrum, lam)),
        "population_ridge": theory.population_ridge(spectrum, lam, n),
    }


def figure(records: Records) -> Any:
    """N against the ridge, a panel an exponent."""
    panels = []
    for a in values(records, "exponent"):
        mine, mu = where(records, exponent=a), power_law(NODES, a)
        ridges = np.geomspace(min(values(mine, "ridge")), max(values(mine, "ridge")), 61)
        whole = np.asarray(theory.degrees_of_freedom(mu, ridges))
        rule = [theory.power_law_dof(a, lam, NODES).upper for lam in ridges]
        curves = [
            Curve("population N", list(ridges), list(whole), "law", BLACK),
            Curve("integral test, upper end (L5)", list(ridges), rule, "bound", PURPLE),
        ]
        for n, colour, marker in styled(mine, "samples"):
            law = [theory.empirical_degrees_of_freedom(mu, lam, n) for lam in ridges]
            curves += [
                Curve(f"law of {n} samples (L6)", list(ridges), law, "law", colour),
                measured(
                    where(mine, samples=n),
                    "ridge",
                    "sample_dof",
                    f"measured, {n} samples",
                    colour,
                    marker,
                ),
            ]
        panels.append(
            Panel(
                f"exponent a = {a:g}",
                r"ridge $\lambda$ (units of $\mu_1$)",
                r"degrees of freedom $N(\lambda)$ (nodes)",
                curves,
                x_base=10,
            )
        )
    return draw(f"{TITLE}\n{BARS}", panels)


STUDY = Study("dof-scaling", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
