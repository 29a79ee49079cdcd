r"""B6, from the sample to the population: the reconstruction error under the true second moment.

Letters: Sigma_P population and Sigma empirical second moment, G = I - A E_J the reconstruction
gap, Z its reader, t = lmax((Sigma_P + lam)^{-1/2} (Sigma_P - Sigma) (Sigma_P + lam)^{-1/2})_+. As
Sigma >= 0 and lam > 0, t < 1 always; then, for any A, even one fitted to the sample,

    E_P ||Z G phi||^2 <= (||Z G phi||_n^2 + t lam ||Z G||_F^2)/(1 - t).

Claim spectral.B6 [D]; attained.
"""

from __future__ import annotations

from typing import Any

from ..arrays import (
    Array,
    as_covariance,
    as_kept,
    as_output_weights,
    as_real,
    as_ridge,
    namespace,
)
from ..errors import InapplicableError
from ..spectrum import as_spectrum
from .bound import Bound


def transfer_level(population_cov: Any, cov: Any, ridge: float) -> float:
    """Relative gap t >= 0 of two second moments at a ridge.

    Parameters
    ----------
    population_cov, cov : (m, m) arrays
        Sigma_P (or a held-out estimate that stands for it) and Sigma.
    ridge : float
        lam > 0.

    Raises
    ------
    ValueError
        Not second moments of one size, a ridge that is not above 0.
    """
    lam = as_ridge(ridge, positive=True)
    truth, sample = as_covariance(population_cov, name="population_cov"), as_covariance(cov)
    if truth.shape != sample.shape:
        raise ValueError(f"population_cov {truth.shape} and cov {sample.shape} differ in shape")
    spectrum = as_spectrum(truth, vectors=True)
    xp = namespace(truth)
    root = spectrum.eigenvectors / xp.sqrt(spectrum.eigenvalues + lam)
    gap = xp.matrix_transpose(root) @ (truth - sample) @ root
    values = xp.linalg.eigvalsh((gap + xp.matrix_transpose(gap)) / 2.0)
    return max(float(xp.max(values)), 0.0)


def population_transfer(
    population_cov: Any,
    cov: Any,
    ridge: float,
    kept: Any,
    coefficients: Any,
    *,
    output_weights: Any = None,
) -> Bound:
    r"""Population reconstruction error of A fitted on a sample.

    Parameters
    ----------
    population_cov, cov, ridge
        As :func:`transfer_level`.
    kept : (k,) distinct node indices
    coefficients : (m, k) array
        A.
    output_weights : (p, m) array, optional
        Z; the identity by default.

    Returns
    -------
    Bound
        On E_P ||Z (phi - A phi_J)||^2; terms: the level t, the empirical and the ridge part. The
        trivial value is Tr Z Sigma_P Z^T.

    Raises
    ------
    InapplicableError
        t is 1 to rounding: the ridge is too small for the directions the sample misses.
    ValueError
        As :func:`transfer_level`; shapes that do not fit.
    """
    lam = as_ridge(ridge, positive=True)
    t = transfer_level(population_cov, cov, lam)
    if t >= 1.0:
        raise InapplicableError(
            f"the transfer to the population needs t < 1, but t is {t:.4g} to rounding at ridge "
            f"{lam:g}; raise the ridge or take more samples"
        )
    truth, sample = as_covariance(population_cov, name="population_cov"), as_covariance(cov)
    reader = _gap(truth, kept, coefficients, output_weights)
    xp = namespace(truth)
    empirical = float(xp.sum((reader @ sample) * reader)) / (1.0 - t)
    penalty = t * lam * float(xp.sum(reader * reader)) / (1.0 - t)
    z = _reader(truth, output_weights)
    trivial = float(xp.sum((z @ truth) * z))
    terms = {"level": t, "empirical": empirical, "ridge": penalty}
    note = "mean of ||Z (phi - A phi_J)||^2 over the population; certain, given both moments"
    return Bound("spectral.B6", empirical + penalty, trivial, terms, note)


def _reader(cov: Array, output_weights: Any) -> Array:
    xp = namespace(cov)
    if output_weights is None:
        return xp.eye(cov.shape[0], dtype=xp.float64)
    return as_output_weights(output_weights, cov.shape[0], xp)


def _gap(cov: Array, kept: Any, coefficients: Any, output_weights: Any) -> Array:
    """Z G = Z (I - A E_J), (p, m)."""
    xp = namespace(cov)
    m = cov.shape[0]
    index = as_kept(kept, m)
    a = as_real("coefficients", coefficients, ndim=2)
    if a.shape != (m, index.size):
        raise ValueError(f"coefficients must have shape ({m}, {index.size}), not {a.shape}")
    chosen = xp.take(xp.eye(m, dtype=xp.float64), xp.asarray(index), axis=0)
    z = _reader(cov, output_weights)
    return z - (z @ a) @ chosen
