r"""The sampling lemma: how many leverage draws it takes, against how many it asks for.

k iid draws from q_j = l_j/N(lam), tau_i = k lam q_i. P1 promises S_J <= 4 lam H, H = Sigma (Sigma +
lam)^{-1}, with probability at least 14/15 from k = 5 N log(80 N) on; P2 promises S_J <=
lam/(1 - t) H with the same probability wherever its t is below 1; L2 predicts the mean loss,
kappa N(kappa). The worst direction is sup_a a.S_J a/(lam a.H a).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.decays import power_law
from pruneproof.simulations.figures import BLACK, BLUE, GREY, VERMILLION, Curve, Panel, draw

from ..study import Study
from .curves import BARS, Records, measured, values, where
from .layers import block_rotated

NODES, EXPONENT, DOF = 128, 1.5, 8.0
FAILURE = 1.0 / 15.0
_BASES = {"rotated": (NODES, "incoherent nodes"), "diagonal": (1, "coherent nodes")}
TITLE = (
    f"Leverage sampling of {NODES} nodes with power-law eigenvalues (exponent {EXPONENT:g}), "
    f"{DOF:g} degrees of freedom"
)
GRID: dict[str, list[Any]] = {
    "basis": ["rotated", "diagonal"],
    "multiple": [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0],
}
REPLICATES = 200
QUICK: dict[str, Any] = {"grid": {**GRID, "multiple": [0.1, 1.0, 10.0]}, "replicates": 40}


def width_of(multiple: float) -> int:
    """k = multiple N log(80 N), rounded up; P1 asks for multiple 5."""
    return math.ceil(multiple * DOF * math.log(80.0 * DOF))


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float | bool]:
    """Worst direction and loss of one draw, both as multiples of what lam alone would lose."""
    mu, k = power_law(NODES, EXPONENT), width_of(parameters["multiple"])
    cov = block_rotated(mu, _block(parameters["basis"]), rng)
    spectrum = theory.decompose(cov)
    lam = theory.ridge_for_degrees_of_freedom(mu, DOF)
    drawn = theory.select_leverage(spectrum, k, lam, rng=rng)
    s = theory.residual(cov, drawn.kept, drawn.ridge)
    # (lam H)^{-1/2} S_J (lam H)^{-1/2} in the eigenbasis, where H is diagonal
    whitened = spectrum.eigenvectors * np.sqrt(1.0 / spectrum.eigenvalues + 1.0 / lam)
    worst = float(np.linalg.eigvalsh(whitened.T @ s @ whitened)[-1])
    return {"worst": worst, "loss": float(np.trace(s)) / (lam * DOF), "failed": worst > 4.0}


def figure(records: Records) -> Any:
    """Worst direction and share of failures against the draws, in units of N log(80 N)."""
    mu = power_law(NODES, EXPONENT)
    lam = theory.ridge_for_degrees_of_freedom(mu, DOF)
    scale = DOF * math.log(80.0 * DOF)
    most = max(values(records, "multiple"))
    x = list(np.geomspace(min(values(records, "multiple")), most, 60))
    uniform = [_uniform(mu, lam, math.ceil(c * scale)) for c in x]
    promised = [5.0, max(most, 5.0)]
    worst = [
        Curve("P1: 4 but for 1/15 of the draws", promised, [4.0, 4.0], "bound", BLACK),
        Curve("P2: 1/(1 - t), likewise", x, uniform, "bound", BLUE),
    ]
    failed = [Curve("P1: at most 1/15 above 4", promised, [FAILURE] * 2, "bound", GREY)]
    for basis, colour, marker in (("rotated", BLUE, "o"), ("diagonal", VERMILLION, "s")):
        mine, (_, name) = where(records, basis=basis), _BASES[basis]
        if mine:
            worst.append(measured(mine, "multiple", "worst", name, colour, marker))
            failed.append(measured(mine, "multiple", "failed", name, colour, marker))
    label = r"draws k (units of $N\,\log(80 N)$)"
    ratio = r"worst direction, $\sup_a\ a^T S_J a\,/\,\lambda\, a^T H a$"
    panels = [
        Panel("worst direction of a draw", label, ratio, worst, x_base=10),
        Panel("violations", label, "share of draws above 4", failed, y_log=False, x_base=10),
    ]
    return draw(f"{TITLE}\n{BARS}, of shares exact 95 % intervals", panels)


def _block(basis: str) -> int:
    """Nodes that one rotation mixes."""
    if basis not in _BASES:
        raise ValueError(f"basis must be 'rotated' or 'diagonal', not {basis!r}")
    return _BASES[basis][0]


def _uniform(mu: Any, lam: float, k: int) -> float | None:
    """1/(1 - t) of P2; None where k draws are too few for any t below 1."""
    try:
        return 1.0 / (1.0 - float(theory.sampling_level(mu, lam, k, FAILURE)))
    except theory.InapplicableError:
        return None


STUDY = Study("sampling-lemma", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
