r"""Every way to remove single weights, on a ReLU network for scikit-learn's digits.

A 64-100-100-10 network is pruned to a share of its weights by each method of
``theory.prune_weights``: the rules, which keep weights by their size or by what they cost (A2 to
A8, X1), and the samplers of ``theory.sparsify``, which draw them without bias (B1 to B5, B8). Over
the whole network, as is the default; row-l1 and effective resistances, which see one matrix, layer
by layer. Three repairs: none; the bias takes up the mean of what is lost (A7); and the kept weights
are refitted besides (A6; the surgeon always refits). Nothing is trained again. All that the
theory promises is that each repair helps each layer's sums, at the inputs which the unpruned
network gives it (T2b, T3).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.figures import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    Panel,
    draw,
)
from pruneproof.simulations.students import initial

from ..study import Study
from .curves import Records, medians
from .digits import CLASSES, PIXELS, split

HIDDEN, EPOCHS, RATE, DECAY = 100, 25, 0.05, 5e-4
#: Noise on the pixels behind the moments: two that are seen in one image only are else collinear,
#: and the surgeon's second moment is singular.
DITHER = 1e-3
TITLE = f"Weights removed from a digits network {PIXELS}-{HIDDEN}-{HIDDEN}-{CLASSES}, ReLU"
RULES: dict[str, tuple[str, str, str]] = {
    "magnitude": ("magnitude", BLUE, "o"),
    "weighted-magnitude": ("magnitude times input", SKY, "v"),
    "adaptive": ("adaptive budgets", GREEN, "^"),
    "sap": ("SAP by layer", PURPLE, "D"),
    "obs": ("optimal surgeon, always refitted", VERMILLION, "s"),
}
SAMPLERS: dict[str, tuple[str, str, str]] = {
    "threshold-poisson": ("threshold and Poisson", BLUE, "o"),
    "uniform": ("uniform", GREY, "x"),
    "quantise": ("quantised, uniform", SKY, "v"),
    "l1": (r"$\ell_1$", ORANGE, "P"),
    "l2": (r"$\ell_2$", VERMILLION, "s"),
    "hybrid": ("hybrid", GREEN, "^"),
    "row-l1": (r"row $\ell_1$, by layer", PURPLE, "D"),
    "effective-resistance": ("effective resistances, by layer", BLACK, "X"),
}
#: Where a method is not asked for a share of the whole network; SAP judges sparsity by layer.
SCOPES = {"sap": "layer", "row-l1": "layer", "effective-resistance": "layer"}
REPAIRS: dict[str, dict[str, bool]] = {
    "none": {"bias_fix": False, "refit": False},
    "bias": {"bias_fix": True, "refit": False},
    "refit": {"bias_fix": True, "refit": True},
}
GRID: dict[str, list[Any]] = {"density": [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0]}
REPLICATES = 10
QUICK: dict[str, Any] = {"grid": {"density": [0.05, 0.2, 0.5]}, "replicates": 2}


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """Held-out errors of one network pruned to one density, by every method and repair."""
    digits = split(rng)
    start = initial((PIXELS, HIDDEN, HIDDEN, CLASSES), "relu", rng=rng)
    network = digits.trained(start, epochs=EPOCHS, learning_rate=RATE, weight_decay=DECAY, rng=rng)
    sample = digits.pixels + DITHER * rng.standard_normal(digits.pixels.shape)
    found = {"unpruned": digits.error(network)}
    for method in (*RULES, *SAMPLERS):
        for repair, options in REPAIRS.items():
            if method == "obs" and repair == "refit":
                found["obs refit"] = found["obs bias"]  # it has refitted already
                continue
            pruned = theory.prune_weights(
                network,
                sample,
                parameters["density"],
                method=method,
                scope=SCOPES.get(method, "global"),
                rng=rng,
                **options,
            )
            found[f"{method} {repair}"] = digits.error(pruned.network)
    return found


def figure(records: Records) -> Any:
    """Held-out error against density: rules under each repair, samplers bare and repaired."""
    whole = float(np.median([record["unpruned"] for record in records]))
    panels = []
    for methods, kind, repairs in (
        (RULES, "rules", ("none", "bias", "refit")),
        (SAMPLERS, "samplers", ("none", "refit")),
    ):
        for repair in repairs:
            curves = [
                medians(records, "density", f"{method} {repair}", label, colour, marker)
                for method, (label, colour, marker) in methods.items()
            ]
            said = {"none": "not repaired", "bias": "bias fixed", "refit": "bias fixed, refitted"}
            panels.append(
                Panel(
                    f"{kind}, {said[repair]}",
                    "share of weights kept",
                    "held-out error",
                    curves,
                    x_base=10,
                    limit=whole,
                    limit_label=f"unpruned, {whole:.3f}",
                    key=kind,
                )
            )
    return draw(f"{TITLE}\npoints: median over networks; bars: quartiles", panels)


STUDY = Study("prune-digits", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
