r"""Degrees of freedom against the ridge by decay: population, sample, and the laws of both.

n samples of a Gaussian layer; N_hat(lam) is that of their second moment. Laws: L5 sandwiches the
population's N(lam) of a power law (slope -1/a between lam = mu_m and mu_1); L6 predicts N_hat(lam),
which saturates below n however small the ridge. Exponential decay has N(lam) ~ log(1/lam)/rate, and
a step has its rank until the ridge falls to the low level.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations import decays
from pruneproof.simulations.figures import BLACK, PURPLE, SKY, Curve, Panel, draw

from ..study import Study
from .curves import BARS, Records, measured, styled, values, where
from .layers import Floats, gaussian

NODES = 500
TITLE = f"Degrees of freedom of a layer of {NODES} nodes, by the decay of its eigenvalues"
GRID: dict[str, list[Any]] = {
    "decay": ["power 1.2", "power 2", "exponential .1", "step 40"],
    "samples": [50, 200, 1000],
    "ridge": [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1],
}
REPLICATES = 20
QUICK: dict[str, Any] = {
    "grid": {**GRID, "samples": [50, 200], "ridge": [1e-6, 1e-4, 1e-2]},
    "replicates": 6,
}
#: Exponents of the power laws.
EXPONENTS = {"power 1.2": 1.2, "power 2": 2.0}


def eigenvalues(decay: str) -> Floats:
    """Population eigenvalues of the decay of that name; mu_1 = 1.

    Raises
    ------
    ValueError
        No such decay.
    """
    if decay in EXPONENTS:
        return decays.power_law(NODES, EXPONENTS[decay])
    if decay == "exponential .1":
        return decays.exponential(NODES, 0.1)
    if decay == "step 40":
        return decays.step(NODES, 40, 1.0, 1e-4)
    raise ValueError(f"decay must be one of {', '.join(GRID['decay'])}, but is {decay!r}")


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """N_hat(lam) of one sample, and the population's ridge that it stands for (laws.L6)."""
    n, lam = int(parameters["samples"]), float(parameters["ridge"])
    x = gaussian(n, eigenvalues(parameters["decay"]), rng)
    spectrum = theory.decompose(x.T @ x / n if n > NODES else x @ x.T / n, vectors=False)
    return {
        "sample_dof": float(theory.degrees_of_freedom(spectrum, lam)),
        "population_ridge": theory.population_ridge(spectrum, lam, n),
    }


def figure(records: Records) -> Any:
    """N against the ridge, a panel a decay."""
    return draw(f"{TITLE}\n{BARS}", [_panel(records, name) for name in values(records, "decay")])


def _panel(records: Records, decay: str) -> Panel:
    mine, mu = where(records, decay=decay), eigenvalues(decay)
    ridges = [float(x) for x in np.geomspace(*_ends(values(mine, "ridge")), 61)]
    whole = np.asarray(theory.degrees_of_freedom(mu, np.array(ridges)))
    curves = [Curve("population N", ridges, list(whole), "law", BLACK)]
    if decay in EXPONENTS:
        ends = [theory.power_law_dof(EXPONENTS[decay], lam, NODES) for lam in ridges]
        curves += [
            Curve(
                "integral test, upper end (L5)", ridges, [e.upper for e in ends], "bound", PURPLE
            ),
            Curve(
                "lower end (L5)",
                ridges,
                [e.lower if e.lower > 0 else None for e in ends],
                "bound",
                SKY,
            ),
        ]
    for n, colour, marker in styled(mine, "samples"):
        law = [theory.empirical_degrees_of_freedom(mu, lam, n) for lam in ridges]
        here, label = where(mine, samples=n), f"measured, {n} samples"
        curves += [
            Curve(f"law of {n} samples (L6)", ridges, law, "law", colour),
            measured(here, "ridge", "sample_dof", label, colour, marker),
        ]
    return Panel(
        decay.replace("power", "power law, a =").replace("exponential", "exponential, rate"),
        r"ridge $\lambda$ (units of $\mu_1$)",
        r"degrees of freedom $N(\lambda)$ (nodes)",
        curves,
        x_base=10,
    )


def _ends(found: list[float]) -> tuple[float, float]:
    return min(found), max(found)


STUDY = Study("dof-scaling", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
