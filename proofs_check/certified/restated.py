"""Both sides of the statements again, for :mod:`replay`, in the arithmetic of :mod:`rational`.

:data:`STATEMENTS` gives, of each claim, both sides of its parts, the constants claimed, and what
an instance must meet beyond the ranges of its numbers. This module may import the standard
library, flint and the file ``rational.py`` beside it, nothing else of this package, so that a
mistake there is not repeated here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

try:
    from .rational import (
        Layer,
        count_above,
        degrees,
        exact,
        exact_trace,
        identity,
        least_pivot,
        mixed,
        roots,
        squares,
        tail,
    )
except ImportError:  # run alone
    from rational import (  # type: ignore[import-not-found, no-redef]
        Layer,
        count_above,
        degrees,
        exact,
        exact_trace,
        identity,
        least_pivot,
        mixed,
        roots,
        squares,
        tail,
    )

with contextlib.suppress(ModuleNotFoundError):
    import flint

Parts = list[tuple[str, Any, Any]]


def _b2(layer: Layer, c: Mapping[str, Any]) -> Parts:
    _, used, _ = layer.residual(layer.kept, layer.tau)
    rows = max(1, round((1 - int(layer.theta.p) / int(layer.theta.q)) * layer.z.nrows()))
    read = flint.fmpq_mat(layer.z.table()[:rows])
    error = squares(layer.x * layer.gap(used, layer.tau) * read.transpose()) / layer.n
    factor = exact(c["ridge_factor"])
    claimed, _, _ = layer.residual(layer.kept, [factor * t for t in layer.tau])
    norm = roots(layer.z.transpose() * layer.z)[0].sqrt()
    part = 1 - layer.theta if c["swapped"] else layer.theta
    share = part / norm ** flint.arb(c["norm_power"]) + (1 - part)
    return [("error", error, exact(c["constant"]) * exact_trace(layer.q * claimed) / share)]


def _b6(layer: Layer, c: Mapping[str, Any]) -> Parts:
    _, used, _ = layer.residual(layer.kept, layer.tau)
    gap = layer.gap(used, layer.tau) * layer.z.transpose()
    inside, n = squares(layer.x * gap), layer.n + layer.others.nrows()
    error = (inside + squares(layer.others * gap)) / n
    penalty = exact(c["penalty"]) * layer.at * layer.ridge * squares(gap)
    bound = exact(c["constant"]) * (inside / layer.n + penalty)
    return [("error", error, bound / (1 - exact(c["transfer"]) * layer.at))]


def _d1(layer: Layer, c: Mapping[str, Any]) -> Parts:
    kept = layer.kept
    more = [*kept, *[j for j in range(layer.m) if j not in kept][: layer.k]]
    if c["swapped"]:
        kept, more = more, kept
    before = layer.residual(kept, layer.tau)[0] * exact(c["constant"])
    fall = exact(c["ridge_factor"]) * layer.theta
    lower = layer.residual(kept, [fall * t for t in layer.tau])[0]
    return [("nodes", layer.residual(more, layer.tau)[0], before), ("ridge", lower, before)]


def _d2(layer: Layer, c: Mapping[str, Any]) -> Parts:
    start, s, constant = layer.k + c["first"] - 1, layer.own_residual(), exact(c["constant"])
    return [
        ("input", constant * tail(roots(layer.sigma), start), exact_trace(s)),
        ("mixed", constant * tail(roots(layer.sigma * layer.q), start), exact_trace(layer.q * s)),
    ]


def _d4(layer: Layer, c: Mapping[str, Any]) -> Parts:
    mu, dof = roots(layer.sigma), degrees(layer.sigma, layer.ridge)
    count = count_above(mu, layer.ridge, c["cap"])
    a, b = flint.fmpq(6, 5), flint.arb(0)
    for j, value in enumerate(mu, start=1):
        b = b.max(value * flint.arb(j) ** flint.arb(a))
    power = 6 * (b / layer.ridge) ** flint.arb(1 / a)
    return [
        ("upper", dof, count * exact(c["upper"])),
        ("lower", count * exact(c["lower"]), dof),
        ("power law", dof, power * exact(c["power_constant"])),
    ]


def _d5(layer: Layer, c: Mapping[str, Any]) -> Parts:
    at = layer.at * exact(c["ridge_scale"])
    upper = layer.smoother(at) * (at * exact(c["constant"]))
    return [("mean residual", layer.mean_residual(), upper)]


def _d6(layer: Layer, c: Mapping[str, Any]) -> Parts:
    at, dof = layer.at * exact(c["ridge_scale"]), None if c["by_degrees"] else flint.fmpq(1)
    return [("loss", layer.best_loss(layer.q), mixed(layer, at, dof=dof) * exact(c["constant"]))]


def _d7(layer: Layer, c: Mapping[str, Any]) -> Parts:
    return [("loss", layer.best_loss(layer.q), mixed(layer, layer.at) * exact(c["constant"]))]


def _d8(layer: Layer, c: Mapping[str, Any]) -> Parts:
    factor = flint.arb(exact(c["slope"]) * layer.k + 1) ** flint.arb(c["power"])
    bound = exact(c["constant"]) * factor * tail(roots(layer.sigma), layer.k)
    return [("loss", layer.best_loss(identity(layer.m)), bound)]


def _x1(layer: Layer, c: Mapping[str, Any]) -> Parts:
    dof = degrees(layer.sigma, layer.at) if c["by_degrees"] else flint.fmpq(1)
    mean, third = layer.mean_residual(), exact(3 * c["residual_constant"]) / 3
    return [
        ("mean loss", exact_trace(mean), exact(c["constant"]) * layer.at * dof),
        ("mean residual", mean, layer.smoother(layer.at) * (third * layer.at)),
        ("best J", layer.best_loss(layer.q), mixed(layer, layer.at, flint.fmpq(4, 3))),
    ]


def _x5(layer: Layer, c: Mapping[str, Any]) -> Parts:
    beyond = tail(roots(layer.sigma), layer.k)
    dof = degrees(layer.sigma, layer.ridge * exact(c["ridge_scale"]))
    floor = exact(c["constant"]) * layer.ridge * (dof - layer.k * exact(c["width_factor"]))
    return [
        ("tail", exact(c["tail_constant"]) * beyond, exact_trace(layer.own_residual())),
        ("degrees of freedom", floor, beyond),
    ]


def _x6(layer: Layer, c: Mapping[str, Any]) -> Parts:
    k, m, chosen = layer.k, layer.m, layer.chosen
    total, mean = flint.fmpq(0), flint.fmpq(0)
    for nodes in layer.subsets():
        _, used, volume = layer.residual(nodes, layer.none)
        if volume != 0:
            total += volume
            mean += volume * squares(layer.coefficients(used, layer.none))
    s, _, _ = layer.residual(chosen, layer.none)
    a = layer.coefficients(chosen, layer.none)
    outside = [j for j in range(m) if j not in chosen]
    entries = [abs(a[place, i]) for place in range(k) for i in outside]
    mu = roots(layer.sigma)
    following = mu[k] if k < m else flint.fmpq(0)
    factor = exact(c["uniform_constant"]) * (1 + k * (m - k))
    return [
        ("mean size", mean / total, exact(c["constant"]) * k * (m - k + c["spare"])),
        ("entries", max(entries, default=flint.fmpq(0)), exact(c["entry"])),
        ("all directions", roots(s)[0], factor * following),
    ]


def _x7(layer: Layer, c: Mapping[str, Any]) -> Parts:
    s, constant = layer.own_residual(), exact(c["constant"])
    outputs = exact_trace(layer.z.transpose() * layer.z * s)
    power = roots(layer.z.transpose() * layer.z)[0].sqrt() ** flint.arb(c["norm_power"])
    part = 1 - layer.theta if c["swapped"] else layer.theta
    share = part / power + (1 - part)
    return [
        ("norm", outputs, constant * power * exact_trace(s)),
        ("mixed bound", outputs, constant * exact_trace(layer.q * s) / share),
    ]


def _x8(layer: Layer, c: Mapping[str, Any]) -> Parts:
    n, plain = layer.n, degrees(layer.sigma, layer.ridge)
    mean = flint.fmpq_mat(1, n, [1] * n) * layer.x * flint.fmpq(1, n)
    centred = layer.sigma - mean.transpose() * mean
    own = degrees(centred, layer.ridge * flint.fmpq(n - c["ddof"], n))
    return [
        ("upper", own, exact(c["constant"]) * plain),
        ("lower", plain - exact(c["saved"]), own),
    ]


def _x9(layer: Layer, c: Mapping[str, Any]) -> Parts:
    constant, k, lam = exact(c["constant"]), layer.k, layer.ridge
    dof = {t: degrees(layer.sigma, t * lam) for t in (1, 2, 3)}
    gone = flint.fmpq_mat(layer.x.table()[:k])
    lost = gone.transpose() * gone * flint.fmpq(1, layer.n)
    change = dof[1] - degrees(layer.sigma - lost, lam)
    s = {t: layer.residual(layer.kept, [t * v + (t - 1) * lam for v in layer.tau])[0] for t in dof}
    e = [(-1) ** r * v for r, v in enumerate(reversed(layer.sigma.charpoly().coeffs()))]
    parts: Parts = [
        ("N decreasing", dof[3], constant * dof[1]),
        ("N convex", dof[2], constant * (dof[1] + dof[3]) / 2),
        ("N(lam/c), c N(lam)", dof[1], flint.arb(3) ** flint.arb(c["power"]) * dof[3]),
        ("lam N concave", (dof[1] + 3 * dof[3]) / 2, constant * 2 * dof[2]),
        ("trace norm", change, exact(c["trace_constant"]) * exact_trace(lost) / lam),
        ("rank", change, exact(c["rank_constant"]) * gone.rank()),
        ("N increasing in Sigma", -change, flint.fmpq(0)),
        ("S_J concave in tau", (s[1] + s[3]) * flint.fmpq(1, 2), s[2] * constant),
    ]
    if k < layer.m and e[k + 1] != 0:
        beyond = e[k + 2] if k + 2 <= layer.m else flint.fmpq(0)
        parts.append(("k-DPP mean", (k + 2) * beyond / e[k + 1], (k + 1) * e[k + 1] / e[k]))
    return parts


def _above_volume(layer: Layer) -> bool:
    """lam >= lam_vol(k): sum_j min(1, mu_j/lam) <= k."""
    return bool(layer.at > 0 and count_above(roots(layer.sigma), layer.at) <= layer.k)


def _above(times: int) -> Callable[[Layer], bool]:
    """times N(lam) <= k."""
    return lambda layer: bool(layer.at > 0 and times * degrees(layer.sigma, layer.at) <= layer.k)


def _below_population(layer: Layer) -> bool:
    """Sigma + lam >= (1 - t)(Sigma_P + lam), t < 1."""
    if not 0 <= layer.at < 1:
        return False
    total = layer.sigma * layer.n + layer.others.transpose() * layer.others
    lam = identity(layer.m) * layer.ridge
    population = total * flint.fmpq(1, layer.n + layer.others.nrows()) + lam
    return bool(least_pivot(layer.sigma + lam - population * (1 - layer.at)) > 0)


def _largest(layer: Layer) -> bool:
    """The chosen nodes have the largest volume, which is not 0."""
    volumes = [layer.residual(nodes, layer.none)[2] for nodes in layer.subsets()]
    own = layer.residual(layer.chosen, layer.none)[2]
    return len(layer.chosen) == layer.k and bool(own > 0) and bool(own == max(volumes))


#: Claims: both sides, the constants claimed, and a hypothesis beyond those of every instance.
STATEMENTS: Mapping[str, tuple[Any, Mapping[str, Any], Callable[[Layer], bool] | None]] = {
    "spectral.B2": (
        _b2,
        {"constant": 1.0, "ridge_factor": 1.0, "norm_power": 2.0, "swapped": False},
        None,
    ),
    "spectral.B6": (
        _b6,
        {"constant": 1.0, "transfer": 1.0, "penalty": 1.0},
        _below_population,
    ),
    "spectral.D1": (_d1, {"constant": 1.0, "ridge_factor": 1.0, "swapped": False}, None),
    "spectral.D2": (_d2, {"constant": 1.0, "first": 1}, None),
    "spectral.D4": (_d4, {"upper": 1.0, "lower": 0.5, "cap": 1.0, "power_constant": 1.0}, None),
    "spectral.D5": (_d5, {"constant": 1.0, "ridge_scale": 1.0}, _above_volume),
    "spectral.D6": (
        _d6,
        {"constant": 1.0, "ridge_scale": 1.0, "by_degrees": True},
        _above_volume,
    ),
    "spectral.D7": (_d7, {"constant": 1.0}, _above(2)),
    "spectral.D8": (_d8, {"constant": 1.0, "slope": 1.0, "power": 1.0}, None),
    "spectral.X1": (
        _x1,
        {"constant": 1.0, "residual_constant": 4 / 3, "by_degrees": True},
        _above(1),
    ),
    "spectral.X5": (
        _x5,
        {"constant": 1.0, "tail_constant": 1.0, "width_factor": 1.0, "ridge_scale": 1.0},
        None,
    ),
    "spectral.X6": (
        _x6,
        {"constant": 1.0, "spare": 1, "entry": 1.0, "uniform_constant": 1.0},
        _largest,
    ),
    "spectral.X7": (_x7, {"constant": 1.0, "norm_power": 2.0, "swapped": False}, None),
    "spectral.X8": (_x8, {"constant": 1.0, "saved": 1.0, "ddof": 0}, None),
    "spectral.X9": (
        _x9,
        {"constant": 1.0, "trace_constant": 1.0, "rank_constant": 1.0, "power": 1.0},
        None,
    ),
}
#: Parts that count nodes; the others measure losses.
COUNTS = (
    "upper",
    "lower",
    "power law",
    "N decreasing",
    "N convex",
    "N(lam/c), c N(lam)",
    "lam N concave",
    "trace norm",
    "rank",
    "N increasing in Sigma",
    "mean size",
    "entries",
)
#: Claims that some nodes exist.
EXISTENCE = ("spectral.D6", "spectral.D7", "spectral.D8", "spectral.X1")
