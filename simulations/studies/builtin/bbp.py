r"""One strong direction in noise: where the sample's first eigenvector finds it.

n samples of m coordinates of covariance I + (l - 1) u u^T. Above l = 1 + sqrt(m/n) the first
eigenvalue of the sample leaves the Marchenko-Pastur interval and its eigenvector overlaps with u;
below, both say nothing of u (laws.L9).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.figures import Curve, Panel, draw

from ..study import Study
from .curves import BARS, Records, measured, styled, values, where
from .layers import gaussian

NODES = 300
TITLE = f"Spiked covariance: one strong direction in unit noise, {NODES} nodes"
GRID: dict[str, list[Any]] = {
    "aspect": [0.25, 1.0, 4.0],
    "spike": [1.2, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0],
}
REPLICATES = 20
QUICK: dict[str, Any] = {"grid": {**GRID, "spike": [1.2, 2.5, 4.0, 8.0]}, "replicates": 4}


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """First eigenvalue of a sample's second moment, and its vector's squared overlap with u."""
    n = round(NODES / parameters["aspect"])
    variances = np.ones(NODES)
    variances[0] = parameters["spike"]  # noise is alike in all directions: u may be a node
    _, values, vectors = np.linalg.svd(gaussian(n, variances, rng), full_matrices=False)
    return {"eigenvalue": float(values[0]) ** 2 / n, "overlap": float(vectors[0, 0]) ** 2}


def figure(records: Records) -> Any:
    """First eigenvalue and squared overlap against the spike."""
    tops: list[Curve] = []
    overlaps: list[Curve] = []
    spikes = np.linspace(min(values(records, "spike")), max(values(records, "spike")), 241)
    for g, colour, marker in styled(records, "aspect"):
        mine, edge = where(records, aspect=g), 1.0 + math.sqrt(g)
        upper = theory.marchenko_pastur_edges(g).upper
        law = [theory.spike_location(x, g) if x > edge else upper for x in spikes]
        overlap = [theory.spike_overlap(x, g) if x > edge else 0.0 for x in spikes]
        name = f"m/n = {g:g}"
        tops.append(Curve(f"law, {name}", list(spikes), law, "law", colour))
        tops.append(measured(mine, "spike", "eigenvalue", f"measured, {name}", colour, marker))
        overlaps.append(Curve(f"law, {name}", list(spikes), overlap, "law", colour))
        overlaps.append(measured(mine, "spike", "overlap", f"measured, {name}", colour, marker))
    x = r"variance $\ell$ along the direction (noise = 1)"
    panels = [
        Panel("where it shows", x, "first eigenvalue (noise = 1)", tops, y_log=False, x_log=False),
        Panel(
            "what it shows", x, r"squared overlap $\langle\hat u, u\rangle^2$", overlaps,
            y_log=False, x_log=False,
        ),
    ]  # fmt: skip
    return draw(f"{TITLE}\n{BARS}", panels)


STUDY = Study("bbp", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
