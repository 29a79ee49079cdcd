r"""Widths of neurons on a sphere: how fast k functions come to serve all of them, by dimension.

sigma(v.x), v and x uniform on S^{D-1}. No k functions leave the mean neuron less than the tail
sum_{j > k} mu_j of the kernel's eigenvalues, and no neurons drawn at random leave any neuron less
on average (sparsity.III-1 to III-3). Kinks cost k^{-3/(D-1)}, steps k^{-1/(D-1)}: the curse of
dimension. Smooth neurons escape it until k reaches the degrees that their steepness needs.

Points: a family of as many neurons as inputs. Its best k functions fit the sample as well, so they
lie below the law by a share of order k/(number of neurons) at least; neurons drawn lie above.
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

SAMPLES = 500
TITLE = f"Neurons on a sphere that k functions do not serve; {SAMPLES} inputs, {SAMPLES} neurons"
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
    "width": [1, 2, 4, 8, 16, 32, 64],
}
REPLICATES = 6
QUICK: dict[str, Any] = {
    "grid": {"neuron": ["relu", "tanh 1"], "dimension": [2, 5], "width": [2, 8, 32]},
    "replicates": 3,
}
PANELS = {
    "relu": "a kink: relu(v·x)",
    "sign": "a step: sign(v·x)",
    "tanh 1": "smooth: tanh(v·x)",
    "tanh 10": "steep but smooth: tanh(10 v·x)",
}
#: Slope of the tail times D - 1.
POWERS = {"relu": -3.0, "sign": -1.0}
#: Widths up to which the theory is drawn, and the least share of the energy shown.
FARTHEST, LEAST = 1e4, 1e-16


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """Mean squared distance to the sample's best k functions, and to k neurons drawn afresh."""
    activation, gain = NEURONS[parameters["neuron"]]
    d, k = int(parameters["dimension"]), int(parameters["width"])
    x, v, drawn = (_sphere(n, d, rng) for n in (SAMPLES, SAMPLES, k))
    neurons = _applied(activation, gain * (x @ v.T))
    features = _applied(activation, gain * (x @ drawn.T))
    return {
        "best": theory.average_width(neurons, k),
        "random": float(np.mean(theory.neuron_distances(neurons, features))),
    }


def _sphere(n: int, d: int, rng: np.random.Generator) -> Floats:
    x = rng.standard_normal((n, d))
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True))


def _applied(activation: str, u: Floats) -> Floats:
    if activation == "relu":
        return np.maximum(u, 0.0)
    return np.asarray(np.sign(u) if activation == "sign" else np.tanh(u))


def tail(neuron: str, dimension: int, width: int) -> float | None:
    """The theory's tail; None where it is too small to tell or to show."""
    activation, gain = NEURONS[neuron]
    whole = theory.neuron_width_tail(dimension, 0, activation, gain=gain)
    try:
        found = theory.neuron_width_tail(dimension, width, activation, gain=gain)
    except theory.InapplicableError:
        return None
    return found if found > LEAST * whole else None


def figure(records: Records) -> Any:
    """Tails against the number of functions, a panel a neuron."""
    panels = []
    for neuron in [name for name in NEURONS if name in values(records, "neuron")]:
        mine = where(records, neuron=neuron)
        curves = [
            curve
            for d, colour, marker in styled(mine, "dimension")
            for curve in _curves(where(mine, dimension=d), neuron, d, colour, marker)
        ]
        panels.append(
            Panel(
                f"{neuron.split()[0]}({neuron.split()[1]} v·x)"
                if " " in neuron
                else f"{neuron}(v·x)",
                "functions k",
                "mean squared distance",
                curves,
                x_base=10,
                key="neurons on a sphere",
            )
        )
    return draw(f"{TITLE}\n{BARS}", panels)


def _curves(mine: Records, neuron: str, d: int, colour: str, marker: str) -> list[Curve]:
    ks = np.unique(np.geomspace(1, FARTHEST, 61).round()).astype(int)
    law = [tail(neuron, d, int(k)) for k in ks]
    curves = [Curve(f"tail, D = {d}", list(ks), law, "law", colour)]
    if neuron in POWERS:
        slope, last = POWERS[neuron] / (d - 1), law[-1]
        assert last is not None
        line = [last * (k / ks[-1]) ** slope for k in ks]
        shown = [y if y < 2 * (law[0] or math.inf) else None for y in line]
        curves.append(Curve("slope -3/(D-1); -1/(D-1) of sign", list(ks), shown, "floor", colour))
    told = [r for r in mine if tail(neuron, d, int(r["width"])) is not None]
    if told:
        curves.append(
            measured(told, "width", "best", f"best functions, D = {d}", colour, marker),
        )
    # a few draws decide the mean where nearly all neurons are served: shown where it is known
    for k, centre, bar in zip(*means(told, "width", "random")):
        if not isinstance(bar, float) or bar < centre:
            name = f"neurons drawn, D = {d}"
            curves.append(Curve(name, [k], [centre], "measured", colour, "+", [bar]))
    return curves


STUDY = Study("width-tails", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
