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
    """Errors against the share kept, and z (1 - c*) against z."""
    across = values(records, "copies")
    zs = [float(z) for z in np.geomspace(across[0], max(1000.0, across[-1]), 80)]
    scaled = [
        Curve(
            "law: root of the two errors",
            zs,
            [z * (1.0 - crossing(z)) for z in zs],
            "law",
            BLACK,
        ),
        measured(records, "copies", "scaled", f"masks of {EDGES} edges", BLUE),
    ]
    shares = [float(c) for c in np.linspace(0.0, 1.0, 101)]
    errors = [Curve("balanced nodes", shares, [node_error(c) for c in shares], "law", VERMILLION)]
    for z, colour in ((1, GREY), (3, BLUE), (10, BLACK)):
        edge = [theory.replicated_edge_error(1, z, c) for c in shares]
        errors.append(Curve(f"random edges, z = {z}", shares, edge, "law", colour))
    panels = [
        Panel(
            "errors", "kept share c of the parameters", r"$\epsilon/M$", errors,
            y_log=False, x_log=False, key="errors",
        ),
        Panel(
            "where they cross", "copies z of each teacher", "$z(1-c^*)$; edges win below $c^*$",
            scaled, y_log=False, x_base=10,
            limit=LIMIT, limit_label=f"limit {LIMIT:.3f}",
        ),
    ]  # fmt: skip
    return draw(f"{TITLE}\n{BARS}", panels)


STUDY = Study("crossover", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
