r"""Trained committee machines pruned by node and by edge rules at equal parameters.

Students of K = 6 (20) units learn M = 2 (5) orthonormal teachers of amplitude 4, erf, N = 500, by
online descent in both layers with label noise .25; rows are brought to unit norm, then k nodes or
as many parameters in edges are kept. 8e5 samples at rate .5, the schedule "constant", are the
setting of arXiv 2006.16617 [R], whose claim is that random edges beat k-DPP nodes; "annealed" adds
as many at rate .1. The law of each rule is that of the trained student's own order parameters
(``theory.expected_pruned_error``), and the points are on it within 3 errors.

What comes out: the claim speaks of the student, not of the rules. At rate .5 the student is no copy
of its teacher: rows end 1.4 (1.7) long, some of the 20 units stand between teachers, and unit norm
without new outputs leaves it 20 to 40 % too weak, which nodes suffer more from than edges. There
random edges win at all sizes of K = 20 (at rows as trained, up to k = 14 of 20) and up to k = 2 of
6. Annealed students are near copies, and edges win where the law of copies, T2, says: at k = 1 of
6, and up to k = 11 of 20.

A student is trained as its overlaps, in their exact law, and then given uniform rows of these
overlaps, which is its law as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.committee import (
    equal_edges,
    keep_edges,
    keep_nodes,
    overlap_descent,
    rows_of,
    unit_rows,
)
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
from pruneproof.simulations.teachers import Committee

from ..study import Study
from .curves import BARS, Records, means, measured, values, where
from .layers import Floats

INPUTS, AMPLITUDE, NOISE, DRAWS = 500, 4.0, 0.25, 20
#: Samples at each learning rate of a schedule, which is that of both layers.
SAMPLES = 800_000
SCHEDULES = {"constant": (0.5,), "annealed": (0.5, 0.1)}
#: Units K of the published experiments -> their teachers M, and the sizes k here.
TEACHERS = {6: 2, 20: 5}
KEPT = {6: (1, 2, 3, 4, 5), 20: (2, 5, 8, 11, 14, 17, 19)}
TITLE = f"Pruned committee machines, N = {INPUTS}, trained at rate .5, or annealed to .1"
RULES: dict[str, tuple[str, str, str]] = {
    "dpp-node": ("k-DPP nodes", BLUE, "o"),
    "random-node": ("random nodes", PURPLE, "D"),
    "importance-node": ("importance nodes", SKY, "v"),
    "random-edge": ("random edges", ORANGE, "s"),
    "dpp-edge": ("k-DPP edges", VERMILLION, "P"),
    "importance-edge": ("importance edges", GREEN, "^"),
}
#: Rules with a law, by their names in theory.
LAWS = {name: name for name in RULES if not name.startswith("importance")}
LAWS["importance-edge"] = "magnitude-edge"
#: The two rules that are compared with each other.
PAIR = ("random-edge", "dpp-node")
GRID: dict[str, list[Any]] = {"units": [6, 20], "schedule": list(SCHEDULES)}
REPLICATES = 8
QUICK: dict[str, Any] = {"grid": {"units": [6], "schedule": list(SCHEDULES)}, "replicates": 3}


def trained(
    units: int, schedule: str, rng: np.random.Generator
) -> tuple[Floats, Floats, Committee]:
    """Rows, outputs and teacher of one trained student."""
    amplitudes = np.full(TEACHERS[units], AMPLITUDE)
    order = Committee(np.eye(len(amplitudes), INPUTS), amplitudes).order_of(
        rng.standard_normal((units, INPUTS)) / INPUTS**0.5,
        rng.standard_normal(units) / units**0.5,
    )
    for rate in SCHEDULES[schedule]:
        (order,) = overlap_descent(
            order, INPUTS, [SAMPLES / INPUTS],
            learning_rate=rate, output_learning_rate=rate, noise=NOISE, rng=rng,
        )  # fmt: skip
    rows, targets = rows_of(order, INPUTS, rng=rng)
    return rows, np.asarray(order.v), Committee(targets, amplitudes)


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """Errors of one trained student under every rule and size: means over draws, and laws."""
    units, schedule = parameters["units"], parameters["schedule"]
    for name, value, known in (("units", units, KEPT), ("schedule", schedule, SCHEDULES)):
        if value not in known:
            raise ValueError(f"{name} must be one of {', '.join(map(str, known))}, not {value!r}")
    raw, outputs, teacher = trained(units, schedule, rng)
    rows = unit_rows(raw)
    as_trained, order = teacher.order_of(raw, outputs), teacher.order_of(rows, outputs)
    found = {
        "trained": theory.generalization_error(as_trained),
        "unpruned": theory.generalization_error(order),
        "length": float(np.mean(np.linalg.norm(raw, axis=1))),
    }
    for k in KEPT[units]:
        edges = equal_edges(k, units, INPUTS)
        for name in RULES:
            found[f"{name} {k}"] = _pruned(name, rows, outputs, teacher, k, edges, rng)
        for name, rule in LAWS.items():
            kept = k if name.endswith("node") else edges / INPUTS
            found[f"{name} {k} law"] = theory.expected_pruned_error(order, rule, kept)
            if name in PAIR:
                law = theory.expected_pruned_error(as_trained, rule, kept)
                found[f"{name} {k} law as trained"] = law
    return found


def _pruned(
    name: str, rows: Floats, outputs: Floats, teacher: Committee, k: int, edges: int, rng: Any
) -> float:
    """Mean error over draws of one rule."""
    rule, kind = name.split("-")
    errors = []
    for _ in range(1 if rule == "importance" else DRAWS):
        if kind == "node":
            kept: Any = keep_nodes(rule, rows, outputs, k, rng=rng)  # type: ignore[arg-type]
            order = teacher.order_of(rows[kept], outputs[kept])
        else:
            mask = keep_edges(rule, rows, edges, rng=rng)  # type: ignore[arg-type]
            order = teacher.order_of(np.where(mask, rows, 0.0), outputs)
        errors.append(theory.generalization_error(order))
    return float(np.mean(errors))


def figure(records: Records) -> Any:
    """Errors of all rules at the constant rate, and how far random edges are above k-DPP nodes."""
    machines = values(records, "units")
    panels = [
        _errors(where(records, units=units, schedule="constant"), units) for units in machines
    ]
    panels += [_gaps(where(records, units=units), units) for units in machines]
    return draw(f"{TITLE}\n{BARS}", panels)


def _by_size(mine: Records, units: int, entry: str, minus: str = "") -> list[dict[str, float]]:
    """One record a size k: the share kept, and an entry of that size or a difference of two."""
    return [
        {
            "share": k / units,
            "error": record[entry.format(k)] - (record[minus.format(k)] if minus else 0.0),
        }
        for record in mine
        for k in KEPT[units]
    ]


def _both(shown: Any, law: Any, label: str, colour: str, marker: str) -> list[Curve]:
    """Points, and the line of their law under the same name."""
    across, centres, _ = means(law, "share", "error")
    points = measured(shown, "share", "error", label, colour, marker)
    return [points, Curve(label, across, centres, "law", colour)]


def _errors(mine: Records, units: int) -> Panel:
    curves = []
    for name, (label, colour, marker) in RULES.items():
        shown = _by_size(mine, units, f"{name} {{}}")
        law = _by_size(mine, units, f"{name} {{}} law") if name in LAWS else []
        curves += _both(shown, law, label, colour, marker)
    return Panel(
        f"M = {TEACHERS[units]}, K = {units}, rate .5",
        "kept share of the parameters",
        r"generalization error $\epsilon$",
        curves,
        x_log=False,
        limit=float(np.mean([record["unpruned"] for record in mine])),
        limit_label="unpruned",
        key="points: drawn; lines: law at the students' own overlaps",
    )


def _gaps(mine: Records, units: int) -> Panel:
    m = TEACHERS[units]
    edge, node = ("random-edge {}", "dpp-node {}")
    raw = where(mine, schedule="constant")
    as_trained = _by_size(raw, units, f"{edge} law as trained", f"{node} law as trained")
    z, ks = units // m, range(1, units)
    copies = [
        AMPLITUDE**2
        * (
            theory.replicated_edge_error(m, z, k / units)
            - theory.replicated_node_error(m, z, k, "dpp-node")
        )
        for k in ks
    ]
    across, centres, _ = means(as_trained, "share", "error")
    curves = [
        Curve("law of exact copies", [k / units for k in ks], copies, "law", BLACK),
        Curve("law at rate .5, rows as trained", across, centres, "law", GREY),
    ]
    for schedule, label, colour, marker in (
        ("constant", "rate .5, unit rows", ORANGE, "s"),
        ("annealed", "annealed to .1, unit rows", BLUE, "o"),
    ):
        some = where(mine, schedule=schedule)
        law = _by_size(some, units, f"{edge} law", f"{node} law")
        curves += _both(_by_size(some, units, edge, node), law, label, colour, marker)
    return Panel(
        f"M = {m}, K = {units}: random edges - k-DPP nodes",
        "kept share of the parameters",
        r"difference of $\epsilon$; edges win below 0",
        curves,
        y_log=False,
        x_log=False,
        limit=0.0,
        key="random edges - k-DPP nodes",
    )


STUDY = Study("node-against-edge", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
