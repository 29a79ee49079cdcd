"""The quantities of one layer again, in rationals, from an instance's raw numbers.

The numbers are dyadic, so all but eigenvalues is computed exactly, and by other formulas than
balls are:

    N(lam)          from the characteristic polynomial p of Sigma, m + lam p'(-lam)/p(-lam)
    S_J             node by node, S - S_.j S_j. / (S_jj + tau_j), nodes with nothing left skipped
    E S_J           by listing all subsets with their volumes
    eigenvalues     as isolated roots of characteristic polynomials, at flint's precision
    A <= B          by exact elimination

This module may import the standard library
and flint, nothing of this package, so that a mistake there is not repeated here.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

with contextlib.suppress(ModuleNotFoundError):
    import flint

#: No more subsets than these are listed, nor more numbers eliminated for them.
LISTED, ELIMINATED = 20_000, 2**24
#: Most nodes, and numbers in a matrix, of an instance that is looked at.
NODES, NUMBERS = 256, 2**18


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


def semidefinite(a: Any) -> bool:
    """Whether no eigenvalue of a symmetric matrix is negative."""
    m = a.nrows()
    for i in range(m):
        pivot = a[i, i]
        if pivot < 0 or (pivot == 0 and any(a[r, i] != 0 for r in range(m))):
            return False  # v^T A v < 0 for some v: of a pivot 0, along a large multiple of it
        a = a if pivot == 0 else eliminated(a, i, pivot)
    return True


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
            if not rows or not 0 < len(rows[0]) <= NODES or (len(rows) * len(rows[0]) > NUMBERS):
                raise ValueError(f"a matrix is empty, or of more than {NODES} nodes")
            return flint.fmpq_mat([[number(v) for v in row] for row in rows])

        self.x, self.z = table(told["features"]), table(told["output_weights"])
        self.others = table(told["others"]) if told["others"] else flint.fmpq_mat(0, self.x.ncols())
        self.n, self.m = self.x.nrows(), self.x.ncols()
        self.kept, self.chosen = list(told["kept"]), list(told["chosen"])
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
            whole = all(type(j) is int and 0 <= j < self.m for j in nodes)
            if not whole or len(set(nodes)) < len(nodes):
                raise Wrong(f"{nodes} are no distinct nodes of {self.m}")
        ok = self.ridge > 0 and 0 <= self.theta <= 1 and self.at >= 0
        ok = ok and len(self.tau) == self.m and all(t >= 0 for t in self.tau)
        ok = ok and self.z.ncols() == self.others.ncols() == self.m
        if not ok or len(self.chosen) not in (0, self.k):
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

    def coefficients(self, used: Sequence[int], tau: Sequence[Any]) -> Any:
        """A_J^T, (k, m): regression of all features on independent ones."""
        columns = flint.fmpq_mat([[row[j] for j in used] for row in self.x.table()])
        block = columns.transpose() * columns * flint.fmpq(1, self.n)
        for place, j in enumerate(used):
            block[place, place] += tau[j]
        return block.solve(columns.transpose() * self.x * flint.fmpq(1, self.n))

    def gap(self, used: Sequence[int], tau: Sequence[Any]) -> Any:
        """(I - A_J E_J)^T, (m, m): what the samples are multiplied by to leave the error."""
        a, found = self.coefficients(used, tau), identity(self.m)
        for place, j in enumerate(used):
            for i in range(self.m):
                found[j, i] -= a[place, i]
        return found

    def own_residual(self) -> Any:
        """S_J of the kept nodes with their ridges."""
        return self.residual(self.kept, self.tau)[0]

    def subsets(self) -> list[tuple[int, ...]]:
        """All subsets of k nodes."""
        count = math.comb(self.m, self.k)
        if count > LISTED or count * self.m**2 > ELIMINATED:
            raise Wrong(f"{count} subsets are too many to list")
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


def squares(a: Any) -> Any:
    """Sum of the squared entries."""
    return sum((v * v for v in a.entries()), flint.fmpq(0))


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
