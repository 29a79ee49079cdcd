r"""Spectrum of a second-moment matrix and what it says of every ridge: degrees of freedom,
leverage scores, the volume ridge, and the output version N'(lam; Z).

Letters: mu_1 >= mu_2 >= ... eigenvalues of Sigma, lam the ridge, N(lam) = sum mu_j/(mu_j + lam),
l_j = [Sigma (Sigma + lam)^{-1}]_jj (docs/statements.md 2.4, 2.5). Factorise once with
:func:`decompose`, then ask for any ridge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import (
    Array,
    as_count,
    as_output_weights,
    as_real,
    as_ridge,
    as_symmetric,
    check_semidefinite,
    input_eps,
    is_numpy,
    namespace,
    to_numpy,
)


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues, and if asked for eigenvectors, of a second-moment matrix.

    Usually made by :func:`decompose`; refuses eigenvalues which do not descend to 0 or above.

    Attributes
    ----------
    eigenvalues : (m,) array
        Descending, clipped at 0.
    eigenvectors : (m, m) array, or None if not asked for
        Column i belongs to ``eigenvalues[i]``. Determinantal draws also take the r eigenvectors of
        a kernel of low rank alone, (m, r).
    noise : float
        Size below which an eigenvalue is rounding: eps * m * mu_1 for a factorised matrix (eps
        of the type handed in), 0 for eigenvalues given as such.
    """

    eigenvalues: Array
    eigenvectors: Array = None
    noise: float = 0.0

    def __post_init__(self) -> None:
        mu = as_real("eigenvalues", self.eigenvalues, ndim=1)
        xp = namespace(mu)
        if float(mu[-1]) < 0 or bool(xp.any(mu[1:] > mu[:-1])):
            raise ValueError(
                "eigenvalues must descend and be at least 0; give decompose(cov) where they do not"
            )
        object.__setattr__(self, "eigenvalues", mu)

    @property
    def size(self) -> int:
        """Number of nodes m."""
        return int(self.eigenvalues.shape[0])

    @property
    def rank(self) -> int:
        """Number of eigenvalues above `noise`."""
        xp = namespace(self.eigenvalues)
        return int(xp.sum(xp.astype(self.eigenvalues > self.noise, xp.int64)))

    @property
    def trace(self) -> float:
        """Sum of the eigenvalues, Tr Sigma."""
        return float(namespace(self.eigenvalues).sum(self.eigenvalues))


def decompose(cov: Any, *, vectors: bool = True) -> Spectrum:
    """Eigenvalues and, if `vectors`, eigenvectors of a second-moment matrix.

    Parameters
    ----------
    cov : (m, m) array
        Passes :func:`~pruneproof.theory.arrays.as_covariance`.
    vectors : bool
        Whether eigenvectors are wanted (about 3 times the cost of the eigenvalues alone).

    Raises
    ------
    ValueError
        `cov` is not a second-moment matrix.
    """
    return factorised(cov, vectors=vectors, name="cov")


def factorised(cov: Any, *, vectors: bool, name: str) -> Spectrum:
    """As :func:`decompose`; messages call the matrix `name`."""
    eps = input_eps(cov)
    cov, tolerance = as_symmetric(cov, name=name)
    xp = namespace(cov)
    if vectors:
        values, basis = xp.linalg.eigh(cov)
        basis = xp.flip(basis, axis=1)
        if is_numpy(xp):  # column by column, as eigenvectors are read
            basis = np.asfortranarray(basis)
    else:
        values, basis = xp.linalg.eigvalsh(cov), None
    check_semidefinite(float(values[0]), tolerance, name=name)
    values = xp.clip(xp.flip(values), 0.0, None)
    return Spectrum(values, basis, eps * cov.shape[0] * float(values[0]))


def as_spectrum(spectrum_or_cov: Any, *, vectors: bool = False) -> Spectrum:
    """Spectrum of a Spectrum, of eigenvalues (1-D), or of a second-moment matrix (2-D).

    Raises
    ------
    ValueError
        Negative eigenvalues; eigenvectors wanted of a bare list of eigenvalues; not a
        second-moment matrix.
    """
    if isinstance(spectrum_or_cov, Spectrum):
        found = spectrum_or_cov
    else:
        x = as_real("spectrum_or_cov", spectrum_or_cov)
        if x.ndim != 1:
            return decompose(spectrum_or_cov, vectors=vectors)
        xp = namespace(x)
        if float(xp.min(x)) < 0:
            raise ValueError(
                f"eigenvalues must be at least 0, but the smallest is {float(xp.min(x)):g}; clip "
                "rounding at 0, or give the matrix"
            )
        found = Spectrum(xp.sort(x, descending=True))
    if vectors and found.eigenvectors is None:
        raise ValueError("eigenvectors are needed here; give the matrix, or decompose(cov)")
    return found


def shrinkage(spectrum: Spectrum, ridge: Any) -> Array:
    """Eigenvalues mu/(mu + lam) of Sigma (Sigma + lam)^{-1}; at lam = 0 one on the range.

    `ridge` may have any shape; one axis of length m is appended to it.
    """
    mu = spectrum.eigenvalues
    xp = namespace(mu)
    lam = as_real("ridge", ridge, empty=True)
    if namespace(lam) is not xp:
        lam = xp.asarray(to_numpy(lam), dtype=xp.float64)
    if math.prod(lam.shape) and float(xp.min(lam)) < 0:
        raise ValueError(f"ridge must be at least 0, but its smallest is {float(xp.min(lam)):g}")
    lam = lam[..., None]
    present = xp.astype(mu > spectrum.noise, xp.float64)
    denominator = xp.where(lam > 0, mu + lam, xp.ones_like(mu))
    return xp.where(lam > 0, mu / denominator, present)


def degrees_of_freedom(spectrum_or_cov: Any, ridge: Any) -> Any:
    r"""Degrees of freedom N(lam) = sum_j mu_j / (mu_j + lam).

    Parameters
    ----------
    spectrum_or_cov : Spectrum, (m,) eigenvalues, or (m, m) second moment
    ridge : float or array
        lam >= 0, units of the eigenvalues; at lam = 0 the rank.

    Returns
    -------
    float or array
        A float for a scalar ridge, else the shape of `ridge`.

    Raises
    ------
    ValueError
        Negative ridge, or not a spectrum.

    Notes
    -----
    Suzuki et al., arXiv 1808.08558 [T: degrees of freedom govern compressibility].
    """
    spectrum = as_spectrum(spectrum_or_cov)
    xp = namespace(spectrum.eigenvalues)
    total = xp.sum(shrinkage(spectrum, ridge), axis=-1)
    return total if hasattr(ridge, "shape") or np.ndim(ridge) else float(total)


def ridge_for_degrees_of_freedom(spectrum_or_cov: Any, dof: Any) -> Any:
    r"""Inverse of N: the ridge lam_N(k) at which N(lam) = k (claim spectral.X1).

    Parameters
    ----------
    spectrum_or_cov : Spectrum, (m,) eigenvalues, or (m, m) second moment
    dof : float or array
        0 < dof <= rank; at dof = rank the ridge is 0.

    Returns
    -------
    float or array
        Shape of `dof`.

    Raises
    ------
    ValueError
        `dof` is not above 0, or above the rank.
    """
    spectrum = as_spectrum(spectrum_or_cov)
    wanted = to_numpy(as_real("dof", dof))
    rank = spectrum.rank
    if np.min(wanted) <= 0 or np.max(wanted) > rank:
        raise ValueError(
            f"degrees of freedom must lie in (0, {rank}], the rank; asked for "
            f"{np.min(wanted):g} to {np.max(wanted):g}"
        )
    roots = [fixed_point_ridge(spectrum, 0.0, float(k)) for k in wanted.ravel()]
    if wanted.ndim == 0:
        return roots[0]
    return namespace(spectrum.eigenvalues).asarray(np.reshape(roots, wanted.shape))


def fixed_point_ridge(spectrum: Spectrum, ridge: float, width: float) -> float:
    r"""Largest root kappa of kappa (1 - N(kappa)/k) = lam.

    h(kappa) = kappa - (1/k) sum mu kappa/(mu + kappa) is convex and h >= lam at
    kappa = lam + Tr Sigma/k, so Newton's iteration falls monotonically onto the largest root. It
    ends where rounding stops the fall: a few steps, or as many as the spectrum has decades.
    """
    mu = spectrum.eigenvalues
    xp = namespace(mu)
    if ridge == 0.0 and width >= spectrum.rank:
        return 0.0
    mu = mu[: int(xp.sum(xp.astype(mu > 0, xp.int64)))]
    spare = width - mu.shape[0]
    kappa = ridge + spectrum.trace / width
    while True:
        p, rest = mu / (mu + kappa), kappa / (mu + kappa)
        # Newton's step: k - sum p^2 cancels where k is near the rank, the other where k is small.
        slope = width - float(xp.sum(p * p))
        if 2.0 * width > mu.shape[0]:
            slope = spare + float(xp.sum(rest * (1.0 + p)))
        after = (ridge * width + kappa * float(xp.sum(p * rest))) / slope
        if not after < kappa:
            return kappa
        kappa = after


def leverage_scores(cov: Any, ridge: Any) -> Array:
    r"""Ridge leverage scores l_j = [Sigma (Sigma + lam)^{-1}]_jj, (m,); their sum is N(lam).

    Parameters
    ----------
    cov : (m, m) array, or Spectrum with eigenvectors
    ridge : float
        lam >= 0; at lam = 0 the diagonal of the projection onto the range.

    Raises
    ------
    ValueError
        Negative ridge, or not a second-moment matrix.
    """
    spectrum = as_spectrum(cov, vectors=True)
    weights = shrinkage(spectrum, as_ridge(ridge))
    basis = spectrum.eigenvectors
    return (basis * basis) @ weights


def volume_ridge(spectrum_or_cov: Any, width: int) -> float:
    r"""lam_vol(k) = min_{0 <= r < k} (sum_{j > r} mu_j) / (k - r) (claims spectral.D5, D6).

    For k < rank it is the root of sum_j min(1, mu_j/lam) = k; mu_k at k = rank; 0 above.

    Raises
    ------
    ValueError
        `width` is not a whole number of at least 1.
    """
    spectrum = as_spectrum(spectrum_or_cov)
    k = as_count("width", width)
    if k > spectrum.rank:
        return 0.0
    mu = spectrum.eigenvalues
    xp = namespace(mu)
    tails = xp.flip(xp.cumulative_sum(xp.flip(mu)))[:k]
    return float(xp.min(tails / xp.arange(k, 0, -1, dtype=xp.float64)))


def tail_sum(spectrum_or_cov: Any, width: int) -> float:
    """Sum of the eigenvalues beyond the first k: no k nodes have a smaller input loss (D2)."""
    spectrum = as_spectrum(spectrum_or_cov)
    k = as_count("width", width, least=0)
    beyond = spectrum.eigenvalues[min(k, spectrum.size) :]
    return float(namespace(beyond).sum(beyond))


def smoother(cov: Any, ridge: float) -> Array:
    """H_lam = Sigma (Sigma + lam)^{-1}, (m, m); at lam = 0 the projection onto the range."""
    spectrum = as_spectrum(cov, vectors=True)
    basis = spectrum.eigenvectors
    weights = shrinkage(spectrum, as_ridge(ridge))
    return (basis * weights) @ namespace(weights).matrix_transpose(basis)


def output_degrees_of_freedom(cov: Any, ridge: float, output_weights: Any) -> float:
    r"""Output version N'(lam; Z) = Tr Z Sigma (Sigma + lam)^{-1} Z^T (docs/statements.md 2.4)
    [R].

    Parameters
    ----------
    cov : (m, m) array, or Spectrum with eigenvectors
    ridge : float
    output_weights : (p, m) array
        Z, the matrix that consumes the features.

    Raises
    ------
    ValueError
        As :func:`leverage_scores`; Z without one column a node.
    """
    spectrum = as_spectrum(cov, vectors=True)
    xp = namespace(spectrum.eigenvalues)
    z = as_output_weights(output_weights, spectrum.size, xp) @ spectrum.eigenvectors
    return float(xp.sum((z * z) @ shrinkage(spectrum, as_ridge(ridge))))
