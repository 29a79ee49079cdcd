"""Both sides of the statements again, in rationals, from an instance's raw numbers.

The numbers are dyadic, so all but eigenvalues is computed exactly, and by other formulas than
balls are:

    N(lam)          from the characteristic polynomial p of Sigma, m + lam p'(-lam)/p(-lam)
    S_J             node by node, S - S_.j S_j. / (S_jj + tau_j), nodes with nothing left skipped
    E S_J           by listing all subsets with their volumes
    eigenvalues     as isolated roots of characteristic polynomials, at flint's precision
    A <= B          by exact elimination

:data:`STATEMENTS` gives, of each claim, both sides of its parts, the constants claimed, and what
an instance must meet beyond the ranges of its numbers. This module may import the standard library
and flint, nothing of this package, so that a mistake there is not repeated here.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

with contextlib.suppress(ModuleNotFoundError):
    import flint

#: No more subsets than these are listed.
LISTED = 20_000


class Wrong(Exception):
    """What is wrong with a certificate."""


def exact(number: float) -> Any:
    """A float64 number, exactly."""
    return flint.fmpq(*float(number).as_integer_ratio())


def identity(m: int) -> Any:
    """Identity matrix."""
    return flint.fmpq_mat(m, m, [int(i == j) for i in range(m) for j in range(m)])


def least_pivot(a: Any) -> Any:
    """The smallest pivot where all are positive, else the first that is not."""
    least = None
    for i in range(a.nrows()):
        pivot = a[i, i]
        if pivot <= 0:
            return pivot
        least = pivot if least is None or pivot < least else least
        a = eliminated(a, i, pivot)
    return least


def eliminated(a: Any, i: int, pivot: Any) -> Any:
    """A - A_.i A_i. / pivot."""
    column = flint.fmpq_mat(a.nrows(), 1, [a[r, i] for r in range(a.nrows())])
    return a - column * column.transpose() * (1 / pivot)


class Layer:
    """Raw numbers of an instance, exactly, and what follows from them."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        def number(text: str) -> Any:
            return exact(float.fromhex(text))

        def table(rows: Sequence[Sequence[str]]) -> Any:
            return flint.fmpq_mat([[number(v) for v in row] for row in rows])

        self.x, self.z = table(told["features"]), table(told["output_weights"])
        self.n, self.m = self.x.nrows(), self.x.ncols()
        self.kept, self.chosen = [int(j) for j in told["kept"]], [int(j) for j in told["chosen"]]
        self.k = len(self.kept)
        self.tau = [number(v) for v in told["node_ridge"]]
        self.ridge, self.at = number(told["ridge"]), number(told["at"])
        self.theta = number(told["theta"])
        self._check()
        self.sigma = self.x.transpose() * self.x * flint.fmpq(1, self.n)
        self.trace = exact_trace(self.sigma)
        self.q = self.z.transpose() * self.z * (1 - self.theta) + identity(self.m) * self.theta
        self.none = [flint.fmpq(0)] * self.m

    def _check(self) -> None:
        for nodes in (self.kept, self.chosen):
            if len(set(nodes)) < len(nodes) or not all(0 <= j < self.m for j in nodes):
                raise Wrong(f"{nodes} are no distinct nodes of {self.m}")
        ok = self.ridge > 0 and 0 <= self.theta <= 1 and self.at >= 0
        ok = ok and len(self.tau) == self.m and all(t >= 0 for t in self.tau)
        if not ok or self.z.ncols() != self.m or len(self.chosen) not in (0, self.k):
            raise Wrong("the instance is outside the hypotheses of every claim")

    def residual(self, nodes: Iterable[int], tau: Sequence[Any]) -> tuple[Any, list[int], Any]:
        """S_J, the nodes that were not explained already, and the product of the pivots."""
        used: list[int] = []
        s, volume = self.sigma, flint.fmpq(1)
        for j in nodes:
            pivot = s[j, j] + tau[j]
            volume *= pivot
            if pivot != 0:
                s, used = eliminated(s, j, pivot), [*used, j]
        return s, used, volume

    def own_residual(self) -> Any:
        """S_J of the kept nodes with their ridges."""
        return self.residual(self.kept, self.tau)[0]

    def subsets(self) -> list[tuple[int, ...]]:
        """All subsets of k nodes."""
        if math.comb(self.m, self.k) > LISTED:
            raise Wrong(f"{math.comb(self.m, self.k)} subsets are too many to list")
        return list(itertools.combinations(range(self.m), self.k))

    def mean_residual(self) -> Any:
        """E S_J of volume sampling."""
        total, mean = flint.fmpq(0), self.sigma * 0
        for nodes in self.subsets():
            s, _, volume = self.residual(nodes, self.none)
            total, mean = total + volume, mean + s * volume
        if total == 0:
            raise Wrong(f"no {self.k} nodes are independent")
        return mean * (1 / total)

    def best_loss(self, quadratic: Any) -> Any:
        """Loss of the chosen nodes, or the least of all subsets."""
        subsets = [tuple(self.chosen)] if self.chosen else self.subsets()
        return min(exact_trace(quadratic * self.residual(j, self.none)[0]) for j in subsets)

    def smoother(self, ridge: Any) -> Any:
        """H_lam = I - lam (Sigma + lam)^{-1}."""
        one = identity(self.m)
        return one - (self.sigma + one * ridge).inv() * ridge


def exact_trace(a: Any) -> Any:
    """Trace of a rational matrix."""
    return sum((a[i, i] for i in range(a.nrows())), flint.fmpq(0))


def degrees(sigma: Any, ridge: Any) -> Any:
    """N = sum mu/(mu + lam) = m + lam p'(-lam)/p(-lam)."""
    p = sigma.charpoly()
    return sigma.nrows() + ridge * p.derivative()(-ridge) / p(-ridge)


def roots(a: Any) -> list[Any]:
    """Eigenvalues, all real, in descending order."""
    found = [r.real for r, times in a.charpoly().numer().complex_roots() for _ in range(times)]
    return sorted(found, key=lambda value: value.mid().fmpq(), reverse=True)


def tail(values: Sequence[Any], k: int) -> Any:
    """sum_{i>k} mu_i."""
    return sum(values[k:], flint.arb(0))


def count_above(values: Sequence[Any], ridge: Any, cap: Any = 1) -> Any:
    """sum_j min(cap, mu_j/lam)."""
    return sum((flint.arb(cap).min(mu / ridge) for mu in values), flint.arb(0))


def mixed(layer: Layer, ridge: Any, output_constant: Any = 1, dof: Any = None) -> Any:
    """lam [theta N + c (1 - theta) N']."""
    inputs = degrees(layer.sigma, ridge) if dof is None else dof
    outputs = exact_trace(layer.z * layer.smoother(ridge) * layer.z.transpose())
    return ridge * (layer.theta * inputs + output_constant * (1 - layer.theta) * outputs)


Parts = list[tuple[str, Any, Any]]


def _b2(layer: Layer, c: Mapping[str, Any]) -> Parts:
    _, used, _ = layer.residual(layer.kept, layer.tau)
    x = layer.x.table()
    columns = flint.fmpq_mat([[row[j] for j in used] for row in x])
    block = columns.transpose() * columns * flint.fmpq(1, layer.n)
    for place, j in enumerate(used):
        block[place, place] += layer.tau[j]
    a = block.solve(columns.transpose() * layer.x * flint.fmpq(1, layer.n))
    rows = max(1, round((1 - int(layer.theta.p) / int(layer.theta.q)) * layer.z.nrows()))
    read = flint.fmpq_mat(layer.z.table()[:rows])
    gap = (layer.x - columns * a) * read.transpose()
    error = sum((v * v for v in gap.entries()), flint.fmpq(0)) / layer.n
    factor = exact(c["ridge_factor"])
    claimed, _, _ = layer.residual(layer.kept, [factor * t for t in layer.tau])
    norm = roots(layer.z.transpose() * layer.z)[0].sqrt()
    part = 1 - layer.theta if c["swapped"] else layer.theta
    share = part / norm ** flint.arb(c["norm_power"]) + (1 - part)
    return [("error", error, exact(c["constant"]) * exact_trace(layer.q * claimed) / share)]


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


#: Claims: both sides, the constants claimed, and a hypothesis beyond those of every instance.
STATEMENTS: Mapping[str, tuple[Any, Mapping[str, Any], Callable[[Layer], bool] | None]] = {
    "spectral.B2": (
        _b2,
        {"constant": 1.0, "ridge_factor": 1.0, "norm_power": 2.0, "swapped": False},
        None,
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
)
#: Claims that some nodes exist.
EXISTENCE = ("spectral.D6", "spectral.D7", "spectral.D8", "spectral.X1")
