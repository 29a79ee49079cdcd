"""Lemmas on degrees of freedom for every size, each with a machine-checked proof.

The numbers are a second opinion on the same statement: theory on one side, plain sums over the
eigenvalues or a solve in the space of samples on the other.

Letters: Sigma = Phi^T Phi/n the second moment of the samples Phi (n, m), mu_i its eigenvalues,
N(lam) = sum mu_i/(mu_i + lam).
"""

from __future__ import annotations

import numpy as np

from pruneproof import theory

from ..generators import LAYERS, STRUCTURED, Layer, layer
from ..mutants import Mutant
from ..oracles import degrees, eigenvalues
from ..registry import register
from ..sides import Sides, at_most, equal, together

#: Structured families, and a ridge far below and far above every eigenvalue.
CASES = (*STRUCTURED, {"log10_ridge": -6.0}, {"log10_ridge": 6.0})
SHARPER = Mutant("constant x .95", {"factor": 0.95})


@register(
    "lemma.degrees-antitone",
    "lemma",
    layer,
    LAYERS,
    CASES,
    mutants=(SHARPER, Mutant("increasing instead", {"swapped": True})),
)
def degrees_antitone(sampled: Layer, *, factor: float = 1.0, swapped: bool = False) -> Sides:
    """Degrees of freedom fall as the ridge grows.

    Hypotheses
    ----------
    mu_1, ..., mu_m >= 0, any m; 0 < lam <= lam'.

    Statement
    ---------
    N(lam') <= N(lam).

    Source
    ------
    Derived [D]: part of X9.

    Equality cases
    --------------
    lam' = lam.

    References
    ----------
    arXiv 1808.08558 (degrees of freedom [T])
    """
    parts = []
    for times in (1.0, 3.0):
        low, high = times * sampled.ridge, sampled.ridge
        if swapped:
            low, high = high, low
        count = factor * degrees(eigenvalues(sampled.features), high)
        parts.append(_at_most(sampled, _theory(sampled, low), count, f"lam' = {times:g} lam"))
    return together(*parts)


@register(
    "lemma.degrees-scaled",
    "lemma",
    layer,
    LAYERS,
    CASES,
    mutants=(SHARPER, Mutant("ridges dropped", {"scaled": False})),
)
def degrees_scaled(sampled: Layer, *, factor: float = 1.0, scaled: bool = True) -> Sides:
    """The ridge times the degrees of freedom grows with the ridge.

    Hypotheses
    ----------
    mu_1, ..., mu_m >= 0, any m; 0 < lam <= lam'.

    Statement
    ---------
    lam N(lam) <= lam' N(lam').

    Source
    ------
    Derived [D]: part of X9.

    Equality cases
    --------------
    lam' = lam.

    References
    ----------
    arXiv 1808.08558 (degrees of freedom [T])
    """
    parts = []
    for times in (1.0, 3.0):
        weight = times if scaled else 1.0  # both sides over lam
        high = weight * degrees(eigenvalues(sampled.features), times * sampled.ridge)
        low = _theory(sampled, sampled.ridge)
        parts.append(_at_most(sampled, low, factor * high, f"lam' = {times:g} lam"))
    return together(*parts)


@register("lemma.degrees-rank", "lemma", layer, LAYERS, CASES, mutants=(SHARPER,))
def degrees_rank(sampled: Layer, *, factor: float = 1.0) -> Sides:
    """Degrees of freedom are at most the number of positive eigenvalues.

    Hypotheses
    ----------
    mu_1, ..., mu_m >= 0, of which r are positive; lam > 0.

    Statement
    ---------
    N(lam) <= r.

    Source
    ------
    Derived [D].

    Equality cases
    --------------
    lam -> 0.

    References
    ----------
    arXiv 1808.08558 (degrees of freedom [T])
    """
    singular = np.linalg.svd(sampled.features, compute_uv=False)
    rank = int(np.sum(singular > 1e-12 * singular[0]))  # zeros are 1e-16, all else above 1e-6
    return _at_most(sampled, _theory(sampled, sampled.ridge), factor * rank, "rank")


@register(
    "lemma.degrees-trace",
    "lemma",
    layer,
    LAYERS,
    CASES,
    mutants=(Mutant("constant / .95", {"factor": 1 / 0.95}),),
)
def degrees_trace(sampled: Layer, *, factor: float = 1.0) -> Sides:
    """Degrees of freedom are at least those of one eigenvalue that holds all the trace.

    Hypotheses
    ----------
    mu_1, ..., mu_m >= 0, any m; t = sum mu_i; lam > 0.

    Statement
    ---------
    t/(t + lam) <= N(lam).

    Source
    ------
    Derived [D].

    Equality cases
    --------------
    Rank one.

    References
    ----------
    arXiv 1808.08558 (degrees of freedom [T])
    """
    trace = sampled.scale
    least = factor * trace / (trace + sampled.ridge)
    return _at_most(sampled, least, _theory(sampled, sampled.ridge), "trace")


@register(
    "lemma.degrees-sandwich",
    "lemma",
    layer,
    LAYERS,
    (*CASES, {"log10_ridge": 0.0}),
    mutants=(
        Mutant("upper side x .95", {"upper": 0.95}),
        Mutant("lower side 1/2 / .95", {"lower": 0.5 / 0.95}),
    ),
)
def degrees_sandwich(sampled: Layer, *, upper: float = 1.0, lower: float = 0.5) -> Sides:
    """Degrees of freedom count the eigenvalues above the ridge, within a factor of two.

    Hypotheses
    ----------
    mu_1, ..., mu_m >= 0, any m; lam > 0.

    Statement
    ---------
    s/2 <= N(lam) <= s, s = sum_i min(1, mu_i/lam).

    Source
    ------
    Derived [D]: the first part of D4.

    Equality cases
    --------------
    Lower: flat Sigma, lam = mu. Upper: lam far above mu_1, or far below mu_m.

    References
    ----------
    arXiv 1808.08558 (degrees of freedom [T])
    """
    lam, dof = sampled.ridge, _theory(sampled, sampled.ridge)
    count = float(np.sum(np.minimum(1.0, eigenvalues(sampled.features) / lam)))
    return together(
        _at_most(sampled, dof, upper * count, "upper"),
        _at_most(sampled, lower * count, dof, "lower"),
    )


@register(
    "lemma.degrees-two-spaces",
    "lemma",
    layer,
    LAYERS,
    CASES,
    mutants=(SHARPER, Mutant("K with 1/(n-1)", {"ddof": 1})),
)
def degrees_two_spaces(sampled: Layer, *, factor: float = 1.0, ddof: int = 0) -> Sides:
    """Nodes and samples count the same degrees of freedom.

    Hypotheses
    ----------
    Any samples Phi (n, m); Sigma = Phi^T Phi/n, K = Phi Phi^T/n; lam > 0.

    Statement
    ---------
    Tr Sigma (Sigma + lam)^{-1} = Tr K (K + lam)^{-1}.

    Source
    ------
    Derived [D] (push-through).

    References
    ----------
    Bach 2017 (degrees of freedom of a kernel matrix)
    """
    x, lam = sampled.features, sampled.ridge
    gram = x @ x.T / (len(x) - ddof)
    trace = float(np.trace(np.linalg.solve(gram + lam * np.eye(len(x)), gram)))
    # an error E in K moves the trace by at most n ||E||/lam
    scale = len(x) * (1 + sampled.scale / lam)
    return equal(_theory(sampled, lam), factor * trace, scale=scale, size=sampled.size)


def _theory(sampled: Layer, ridge: float) -> float:
    return float(theory.degrees_of_freedom(theory.second_moment(sampled.features), ridge))


def _at_most(sampled: Layer, low: float, high: float, part: str) -> Sides:
    """Sides of low <= high: an error E in Sigma moves N by at most m ||E||/lam."""
    scale = sampled.m * (1 + sampled.scale / sampled.ridge)
    return at_most(low, high, scale=scale, size=sampled.size, part=part)
