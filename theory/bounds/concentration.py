r"""Degrees of freedom of a sample: how they scatter, and what they say of the population.

Letters: x_1..x_n independent, with no condition on their moments, Sigma_hat = (1/n) sum x_i x_i^T,
N_hat = Tr Sigma_hat (Sigma_hat + lam)^{-1}, E its mean, h_i = x_i^T (Sigma_hat + lam)^{-1} x_i/n.
Taking x_i away lowers N_hat by at least 0 and at most h_i <= 1, and sum_i h_i = N_hat, so N_hat is
self-bounding (Boucheron, Lugosi, Massart 2000):

    Var N_hat <= E
    P(N_hat >= E + t) <= exp(-t^2/(2 E + 2 t/3)),    P(N_hat <= E - t) <= exp(-t^2/(2 E))

whatever the dimension. For iid x_i of second moment Sigma_P, N_P = N(lam) of Sigma_P,

    N_P/(1 + N_inf/n) <= E <= N_P,    N_inf = sup_x x^T (Sigma_P + lam)^{-1} x:

N is concave in Sigma; and E = E x^T (Sigma_hat + lam)^{-1} x, convex in the other samples, with
x x^T/n itself in Sigma_hat. Claims spectral.X10, spectral.X10e [D].
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ..arrays import as_count, as_probability, as_real, as_ridge, namespace
from ..spectrum import as_spectrum, degrees_of_freedom
from .bound import Bound
from .rates import Interval

#: Rounding of double precision.
EPS = 2.0**-52


class Deviations(NamedTuple):
    """Deviations of a random number below and above its mean, both at least 0."""

    below: float
    above: float


def dof_upper_tail(expected_dof: float, deviation: float) -> float:
    r"""Bound on P(N_hat >= E + t): exp(-t^2/(2 E + 2 t/3)).

    Parameters
    ----------
    expected_dof : float
        E = E N_hat >= 0. A larger figure E', such as N_P, is safe: P(N_hat >= E' + t).
    deviation : float
        t >= 0.

    Raises
    ------
    ValueError
        A figure below 0.

    Notes
    -----
    Claim spectral.X10 [D], for independent samples of any laws.
    """
    mean, t = as_ridge(expected_dof, name="expected_dof"), as_ridge(deviation, name="deviation")
    return math.exp(-t / (2.0 * (mean / t) + 2.0 / 3.0)) if t > 0.0 else 1.0


def dof_lower_tail(expected_dof: float, deviation: float) -> float:
    r"""Bound on P(N_hat <= E - t): exp(-t^2/(2 E)), and 0 for t > E, as N_hat >= 0.

    Parameters, errors and source as :func:`dof_upper_tail`, but E itself is needed.
    """
    mean, t = as_ridge(expected_dof, name="expected_dof"), as_ridge(deviation, name="deviation")
    if t > mean:
        return 0.0
    return math.exp(-(t**2) / (2.0 * mean)) if t > 0.0 else 1.0


def dof_deviation(expected_dof: float, delta: float) -> Deviations:
    r"""Deviations t that N_hat reaches with probability at most delta, one a side.

    With s = log(1/delta): sqrt(2 E s) below, s/3 + sqrt(s^2/9 + 2 E s) above; the roots t of the
    tails at delta. The one below may exceed E: then N_hat never lies so low.

    Parameters
    ----------
    expected_dof : float
        E = E N_hat >= 0.
    delta : float
        Of each side.

    Raises
    ------
    ValueError
        E below 0, delta outside (0, 1).

    Notes
    -----
    Claim spectral.X10 [D].
    """
    mean = as_ridge(expected_dof, name="expected_dof")
    nats = -math.log(as_probability("delta", delta))
    spread = 2.0 * mean * nats
    return Deviations(math.sqrt(spread), nats / 3.0 + math.sqrt(nats**2 / 9.0 + spread))


def dof_variance_bound(expected_dof: float, rank: int) -> Bound:
    r"""Variance of N_hat: at most E.

    Parameters
    ----------
    expected_dof : float
        E = E N_hat, from 0 to `rank`.
    rank : int
        Largest possible rank min(n, m) of Sigma_hat, hence of N_hat.

    Returns
    -------
    Bound
        The trivial value is E (rank - E), of any number between 0 and rank.

    Raises
    ------
    ValueError
        E outside [0, rank].

    Notes
    -----
    Claim spectral.X10e [D] (Efron and Stein, self-bounding).
    """
    mean, most = as_ridge(expected_dof, name="expected_dof"), as_count("rank", rank)
    if mean > most:
        raise ValueError(f"expected_dof is {mean:g}, above the rank {most} that bounds it")
    note = "variance of the sample's degrees of freedom; independent samples"
    return Bound("spectral.X10e", mean, mean * (most - mean), {}, note)


def expected_dof_sandwich(
    population_cov: Any, ridge: float, n: int, largest_leverage: float
) -> Interval:
    r"""Mean degrees of freedom of n iid samples: N_P/(1 + N_inf/n) <= E N_hat <= N_P.

    Parameters
    ----------
    population_cov : Spectrum, (m,) eigenvalues, or (m, m) array
        Sigma_P, of the population.
    ridge : float
        lam > 0.
    n : int
    largest_leverage : float
        N_inf, or more; see :func:`population_leverage`.

    Raises
    ------
    ValueError
        Not a second moment, a ridge that is not above 0, N_inf below N_P (its mean is N_P).

    Notes
    -----
    Claim spectral.X10e [D].
    """
    lam = as_ridge(ridge, positive=True)
    spectrum = as_spectrum(population_cov)
    dof = float(degrees_of_freedom(spectrum, lam))
    largest = as_ridge(largest_leverage, name="largest_leverage")
    # each of m eigenvalues may be off by m eps mu_1, which N_P feels over lam
    top = float(namespace(spectrum.eigenvalues).max(spectrum.eigenvalues))
    if largest < dof * (1.0 - 1e-9) - 4.0 * EPS * spectrum.size**2 * top / lam:
        raise ValueError(
            f"largest_leverage {largest:g} is below N(lam) = {dof:g}, its mean over the "
            "population; give the largest over all of it"
        )
    return Interval(dof / (1.0 + largest / as_count("n", n)), dof)


def population_leverage(population_cov: Any, points: Any, ridge: float) -> float:
    r"""Largest leverage N_inf = max_x x^T (Sigma_P + lam)^{-1} x over points of the population.

    Parameters
    ----------
    population_cov : (m, m) array or Spectrum with vectors
        Sigma_P.
    points : (p, m) array
        Every point that can be drawn (or those that can be farthest out).
    ridge : float
        lam > 0.

    Raises
    ------
    ValueError
        Not a second moment, points of another size, a ridge that is not above 0.
    """
    spectrum = as_spectrum(population_cov, vectors=True)
    x = as_real("points", points, ndim=2)
    if x.shape[1] != spectrum.size:
        raise ValueError(f"points have {x.shape[1]} entries each, but cov has {spectrum.size} rows")
    xp = namespace(spectrum.eigenvalues)
    whitened = (x @ spectrum.eigenvectors) / xp.sqrt(
        spectrum.eigenvalues + as_ridge(ridge, positive=True)
    )
    return float(xp.max(xp.sum(whitened**2, axis=1)))
