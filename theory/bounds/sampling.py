r"""Leverage sampling by matrix Bernstein: sharper widths, both sides, distinct nodes.

Letters: l_j = [H_lam]_jj ridge leverage, q_j = l_j/N(lam), v_1..v_k drawn iid from q with node
ridges tau_i = k lam q_{v_i}, d = N(lam) (mu_1 + lam)/mu_1.

    P2   k >= (2 (N + t/3)/t^2) log(4 d/delta), t < 1   S_J <= lam/(1 - t) H_lam    w.p. 1 - delta
    X3   k >= (2 N (1 + t/3)/t^2) log(4 d/delta), t<=1  S_J >= lam/(1 + t) H_lam    w.p. 1 - delta
    P3   each node alone, w.p. min(1, c l_j)            S_J <= 4 lam H_lam          w.p. 1 - delta

Claims spectral.* [D]; the paper's own form of P2 at t = 3/4 stands in the module `paper`.
"""

from __future__ import annotations

import math
from typing import Any

from ..arrays import Array, as_count, as_probability, as_ridge, namespace
from ..errors import InapplicableError
from ..spectrum import Spectrum, as_spectrum, degrees_of_freedom, leverage_scores
from .bound import Bound
from .directions import LowerBound, directions, ridge_bound
from .paper import PAPER_DELTA


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
    note = f"w.p. >= 1 - {delta:g} at {width} draws by leverage with replacement, ridges k lam q"
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
    note = f"w.p. >= 1 - {delta:g} at {k} draws by leverage with replacement, ridges k lam q"
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
