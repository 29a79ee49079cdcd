r"""Where small weights share a sign, sampling drops less spectral norm than magnitude.

W is the 200 x 200 matrix of S9 and 15 % of it is kept. The entries of D = W - Wh are independent,
alike, with mean m and variance v. For magnitude m grows with the coherence; ||D||_2 then follows
the law of a spike (laws.L9): with s = m sqrt(n/v), it is 2 sqrt(nv) up to s = 1, and sqrt(nv)
(s + 1/s) beyond. Unbiased sampling (B2) has m = 0 and a larger v; magnitude with the mean of D
removed (a rank-one correction) has m = 0 and the smaller v. Magnitude and sampling cross at
coherence .57, and at .49 with 5 % large entries (S9).

What the layer's sums see (S8): E ||D x||^2 of inputs x = relu(N(0, 1)), before and after the bias
fix b + D E x, which takes the mean part away.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.coherent_weights import MODEST, coherent_weights
from pruneproof.simulations.figures import BLACK, BLUE, GREEN, GREY, VERMILLION, Curve, Panel, draw

from ..study import Study
from .curves import BARS, Records, measured, values, where

SIZE, KEPT = 200, 0.15
#: Mean and variance of relu(N(0, 1)).
MEAN, VARIANCE = 1.0 / math.sqrt(2.0 * math.pi), 0.5 - 0.5 / math.pi
TITLE = f"Coherent weights, {SIZE} x {SIZE}, {KEPT:.0%} kept"
GRID: dict[str, list[Any]] = {
    "large": [0.1, 0.05],
    "coherence": [0.0, 0.2, 0.4, 0.5, 0.6, 0.8, 1.0],
}
REPLICATES = 20
QUICK: dict[str, Any] = {"grid": {**GRID, "coherence": [0.0, 0.5, 1.0]}, "replicates": 3}
#: Colour, marker and name of what is compared.
METHODS = {
    "magnitude": (VERMILLION, "s", "magnitude"),
    "sampled": (BLUE, "o", "threshold-poisson sampling"),
    "corrected": (GREEN, "^", "magnitude, mean removed"),
}


def replicate(parameters: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """||D||_2 of three methods, and the error of the sums of two, before and after bias fix."""
    w = coherent_weights(
        parameters["coherence"], size=SIZE, small=1.0 - parameters["large"], rng=rng
    )
    kept = math.floor(KEPT * w.size)
    pruned = theory.sparsify(w, kept, method="magnitude")
    sampled = theory.threshold_poisson(w, kept, rng=rng)
    after = {
        "magnitude": pruned, "sampled": sampled, "corrected": theory.mean_removed(w, pruned)
    }  # fmt: skip
    record = {name: float(np.linalg.norm(w - wh, 2)) for name, wh in after.items()}
    cov, mean = VARIANCE * np.eye(SIZE), np.full(SIZE, MEAN)
    signal = theory.layer_error(w, cov, mean)
    for name in ("magnitude", "sampled"):
        d = w - after[name]
        record[f"sums_{name}"] = math.sqrt(theory.layer_error(d, cov, mean) / signal)
        record[f"fixed_{name}"] = math.sqrt(theory.layer_error(d, cov) / signal)
    return record


def below(size: float, large: float) -> tuple[float, float, float]:
    """P(|w| < size), and the means of |w| and w^2 there, of an entry of the model."""
    u, tail = min(size, MODEST), math.exp(-(size**2) / 2.0)
    share = math.erf(size / math.sqrt(2.0))
    return (
        (1.0 - large) * u / MODEST + large * share,
        (1.0 - large) * u**2 / (2.0 * MODEST) + large * math.sqrt(2.0 / math.pi) * (1.0 - tail),
        (1.0 - large) * u**3 / (3.0 * MODEST)
        + large * (share - size * math.sqrt(2.0 / math.pi) * tail),
    )


def dropped_law(method: str, coherence: float, large: float) -> tuple[float, float]:
    """Mean and variance of an entry of D, of many entries."""
    from scipy.optimize import brentq

    if method == "sampled":  # values sign(w) tau with probability |w|/tau (B2)
        tau = brentq(lambda t: 1.0 - below(t, large)[0] + below(t, large)[1] / t - KEPT, 1e-6, 9.0)
        _, first, second = below(tau, large)
        return 0.0, tau * first - second
    t = brentq(lambda t: 1.0 - below(t, large)[0] - KEPT, 1e-6, 9.0)
    mean = coherence * (1.0 - large) * min(t, MODEST) ** 2 / (2.0 * MODEST)
    variance = below(t, large)[2] - mean**2
    return (0.0 if method == "corrected" else mean), variance


def norm_law(method: str, coherence: float, large: float) -> float:
    """||D||_2 of a large matrix, by the law of a spike in noise (laws.L9)."""
    mean, variance = dropped_law(method, coherence, large)
    spike = SIZE * mean**2 / variance
    top = theory.spike_location(1.0 + spike, 1.0) if spike > 1.0 else 4.0
    return math.sqrt(SIZE * variance * top)


def crossover_law(large: float) -> float:
    """Coherence at which magnitude and sampling drop the same norm, by their laws."""
    from scipy.optimize import brentq

    def excess(coherence: float) -> float:
        return norm_law("magnitude", coherence, large) - norm_law("sampled", coherence, large)

    return float(brentq(excess, 0.0, 1.0))


def crossover(records: Records) -> float | None:
    """The same of measured means, between two conditions; None if they do not cross."""
    across = values(records, "coherence")
    gaps = [
        float(np.mean([r["magnitude"] - r["sampled"] for r in where(records, coherence=c)]))
        for c in across
    ]
    for place in range(len(across) - 1):
        low, high = gaps[place : place + 2]
        if low < 0.0 <= high:
            return float(np.interp(0.0, [low, high], across[place : place + 2]))
    return None


def sums_law(method: str, coherence: float, large: float, *, fixed: bool) -> float:
    """Root mean squared error of the sums over their size, of many entries (S8)."""
    mean, variance = dropped_law(method, coherence, large)
    own = coherence * (1.0 - large) * MODEST / 2.0
    signal = _square(own, below(40.0, large)[2] - own**2, MEAN)
    return math.sqrt(_square(mean, variance, 0.0 if fixed else MEAN) / signal)


def _square(mean: float, variance: float, offset: float) -> float:
    """E (d . x)^2 of a row d of such entries, x of variance VARIANCE and mean `offset`."""
    second = VARIANCE * (variance + mean**2) + offset**2 * variance
    return SIZE * second + (SIZE * mean * offset) ** 2


def figure(records: Records) -> Any:
    """Norms against the coherence, a panel a share of large entries; errors of the sums."""
    panels = []
    found = values(records, "coherence")
    across = [float(c) for c in np.linspace(found[0], found[-1], 81)]
    for large in values(records, "large")[::-1]:
        mine = where(records, large=large)
        curves = []
        for name, (colour, marker, label) in METHODS.items():
            law = [norm_law(name, c, large) for c in across]
            curves += [
                Curve("law of each (L9)", across, law, "law", colour),
                measured(mine, "coherence", name, label, colour, marker),
            ]
        place, met = crossover_law(large), crossover(mine)
        level = norm_law("sampled", place, large)
        curves.append(Curve("crossover of the laws", [place] * 2, [0.0, level], "floor", BLACK))
        said = "" if met is None else f"{met:.2f}, "
        title = f"{large:.0%} large; crossover {said}by law {place:.2f}"
        y = r"spectral norm of the error $||D||_2$"
        panels.append(
            Panel(title, "coherence", y, curves, y_log=False, x_log=False, key="spectral norm")
        )
    large = max(values(records, "large"))
    panels.append(_sums(where(records, large=large), large, across))
    return draw(f"{TITLE}\n{BARS}", panels)


def _sums(records: Records, large: float, across: list[float]) -> Panel:
    curves = []
    for name, entry, colour, marker, fixed in (
        ("magnitude", "sums_magnitude", VERMILLION, "s", False),
        ("sampled", "sums_sampled", BLUE, "o", False),
        ("magnitude", "fixed_magnitude", BLACK, "v", True),
        ("sampled", "fixed_sampled", GREY, "D", True),
    ):
        law = [sums_law(name, c, large, fixed=fixed) for c in across]
        label = f"{METHODS[name][2]}{', bias fixed' if fixed else ''}"
        curves += [
            Curve("law of each (S8)", across, law, "law", colour),
            measured(records, "coherence", entry, label, colour, marker),
        ]
    return Panel(
        f"the layer's sums, {large:.0%} large",
        "coherence",
        "rms error of the sums / rms of the sums",
        curves,
        x_log=False,
        y_log=False,
        key="error of the sums",
    )


STUDY = Study("coherence-crossover", replicate, GRID, REPLICATES, TITLE, figure, QUICK)
