r"""The objective in the eigenbasis of Sigma, which every bound on one layer is written in.

For a function g of the spectrum, Tr(Q g(Sigma)) = sum_i g(mu_i) (theta + (1 - theta) ||Z u_i||^2)
with Q = theta I + (1 - theta) Z^T Z, so eigenvalues alone suffice at theta = 1. Bounds of the
form "constant times lam Tr(Q H_lam)", H_lam = Sigma (Sigma + lam)^{-1}, are built here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..arrays import Array, as_theta, namespace
from ..objective import mixture
from ..spectrum import Spectrum, as_spectrum, shrinkage
from .bound import Bound


@dataclass(frozen=True)
class LowerBound(Bound):
    """Bound from below; its trivial value is what a loss cannot fall below without a theorem."""

    @property
    def vacuous(self) -> bool:
        """True where the bound says no more than the trivial value."""
        return not self.value > self.trivial


@dataclass(frozen=True, eq=False)
class Directions:
    """Spectrum with the weight of each eigenvector in the objective.

    Attributes
    ----------
    spectrum : Spectrum
    theta : float
    output : (m,) array or None
        ||Z u_i||^2; None where theta = 1 makes it idle.
    rotated : (p, m) array or None
        Z U.
    """

    spectrum: Spectrum
    theta: float
    output: Array = None
    rotated: Array = None

    def traces(self, values: Array) -> tuple[float, float]:
        """Parts theta sum_i g_i and (1 - theta) sum_i ||Z u_i||^2 g_i of Tr(Q g(Sigma))."""
        xp = namespace(values)
        inputs = self.theta * float(xp.sum(values))
        if self.output is None:
            return inputs, 0.0
        return inputs, (1.0 - self.theta) * float(xp.sum(self.output * values))

    @property
    def trivial(self) -> float:
        """Tr(Q Sigma): the loss of keeping nothing."""
        return sum(self.traces(self.spectrum.eigenvalues))

    def ridge_terms(
        self, ridge: float, constant: float, output_constant: float
    ) -> dict[str, float]:
        """Parts of lam Tr(Q H_lam), each with its constant, and the ridge."""
        inputs, outputs = self.traces(shrinkage(self.spectrum, ridge))
        terms = {"ridge": ridge, "input": constant * ridge * inputs}
        if self.output is not None:
            terms["output"] = output_constant * ridge * outputs
        return terms


def directions(cov: Any, theta: float, output_weights: Any) -> Directions:
    """Directions of a second moment (matrix, Spectrum, or eigenvalues where theta = 1).

    Raises
    ------
    ValueError
        Not a second moment; theta outside [0, 1]; theta < 1 without `output_weights`, or with
        eigenvalues alone.
    """
    theta = as_theta(theta)
    if theta == 1.0:
        return Directions(as_spectrum(cov), theta)
    spectrum = as_spectrum(cov, vectors=True)
    _, z = mixture(theta, output_weights, spectrum.eigenvectors)
    rotated = z @ spectrum.eigenvectors
    return Directions(spectrum, theta, namespace(rotated).sum(rotated * rotated, axis=0), rotated)


def ridge_bound(
    statement: str,
    where: Directions,
    ridge: float,
    note: str,
    *,
    constant: float = 1.0,
    output_constant: float | None = None,
) -> Bound:
    """Bound constant * lam Tr(Q H_lam) on a mixed loss; the output part may have its own."""
    last = constant if output_constant is None else output_constant
    terms = where.ridge_terms(ridge, constant, last)
    value = terms["input"] + terms.get("output", 0.0)
    return Bound(statement, value, where.trivial, terms, note)
