r"""Trained committee machines pruned by node and by edge rules at equal parameters.

Students of K = 6 (20) units learn M = 2 (5) orthonormal teachers of amplitude 4, erf, N = 500, by
online descent in both layers for 8e5 samples with label noise: the setting of arXiv 2006.16617 [R],
whose claim is that random edges beat k-DPP nodes. Rows are brought to unit norm, then k nodes or
as many parameters in edges are kept. Units end as copies of teachers up to sign, so the errors
follow the laws of replicated students roughly; in these random edges win only at small shares.

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
    order_of,
    overlap_descent,
    rows_of,
    unit_rows,
)
from pruneproof.simulations.figures import (
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
from .curves import BARS, Records, measured, values, where
from .layers import Floats

INPUTS, AMPLITUDE, NOISE, RATE, SAMPLES, DRAWS = 500, 4.0, 0.25, 0.5, 800_000, 20
TITLE = f"Pruned committee machines, N = {INPUTS}, trained on {SAMPLES} samples"
RULES: dict[str, tuple[str, str, str]] = {
    "dpp_node": ("k-DPP nodes", BLUE, "o"),
    "random_node": ("random nodes", PURPLE, "D"),
    "importance_node": ("importance nodes", SKY, "v"),
    "random_edge": ("random edges", ORANGE, "s"),
    "dpp_edge": ("k-DPP edges", VERMILLION, "P"),
    "importance_edge": ("importance edges", GREEN, "^"),
}
GRID: list[dict[str, Any]] = [{"units": 6, "teachers": 2, "nodes": k} for k in range(1, 6)] + [
    {"units": 20, "teachers": 5, "nodes": k} for k in (2, 5, 8, 11, 14, 17, 19)
]
REPLICATES = 8
QUICK: dict[str, Any] = {"grid": GRID[:5], "replicates": 3}


def trained(
    units: int, teachers: int, rng: np.random.Generator
) -> tuple[Floats, Floats, Committee]:
    """Rows of unit norm, outputs and teacher of one trained student."""
    frame = rng.standard_normal((units, INPUTS)) / INPUTS**0.5
    start = order_of(
        frame,
        rng.standard_normal(units) / units**0.5,
        Committee(np.eye(teachers, INPUTS), np.full(teachers, AMPLITUDE)),
    )
    end = overlap_descent(
        start, INPUTS, [SAMPLES / INPUTS],
        learning_rate=RATE, output_learning_rate=RATE, noise=NOISE, rng=rng,
    )[0]  # fmt: skip
    rows, targets = rows_of(end, INPUTS, rng=rng)
    return unit_rows(rows), np.asarray(end.v), Committee(targets, np.full(teachers, AMPLITUDE))


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """Errors of one trained student under every rule, means over some draws of each."""
    units, k = int(parameters["units"]), int(parameters["nodes"])
    rows, outputs, teacher = trained(units, int(parameters["teachers"]), rng)
    edges = equal_edges(k, units, INPUTS)
    found = {"unpruned": _error(rows, outputs, teacher)}
    for name in RULES:
        rule, kind = name.split("_")
        draws = 1 if rule == "importance" else DRAWS
        errors = []
        for _ in range(draws):
            if kind == "node":
                kept: Any = keep_nodes(rule, rows, outputs, k, rng=rng)  # type: ignore[arg-type]
                errors.append(_error(rows[kept], outputs[kept], teacher))
            else:
                mask = keep_edges(rule, rows, edges, rng=rng)  # type: ignore[arg-type]
                errors.append(_error(np.where(mask, rows, 0.0), outputs, teacher))
        found[name] = float(np.mean(errors))
    return found


def _error(rows: Floats, outputs: Floats, teacher: Committee) -> float:
    return float(theory.generalization_error(order_of(rows, outputs, teacher)))


def figure(records: Records) -> Any:
    """Errors against the share of parameters, a panel a machine."""
    panels = []
    for units in values(records, "units"):
        mine = where(records, units=units)
        m = values(mine, "teachers")[0]
        shown = [{**record, "share": record["nodes"] / units} for record in mine]
        curves = _laws(m, units)
        for name, (label, colour, marker) in RULES.items():
            curves.append(measured(shown, "share", name, f"trained, {label}", colour, marker))
        panels.append(
            Panel(
                f"M = {m}, K = {units}",
                "kept share of the parameters",
                r"generalization error $\epsilon$",
                curves,
                x_log=False,
                limit=float(np.mean([record["unpruned"] for record in mine])),
                limit_label="rows of unit norm, unpruned",
            )
        )
    return draw(f"{TITLE}\n{BARS}; laws: replicated students", panels)


def _laws(m: int, units: int) -> list[Curve]:
    """Laws of the replicated student of as many copies, as far as z = K/M is whole."""
    z, scale = units // m, AMPLITUDE**2
    ks = list(range(1, units))
    shares = [k / units for k in ks]
    laws = {
        "dpp_node": [theory.replicated_node_error(m, z, k, "dpp-node") for k in ks],
        "random_node": [theory.replicated_node_error(m, z, k) for k in ks],
        "random_edge": [theory.replicated_edge_error(m, z, c) for c in shares],
        "dpp_edge": [theory.replicated_edge_error(m, z, c, "dpp-edge") for c in shares],
        "importance_edge": [
            theory.replicated_edge_error(m, z, c, "magnitude-edge") for c in shares
        ],
    }
    return [
        Curve(f"law, {RULES[name][0]}", shares, [scale * x for x in law], "law", RULES[name][1])
        for name, law in laws.items()
    ]


STUDY = Study("node-against-edge", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
