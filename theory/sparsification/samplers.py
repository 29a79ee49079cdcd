r"""Random sparsifications B of a matrix W (B2 to B6), each unbiased: E B = W.

B2 threshold-poisson   w where |w| >= tau, else sign(w) tau with probability |w|/tau
B3 uniform             w/p with probability p
B4 quantise            b with probability 1/2 + w/(2b), else -b;  b = max |w|
B5 with replacement    mean of w_ij/P_ij e_ij over s draws (i, j) ~ P
B6 Drineas-Zouzias     entries |w| <= eps/(2n) zeroed, then s L2 draws

B2 has the least sum w^2/p among keeping probabilities p <= 1 of sum s, the L1 draws have the least
E ||W - B||_F^2 among P (S5). Unbiased sampling inflates the spectrum on average: the
mean sum of the k largest singular values of B is at least that of W (S7, by Jensen).

Source: statements B1 to B6 [derived]; Achlioptas and McSherry 2007, Drineas and Zouzias 2011.
Draws are made on the host; results are in the library of `weight`. Imports NumPy only.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_count, as_generator, as_real, as_ridge, frobenius_norm, to_numpy
from ..errors import InapplicableError
from .probabilities import l2_distribution
from .thresholds import hard_threshold, poisson_threshold

Floats = NDArray[np.float64]

#: Draws that fit the counter of NumPy's multinomial law.
_MOST_DRAWS = 2**62


def threshold_poisson(weight: Any, nonzeros: float, *, rng: Any) -> Floats:
    r"""B2: entries from tau on stay, smaller ones are sign(w) tau with probability |w|/tau.

    Parameters
    ----------
    weight : array
    nonzeros : float
        s > 0; the number of non-zeros has this mean. From the number of non-zeros of the weight
        on, all are kept.
    rng : Generator, seed or None

    Raises
    ------
    ValueError
        As :func:`poisson_threshold`.

    Notes
    -----
    Statement B2 [derived].
    """
    w = to_numpy(as_real("weight", weight))
    tau = poisson_threshold(w, nonzeros)
    uniforms = as_generator(rng).random(w.shape)
    taken = tau * uniforms < np.abs(w)
    return np.where(taken, np.copysign(np.maximum(np.abs(w), tau), w), 0.0)


def uniform_sample(weight: Any, keep: float, *, rng: Any) -> Floats:
    """B3: each entry is w/p with probability p, else 0.

    Parameters
    ----------
    weight : array
    keep : float
        p in (0, 1].
    rng : Generator, seed or None

    Raises
    ------
    ValueError
        A weight that is empty or not finite; p outside (0, 1].

    Notes
    -----
    Statement B3; Achlioptas and McSherry 2007.
    """
    w = to_numpy(as_real("weight", weight))
    p = as_share(keep)
    return np.where(as_generator(rng).random(w.shape) < p, w / p, 0.0)


def quantised_sample(weight: Any, *, rng: Any) -> Floats:
    r"""B4: b with probability 1/2 + w/(2b), else -b, b = max |w|: one bit an entry, and dense.

    Zero entries become +-b too; a weight of zeros stays.

    Parameters
    ----------
    weight : array
        Any shape.
    rng : Generator, seed or None

    Raises
    ------
    ValueError
        A weight that is empty or not finite.

    Notes
    -----
    Statement B4; Achlioptas and McSherry 2007.
    """
    w = to_numpy(as_real("weight", weight))
    b = float(np.max(np.abs(w)))
    signed = 2.0 * as_generator(rng).random(w.shape) - 1.0
    return np.where(b * signed < w, b, -b)


def sample_with_replacement(
    weight: Any, draws: int, distribution: Any, *, rng: Any, chunk: int = 2**22
) -> Floats:
    """B5: mean over s draws (i, j) ~ P of w_ij/P_ij e_ij; repeats add, so at most s non-zeros.

    Parameters
    ----------
    weight : array
    draws : int
        s.
    distribution : array
        P, in the shape of `weight`; of sum 1.
    rng : Generator, seed or None
    chunk : int
        Draws from which on their counts come from the multinomial law, and not one by one.

    Raises
    ------
    ValueError
        Shapes that differ; a P that is negative, not of sum 1, or 0 where the weight is not (where
        w^2 underflows too it is counted as 0).

    Notes
    -----
    Statement B5 [derived]. Unbiased.
    """
    w = to_numpy(as_real("weight", weight))
    p = to_numpy(as_real("distribution", distribution))
    s = as_count("draws", draws, most=_MOST_DRAWS)
    largest = float(np.max(np.abs(w)))
    if p.shape != w.shape or p.min() < 0.0 or abs(p.sum() - 1.0) > 1e-9:
        raise ValueError(
            f"distribution must have shape {w.shape}, no negative entry and sum 1, but has shape "
            f"{p.shape}, smallest entry {p.min():g} and sum {p.sum():.12g}"
        )
    if np.any((p == 0.0) & (np.abs(w) > 1e-150 * largest)):
        raise ValueError("distribution is 0 at a non-zero entry of weight, which would be lost")
    drawn = np.flatnonzero(p)
    chances = p.ravel()[drawn]
    chances = chances / chances.sum()
    generator = as_generator(rng)
    if s > max(chunk, drawn.size):
        counts = generator.multinomial(s, chances)
    else:
        counts = np.bincount(generator.choice(drawn.size, s, p=chances), minlength=drawn.size)
    out, hit = np.zeros(w.size), counts > 0
    out[drawn[hit]] = w.ravel()[drawn[hit]] / chances[hit] * (counts[hit] / s)
    return out.reshape(w.shape)


def expected_nonzeros(distribution: Any, draws: float) -> float:
    """Mean number of distinct entries in s draws with replacement, sum 1 - (1 - P)^s.

    Parameters
    ----------
    distribution : array
        P, of sum 1.
    draws : float
        s.

    Raises
    ------
    ValueError
        An entry of the distribution outside [0, 1]; negative draws.

    Notes
    -----
    Beside statement B5 [derived].
    """
    p = to_numpy(as_real("distribution", distribution)).ravel()
    if p.min() < 0.0 or p.max() > 1.0:
        raise ValueError(f"distribution must lie in [0, 1], but lies in [{p.min():g}, {p.max():g}]")
    draws = as_ridge(draws, name="draws")
    if draws == 0.0:
        return 0.0
    with np.errstate(divide="ignore"):  # P = 1
        return float(-np.expm1(draws * np.log1p(-p)).sum())


def draws_for_nonzeros(distribution: Any, nonzeros: float) -> int:
    """Least s with a mean of at least `nonzeros` distinct entries in s draws with replacement.

    Newton's steps from the left: the mean is concave in s.

    Parameters
    ----------
    distribution : array
        P, of sum 1.
    nonzeros : float
        Below the number of entries of positive probability.

    Raises
    ------
    InapplicableError
        There are too few entries of positive probability, or more than 2^62 draws are needed.

    Notes
    -----
    Beside statement B5 [derived].
    """
    p = to_numpy(as_real("distribution", distribution)).ravel()
    p = p[p > 0.0]
    wanted = as_ridge(nonzeros, name="nonzeros", positive=True)
    if wanted <= 1.0:
        return 1
    s = wanted
    with np.errstate(divide="ignore"):  # P = 1: missed by no draw
        rates = np.minimum(-np.log1p(-p), 1e3)
    for _ in range(200):
        missed = np.exp(-s * rates)
        short = wanted - (p.size - float(missed.sum()))
        if short <= 1e-9 * wanted:
            return math.ceil(s * (1.0 - 1e-12))
        slope = float(rates @ missed)
        if slope <= 0.0 or s > _MOST_DRAWS:
            break
        s += short / slope
    raise InapplicableError(
        f"{wanted:g} distinct entries of {p.size} need over {min(s, 2.0**62):.2g} draws, as the "
        "rest are so seldom drawn; ask for fewer non-zeros, or draw by l1 or threshold-poisson"
    )


def drineas_zouzias_draws(weight: Any, eps: float) -> int:
    r"""B6: draws s = 24 n ln(sqrt 2 n) ||A||_F^2/eps^2 (of the zeroed A) that S6 asks for.

    Parameters
    ----------
    weight : (n, n) array
    eps : float
        Spectral error aimed at.

    Raises
    ------
    ValueError
        Not square; eps not above 0.
    InapplicableError
        eps exceeds the Frobenius norm of what is left of A.

    Notes
    -----
    Statement S6 (constant [derived]).
    """
    left, eps = _zeroed(weight, eps)
    n = left.shape[0]
    norm = frobenius_norm(left)
    if eps > norm:
        raise InapplicableError(
            f"eps {eps:g} exceeds the Frobenius norm {norm:g} of the entries above eps/(2n); "
            "there the zero matrix will do"
        )
    return math.ceil(float(24.0 * n * math.log(math.sqrt(2.0) * n) * (norm / eps) ** 2))


def drineas_zouzias(weight: Any, eps: float, draws: int | None = None, *, rng: Any) -> Floats:
    r"""B6: entries |a| <= eps/(2n) zeroed, then s L2 draws with replacement.

    Parameters
    ----------
    weight : (n, n) array
    eps : float
        Spectral error aimed at.
    draws : int, optional
        s; that of :func:`drineas_zouzias_draws`, at which the error is at most eps with probability
        1 - 1/n, if not given.
    rng : Generator, seed or None

    Raises
    ------
    ValueError, InapplicableError
        As :func:`drineas_zouzias_draws`.

    Notes
    -----
    Statements B6, S6 (constant 24 [derived]; the published 28 [recalled]).
    """
    s = drineas_zouzias_draws(weight, eps) if draws is None else as_count("draws", draws)
    left, _ = _zeroed(weight, eps)
    return sample_with_replacement(left, s, l2_distribution(left), rng=rng)


def as_share(keep: Any) -> float:
    """Probability of keeping an entry, in (0, 1]."""
    p = float(as_real("keep", keep, ndim=0))
    if not 0.0 < p <= 1.0:
        raise ValueError(f"keep must lie above 0 and at most 1, but is {p:g}")
    return p


def _zeroed(weight: Any, eps: float) -> tuple[Floats, float]:
    """Square matrix without its entries up to eps/(2n)."""
    a = to_numpy(as_real("weight", weight, ndim=2))
    if a.shape[0] != a.shape[1]:
        raise ValueError(f"Drineas and Zouzias sample square matrices, but weight is {a.shape}")
    target = as_ridge(eps, name="eps", positive=True)
    return to_numpy(hard_threshold(a, target / (2.0 * a.shape[0]))), target
