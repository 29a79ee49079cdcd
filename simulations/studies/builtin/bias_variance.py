r"""The U of a compression bound, beside the measured risk of what it speaks of.

A linear teacher reads m features of eigenvalues j^{-a}, rotated; k nodes are kept by volume
sampling. The bound's bias and variance make a U with its least value at k* (docs/statements.md
6). Measured are two students of the kept nodes alone: one folds the teacher's weights onto them
(bias only: its risk falls with k), one refits them by least squares to n noisy samples. Of the
latter the mean risk over the data and the selection is known exactly, for Gaussian features:

    excess = (s^2 + beta.E[S_J] beta) (n - 1)/(n - k - 1) - s^2,

as its error is that of k coordinates whose noise is s^2 and what they miss (E S_J: spectral.I7).
Beside them stands what no formula is known for: k ReLU nodes that read all features, every weight
trained on the same sample by gradient descent until it is fitted as far as they can.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.decays import power_law
from pruneproof.simulations.figures import (
    BLACK,
    BLUE,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    Curve,
    Panel,
    draw,
)
from pruneproof.simulations.students import initial, train
from pruneproof.simulations.teachers import haar_rotation

from ..study import Study
from .curves import BARS, Records, measured, values, where
from .layers import Floats
from .trained import mean_square, outputs

NODES, EXPONENT, NOISE = 100, 2.0, 0.5
#: Of the trained student: gradients of single samples, learning rate, fresh samples for its risk.
VISITS, STEP, TESTS = 1e5, 0.01, 2000
TITLE = (
    f"Bias and variance of kept nodes, power-law eigenvalues (exponent {EXPONENT:g}), "
    f"noise variance {NOISE:g}"
)
GRID: dict[str, list[Any]] = {"samples": [100, 400], "width": [1, 2, 4, 8, 16, 32, 64]}
REPLICATES = 100
_STYLES = ((BLUE, SKY, "o"), (VERMILLION, ORANGE, "s"))
QUICK: dict[str, Any] = {"grid": {"samples": [100], "width": [2, 8, 32]}, "replicates": 20}


def teacher() -> Floats:
    """Weights in the eigenbasis, all equal, so that the target's variance is that of the layer."""
    return np.full(NODES, 1.0)


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """Excess risks of the folded, the refitted and the trained student of one layer and sample."""
    n, k = int(parameters["samples"]), int(parameters["width"])
    rotation = haar_rotation(NODES, rng=rng)
    root = rotation * np.sqrt(power_law(NODES, EXPONENT))
    cov, weights = root @ root.T, rotation @ teacher()
    kept = theory.select_volume(cov, k, rng=rng).kept
    missed = float(weights @ theory.residual(cov, kept) @ weights)
    x = rng.standard_normal((n, NODES)) @ root.T
    y = x @ weights + math.sqrt(NOISE) * rng.standard_normal(n)
    fit = np.zeros(NODES)
    fit[kept] = np.linalg.lstsq(x[:, kept], y, rcond=None)[0]
    off = weights - fit
    start = initial((NODES, k, 1), "relu", rng=rng)
    student = train(start, x, y, epochs=math.ceil(VISITS / n), learning_rate=STEP, rng=rng)
    fresh = rng.standard_normal((TESTS, NODES)) @ root.T
    return {
        "folded": missed,
        "refitted": float(off @ cov @ off),
        "trained": mean_square(outputs(student.network, fresh) - fresh @ weights),
    }


def missed(width: int) -> float:
    """Mean excess risk beta.E[S_J] beta of the folded student: the bias."""
    mu = power_law(NODES, EXPONENT)
    # in the eigenbasis E S_J is diagonal, and no rotation changes it
    return float(teacher() @ theory.volume_residual(np.diag(mu), width) @ teacher())


def refitted(width: int, samples: int) -> float:
    """Mean excess risk of the refitted student, for width < samples - 1."""
    return (NOISE + missed(width)) * (samples - 1) / (samples - width - 1) - NOISE


def figure(records: Records) -> Any:
    """Bound curves and measured risks against the width."""
    widths = list(range(min(values(records, "width")), max(values(records, "width")) + 1))
    bounds: list[Curve] = []
    risks: list[Curve] = [
        Curve("bias: weights folded (I7)", widths, [missed(k) for k in widths], "law", PURPLE),
        measured(records, "width", "folded", "measured, folded", PURPLE, "^"),
    ]
    for n, (colour, pale, marker) in zip(values(records, "samples"), itertools.cycle(_STYLES)):
        law = [refitted(k, n) if k < n - 1 else None for k in widths]
        risks += [
            Curve(f"refitted, exact, n = {n}", widths, law, "law", colour),
            measured(
                where(records, samples=n), "width", "refitted", f"measured, refitted, n = {n}",
                colour, marker,
            ),
            measured(
                where(records, samples=n), "width", "trained", f"measured, trained ReLU, n = {n}",
                pale, "D", "joined",
            ),
        ]  # fmt: skip
        fine = list(np.geomspace(widths[0], widths[-1], 61))
        for control, shade in (("uniform", colour), ("trace", pale)):
            curve = theory.fast_tradeoff(EXPONENT, n, control=control)
            name = f"bound, {control} bias, n = {n}"
            bounds.append(Curve(name, fine, list(curve.value(fine)), "bound", shade))
            best = Curve("k*", [curve.best_width], [curve.least], "measured", BLACK, "x")
            bounds.append(best)
    panels = [
        Panel(
            "bound, up to constants",
            "kept nodes k",
            "bias + variance (no units)",
            bounds,
            key="bounds",
        ),
        Panel(
            "exact and measured risk",
            "nodes k, kept or trained",
            r"excess risk (units of $\mu_1$)",
            risks,
            key="risks",
        ),
    ]
    return draw(f"{TITLE}\n{BARS}", panels)


STUDY = Study("bias-variance", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
