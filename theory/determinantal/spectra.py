r"""Spectra that determinantal draws start from: of a kernel, or of a low-rank factor (the dual).

L = V diag(l) V^T. Where L = B B^T with B (m, d), d < m, the thin singular value decomposition of B
gives the d eigenvectors that matter in O(m d^2), with no (m, m) matrix at all.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_count, as_real, input_eps, to_numpy
from ..errors import InapplicableError
from ..spectrum import Spectrum, factorised

Floats = NDArray[np.float64]


def low_rank_spectrum(features: Any) -> Spectrum:
    r"""Spectrum of the kernel L = B B^T by the thin singular value decomposition of B.

    Parameters
    ----------
    features : (m, d) array
        B, one item a row.

    Returns
    -------
    Spectrum
        ``eigenvalues`` (r,), ``eigenvectors`` (m, r), r = min(m, d); noise (eps max(m, d) s_1)^2,
        the square of what rounding does to the singular values s_i of B. Hand it to
        :func:`sample_dpp` and :func:`inclusion_probabilities`.

    Raises
    ------
    ValueError
        `features` is not a finite real matrix, or so large or small that s_1^2 is no float64.

    Notes
    -----
    The dual representation of Kulesza and Taskar 2012, section 3.3, by singular values, so that
    eigenvalues down to eps^2 of the largest are resolved, where those of B^T B end at eps.
    """
    eps = input_eps(features)
    b = to_numpy(as_real("features", features, ndim=2))
    left, singular, _ = np.linalg.svd(b, full_matrices=False)
    top = float(singular[0])
    if top > 0 and not 1e-140 < top < 1e150:
        raise ValueError(
            f"features has the largest singular value {top:.3g}, whose square is no float64; "
            "divide it by that number first"
        )
    noise = (eps * max(b.shape) * top) ** 2
    return Spectrum(singular**2, np.asfortranarray(left), noise)


def kernel_spectrum(kernel_or_spectrum: Any) -> Spectrum:
    """Spectrum with eigenvectors of a kernel, or as given.

    Raises
    ------
    ValueError
        Not symmetric positive semidefinite; a Spectrum whose eigenvectors are missing or do not
        match its eigenvalues.
    """
    if not isinstance(kernel_or_spectrum, Spectrum):
        return factorised(kernel_or_spectrum, vectors=True, name="kernel")
    vectors = kernel_or_spectrum.eigenvectors
    if vectors is None:
        raise ValueError("eigenvectors are needed here; give the kernel, or decompose(kernel)")
    if vectors.ndim != 2 or vectors.shape[1] != kernel_or_spectrum.size:
        raise ValueError(
            f"the spectrum has {kernel_or_spectrum.size} eigenvalues, but eigenvectors of shape "
            f"{vectors.shape}; give one column an eigenvalue"
        )
    return kernel_or_spectrum


def present_part(spectrum: Spectrum) -> tuple[Floats, Floats]:
    """Eigenvalues above the noise, (r,), and their eigenvectors, (m, r), on the host."""
    r = spectrum.rank
    values = np.ascontiguousarray(to_numpy(spectrum.eigenvalues)[:r])
    return values, to_numpy(spectrum.eigenvectors)[:, :r]


def as_size(size: Any, spectrum: Spectrum) -> int:
    """Size of a k-DPP: from 1 to the numerical rank.

    Raises
    ------
    ValueError
        Not a whole number from 1 to m.
    InapplicableError
        Above the numerical rank, where every determinant of that size is 0.
    """
    k = as_count("size", size, most=int(spectrum.eigenvectors.shape[0]))
    if k > spectrum.rank:
        raise InapplicableError(
            f"a k-DPP of size {k} needs a kernel of rank {k}, but the numerical rank is "
            f"{spectrum.rank} (eigenvalues above {spectrum.noise:.3g}): all determinants of that "
            f"size are 0; ask for at most {spectrum.rank}, or add a stated multiple of the identity"
        )
    return k


def check_marginal(values: Floats, tolerance: float) -> None:
    """Refuse a marginal kernel with eigenvalues outside [0, 1]."""
    low, high = float(values.min()), float(values.max())
    if low < -tolerance or high > 1.0 + tolerance or not math.isfinite(low + high):
        raise ValueError(
            f"marginal_kernel must have eigenvalues in [0, 1], but they go from {low:.3g} to "
            f"{f'1 + {high - 1.0:.3g}' if high > 1.0 else f'{high:.3g}'}, where rounding allows "
            f"{tolerance:.2g}; of a likelihood kernel L give marginal_kernel(L) = L (I + L)^(-1)"
        )
