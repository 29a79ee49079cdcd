r"""What refitting the outputs does to node and edge rules of a replicated student.

z copies of each of M orthonormal teachers, erf. Left as they are, edges may beat nodes; once the
outputs are the best for what is kept, DPP nodes <= random nodes <= random edges at every share, as
copies that survive stand in for those lost, and a k-DPP of k >= M nodes loses nothing. True of
every odd activation [D], false of ReLU. The kernel of the k-DPP is Q + 1e-4 I: without the jitter,
draws of more than M nodes have no probability.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.committee import keep_edges, keep_nodes
from pruneproof.simulations.figures import BLUE, ORANGE, PURPLE, Curve, Panel, draw
from pruneproof.simulations.teachers import Committee

from ..study import Study
from .curves import BARS, Records, measured, values, where
from .layers import Floats

INPUTS, JITTER = 2000, 1e-4
TITLE = f"Pruned replicated students, N = {INPUTS} inputs, with and without refitted outputs"
GRID: list[dict[str, Any]] = [{"teachers": 2, "copies": 3, "nodes": k} for k in range(1, 6)] + [
    {"teachers": 5, "copies": 4, "nodes": k} for k in (1, 2, 3, 4, 5, 7, 10, 13, 16, 19)
]
REPLICATES = 200
QUICK: dict[str, Any] = {"grid": GRID[:5] + GRID[5::3], "replicates": 30}
RULES = {
    "dpp_node": ("k-DPP nodes", BLUE, "o"),
    "random_node": ("random nodes", PURPLE, "D"),
    "random_edge": ("random edges", ORANGE, "s"),
}


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """Errors of one draw of each rule, as it is and refitted."""
    m, z, k = (int(parameters[name]) for name in ("teachers", "copies", "nodes"))
    teacher = Committee.orthogonal(m, INPUTS, rng=rng)
    rows, outputs = np.repeat(np.asarray(teacher.rows), z, axis=0), np.full(m * z, 1.0 / z)
    kernel = rows @ rows.T + JITTER * np.eye(m * z)
    drawn = keep_nodes("dpp", rows, outputs, k, kernel=kernel, rng=rng)
    uniform = keep_nodes("random", rows, outputs, k, rng=rng)
    mask = keep_edges("bernoulli", rows, round(k / (m * z) * INPUTS), rng=rng)
    pruned: dict[str, tuple[Floats, Floats]] = {
        "dpp_node": (rows[drawn], outputs[drawn]),
        "random_node": (rows[uniform], outputs[uniform]),
        "random_edge": (np.where(mask, rows, 0.0), outputs),
    }
    found = {}
    for name, (w, v) in pruned.items():
        order = teacher.order_of(w, v)
        best = teacher.order_of(w, theory.reweighted_weights(order, range(len(w))))
        found[name] = theory.generalization_error(order)
        found[f"{name}_refitted"] = theory.generalization_error(best)
    return found


def figure(records: Records) -> Any:
    """Errors against the share kept; as they are, their excess over that of balanced nodes."""
    panels = []
    for m in values(records, "teachers"):
        mine = where(records, teachers=m)
        z = values(mine, "copies")[0]
        panels += [_panel(mine, m, z, refitted) for refitted in (False, True)]
    return draw(f"{TITLE}\n{BARS}", panels)


def _panel(mine: Records, m: int, z: int, refitted: bool) -> Panel:
    shares = [k / (m * z) for k in range(m * z + 1)]

    def base(c: float) -> float:
        return 0.0 if refitted else m * (1.0 - c) ** 2 / 6.0

    curves = []
    for name, (label, colour, marker) in RULES.items():
        entry = f"{name}_refitted" if refitted else name
        law = [_law(entry, m, z)(k) - base(c) for k, c in enumerate(shares)]
        shown = [
            {"share": c, "error": record[entry] - base(c)}
            for record in mine
            for c in [record["nodes"] / (m * z)]
        ]
        curves += [
            Curve(f"law, {label}", shares, law, "law", colour),
            measured(shown, "share", "error", f"drawn, {label}", colour, marker),
        ]
    return Panel(
        f"M = {m}, z = {z}, outputs {'refitted' if refitted else 'as they are'}",
        "kept share c of the parameters",
        r"generalization error $\epsilon$" if refitted else r"$\epsilon - M(1-c)^2/6$",
        curves,
        x_log=False,
        y_log=False,
    )


def _law(entry: str, m: int, z: int) -> Callable[[int], float]:
    """Mean error of an entry for k nodes, or for as large a share of the edges."""
    units = m * z
    laws: dict[str, Callable[[int], float]] = {
        "dpp_node": lambda k: theory.replicated_node_error(m, z, k, "dpp-node"),
        "random_node": lambda k: theory.replicated_node_error(m, z, k),
        "random_edge": lambda k: theory.replicated_edge_error(m, z, k / units),
        "dpp_node_refitted": lambda k: theory.refitted_node_error(m, z, k, "dpp-node"),
        "random_node_refitted": lambda k: theory.refitted_node_error(m, z, k),
        "random_edge_refitted": lambda k: theory.refitted_edge_error(m, z, k / units),
    }
    return laws[entry]


STUDY = Study("reweighting", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
