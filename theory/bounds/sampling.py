r"""Leverage sampling: how many draws make S_J <= c lam H_lam with a stated probability.

Letters: l_j = [H_lam]_jj ridge leverage, q_j = l_j/N(lam), v_1..v_k drawn iid from q with node
ridges tau_i = k lam q_{v_i} (a MULTISET: a node drawn c times has its ridge divided by c),
d = N(lam) (mu_1 + lam)/mu_1.

    P1   k >= 5 N log(16 N/delta)                       S_J <= 4 lam H_lam          w.p. 1 - delta/3
    P2   k >= (2 (N + t/3)/t^2) log(4 d/delta), t < 1   S_J <= lam/(1 - t) H_lam    w.p. 1 - delta
    X3   k >= (2 N (1 + t/3)/t^2) log(4 d/delta), t<=1  S_J >= lam/(1 + t) H_lam    w.p. 1 - delta
    P3   each node alone, w.p. min(1, c l_j)            S_J <= 4 lam H_lam          w.p. 1 - delta
    X4   k >= 5 c log(16 N/delta), l_j <= c q'_j        P1 for draws from q'

P1 is Bach's lemma in the form of Suzuki et al., arXiv 1808.08558 (constants [R], proof [D]); the
others are derived here [D]. "Paper-style" means P1 with delta = 1/5, i.e. k = 5 N log(80 N).
"""

from __future__ import annotations

import math
from typing import Any

from ..arrays import Array, as_count, as_probability, as_real, as_ridge, namespace
from ..errors import InapplicableError
from ..spectrum import (
    Spectrum,
    as_spectrum,
    degrees_of_freedom,
    fixed_point_ridge,
    leverage_scores,
)
from .bound import Bound
from .directions import LowerBound, directions, ridge_bound

#: Failure parameter of the paper-style width: 80 = 16/delta, and P1 fails with at most delta/3.
PAPER_DELTA = 0.2


def paper_width(spectrum_or_cov: Any, ridge: float, *, delta: float = PAPER_DELTA) -> int:
    r"""Number of draws of P1: ceil(5 N(lam) log(16 N(lam)/delta)), at least 1.

    Parameters
    ----------
    spectrum_or_cov : Spectrum, (m,) eigenvalues, or (m, m) second moment
    ridge : float
        lam > 0, units of the eigenvalues.
    delta : float
        P1 then fails with probability at most delta/3.

    Returns
    -------
    int
        Draws with replacement; may exceed the m nodes there are.

    Raises
    ------
    ValueError
        A ridge that is not above 0, a delta outside (0, 1), not a spectrum.
    """
    lam = as_ridge(ridge, positive=True)
    dof = float(degrees_of_freedom(spectrum_or_cov, lam))
    return _draws(5.0 * dof, dof, as_probability("delta", delta))


def _draws(factor: float, dof: float, delta: float) -> int:
    return max(1, math.ceil(factor * math.log(max(16.0 * dof / delta, 1.0))))


def paper_ridge(spectrum_or_cov: Any, width: int, *, delta: float = PAPER_DELTA) -> float:
    r"""Smallest ridge P1 allows at k draws: the root of 5 N(lam) log(16 N(lam)/delta) = k.

    With y = log(16 N/delta) the root has y e^y = 16 k/(5 delta), so N = k/(5 y) with Lambert's
    function y = W(16 k/(5 delta)); then lam is the ridge of that N. 0 where N is at least the
    rank: every lam > 0 is then allowed.

    Raises
    ------
    ValueError
        A width that is not a whole number of at least 1, not a spectrum.
    """
    from scipy.special import lambertw

    spectrum = as_spectrum(spectrum_or_cov)
    k = as_count("width", width)
    y = float(lambertw(16.0 * k / (5.0 * as_probability("delta", delta))).real)
    return fixed_point_ridge(spectrum, 0.0, k / (5.0 * y))


def sampling_bound(
    cov: Any, ridge: float, *, theta: float = 1.0, output_weights: Any = None
) -> Bound:
    r"""Loss of leverage-sampled nodes by P1: 4 lam [theta N(lam) + (1 - theta) N'(lam; Z)].

    Parameters
    ----------
    cov : (m, m) array, Spectrum, or (m,) eigenvalues where theta = 1
    ridge : float
        lam >= 0; the limit 0 at lam = 0.
    theta : float
    output_weights : (p, m) array
        Z; needed where theta < 1.

    Returns
    -------
    Bound
        Holds for :func:`paper_width` draws and the ridges tau_i = k lam q_{v_i}.

    Raises
    ------
    ValueError
        Not a second moment, a negative ridge, theta < 1 without `output_weights`.
    """
    where = directions(cov, theta, output_weights)
    note = (
        "w.p. >= 1 - delta/3 at k >= 5 N log(16 N/delta) draws by leverage with replacement, "
        "ridges k lam q"
    )
    return ridge_bound("spectral.P1", where, as_ridge(ridge), note, constant=4.0)


def paper_bound(cov: Any, width: int, *, theta: float = 1.0, output_weights: Any = None) -> Bound:
    """Paper-style bound at k draws: :func:`sampling_bound` at :func:`paper_ridge`.

    Holds with probability at least 1 - 1/15. Often vacuous: 5 N log(80 N) <= k allows only
    N <= 14.5 at k = 512. Parameters and errors as :func:`sampling_bound`.
    """
    where = directions(cov, theta, output_weights)
    lam = paper_ridge(where.spectrum, width)
    note = f"w.p. >= 14/15 at {width} draws by leverage with replacement, ridges k lam q"
    return ridge_bound("spectral.P1", where, lam, note, constant=4.0)


def effective_dimension(spectrum_or_cov: Any, ridge: float) -> float:
    """Intrinsic dimension d = N(lam) (mu_1 + lam)/mu_1 >= 1 of the matrix Bernstein bound.

    Raises
    ------
    InapplicableError
        Sigma = 0, where there is nothing to sample.
    ValueError
        A ridge that is not above 0, not a spectrum.
    """
    spectrum = as_spectrum(spectrum_or_cov)
    lam = as_ridge(ridge, positive=True)
    largest = float(spectrum.eigenvalues[0])
    if largest == 0.0:
        raise InapplicableError("leverage sampling needs Sigma != 0, but every eigenvalue is 0")
    return float(degrees_of_freedom(spectrum, lam)) * (largest + lam) / largest


def _log_dimension(spectrum: Spectrum, lam: float, delta: float) -> float:
    return math.log(4.0 * effective_dimension(spectrum, lam) / as_probability("delta", delta))


def sampling_width(
    spectrum_or_cov: Any, ridge: float, *, t: float = 0.75, delta: float = PAPER_DELTA
) -> int:
    r"""Number of draws of P2: ceil((2 (N + t/3)/t^2) log(4 d/delta)).

    S_J <= lam/(1 - t) H_lam then holds with probability at least 1 - delta; t = 3/4 gives P1's
    factor 4.

    Raises
    ------
    ValueError
        t or delta outside (0, 1), a ridge that is not above 0, not a spectrum.
    """
    spectrum = as_spectrum(spectrum_or_cov)
    lam = as_ridge(ridge, positive=True)
    t = as_probability("t", t)
    dof = float(degrees_of_freedom(spectrum, lam))
    return max(1, math.ceil(2.0 * (dof + t / 3.0) / t**2 * _log_dimension(spectrum, lam, delta)))


def sampling_level(spectrum_or_cov: Any, ridge: float, width: int, delta: float) -> float:
    r"""Best level t of P2 at k draws: the root of k t^2 = 2 (N + t/3) log(4 d/delta).

    Raises
    ------
    InapplicableError
        Even t = 1 asks for more draws than `width`.
    ValueError
        As :func:`sampling_width`.
    """
    spectrum = as_spectrum(spectrum_or_cov)
    lam = as_ridge(ridge, positive=True)
    k = as_count("width", width)
    dof = float(degrees_of_freedom(spectrum, lam))
    log_term = _log_dimension(spectrum, lam, delta)
    t = _positive_root(k, 2.0 * log_term / 3.0, 2.0 * dof * log_term)
    if not t < 1.0:
        raise InapplicableError(
            f"a bound at ridge {lam:g} with delta {delta:g} needs more than "
            f"{2.0 * (dof + 1.0 / 3.0) * log_term:.1f} draws, but the width is {k}; raise the "
            "ridge or the width"
        )
    return t


def _positive_root(a: float, b: float, c: float) -> float:
    """Positive root of a t^2 = b t + c."""
    return (b + math.sqrt(b * b + 4.0 * a * c)) / (2.0 * a)


def leverage_bound(
    cov: Any,
    ridge: float,
    width: int,
    *,
    delta: float = PAPER_DELTA,
    theta: float = 1.0,
    output_weights: Any = None,
) -> Bound:
    """Loss of k leverage-sampled nodes by P2 at its best level: lam/(1 - t) Tr(Q H_lam).

    Sharper than P1 wherever `width` exceeds P2's at t = 3/4. Errors as :func:`sampling_level`
    and :func:`sampling_bound`.
    """
    where = directions(cov, theta, output_weights)
    t = sampling_level(where.spectrum, ridge, width, delta)
    note = f"w.p. >= {1 - delta:g} at {width} draws by leverage with replacement, ridges k lam q"
    return ridge_bound("spectral.P2", where, as_ridge(ridge), note, constant=1.0 / (1.0 - t))


def sampling_floor(
    cov: Any,
    ridge: float,
    width: int,
    *,
    delta: float = PAPER_DELTA,
    theta: float = 1.0,
    output_weights: Any = None,
) -> LowerBound:
    """Loss k leverage-sampled nodes stay above by X3: lam/(1 + t) Tr(Q H_lam), t at its best.

    The mean over draws is at least lam Tr(Q H_lam) at every width.

    Raises
    ------
    InapplicableError
        Even t = 1 asks for more draws than `width`.
    ValueError
        As :func:`sampling_bound`.
    """
    where = directions(cov, theta, output_weights)
    lam = as_ridge(ridge, positive=True)
    k = as_count("width", width)
    dof = float(degrees_of_freedom(where.spectrum, lam))
    log_term = _log_dimension(where.spectrum, lam, delta)
    t = _positive_root(k, 2.0 * dof * log_term / 3.0, 2.0 * dof * log_term)
    if t > 1.0:
        raise InapplicableError(
            f"a lower bound at ridge {lam:g} with delta {delta:g} needs "
            f"{8.0 / 3.0 * dof * log_term:.1f} draws, but the width is {k}; raise the ridge or "
            "the width"
        )
    terms = where.ridge_terms(lam, 1.0 / (1.0 + t), 1.0 / (1.0 + t))
    value = terms["input"] + terms.get("output", 0.0)
    note = f"w.p. >= {1 - delta:g} at {k} draws by leverage with replacement, ridges k lam q"
    return LowerBound("spectral.X3", value, 0.0, terms, note)


def bernoulli_probabilities(cov: Any, ridge: float, delta: float) -> Array:
    r"""Keeping probabilities of P3: p_j = min(1, c l_j), c = (40/9) log(4 d/delta), (m,).

    Each node is kept by its own coin, with ridge tau_j = lam p_j: distinct nodes, E|J| <= c N,
    and S_J <= 4 lam H_lam with probability at least 1 - delta.

    Raises
    ------
    InapplicableError
        Sigma = 0.
    ValueError
        A ridge that is not above 0, a delta outside (0, 1), eigenvalues alone.
    """
    spectrum = as_spectrum(cov, vectors=True)
    lam = as_ridge(ridge, positive=True)
    factor = 40.0 / 9.0 * _log_dimension(spectrum, lam, delta)
    return namespace(spectrum.eigenvalues).clip(factor * leverage_scores(spectrum, lam), None, 1.0)


def drawing_constant(cov: Any, ridge: float, distribution: Any = None) -> float:
    r"""Constant c = max_j l_j/q'_j of X4 for draws from another law q'; uniform by default.

    Uniform draws have c = m max_j l_j; leverage itself has c = N(lam).

    Raises
    ------
    InapplicableError
        A node of positive leverage that q' never draws.
    ValueError
        `distribution` is not a probability vector of length m (its sum may err by eps * m).
    """
    leverage = leverage_scores(cov, as_ridge(ridge, positive=True))
    xp = namespace(leverage)
    m = int(leverage.shape[0])
    if distribution is None:
        return m * float(xp.max(leverage))
    q = as_real("distribution", distribution, ndim=1)
    total, least = float(xp.sum(q)), float(xp.min(q))
    if q.shape[0] != m or least < 0 or abs(total - 1.0) > 1e-12 * m:
        raise ValueError(
            f"distribution must hold {m} probabilities, but has {q.shape[0]} entries with sum "
            f"{total:g} and least entry {least:g}"
        )
    missed = float(xp.max(xp.where(q > 0, xp.zeros_like(q), leverage)))
    if missed > 0:
        raise InapplicableError(
            f"the law never draws a node of leverage {missed:.3g}; give every node of positive "
            "leverage a positive probability"
        )
    return float(xp.max(leverage / xp.where(q > 0, q, xp.ones_like(q))))


def drawing_width(
    cov: Any, ridge: float, distribution: Any = None, *, delta: float = PAPER_DELTA
) -> int:
    """Number of draws of X4 from the law q': ceil(5 c log(16 N/delta)), at least 1.

    P1's conclusion then holds with ridges tau_i = k lam q'_{v_i}. Errors as
    :func:`drawing_constant`.
    """
    spectrum = as_spectrum(cov, vectors=True)
    dof = float(degrees_of_freedom(spectrum, as_ridge(ridge, positive=True)))
    constant = drawing_constant(spectrum, ridge, distribution)
    return _draws(5.0 * constant, dof, as_probability("delta", delta))


def inverse_probability_bound(size: int, width: int) -> Bound:
    """Markov event of P1b: sum_i 1/q_{v_i} <= (5/3) m k, with probability at least 2/5.

    Together with P1 at delta = 1/5 it holds with probability at least 2/5 - 1/15 > 0, so draws
    with both exist. No such bound holds without the event (the trivial value is infinite).
    """
    m, k = as_count("size", size), as_count("width", width)
    note = f"w.p. >= 2/5 over {k} draws by leverage with replacement from {m} nodes"
    return Bound("spectral.P1b", 5.0 / 3.0 * m * k, math.inf, {"mean": float(m * k)}, note)
