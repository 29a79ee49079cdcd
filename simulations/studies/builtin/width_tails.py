r"""Widths of neurons on a sphere: how fast k functions come to serve all of them, by dimension.

sigma(v.x), v and x uniform on S^{D-1}. No k functions leave the mean neuron less than the tail
sum_{j > k} mu_j of the kernel's eigenvalues, and no neurons drawn at random leave any neuron less
on average (sparsity.III-1 to III-3). Kinks cost k^{-3/(D-1)}, steps k^{-1/(D-1)}: the curse of
dimension. Smooth neurons escape it until k reaches the degrees that their steepness needs.

Points: a family of as many neurons as inputs. Its best k functions fit the sample as well, so they
lie below the law, by a factor near (1 - k/samples)^2 where k ends a degree; neurons drawn lie
above.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.figures import Curve, Panel, draw

from ..study import Study
from .curves import BARS, Records, means, measured, styled, values, where
from .layers import Floats

TITLE = "Neurons on a sphere: what the best k functions, and k random neurons, leave of them"
#: Name, activation and gain.
NEURONS: dict[str, tuple[str, float]] = {
    "relu": ("relu", 1.0),
    "sign": ("sign", 1.0),
    "tanh 1": ("tanh", 1.0),
    "tanh 10": ("tanh", 10.0),
}
GRID: dict[str, list[Any]] = {
    "neuron": list(NEURONS),
    "dimension": [2, 3, 5, 10],
    "samples": [1500],
}
REPLICATES = 6
QUICK: dict[str, Any] = {
    "grid": {"neuron": ["relu", "tanh 1"], "dimension": [2, 5], "samples": [300]},
    "replicates": 3,
}
#: Numbers of functions, all of one sample.
WIDTHS = (1, 2, 4, 8, 16, 32, 64)
PANELS = {
    "relu": "a kink: relu(v·x)",
    "sign": "a step: sign(v·x)",
    "tanh 1": "smooth: tanh(v·x)",
    "tanh 10": "steep but smooth: tanh(10 v·x)",
}
#: Slope of the tail times D - 1.
POWERS = {"relu": -3.0, "sign": -1.0}
#: Widths up to which the theory is drawn, the least share of the energy that it shows, and the
#: least that eigenvalues of a Gram matrix tell from rounding.
FARTHEST, LEAST, TOLD = 1e4, 1e-16, 1e-12


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """Mean squared distance to the sample's best k functions, and to k neurons drawn afresh."""
    activation, gain = NEURONS[parameters["neuron"]]
    d, n = int(parameters["dimension"]), int(parameters["samples"])
    x, v, drawn = (_sphere(size, d, rng) for size in (n, n, WIDTHS[-1]))
    neurons = _applied(activation, gain * (x @ v.T))
    features = _applied(activation, gain * (x @ drawn.T))
    spectrum = theory.decompose(neurons.T @ neurons / neurons.size, vectors=False)
    best = {f"best_{k}": theory.tail_sum(spectrum, k) for k in WIDTHS}
    left = [theory.neuron_distances(neurons, features[:, :k]) for k in WIDTHS]
    return best | {f"random_{k}": float(np.mean(found)) for k, found in zip(WIDTHS, left)}


def by_width(records: Records) -> Records:
    """One record for each number of functions."""
    return [
        {**record, "width": k, "best": record[f"best_{k}"], "random": record[f"random_{k}"]}
        for record in records
        for k in WIDTHS
    ]


def _sphere(n: int, d: int, rng: np.random.Generator) -> Floats:
    x = rng.standard_normal((n, d))
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True))


def _applied(activation: str, u: Floats) -> Floats:
    if activation == "relu":
        return np.maximum(u, 0.0)
    return np.asarray(np.sign(u) if activation == "sign" else np.tanh(u))


def tail(neuron: str, dimension: int, width: int, *, least: float = LEAST) -> float | None:
    """The theory's tail; None where it is below this share of the energy."""
    activation, gain = NEURONS[neuron]
    whole = theory.neuron_width_tail(dimension, 0, activation, gain=gain)
    try:
        found = theory.neuron_width_tail(dimension, width, activation, gain=gain)
    except theory.InapplicableError:
        return None
    return found if found > least * whole else None


def figure(records: Records) -> Any:
    """Tails against the number of functions, a panel a neuron."""
    panels, records = [], by_width(records)
    for neuron in [name for name in NEURONS if name in values(records, "neuron")]:
        mine = where(records, neuron=neuron)
        curves = [
            curve
            for d, colour, marker in styled(mine, "dimension")
            for curve in _curves(where(mine, dimension=d), neuron, d, colour, marker)
        ]
        panels.append(
            Panel(
                PANELS[neuron],
                "functions k",
                "mean squared distance",
                curves,
                x_base=10,
                key="neurons on a sphere",
            )
        )
    return draw(f"{TITLE}\n{BARS}", panels)


def _curves(mine: Records, neuron: str, d: int, colour: str, marker: str) -> list[Curve]:
    ks = np.unique(np.geomspace(1, FARTHEST, 49).round()).astype(int)
    law = [tail(neuron, d, int(k)) for k in ks]
    curves = [Curve(f"tail, D = {d}", list(ks), law, "law", colour)]
    if neuron in POWERS:
        slope, last = POWERS[neuron] / (d - 1), law[-1]
        assert last is not None
        line = [last * (k / ks[-1]) ** slope for k in ks]
        shown = [y if y < 2 * (law[0] or math.inf) else None for y in line]
        curves.append(Curve("slope -3/(D-1); -1/(D-1) of sign", list(ks), shown, "floor", colour))
    seen = {k for k in WIDTHS if tail(neuron, d, k, least=TOLD) is not None}
    told = [record for record in mine if record["width"] in seen]
    if told:
        curves.append(measured(told, "width", "best", f"best functions, D = {d}", colour, marker))
        # a few draws decide the mean where nearly all neurons are served: shown where it is known
        found = zip(*means(told, "width", "random"))
        known = [row for row in found if not isinstance(row[2], float) or row[2] < row[1]]
        across, centres, bars = (list(column) for column in zip(*known))
        name = f"neurons drawn, D = {d}"
        curves.append(Curve(name, across, centres, "measured", colour, "+", bars))
    return curves


STUDY = Study("width-tails", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
