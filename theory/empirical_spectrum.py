r"""Degrees of freedom of a sample against those of the population (laws.L6).

Letters: Sigma the population's second moment, N_P its degrees of freedom; Sigma_hat the second
moment of n independent samples (not centred, mean 0), N_hat its own. Sampling acts as a larger
ridge,

    N_hat(lam) ~ N_P(kappa),    kappa (1 - N_P(kappa)/n) = lam    (the root with N_P < n),

which is read both ways: forwards from the population; and backwards from the data, where
kappa = lam/(1 - N_hat(lam)/n) needs no population. A law for n and N_P large, not a bound: the
guarantee that goes with it is claim spectral.X10.

Source: laws.L6 (deterministic equivalents; Marchenko and Pastur 1967, Silverstein 1995 [R]).

This module may import NumPy and the sibling modules arrays, laws, spectrum.
"""

from __future__ import annotations

from typing import Any

from .arrays import as_count, as_ridge, namespace
from .errors import InapplicableError
from .laws import sampled_ridge
from .spectrum import Spectrum, as_spectrum, degrees_of_freedom


def empirical_degrees_of_freedom(population: Any, ridge: float, samples: int) -> float:
    r"""Predicted N_hat(lam) of n samples: N_P(kappa_n), kappa_n (1 - N_P(kappa_n)/n) = lam.

    Parameters
    ----------
    population : Spectrum, (m,) eigenvalues, or (m, m) second moment
        Of the population.
    ridge : float
        lam >= 0.
    samples : int
        n.

    Returns
    -------
    float
        Below n; at lam = 0 the smaller of n and the rank.

    Raises
    ------
    ValueError
        Negative ridge, not a spectrum, a number of samples that is not whole and positive.
    """
    spectrum, n = as_spectrum(population), as_count("samples", samples)
    return float(degrees_of_freedom(spectrum, sampled_ridge(spectrum, ridge, n)))


def population_ridge(sample: Any, ridge: float, samples: int) -> float:
    r"""Ridge kappa at which N_P(kappa) ~ N_hat(lam), off the data alone: lam/(1 - N_hat(lam)/n).

    Parameters
    ----------
    sample : Spectrum, (m,) eigenvalues, or (m, m) second moment
        Of the n samples.
    ridge : float
        lam > 0.
    samples : int
        n, at least the rank of `sample`.

    Raises
    ------
    ValueError
        Ridge not above 0, not a spectrum, fewer samples than the rank.
    """
    spectrum, n = _sampled(sample, samples)
    lam = as_ridge(ridge, positive=True)
    return lam / _unexplained(spectrum, lam, n)


def population_degrees_of_freedom(sample: Any, ridge: float, samples: int) -> float:
    r"""N_P(kappa) off the data: N_hat(lam) at the lam where lam/(1 - N_hat(lam)/n) = kappa.

    Parameters
    ----------
    sample : Spectrum, (m,) eigenvalues, or (m, m) second moment
        Of the n samples.
    ridge : float
        kappa > 0.
    samples : int
        n, at least the rank of `sample`.

    Returns
    -------
    float
        Estimate of N_P(kappa), below n.

    Raises
    ------
    InapplicableError
        kappa is at most n / sum_i 1/mu_hat_i, the value which lam -> 0 stands for where the rank
        is n: so few samples do not resolve so small a ridge.
    ValueError
        Ridge not above 0, not a spectrum, fewer samples than the rank.
    """
    spectrum, n = _sampled(sample, samples)
    kappa = as_ridge(ridge, positive=True)
    return float(degrees_of_freedom(spectrum, _sample_ridge(spectrum, kappa, n)))


def _sampled(sample: Any, samples: int) -> tuple[Spectrum, int]:
    spectrum, n = as_spectrum(sample), as_count("samples", samples)
    if spectrum.rank > n:
        raise ValueError(
            f"{n} samples cannot have a second moment of rank {spectrum.rank}; give the number of "
            "samples that it was computed from"
        )
    return spectrum, n


def _unexplained(spectrum: Spectrum, lam: float, n: int) -> float:
    """1 - N_hat(lam)/n without cancellation."""
    mu = spectrum.eigenvalues[: spectrum.rank]
    return (n - spectrum.rank + lam * float(namespace(mu).sum(1.0 / (mu + lam)))) / n


def _sample_ridge(spectrum: Spectrum, kappa: float, n: int) -> float:
    r"""Positive root lam of kappa (1 - N_hat(lam)/n) = lam.

    The left side is concave in lam and at most kappa, so Newton's iteration from lam = kappa falls
    monotonically onto the largest root. It ends where rounding stops the fall.
    """
    mu = spectrum.eigenvalues[: spectrum.rank]
    xp, spare = namespace(mu), n - spectrum.rank
    if spare == 0:
        least = n / float(xp.sum(1.0 / mu))
        if kappa <= least:
            raise InapplicableError(
                f"degrees of freedom at ridge {kappa:g} cannot be read off {n} samples, which "
                f"resolve ridges above {least:g} only; ask for a larger ridge, or take more samples"
            )
    lam = kappa
    while True:
        rest, p = lam / (mu + lam), mu / (mu + lam)
        # Newton's step, with numerator and denominator free of cancellation but for the 1
        slope = n - kappa * float(xp.sum(p / (mu + lam)))
        after = kappa * (spare + float(xp.sum(rest * rest)))
        if slope <= 0.0 or not 0.0 < after / slope < lam:
            return lam
        lam = after / slope
