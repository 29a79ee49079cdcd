r"""Widths for an error budget: the least k whose bound, prediction or loss is within the budget.

    paper        4 lam Tr(Q H_lam) = budget, k = 5 N log(80 N)         paper-style, w.p. 14/15 (P1)
    dof          lam_N(k) [theta N + (4/3)(1 - theta) N'] <= budget    N(lam) nodes suffice (X1)
    volume       lam_vol(k) Tr(Q H_lam) <= budget                      log-free theorem (D6)
    volume-mean  E Tr(Q S_J) <= budget over volume sampling            exact mean (I7), so some J
    law          kappa Tr(Q H_kappa) <= budget                         a prediction, not a bound
    greedy       L^theta(J_k) <= budget of the greedy J_k              measured on this very layer
    floor        sum_{i>k} mu_i(Q^{1/2} Sigma Q^{1/2}) <= budget       no choice does with less (D2)

H_lam = Sigma (Sigma + lam)^{-1}, Q = theta I + (1 - theta) Z^T Z. Every right-hand side falls
with k (X9), so one bisection finds the width. Without a ridge on the nodes, rank Sigma nodes lose
nothing, so no rule of that kind asks for more.

The law (laws.L2) is of k leverage-sampled nodes with ridges k lam q: kappa (1 - N(kappa)/k) = lam.
Unless given, lam is lam_N(k), the least ridge with k >= N(lam): the end of the range where the law
was checked (towards lam = 0 it would repeat X1 at theta = 1). On rotated power laws of 300 nodes
(j^-1.5, j^-2) the mean over draws was within 5 % of it at k <= 80 (chi < .12) and 8 to 13 % above
it at k = 150 (chi .21), at theta 0 and 1: its widths may then be a little too small.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array, as_ridge, namespace, to_numpy
from ..errors import InapplicableError
from ..spectrum import Spectrum, as_spectrum, fixed_point_ridge, shrinkage
from .bound import Bound
from .directions import Directions, directions
from .layer import dof_bound, floor, volume_bound
from .paper import paper_width

#: Rules in the order in which they are advised, from the most to the least that is asked for.
RULES = ("paper", "dof", "volume", "volume-mean", "law", "greedy", "floor")


@dataclass(frozen=True, eq=False)
class _Question:
    """One layer and the loss it may have."""

    cov: Any
    where: Directions
    budget: float
    output_weights: Any
    ridge: float | None

    @property
    def spectrum(self) -> Spectrum:
        return self.where.spectrum

    @property
    def mixture(self) -> dict[str, Any]:
        return {"theta": self.where.theta, "output_weights": self.output_weights}


def width_for_budget(
    cov: Any,
    budget: float,
    *,
    rule: str,
    theta: float = 1.0,
    output_weights: Any = None,
    ridge: float | None = None,
) -> int:
    """Least width whose bound, prediction or loss by `rule` is within the budget.

    Parameters
    ----------
    cov : (m, m) array, Spectrum, or (m,) eigenvalues where theta = 1
        Rule "greedy" needs eigenvectors or the matrix.
    budget : float
        Loss that may be left, at least 0; units of Tr(Q Sigma), the loss of keeping nothing.
    rule : {"paper", "dof", "volume", "volume-mean", "law", "greedy", "floor"}
    theta : float
    output_weights : (p, m) array
        Z; needed where theta < 1.
    ridge : float, optional
        lam of the rules "paper" and "law" (each has its own choice by default), node ridge of
        "greedy" (0 by default). The other rules speak of no ridge and take none.

    Returns
    -------
    int
        From 1 to m.

    Raises
    ------
    InapplicableError
        No width up to m meets the budget by this rule; the message says what it asks for.
    ValueError
        An unknown rule, a negative budget, not a second moment, theta < 1 without
        `output_weights`, a ridge for a rule that takes none.
    """
    if rule not in _WIDTHS:
        raise ValueError(f"rule must be one of {', '.join(RULES)}, but is {rule!r}")
    if ridge is not None and rule not in _RIDGE_RULES:
        raise ValueError(f"rule {rule!r} takes no ridge; give none, or ask {_RIDGE_RULES}")
    return _WIDTHS[rule](_question(cov, budget, theta, output_weights, ridge))


def advised_widths(
    cov: Any,
    budget: float,
    *,
    theta: float = 1.0,
    output_weights: Any = None,
    ridge: float | None = None,
) -> dict[str, int | None]:
    """Widths for a budget under every rule, side by side: X1 beside the paper-style width.

    Parameters and errors as :func:`width_for_budget`; `ridge` goes to the rules that take one.

    Returns
    -------
    dict
        Rule to width; None where no width up to m meets the budget by that rule. "greedy" is left
        out where only eigenvalues are given.
    """
    question = _question(cov, budget, theta, output_weights, ridge)
    widths: dict[str, int | None] = {}
    for rule in RULES:
        if rule == "greedy" and not _has_matrix(cov):
            continue
        try:
            widths[rule] = _WIDTHS[rule](question)
        except InapplicableError:
            widths[rule] = None
    return widths


def _question(
    cov: Any, budget: float, theta: float, output_weights: Any, ridge: float | None
) -> _Question:
    allowed = as_ridge(budget, name="budget")
    lam = None if ridge is None else as_ridge(ridge)
    return _Question(cov, directions(cov, theta, output_weights), allowed, output_weights, lam)


def _has_matrix(cov: Any) -> bool:
    if isinstance(cov, Spectrum):
        return cov.eigenvectors is not None
    return bool((cov.ndim if hasattr(cov, "ndim") else np.ndim(cov)) == 2)


def _matrix(question: _Question) -> Array:
    cov = question.cov
    if not isinstance(cov, Spectrum):
        return cov
    spectrum = as_spectrum(cov, vectors=True)
    basis = spectrum.eigenvectors
    product = (basis * spectrum.eigenvalues) @ namespace(basis).matrix_transpose(basis)
    return (product + namespace(basis).matrix_transpose(product)) / 2.0


def _bisect(loss: Callable[[int], float], budget: float, most: int) -> int | None:
    """Least k in 1..most with loss(k) <= budget, for a loss that falls with k; None if none."""
    if most < 1 or loss(most) > budget:
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        if loss(middle) <= budget:
            high = middle
        else:
            low = middle
    return high


def _capped(question: _Question, loss: Callable[[int], float]) -> int:
    """Least width of a rule without ridge: rank Sigma nodes (at least one) always do."""
    rank = max(question.spectrum.rank, 1)
    return _bisect(loss, question.budget, rank - 1) or rank


def _by_bound(bound: Callable[..., Bound]) -> Callable[[_Question], int]:
    def width(question: _Question) -> int:
        where = question.mixture
        return _capped(question, lambda k: bound(question.spectrum, k, **where).value)

    return width


def _by_paper(question: _Question) -> int:
    where, m = question.where, question.spectrum.size
    lam = question.ridge
    if lam is None:
        lam = _ridge_for_loss(where, question.budget / 4.0)
    if lam == 0.0:
        remedy = "so a loss above 0; raise the budget"
        if question.ridge is not None:
            remedy = "but is given 0; give a larger one, or none"
        raise InapplicableError(f"the paper-style bound needs a ridge above 0, {remedy}")
    reached = 4.0 * _smoothed(where, lam)
    if question.ridge is not None and reached > question.budget:
        raise InapplicableError(
            f"at ridge {lam:g} the paper-style bound is {reached:.4g}, above the budget "
            f"{question.budget:.4g}; lower the ridge"
        )
    width = paper_width(where.spectrum, lam)
    if width > m:
        raise InapplicableError(
            f"the paper-style bound asks for {width} draws to lose at most "
            f"{question.budget:.4g}, but the layer has {m} nodes; see rule 'dof', which needs no "
            "more nodes than degrees of freedom"
        )
    return width


def _smoothed(where: Directions, lam: float) -> float:
    """Value lam Tr(Q H_lam), which increases with lam from 0 to Tr(Q Sigma)."""
    return lam * sum(where.traces(shrinkage(where.spectrum, lam)))


def _ridge_for_loss(where: Directions, loss: float) -> float:
    """Largest lam with lam Tr(Q H_lam) <= loss; where every lam has it, one that has N < 1/80.

    Bisection in log lam down to neighbouring floats; the end that keeps the bound is returned.
    """
    if loss == 0.0:
        return 0.0
    high = 81.0 * max(where.spectrum.trace, 1e-300)
    if _smoothed(where, high) <= loss:
        return high
    low = high
    while _smoothed(where, low) > loss:
        low /= 16.0
    for _ in range(200):
        middle = (low * high) ** 0.5
        if not low < middle < high:
            break
        if _smoothed(where, middle) <= loss:
            low = middle
        else:
            high = middle
    return low


def _by_law(question: _Question) -> int:
    where = question.where

    def law(k: int) -> float:
        lam = question.ridge
        if lam is None:
            lam = fixed_point_ridge(where.spectrum, 0.0, k)
        return _smoothed(where, fixed_point_ridge(where.spectrum, lam, k))

    if question.ridge is None or question.ridge == 0.0:
        return _capped(question, law)
    m = where.spectrum.size
    width = _bisect(law, question.budget, m)
    if width is None:
        raise InapplicableError(
            f"at ridge {question.ridge:g} the law predicts a loss of {law(m):.4g} even at all {m} "
            f"nodes, above the budget {question.budget:.4g}; lower the ridge"
        )
    return width


def _by_volume_mean(question: _Question) -> int:
    from ..elementary import exclusion, present, ratios

    where = question.where
    mu = present(where.spectrum)
    if mu.shape[0] == 0:
        return 1
    xp = namespace(mu)
    rho = ratios(mu, mu.shape[0])
    absent = xp.zeros(where.spectrum.size - mu.shape[0], dtype=xp.float64)

    def mean(k: int) -> float:
        return sum(where.traces(xp.concat([mu * exclusion(mu, rho, k), absent])))

    return _capped(question, mean)


def _by_greedy(question: _Question) -> int:
    from ..selection.greedy import select_greedy

    if not _has_matrix(question.cov):
        raise ValueError(
            "rule 'greedy' needs the matrix or its eigenvectors, not eigenvalues alone"
        )
    spectrum = question.spectrum
    ridge = question.ridge or 0.0
    most = spectrum.size if ridge else max(spectrum.rank, 1)
    chosen = select_greedy(_matrix(question), most, ridge=ridge, **question.mixture)
    losses = [float(loss) for loss in to_numpy(chosen.losses)]
    for step, loss in enumerate(losses):
        if loss <= question.budget:
            return step + 1
    if ridge == 0.0:
        return most
    raise InapplicableError(
        f"with node ridge {ridge:g} greedy selection loses {losses[-1]:.4g} even at all {most} "
        f"nodes, above the budget {question.budget:.4g}; lower the ridge"
    )


#: Rules that take a ridge.
_RIDGE_RULES = ("paper", "law", "greedy")

_WIDTHS: dict[str, Callable[[_Question], int]] = {
    "paper": _by_paper,
    "dof": _by_bound(dof_bound),
    "volume": _by_bound(volume_bound),
    "volume-mean": _by_volume_mean,
    "law": _by_law,
    "greedy": _by_greedy,
    "floor": _by_bound(floor),
}
