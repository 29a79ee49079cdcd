r"""Trained committee machines pruned by node and by edge rules at equal parameters.

Students of K = 6 (20) units learn M = 2 (5) orthonormal teachers of amplitude 4, erf, N = 500, by
online descent in both layers with label noise .25; rows are brought to unit norm, then k nodes or
as many parameters in edges are kept. At rate .5 and 8e5 samples this is the setting of arXiv
2006.16617 [R], whose claim is that random edges beat k-DPP nodes. The law of each rule is taken at
the trained student's own order parameters (``theory.expected_pruned_error``).

What comes out: the claim speaks of the student, not of the rules. At rate .5 descent stays noisy:
rows end 1.4 (1.9) long, overlaps with the teacher stop at .95, at K = 20 some units stand between
teachers, and unit norm without new outputs leaves the student 20 to 40 % too weak, which edges,
as they scale a unit's rows down slowly, suffer less from than nodes. So random edges win at all
shares for K = 20 (as trained, without unit norm, up to 14 of 20 nodes) and at half for K = 6. At
rate .1 and five times the samples copies are near exact, and edges win where the law of replicated
students says, T2: at small shares, up to 11 of 20 nodes.

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
#: Learning rate of both layers -> samples.
SAMPLES = {0.5: 800_000, 0.1: 4_000_000}
KEPT = {6: (1, 2, 3, 4, 5), 20: (2, 5, 8, 11, 14, 17, 19)}
TITLE = f"Pruned committee machines, N = {INPUTS}, trained at two learning rates"
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
GRID: dict[str, list[Any]] = {"units": [6, 20], "rate": list(SAMPLES)}
REPLICATES = 8
QUICK: dict[str, Any] = {"grid": {"units": [6], "rate": list(SAMPLES)}, "replicates": 3}


def teachers_of(units: int) -> int:
    """M of the published experiments: 2 for 6 units, 5 for 20."""
    return 2 if units == 6 else units // 4


def trained(units: int, rate: float, rng: np.random.Generator) -> tuple[Floats, Floats, Committee]:
    """Rows, outputs and teacher of one trained student."""
    amplitudes = np.full(teachers_of(units), AMPLITUDE)
    start = Committee(np.eye(len(amplitudes), INPUTS), amplitudes).order_of(
        rng.standard_normal((units, INPUTS)) / INPUTS**0.5,
        rng.standard_normal(units) / units**0.5,
    )
    end = overlap_descent(
        start, INPUTS, [SAMPLES[rate] / INPUTS],
        learning_rate=rate, output_learning_rate=rate, noise=NOISE, rng=rng,
    )[0]  # fmt: skip
    rows, targets = rows_of(end, INPUTS, rng=rng)
    return rows, np.asarray(end.v), Committee(targets, amplitudes)


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """Errors of one trained student under every rule and size: means over draws, and laws."""
    units = int(parameters["units"])
    raw, outputs, teacher = trained(units, float(parameters["rate"]), rng)
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
    """Errors of all rules at the first rate, and how far random edges are above k-DPP nodes."""
    machines = values(records, "units")
    panels = [_errors(where(records, units=units, rate=0.5), units) for units in machines]
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


def _law(shown: list[dict[str, float]], label: str, colour: str) -> Curve:
    across, centres, _ = means(shown, "share", "error")
    return Curve(label, across, centres, "law", colour)


def _errors(mine: Records, units: int) -> Panel:
    curves = []
    for name, (label, colour, marker) in RULES.items():
        if name in LAWS:
            law = _by_size(mine, units, f"{name} {{}} law")
            curves.append(_law(law, f"law, {label}", colour))
        shown = _by_size(mine, units, f"{name} {{}}")
        curves.append(measured(shown, "share", "error", label, colour, marker))
    return Panel(
        f"M = {teachers_of(units)}, K = {units}, rate 0.5, unit rows",
        "kept share of the parameters",
        r"generalization error $\epsilon$",
        curves,
        x_log=False,
        limit=float(np.mean([record["unpruned"] for record in mine])),
        limit_label="unpruned",
        key="rules; laws at the students' own order parameters",
    )


def _gaps(mine: Records, units: int) -> Panel:
    m = teachers_of(units)
    edge, node = ("random-edge {}", "dpp-node {}")
    raw = where(mine, rate=0.5)
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
    curves = [
        Curve("law, exact copies", [k / units for k in ks], copies, "law", BLACK),
        _law(as_trained, "law, rate 0.5, rows as trained", GREEN),
    ]
    for rate, colour, marker in ((0.5, ORANGE, "s"), (0.1, BLUE, "o")):
        some = where(mine, rate=rate)
        law = _by_size(some, units, f"{edge} law", f"{node} law")
        shown = _by_size(some, units, edge, node)
        label = f"rate {rate:g}, unit rows"
        curves += [
            _law(law, f"law, {label}", colour),
            measured(shown, "share", "error", f"trained, {label}", colour, marker),
        ]
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
