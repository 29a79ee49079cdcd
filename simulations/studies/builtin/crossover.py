r"""Share of parameters from which on random edges lose to balanced nodes in a replicated student.

z copies of each of M orthonormal teachers, erf, outputs 1/z. At a kept share c of the parameters
every group keeps z c nodes (the best that nodes can do), or every edge stays with probability c.
Edges win below c*(z) and nodes above, and z (1 - c*) -> 4/(2 pi/sqrt 3 - 3) = 6.373; for z = 1, 2
there is no crossing. The claim that random edges always win, made of arXiv 2006.16617 [R], thus
needs many copies or few parameters. The crossing is measured on masks of a finite number of edges.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.figures import BLACK, BLUE, GREY, VERMILLION, Curve, Panel, draw
from pruneproof.simulations.teachers import Committee

from ..study import Study
from .curves import BARS, Records, measured, values

TEACHERS, EDGES = 2, 1_200_000
LIMIT = 4.0 / (2.0 * math.pi / math.sqrt(3.0) - 3.0)
TITLE = f"Random edges against balanced nodes, replicated students of {TEACHERS} teachers"
GRID: dict[str, list[Any]] = {"copies": [3, 4, 6, 10, 18, 30, 60, 100, 200]}
REPLICATES = 12
QUICK: dict[str, Any] = {"grid": {"copies": [3, 6, 10, 30]}, "replicates": 4}


def node_error(c: float) -> float:
    """Error a teacher of balanced nodes, (1 - c)^2/6."""
    return (1.0 - c) ** 2 / 6.0


def crossing(copies: float) -> float:
    """c*(z), NaN where edges lose at every share."""
    found = theory.edge_crossover(copies)
    return math.nan if found is None else found


def _root(gap: Callable[[float], float], low: float, high: float) -> float:
    """Where the gap turns positive; NaN if it does not between `low` and `high`."""
    from scipy.optimize import brentq

    if not gap(low) < 0 < gap(high):
        return math.nan
    return float(brentq(gap, low, high, xtol=1e-6))


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """Crossing of one student, whose edge masks grow with c from one set of uniform numbers."""
    z = int(parameters["copies"])
    teacher = Committee.orthogonal(TEACHERS, EDGES // (TEACHERS * z), rng=rng)
    rows = np.repeat(np.asarray(teacher.rows), z, axis=0)
    outputs, uniform = np.full(len(rows), 1.0 / z), rng.random(rows.shape)

    def gap(c: float) -> float:
        order = teacher.order_of(np.where(uniform < c, rows, 0.0), outputs)
        return float(theory.generalization_error(order)) / TEACHERS - node_error(c)

    near = crossing(z)
    c = _root(gap, near / 4.0, 1.0 - (1.0 - near) / 4.0)
    return {"crossing": c, "scaled": z * (1.0 - c)}


def figure(records: Records) -> Any:
    """Gap of the two errors against the share kept, and z (1 - c*) against z."""
    across = values(records, "copies")
    zs = [float(z) for z in np.geomspace(across[0], max(10_000.0, across[-1]), 80)]
    law = [z * (1.0 - crossing(z)) for z in zs]
    scaled = [
        Curve("law: root of the two errors", zs, law, "law", BLACK),
        measured(records, "copies", "scaled", f"masks of {EDGES} edges", BLUE),
    ]
    shares = [float(c) for c in np.linspace(0.0, 1.0, 101)]
    gaps = []
    for z, colour in ((2, GREY), (3, VERMILLION), (10, BLUE), (100, BLACK)):
        gap = [theory.replicated_edge_error(1, z, c) - node_error(c) for c in shares]
        gaps.append(Curve(f"law: edges - balanced nodes, z = {z}", shares, gap, "law", colour))
    panels = [
        Panel(
            "random edges - balanced nodes", "kept share c of the parameters",
            r"difference of $\epsilon/M$; edges win below 0", gaps,
            y_log=False, x_log=False, limit=0.0,
        ),
        Panel(
            "where they cross", "copies z of each teacher", "$z(1-c^*)$; edges win below $c^*$",
            scaled, y_log=False, x_base=10,
            limit=LIMIT, limit_label=f"limit {LIMIT:.3f}",
        ),
    ]  # fmt: skip
    return draw(f"{TITLE}\n{BARS}", panels)


STUDY = Study("crossover", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
