r"""Which nodes, and which pairs of nodes, a DPP or a k-DPP keeps: exact probabilities.

Letters: L = V diag(l) V^T the kernel, K = L (I + L)^{-1} the marginal kernel, k the size, e_k the
elementary symmetric polynomials of l.

    DPP      P(i in J) = K_ii,  P(i, j in J) = K_ii K_jj - K_ij^2                    (claim D4 [D])
    k-DPP    P(i in J) = sum_n V_in^2 w_n,  w_n = l_n e_{k-1}(l_{-n})/e_k
             P(i, j in J) = sum_{n,m} (V_in V_jm - V_im V_jn)^2 w_nm / 2,
             w_nm = l_n l_m e_{k-2}(l_{-n,m})/e_k

The k-DPP is a mixture over sets of k eigenvectors, of which n takes part with probability w_n and
n, m both do with probability w_nm = w_n P(m | n), where P(m | n) is the w_m of size k - 1 on the
spectrum without l_n. All by ratios of positive numbers (:mod:`..elementary`): e_j(l_{-n}) is never
found by taking l_n out of e_j(l), which loses all digits on decaying spectra.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..elementary import inclusion, ratios
from .spectra import Floats, as_size, kernel_spectrum, present_part


def marginal_kernel(kernel: Any) -> Floats:
    r"""Marginal kernel K = L (I + L)^{-1} of the DPP with kernel L, (m, m).

    Parameters
    ----------
    kernel : (m, m) array, or Spectrum with eigenvectors

    Raises
    ------
    ValueError
        Not symmetric positive semidefinite.

    Notes
    -----
    P(S in J) = det K_SS (claim determinantal.D2 [D]); with L = Sigma/lam it is the smoother of
    ridge regression. Kulesza and Taskar 2012, theorem 2.2.
    """
    values, basis = present_part(kernel_spectrum(kernel))
    return np.asarray((basis * (values / (1.0 + values))) @ basis.T)


def inclusion_probabilities(kernel: Any, size: int | None = None) -> tuple[Floats, Floats]:
    r"""Probabilities that a node, and that a pair of nodes, is in a draw.

    Parameters
    ----------
    kernel : (m, m) array, or Spectrum with eigenvectors
        L, symmetric positive semidefinite.
    size : int, optional
        k of a k-DPP, from 1 to the numerical rank; without it the DPP over all sizes.

    Returns
    -------
    marginals : (m,) array
        P(i in J).
    pairs : (m, m) array
        P(i and j in J), with the marginals on the diagonal.

    Raises
    ------
    InapplicableError
        `size` exceeds the numerical rank, which the message states.
    ValueError
        Not a kernel, or a size outside 1..m.

    Notes
    -----
    Claims determinantal.D2, D3, D4 [D]; Kulesza and Taskar 2012. A k-DPP does not depend on the
    scale of L. With r the rank the DPP costs O(m^2 r), the k-DPP O(r^3 + m^2 r^2).
    """
    spectrum = kernel_spectrum(kernel)
    if size is None:
        marginal = marginal_kernel(spectrum)
        marginals = np.diagonal(marginal).copy()
        pairs = np.outer(marginals, marginals) - marginal * marginal
    else:
        k = as_size(size, spectrum)
        values, basis = present_part(spectrum)
        one, two = eigenvector_inclusions(values / values[0], k)
        marginals = (basis * basis) @ one
        pairs = _pairs(np.ascontiguousarray(basis), two)
    marginals = np.clip(marginals, 0.0, 1.0)
    pairs = np.clip((pairs + pairs.T) / 2.0, 0.0, 1.0)
    np.fill_diagonal(pairs, marginals)
    return marginals, pairs


def eigenvector_inclusions(values: Floats, size: int) -> tuple[Floats, Floats]:
    """Probabilities w_n, (r,), and w_nm, (r, r) with zeros on the diagonal, in O(r^3).

    Parameters
    ----------
    values : (r,) array
        Positive, descending.
    size : int
        From 1 to r.
    """
    r = values.shape[0]
    one = inclusion(values, ratios(values, r), size)
    two = np.zeros((r, r))
    if size == 1:
        return one, two
    rest = ~np.eye(r, dtype=bool)
    without = np.broadcast_to(values, (r, r))[rest].reshape(r, r - 1)  # row n: all but l_n
    rho = ratios(np.ascontiguousarray(without.T), r - 1)
    two[rest] = inclusion(without, rho[:, :, None], size - 1).ravel()
    two *= one[:, None]
    return one, (two + two.T) / 2.0


def _pairs(basis: Floats, two: Floats) -> Floats:
    """Sum over n, m of [V_in^2 V_jm^2 - V_in V_jn V_im V_jm] w_nm for all i, j."""
    square = basis * basis
    pairs = square @ two @ square.T
    for i, row in enumerate(basis):
        product = basis * row
        pairs[i] -= np.sum((product @ two) * product, axis=1)
    return np.asarray(pairs)
