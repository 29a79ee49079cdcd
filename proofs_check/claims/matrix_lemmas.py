"""Lemmas on matrices of every size, each with a machine-checked proof.

The numbers are a second opinion on the same statement: theory on one side, least squares on the
samples or linear solves on the other.

Letters: Sigma = Phi^T Phi/n the second moment of the samples Phi (n, m), S_J the residual of
keeping J at the ridges tau, Z what consumes the layer.
"""

from __future__ import annotations

import numpy as np

from pruneproof import theory

from ..generators import LAYERS, STRUCTURED, UNRIDGED, Layer, layer
from ..mutants import Mutant
from ..oracles import ridge_fit
from ..registry import register
from ..sides import Sides, at_most, equal, loewner, together
from .lemmas import CASES, SHARPER


@register(
    "lemma.push-through",
    "lemma",
    layer,
    LAYERS,
    CASES,
    mutants=(SHARPER, Mutant("A B + .95 lam", {"ridge_factor": 0.95})),
)
def push_through(sampled: Layer, *, factor: float = 1.0, ridge_factor: float = 1.0) -> Sides:
    """A matrix passes through the resolvent of its product.

    Hypotheses
    ----------
    A (n, m) and B (m, n) over any field; B A + lam and A B + lam invertible (here A = Phi/sqrt n,
    B = A^T D with D diagonal and positive, lam > 0).

    Statement
    ---------
    A (B A + lam)^{-1} = (A B + lam)^{-1} A.

    Source
    ------
    Known. Used by [D] proofs of the sampling lemmas.

    References
    ----------
    arXiv 1808.08558 (degrees of freedom [T])
    """
    a, lam = sampled.features / np.sqrt(len(sampled.features)), sampled.ridge
    n, m = a.shape
    weights = np.random.default_rng(sampled.seed).uniform(0.5, 2.0, n)
    b = a.T * weights
    left = np.linalg.solve((b @ a + lam * np.eye(m)).T, a.T).T
    right = np.linalg.solve(a @ b + ridge_factor * lam * np.eye(n), a)
    # D^{1/2} (A B + lam) D^{-1/2} is symmetric and at least lam; the root of D's condition is 2
    inverse, length = 2.0 / lam, float(np.linalg.norm(a))
    scale = length * inverse * (1 + 2.0 * length**2 * inverse)
    return equal(left, factor * right, scale=scale, size=sampled.size)


@register(
    "lemma.sample-space",
    "lemma",
    layer,
    LAYERS,
    CASES,
    mutants=(SHARPER, Mutant("multiplicity dropped", {"power": 0.0})),
)
def sample_space(sampled: Layer, *, factor: float = 1.0, power: float = 1.0) -> Sides:
    """The residual of drawn nodes is a resolvent in the space of samples.

    Hypotheses
    ----------
    Any samples Phi (n, m) with columns phi_j; any draws v_1, ..., v_k of nodes, repeats allowed;
    node ridges tau_i = lam w_i with w_i > 0, lam > 0 (here leverage sampling, whose repeats are
    merged by 1/w = sum of 1/w_i: that leaves K_J as it is, and so S_J).

    Statement
    ---------
    S_J = lam Phi^T (K_J + lam)^{-1} Phi/n with K_J = (1/n) sum_i phi_{v_i} phi_{v_i}^T/w_i.

    Source
    ------
    Derived [D] (push-through): the identity of L1.

    References
    ----------
    Bach 2017 (leverage sampling); arXiv 1808.08558
    """
    x, lam, n = sampled.features, sampled.ridge, len(sampled.features)
    cov = theory.second_moment(x)
    drawn = theory.select_leverage(cov, 2 * sampled.m, lam, rng=sampled.seed)
    weights = drawn.ridge * drawn.multiplicity ** (1 - power) / lam  # divided by c already
    columns = x[:, drawn.kept]
    gram = columns / weights @ columns.T / n
    resolvent = np.linalg.solve(gram + lam * np.eye(n), x)
    left = theory.residual(cov, drawn.kept, drawn.ridge)
    fit = ridge_fit(x, x, drawn.kept, drawn.ridge)
    # an error E in K_J moves the right side by at most Tr Sigma ||E||/lam
    scale = sampled.scale * (fit.amplification + 1 + float(np.linalg.norm(gram)) / lam)
    size = sampled.size
    return together(
        equal(left, factor * lam * x.T @ resolvent / n, scale=scale, size=size, part="residual"),
        equal(fit.moment, left, scale=scale, size=size, part="theory"),
    )


@register(
    "lemma.trace-order",
    "lemma",
    layer,
    LAYERS,
    STRUCTURED,
    mutants=(SHARPER, Mutant("A and B swapped", {"swapped": True})),
)
def trace_order(sampled: Layer, *, factor: float = 1.0, swapped: bool = False) -> Sides:
    """The order of matrices orders their traces, and those of every output.

    Hypotheses
    ----------
    A <= B in the positive semidefinite order (here A = S_J or Sigma, and B = Sigma); any Z.

    Statement
    ---------
    Tr Z A Z^T <= Tr Z B Z^T; with Z = I, Tr A <= Tr B.

    Source
    ------
    Known. Turns [D] statements about S_J into ones about losses.

    Equality cases
    --------------
    A = B.

    References
    ----------
    arXiv 1808.08558 (both losses [R])
    """
    x, z, kept = sampled.features, sampled.output_weights, sampled.kept
    cov = theory.second_moment(x)
    fit = ridge_fit(x, x, kept, sampled.tau)
    parts = []
    for name, a in (("A = Sigma", cov), ("A = S_J", fit.moment)):
        for outputs, weights in (("Z", z), ("I", np.eye(sampled.m))):
            low, high = (float(np.trace(weights @ form @ weights.T)) for form in (a, cov))
            if swapped:
                low, high = high, low
            scale = sampled.scale * fit.amplification * float(np.sum(weights**2))
            part = f"{name}, Z = {outputs}" if outputs == "I" else name
            parts.append(at_most(low, factor * high, scale=scale, size=sampled.size, part=part))
    return together(*parts)


@register(
    "lemma.residual-psd",
    "lemma",
    layer,
    LAYERS,
    STRUCTURED + UNRIDGED,
    mutants=(Mutant("fitted part / .95", {"factor": 1 / 0.95}),),
)
def residual_psd(sampled: Layer, *, factor: float = 1.0) -> Sides:
    """The residual is positive semidefinite; with no ridge it is a Schur complement.

    Hypotheses
    ----------
    Sigma symmetric and positive semidefinite; J any list of nodes; any tau >= 0; the inverse is
    any generalised inverse where Sigma_JJ + I_tau is singular.

    Statement
    ---------
    S_J = Sigma - Sigma_FJ (Sigma_JJ + I_tau)^{-1} Sigma_JF is symmetric and positive semidefinite.

    Source
    ------
    Derived [D]: part of I6.

    Equality cases
    --------------
    Directions of kept nodes with no ridge.

    References
    ----------
    arXiv 1808.08558 (input-aware loss [R])
    """
    cov = theory.second_moment(sampled.features)
    left = theory.residual(cov, sampled.kept, sampled.tau)
    fit = ridge_fit(sampled.features, sampled.features, sampled.kept, sampled.tau)
    scale, size = sampled.scale * fit.amplification, sampled.size
    return together(
        loewner(factor * (cov - left), cov, scale=scale, size=size, part="fitted"),
        equal(left, left.T, scale=scale, size=size, part="symmetric"),
        equal(fit.moment, left, scale=scale, size=size, part="residual"),
    )
