r"""How a layer's budget of weights is shared between its neurons: errors beside their bounds.

The second layer of a heavy-tailed teacher 20-100-100-1 (see soft-sparsity), with fixed biases:
E = sum_i A_i^2 E (d_i . (h - E h))^2, d_i what row i loses, A_i = |w_i| of the output layer, over
the same of all rows removed. S weights are kept in all: as many in each row; by A3 (q = 1/2), in
proportion to A_i^q ||w_i||_q^q; the largest |w_ij|; the largest A_i |w_ij| sqrt(Cov_jj) (A4); or
by the tolerance rule A2, at the least common tolerance of A_i sigma_s(w_i)_2 that S weights afford.
A sort affords a smaller tolerance: that of the exact rule.

Bounds, each valid: T7 with the rows' own numbers; and T1 for the whole layer, lam_max kappa_{S,d}^2
||(A_i w_i)||_q^2 at its best q, which the largest A_i |w_ij| meet, and A3 up to rounding (T8).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pruneproof import theory
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
from pruneproof.simulations.teachers import HeavyTailed
from pruneproof.simulations.teachers.heavy_tails import TAILS

from ..study import Study
from .curves import BARS, Records, measured, styled, values, where
from .layers import Floats
from .soft_sparsity import INPUTS, LENGTH, SAMPLES, WIDTHS

ORDER = 0.5
TITLE = "Weights of one layer shared between its 100 neurons, teachers 20-100-100-1"
GRID: dict[str, list[Any]] = {"tail": list(TAILS), "density": [0.02, 0.05, 0.1, 0.2, 0.4, 0.7]}
REPLICATES = 20
QUICK: dict[str, Any] = {"grid": {**GRID, "density": [0.05, 0.2]}, "replicates": 4}
#: Name, colour and marker of every rule.
RULES = {
    "uniform": ("same in every row", BLUE, "o"),
    "adaptive": ("A3", GREEN, "^"),
    "global": ("largest |w|", VERMILLION, "s"),
    "weighted": ("largest weighted |w| (A4)", PURPLE, "D"),
    "tolerance": ("tolerance rule (A2)", ORANGE, "v"),
    "exact": ("least exact tolerance", SKY, "P"),
}


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """Root of E of every rule, ``bound_`` by T7; of all rules T8; kept shares of A2's rule.

    ``used_tolerance`` is the share that A2 keeps, ``needed_tolerance`` what its tolerance needs.
    """
    teacher = HeavyTailed.random(INPUTS, WIDTHS, parameters["tail"], length=LENGTH, rng=rng)
    hidden = teacher.network.activations(teacher.inputs(SAMPLES, rng=rng))[1]
    w, gains = np.asarray(teacher.network.layers[1].weight), output_gains(teacher)
    cov = theory.second_moment(np.asarray(hidden), centered=True)
    budget = round(parameters["density"] * w.size)
    scaled = gains[:, None] * w
    whole = float(np.sum(theory.pruning_error(scaled, np.zeros_like(w), cov)))
    record = {"optimum": math.sqrt(layer_bound(scaled, cov, budget) / whole)}
    sizes = np.sqrt(np.diag(cov))
    eps = least_tolerance(w, gains, budget, theory.neuron_budget)
    masks = kept_by_rule(w, gains, sizes, budget, eps)
    for name, mask in masks.items():
        error = float(np.sum(theory.pruning_error(scaled, np.where(mask, scaled, 0.0), cov)))
        counts = np.sum(mask, axis=1)
        by = sizes if name == "weighted" else None
        bound = theory.soft_sparsity_bound(scaled, counts, cov, sizes=by)
        record[name] = math.sqrt(error / whole)
        record[f"bound_{name}"] = math.sqrt(bound.value / whole)
    record["used_tolerance"] = float(np.sum(masks["tolerance"])) / w.size
    record["needed_tolerance"] = float(np.sum(theory.exact_budget(w, gains, eps))) / w.size
    return record


def output_gains(teacher: HeavyTailed) -> Floats:
    """A_i = |w_i| of the output layer."""
    return np.asarray(np.abs(teacher.network.layers[2].weight[0]))


def kept_by_rule(
    w: Floats, gains: Floats, sizes: Floats, budget: int, tolerance: float
) -> dict[str, np.ndarray[Any, np.dtype[np.bool_]]]:
    """What every rule keeps of `budget` weights; A2 at this tolerance may leave some of it."""
    rows, d = w.shape
    uniform = np.full(rows, budget // rows)
    uniform[: budget % rows] += 1
    counts = {
        "uniform": np.minimum(uniform, d),
        "adaptive": theory.allocate(w, gains, budget, ORDER),
        "tolerance": theory.neuron_budget(w, gains, tolerance),
        "exact": theory.exact_budget(
            w, gains, least_tolerance(w, gains, budget, theory.exact_budget)
        ),
    }
    return {
        **{name: np.asarray(theory.top_entries(w, found)) for name, found in counts.items()},
        "global": theory.global_threshold([w], budget)[0],
        "weighted": theory.global_threshold([w], budget, gains=[gains], sizes=[sizes])[0],
    }


def least_tolerance(w: Floats, gains: Floats, budget: int, rule: Callable[..., Any]) -> float:
    """Least common tolerance, to 1 %, at which the rule keeps no more than `budget` weights."""
    high = float(np.max(gains * np.linalg.norm(w, axis=1)))  # nothing is kept
    low = high * 1e-4
    while high > low * 1.01:
        middle = math.sqrt(low * high)
        if int(np.sum(rule(w, gains, middle))) <= budget:
            high = middle
        else:
            low = middle
    return high


def layer_bound(scaled: Floats, cov: Floats, budget: int) -> float:
    """lam_max(Cov) kappa^2 ||vec||_q^2 at its least over q: T1 for the layer as one row (T8)."""
    tail = theory.stechkin_bound(scaled, budget)
    return float(np.linalg.eigvalsh(cov)[-1]) * float(tail.value) ** 2


def figure(records: Records) -> Any:
    """Errors and bounds against the budget, a panel a tail; the price of the tolerance rule."""
    tails = [tail for tail in TAILS if tail in values(records, "tail")]
    panels = [_errors(where(records, tail=tail), tail) for tail in tails]
    across, prices = values(records, "density"), []
    for tail, colour, marker in styled(records, "tail"):
        mine = where(records, tail=tail)
        prices.append(
            measured(mine, "density", "needed_tolerance", f"needs, {tail}", colour, marker)
        )
    prices.append(Curve("as many as A2 keeps", across, across, "bound", BLACK))
    panels.append(
        Panel(
            "tolerance rule: what it needs", "share kept by A2",
            "least share for A2's tolerance", prices, key="tolerance rule",
        )
    )  # fmt: skip
    return draw(f"{TITLE}\n{BARS}", panels)


def _errors(records: Records, tail: str) -> Panel:
    across = values(records, "density")
    curves = []
    for name, label in (
        ("bound_uniform", "uniform"), ("bound_adaptive", "adaptive"), ("optimum", None)
    ):  # fmt: skip
        y = [float(np.mean([r[name] for r in where(records, density=x)])) for x in across]
        said = f"T7, {RULES[label][0]}" if label else "T1, whole layer"
        colour = RULES[label][1] if label else BLACK
        curves.append(Curve(said, across, y, "bound", colour))
    curves += [
        measured(records, "density", name, label, colour, marker)
        for name, (label, colour, marker) in RULES.items()
    ]
    return Panel(
        f"{tail} weights", "share of the weights kept", "rms error / that of all removed", curves,
        key="rule", limit=1.0, limit_label="nothing kept",
    )  # fmt: skip


STUDY = Study("allocation", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
