r"""Loss of the kept nodes against their number: floor, law, bound, and what selectors reach.

The second moment is Q diag(j^{-a}) Q^T with a uniform rotation Q. Of k kept nodes (tau = 0) no
choice loses less than the tail sum_{j > k} mu_j (spectral.D2); volume sampling loses on average
exactly (k + 1) e_{k+1}/e_k (spectral.I7), and some choice at most lam_N(k) k (spectral.X1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.figures import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    PURPLE,
    VERMILLION,
    Curve,
    Panel,
    draw,
)

from ..study import Study
from .curves import BARS, Records, measured, values, where
from .layers import power_law, rotated

NODES = 128
TITLE = f"Reconstruction error of kept nodes, {NODES} rotated nodes with power-law eigenvalues"
GRID: dict[str, list[Any]] = {"exponent": [1.5, 3.0], "width": [2, 4, 8, 16, 32, 64]}
REPLICATES = 40
QUICK: dict[str, Any] = {"grid": {**GRID, "width": [4, 16, 64]}, "replicates": 8}


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """Losses Tr S_J, as shares of Tr Sigma, of four selections of k nodes of one rotation."""
    k = int(parameters["width"])
    cov = rotated(power_law(NODES, parameters["exponent"]), rng)
    chosen = {
        "greedy": theory.select_greedy(cov, k).kept,
        "volume": theory.select_volume(cov, k, rng=rng).kept,
        "magnitude": np.argsort(-np.diag(cov))[:k],
        "random": theory.select_random(NODES, k, rng=rng).kept,
    }
    trace = float(np.trace(cov))
    return {name: theory.information_loss(cov, kept) / trace for name, kept in chosen.items()}


def figure(records: Records) -> Any:
    """Losses against the width, a panel an exponent."""
    panels = []
    for a in values(records, "exponent"):
        mine, mu = where(records, exponent=a), power_law(NODES, a)
        widths = list(range(min(values(mine, "width")), max(values(mine, "width")) + 1))
        sampled = [theory.volume_loss(mu, k) / mu.sum() for k in widths]
        some = [k * theory.ridge_for_degrees_of_freedom(mu, k) / mu.sum() for k in widths]
        tail = [theory.tail_sum(mu, k) / mu.sum() for k in widths]
        paper = [_paper(mu, k) for k in widths]
        curves = [
            Curve("paper-style bound (P1)", widths, paper, "bound", GREY),
            Curve("bound for the best choice (X1)", widths, some, "bound", BLACK),
            Curve("mean of volume sampling (I7)", widths, sampled, "law", PURPLE),
            Curve("floor: tail of the spectrum (D2)", widths, tail, "floor", BLACK),
            measured(mine, "width", "random", "random", ORANGE, "v"),
            measured(mine, "width", "magnitude", "largest variance", VERMILLION, "s"),
            measured(mine, "width", "volume", "volume sampling", PURPLE, "o"),
            measured(mine, "width", "greedy", "greedy", BLUE, "^"),
        ]
        panels.append(
            Panel(
                f"exponent a = {a:g}",
                "kept nodes k",
                r"lost share of the variance $L^A/\mathrm{Tr}\,\Sigma$",
                curves,
                limit=1.0,
                limit_label="nothing kept",
            )
        )
    return draw(f"{TITLE}\n{BARS}", panels)


def _paper(mu: Any, k: int) -> float:
    lam = theory.paper_ridge(mu, k)
    return float(4.0 * lam * theory.degrees_of_freedom(mu, lam) / mu.sum())


STUDY = Study("compression-error", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
