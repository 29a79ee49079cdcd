r"""Heavy-tailed teachers after their small weights are removed, with no training.

Teachers 20-100-100-1 (ReLU, linear output; every row of weights has l1 length 5, its entries
Gaussian, Student t with 3 degrees of freedom, or Cauchy before; biases N(0, 1)). All three weights
lose entries: the same share of every neuron; as much as A3 gives each neuron of a layer (q = 1/2);
what is smallest in the whole network by |w|, or by |w| times the root mean square of its input
(A4). Then the bias takes up D mu, mu the mean input of the original network (A7), or does not. The
error is the output's root mean square over the outputs' standard deviation, on the 4000 inputs
behind all means. Beside it T6 (A), the bound that adds up what every layer loses.

Teachers differ so much that medians are compared, with bootstrap intervals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.figures import (
    BLACK,
    BLUE,
    GREEN,
    PURPLE,
    VERMILLION,
    Curve,
    Panel,
    draw,
)
from pruneproof.simulations.teachers import HeavyTailed
from pruneproof.simulations.teachers.heavy_tails import TAILS
from pruneproof.theory import Dense, Network, WeightCompression

from ..study import Study
from .curves import Records, styled, values, where
from .layers import Floats

INPUTS, WIDTHS, LENGTH, SAMPLES = 20, (100, 100), 5.0, 4000
TITLE = "Pruned heavy-tailed teachers 20-100-100-1, no training"
GRID: dict[str, list[Any]] = {"tail": list(TAILS), "density": [0.25, 0.5]}
REPLICATES = 100
QUICK: dict[str, Any] = {"replicates": 3}
#: Name, colour, marker, and the method and scope of `prune_weights`.
RULES = {
    "uniform": ("same share of every neuron", BLUE, "o", "magnitude", "neuron"),
    "adaptive": ("A3 in each layer", GREEN, "^", "adaptive", "layer"),
    "global": ("global |w|", VERMILLION, "s", "magnitude", "global"),
    "weighted": ("global |w| rms", PURPLE, "D", "weighted-magnitude", "global"),
}
#: Stated medians of 100 teachers, by tail and density: each rule without and with the bias fix.
STATED: dict[tuple[str, float], dict[str, tuple[float, float]]] = {
    condition: dict(zip(RULES, medians))
    for condition, medians in {
        ("normal", 0.5): ((0.689, 0.497), (0.693, 0.500), (0.795, 0.476), (0.688, 0.518)),
        ("t3", 0.5): ((0.477, 0.355), (0.479, 0.359), (0.453, 0.337), (0.440, 0.357)),
        ("cauchy", 0.5): ((0.139, 0.129), (0.120, 0.107), (0.078, 0.061), (0.051, 0.044)),
        ("normal", 0.25): ((1.34, 0.852), (1.34, 0.851), (1.54, 0.869), (1.18, 0.854)),
        ("t3", 0.25): ((0.873, 0.679), (0.882, 0.677), (1.04, 0.682), (0.886, 0.681)),
        ("cauchy", 0.25): ((0.330, 0.308), (0.307, 0.284), (0.234, 0.190), (0.150, 0.136)),
    }.items()
}


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """Errors of one teacher by every rule, ``_fixed`` with the bias fix, ``_bound`` T6 (A) of it.

    All over the standard deviation of the outputs. ``sparsity`` is the mean over neurons of the
    tail sparsity index of order 1/2.
    """
    teacher = HeavyTailed.random(INPUTS, WIDTHS, parameters["tail"], length=LENGTH, rng=rng)
    network, x = teacher.network, teacher.inputs(SAMPLES, rng=rng)
    spread = float(np.std(np.asarray(network.forward(x))))
    rows = [row for layer in network.layers for row in np.asarray(layer.weight)]
    indices = [theory.tail_sparsity_index(row, 0.5) for row in rows]
    record = {"sparsity": float(np.mean(indices))}
    for name, (_, _, _, method, scope) in RULES.items():
        found = theory.prune_weights(
            network, x, parameters["density"], method=method, scope=scope, bias_fix=True
        )
        record |= {
            name: theory.output_error(network, unfixed(found), x) / spread,
            f"{name}_fixed": found.output_error / spread,
            f"{name}_bound": found.error_bound.value / spread,
        }
    return record


def unfixed(found: WeightCompression) -> Network:
    """The pruned weights with the original biases."""
    pairs = zip(found.original.layers, found.network.layers)
    return Network([Dense(new.weight, old.bias, old.activation) for old, new in pairs])


def median(entries: Sequence[float]) -> tuple[float, float, float]:
    """Median, and the 2.5 % and 97.5 % points of its bootstrap distribution (2000 resamples)."""
    y = np.asarray(entries, dtype=np.float64)
    draws = np.random.default_rng(0).integers(y.size, size=(2000, y.size))
    low, high = np.quantile(np.median(y[draws], axis=1), [0.025, 0.975])
    return float(np.median(y)), float(low), float(high)


def figure(records: Records) -> Any:
    """Median errors against the share of kept weights, a panel a tail; the bound over the error."""
    panels = [
        _errors(where(records, tail=tail), tail)
        for tail in TAILS
        if tail in values(records, "tail")
    ]
    across = values(records, "density")
    ratios = [Curve("error", [across[0], across[-1]], [1.0, 1.0], "law", BLACK)]
    for tail, colour, marker in styled(records, "tail"):
        group = where(records, tail=tail)
        points = [
            [r["uniform_bound"] / r["uniform_fixed"] for r in where(group, density=x)]
            for x in across
        ]
        ratios.append(_joined(f"bound, {tail}", across, points, "joined", colour, marker))
    panels.append(
        Panel(
            "same share of every neuron, bias fixed", "share of the weights kept",
            "bound T6 (A) / error", ratios, x_log=False, key="bound / error",
        )
    )  # fmt: skip
    subtitle = "points: medians over teachers; bars: 95 % bootstrap intervals; lines: stated"
    return draw(f"{TITLE}\n{subtitle}", panels)


def _errors(records: Records, tail: str) -> Panel:
    across = values(records, "density")
    stated = sorted(density for known, density in STATED if known == tail)
    curves = []
    for name, (label, colour, marker, _, _) in RULES.items():
        for fixed, end in ((False, ""), (True, "_fixed")):
            wanted = [STATED[tail, density][name][fixed] for density in stated]
            points = [[r[f"{name}{end}"] for r in where(records, density=x)] for x in across]
            line = Curve("stated", stated, wanted, "law", colour, faint=not fixed)
            said = f"{label}, bias fixed" if fixed else label
            dots = _joined(said, across, points, "measured", colour, marker, faint=not fixed)
            curves += [line, dots]
    return Panel(
        f"{tail} weights", "share of the weights kept", "rms error / std of the outputs", curves,
        x_log=False, y_log=False, key="rule",
    )  # fmt: skip


def _joined(
    label: str, x: Any, points: Any, kind: Any, colour: str, marker: str, *, faint: bool = False
) -> Curve:
    """Curve of medians with the reach of their intervals."""
    found = [median(entries) for entries in points]
    bars = [(max(0.0, m - low), max(0.0, high - m)) for m, low, high in found]
    return Curve(label, x, [m for m, _, _ in found], kind, colour, marker, bars, faint)


def table(records: Records) -> list[tuple[Any, ...]]:
    """Rows (tail, density, then of every rule the medians without and with the bias fix).

    Each is written median (stated) [interval].
    """
    rows = []
    for tail, density in STATED:
        mine = where(records, tail=tail, density=density)
        if not mine:
            continue
        cells = []
        for name in RULES:
            for entry, stated in zip((name, f"{name}_fixed"), STATED[tail, density][name]):
                found, low, high = median([record[entry] for record in mine])
                cells.append(f"{found:.3g} ({stated:.3g}) [{low:.3g}, {high:.3g}]")
        rows.append((tail, f"{density:.0%}", *cells))
    return rows


def mean_sparsity(records: Records) -> dict[str, Floats]:
    """Mean tail sparsity index of every teacher, by tail."""
    return {
        tail: np.array([r["sparsity"] for r in where(records, tail=tail)])
        for tail in values(records, "tail")
    }


STUDY = Study("soft-sparsity", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
