r"""Loss of the kept nodes against their number: floor, law, bounds, and what selectors reach.

The second moment is Q diag(j^{-a}) Q^T with a uniform rotation Q. Of k kept nodes (tau = 0) no
choice loses less than the tail sum_{j > k} mu_j (spectral.D2); volume sampling loses on average
exactly (k + 1) e_{k+1}/e_k (spectral.I7), and some choice at most lam_N(k) k (spectral.X1).
Leverage draws carry the sampling ridges at lam_N(k); their law is laws.L2. The trace falls as
k^{1-a}, the worst direction as k^{-a} (spectral.X2), both until k nears the number of nodes.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.decays import power_law
from pruneproof.simulations.figures import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    Curve,
    Panel,
    draw,
)

from ..study import Study
from .curves import BARS, Records, means, measured, values, where
from .layers import Floats, rotated

NODES = 128
TITLE = f"Reconstruction error of kept nodes, {NODES} rotated nodes with power-law eigenvalues"
GRID: dict[str, list[Any]] = {"exponent": [1.5, 3.0], "width": [2, 4, 8, 16, 32, 64]}
REPLICATES = 40
QUICK: dict[str, Any] = {"grid": {**GRID, "width": [4, 16, 32]}, "replicates": 4}
#: Colour, marker and name of each selector's losses.
SELECTORS = {
    "random": (ORANGE, "v", "random"),
    "leverage": (GREEN, "D", "leverage draws, with ridges"),
    "magnitude": (VERMILLION, "s", "largest variance"),
    "volume": (PURPLE, "o", "volume sampling"),
    "derandomised": (GREY, "P", "volume, derandomised"),
    "backward": (SKY, "X", "backward"),
    "greedy": (BLUE, "^", "greedy"),
    "exchange": (BLACK, "d", "greedy, then exchange"),
}


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """Of each selector Tr S_J/Tr Sigma, and ``worst_`` its lam_max(S_J)/mu_1, at one rotation.

    ``chi`` is the score by which L2 says how far its law may be off.
    """
    k = int(parameters["width"])
    mu = power_law(NODES, parameters["exponent"])
    cov = rotated(mu, rng)
    lam = theory.ridge_for_degrees_of_freedom(mu, k)
    drawn = theory.select_leverage(cov, k, lam, rng=rng)
    chosen: dict[str, tuple[Any, Any]] = {
        "greedy": (theory.select_greedy(cov, k).kept, 0.0),
        "exchange": (theory.select_exchange(cov, k).kept, 0.0),
        "backward": (theory.select_backward(cov, k).kept, 0.0),
        "volume": (theory.select_volume(cov, k, rng=rng).kept, 0.0),
        "derandomised": (theory.select_volume_derandomised(cov, k).kept, 0.0),
        "magnitude": (np.argsort(-np.diag(cov))[:k], 0.0),
        "random": (theory.select_random(NODES, k, rng=rng).kept, 0.0),
        "leverage": (drawn.kept, drawn.ridge),
    }
    record = {"chi": float(theory.coherence_score(cov, lam, k))}
    for name, (kept, ridge) in chosen.items():
        left = theory.residual(cov, kept, ridge)
        record[name] = float(np.trace(left) / mu.sum())
        record[f"worst_{name}"] = float(np.linalg.eigvalsh(left)[-1] / mu[0])
    return record


def figure(records: Records) -> Any:
    """Losses and worst directions against the width, a panel an exponent each."""
    exponents = values(records, "exponent")
    panels = [_losses(where(records, exponent=a), a) for a in exponents]
    panels += [_worst(where(records, exponent=a), a) for a in exponents]
    return draw(f"{TITLE}\n{BARS}", panels)


def _losses(records: Records, a: float) -> Panel:
    mu, widths = power_law(NODES, a), _widths(records)
    total = float(mu.sum())
    curves = [
        Curve("paper-style bound (P1)", widths, [_paper(mu, k) for k in widths], "bound", GREY),
        Curve(
            "volume bound for the best choice (D6)",
            widths,
            [_volume(mu, k) / total for k in widths],
            "bound",
            SKY,
        ),
        Curve(
            "bound for the best choice (X1)",
            widths,
            [k * theory.ridge_for_degrees_of_freedom(mu, k) / total for k in widths],
            "bound",
            BLACK,
        ),
        *_leverage_law(records, mu),
        Curve(
            "mean of volume sampling (I7)",
            widths,
            [theory.volume_loss(mu, k) / total for k in widths],
            "law",
            PURPLE,
        ),
        Curve(
            "floor: tail of the spectrum (D2)",
            widths,
            [theory.tail_sum(mu, k) / total for k in widths],
            "floor",
            BLACK,
        ),
        *(
            measured(records, "width", name, label, colour, marker)
            for name, (colour, marker, label) in SELECTORS.items()
        ),
    ]
    return Panel(
        f"exponent a = {a:g}: all directions",
        "kept nodes k",
        r"lost share of the variance $L^A/\mathrm{Tr}\,\Sigma$",
        curves,
        limit=1.0,
        limit_label="nothing kept",
        key="loss",
    )


def _worst(records: Records, a: float) -> Panel:
    mu, widths = power_law(NODES, a), _widths(records)
    ridge = [theory.ridge_for_degrees_of_freedom(mu, k) for k in widths]
    slope = [theory.power_law_ridge_sandwich(a, k)[0].upper for k in widths]
    curves = [
        Curve("slope $-a$: infinitely many nodes (X2)", widths, slope, "law", GREY),
        Curve(r"ridge $\lambda_N(k)$", widths, ridge, "law", BLACK),
        Curve(r"floor: $\mu_{k+1}$", widths, [float(mu[k]) for k in widths], "floor", BLACK),
        *(
            measured(records, "width", f"worst_{name}", SELECTORS[name][2], *SELECTORS[name][:2])
            for name in ("random", "leverage", "volume", "greedy")
        ),
    ]
    return Panel(
        f"exponent a = {a:g}: worst direction",
        "kept nodes k",
        r"worst direction $\lambda_{\max}(S_J)/\mu_1$",
        curves,
        key="worst direction",
    )


def _widths(records: Records) -> list[int]:
    found = values(records, "width")
    return list(range(min(found), max(found) + 1))


def _leverage_law(records: Records, mu: Floats) -> list[Curve]:
    """L2's law, pale beyond the widths before the first at which its score warns in the mean."""
    across, scores, _ = means(records, "width", "chi")
    sound = itertools.takewhile(lambda at: at[1] <= theory.COHERENCE_WARNING, zip(across, scores))
    last = max((k for k, _ in sound), default=0)
    widths, name = _widths(records), "law of leverage draws (L2)"
    parts = [
        (name, [k for k in widths if k <= last], False),
        (f"{name}, its score warns", [k for k in widths if k >= last], True),
    ]
    return [
        Curve(label, shown, [_law(mu, k) / mu.sum() for k in shown], "law", GREEN, faint=faint)
        for label, shown, faint in parts
        if len(shown) > 1 or len(widths) == 1
    ]


def _paper(mu: Floats, k: int) -> float:
    lam = theory.paper_ridge(mu, k)
    return float(4.0 * lam * theory.degrees_of_freedom(mu, lam) / mu.sum())


def _volume(mu: Floats, k: int) -> float:
    lam = theory.volume_ridge(mu, k)
    return float(lam * theory.degrees_of_freedom(mu, lam))


def _law(mu: Floats, k: int) -> float:
    return float(theory.sampled_loss_law(mu, theory.ridge_for_degrees_of_freedom(mu, k), k))


STUDY = Study("compression-error", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
