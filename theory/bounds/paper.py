r"""P1, the paper-style sampling lemma: 5 N log(16 N/delta) draws and the factor 4.

Letters: l_j = [H_lam]_jj ridge leverage, q_j = l_j/N(lam), v_1..v_k drawn iid from q with node
ridges tau_i = k lam q_{v_i} (a MULTISET: a node drawn c times has its ridge divided by c).

    P1   k >= 5 N log(16 N/delta)                       S_J <= 4 lam H_lam          w.p. 1 - delta/3
    P1b  sum_i 1/q_{v_i} <= (5/3) m k                                               w.p. 2/5
    X4   k >= 5 c log(16 N/delta), l_j <= c q'_j        P1 for draws from q'

P1 is Bach's lemma in the form of Suzuki et al., arXiv 1808.08558 (constants [R], proof [D]).
"Paper-style" means delta = 1/5, i.e. k = 5 N log(80 N).
"""

from __future__ import annotations

import math
from typing import Any

from ..arrays import as_count, as_probability, as_real, as_ridge, input_eps, namespace
from ..errors import InapplicableError
from ..spectrum import as_spectrum, degrees_of_freedom, fixed_point_ridge, leverage_scores
from .bound import Bound
from .directions import directions, ridge_bound

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


def drawing_constant(cov: Any, ridge: float, distribution: Any = None) -> float:
    r"""Constant c = max_j l_j/q'_j of X4 for draws from another law q'; uniform by default.

    Uniform draws have c = m max_j l_j; leverage itself has c = N(lam).

    Raises
    ------
    InapplicableError
        A node of positive leverage that q' never draws.
    ValueError
        `distribution` is not a probability vector of length m (its sum may err by 1e-12 m, in
        a type shorter than float64 by its eps times m).
    """
    leverage = leverage_scores(cov, as_ridge(ridge, positive=True))
    xp = namespace(leverage)
    m = int(leverage.shape[0])
    if distribution is None:
        return m * float(xp.max(leverage))
    q = as_real("distribution", distribution, ndim=1)
    total, least = float(xp.sum(q)), float(xp.min(q))
    rounding = m * max(1e-12, input_eps(distribution))
    if q.shape[0] != m or least < 0 or abs(total - 1.0) > rounding:
        raise ValueError(
            f"distribution must hold {m} probabilities, but has {q.shape[0]} entries with sum "
            f"{total:g} and least entry {least:g}"
        )
    missed = float(xp.max(xp.where(q > 0, xp.zeros_like(q), leverage)))
    if missed > m * input_eps(cov):  # more than the rounding of a dead node's leverage
        raise InapplicableError(
            f"the law never draws a node of leverage {missed:.3g}; give every node of positive "
            "leverage a positive probability"
        )
    ratio = leverage / xp.where(q > 0, q, xp.ones_like(q))
    return float(xp.max(xp.where(q > 0, ratio, xp.zeros_like(q))))


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


def _draws(factor: float, dof: float, delta: float) -> int:
    return max(1, math.ceil(factor * math.log(max(16.0 * dof / delta, 1.0))))
