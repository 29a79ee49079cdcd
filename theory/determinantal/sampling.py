r"""Exact draws of DPPs and k-DPPs, by the spectrum or by the marginal kernel.

Spectral: a draw is a projection DPP on a random set of eigenvectors (claim determinantal.D10 [D]):
for a DPP each takes part with probability l/(1 + l), for a k-DPP k of them do by the ratios of
:mod:`..elementary`. The nodes then follow by the chain rule with exact rejection, compiled in
:mod:`..kernels.kdpp_numba`. All draws of one call share the spectrum and the table of ratios.

Marginal: nodes are decided one by one, node j with the probability that the pivot of K - I_(nodes
left out so far) shows, in one factorisation of O(m^3/3) a draw and no eigenvectors (Poulson 2020).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_count, as_generator, as_symmetric, input_eps, to_numpy
from ..selection.volume import nodes_by_rejection
from .spectra import as_size, check_marginal, kernel_spectrum, present_part

Indices = NDArray[np.int64]


def sample_dpp(
    kernel_or_spectrum: Any, size: int | None = None, *, rng: Any, draws: int = 1
) -> list[Indices]:
    r"""Independent draws of the DPP, or of the k-DPP of a size, with kernel L.

    Parameters
    ----------
    kernel_or_spectrum : (m, m) array, or Spectrum with eigenvectors
        Hand in ``decompose(kernel)`` for repeated calls, or ``low_rank_spectrum(features)`` where
        L = B B^T is of low rank: both are then factorised once.
    size : int, optional
        k, from 1 to the numerical rank; without it P(J) = det L_JJ / det(I + L) over all subsets.
    rng : Generator, seed or None
        Passed to ``numpy.random.default_rng``.
    draws : int
        How many; those of one call share their preparation.

    Returns
    -------
    list of `draws` arrays
        Nodes drawn, ascending; of a DPP their number varies, and may be 0.

    Raises
    ------
    InapplicableError
        `size` exceeds the numerical rank, which the message states.
    ValueError
        Not a kernel; a size outside 1..m; fewer than one draw.

    Notes
    -----
    Hough, Krishnapur, Peres and Virag 2006; Kulesza and Taskar 2012. Neither determinants nor e_k
    are formed: a k-DPP does not depend on the scale of L, and eigenvalues down to the noise of the
    spectrum do no harm. Arrays of any library are accepted; draws are made on the host.
    """
    from ..kernels.kdpp_numba import ratio_table, take_eigenvectors

    spectrum = kernel_spectrum(kernel_or_spectrum)
    k = None if size is None else as_size(size, spectrum)
    count = as_count("draws", draws)
    generator = as_generator(rng)
    values, basis = present_part(spectrum)
    if k is None:
        chance = values / (1.0 + values)
        return [
            _nodes(basis, np.flatnonzero(generator.random(chance.shape) < chance), generator)
            for _ in range(count)
        ]
    table = ratio_table(values, k)
    return [
        _nodes(basis, take_eigenvectors(table, values, generator.random(values.shape)), generator)
        for _ in range(count)
    ]


def sample_dpp_marginal(marginal_kernel: Any, *, rng: Any, draws: int = 1) -> list[Indices]:
    r"""Independent draws of the DPP with marginal kernel K, with no eigenvectors.

    Parameters
    ----------
    marginal_kernel : (m, m) array
        K, symmetric with eigenvalues in [0, 1]: P(S in J) = det K_SS.
    rng : Generator, seed or None
    draws : int
        Each costs O(m^3/3).

    Returns
    -------
    list of `draws` arrays
        Nodes drawn, ascending.

    Raises
    ------
    ValueError
        Not symmetric; eigenvalues outside [0, 1], with the range found; fewer than one draw.

    Notes
    -----
    Poulson, High-performance sampling of generic determinantal point processes, 2020. The check of
    the eigenvalues costs about as much as a few draws.
    """
    matrix, _ = as_symmetric(marginal_kernel, name="marginal_kernel")
    count = as_count("draws", draws)
    generator = as_generator(rng)
    k = np.ascontiguousarray(to_numpy(matrix))
    # Forming K from eigenvectors, or by a solve, errs by a few roundings a node; K is of norm 1.
    check_marginal(np.linalg.eigvalsh(k), 64 * input_eps(marginal_kernel) * len(k))
    return [draw_by_pivots(k, generator.random(len(k))) for _ in range(count)]


def draw_by_pivots(
    marginal_kernel: NDArray[np.float64], uniforms: NDArray[np.float64], *, block: int = 64
) -> Indices:
    """One draw by the blocked factorisation K = F D F^T that decides node j at its pivot.

    Parameters
    ----------
    marginal_kernel : (m, m) array
        Not modified.
    uniforms : (m,) array
        Node j is kept where its uniform is below the pivot.
    block : int
        Columns whose updates of the rest are made together, in one matrix product.
    """
    from ..kernels.dpp_numba import decide_panel

    left = np.array(marginal_kernel, order="C")
    m = left.shape[0]
    kept = np.zeros(m, dtype=np.bool_)
    for start in range(0, m, block):
        stop = min(start + block, m)
        panel = np.ascontiguousarray(left[start:, start:stop])
        pivots = decide_panel(panel, uniforms[start:stop], kept[start:stop])
        below = panel[stop - start :]
        left[stop:, stop:] -= (below / pivots) @ below.T
    return np.flatnonzero(kept)


def draw_by_pivots_plainly(
    marginal_kernel: NDArray[np.float64], uniforms: NDArray[np.float64]
) -> Indices:
    """Plain twin of :func:`draw_by_pivots`, one node at a time."""
    left = np.array(marginal_kernel)
    kept = []
    for j, u in enumerate(uniforms):
        keep = u < left[j, j]
        pivot = left[j, j] if keep else left[j, j] - 1.0
        column = left[j + 1 :, j].copy()
        left[j + 1 :, j + 1 :] -= np.outer(column, column) / pivot
        if keep:
            kept.append(j)
    return np.array(kept, dtype=np.int64)


def _nodes(basis: NDArray[np.float64], taken: Indices, generator: np.random.Generator) -> Indices:
    """Nodes of the projection DPP on the eigenvectors taken, ascending."""
    if taken.size == 0:
        return np.empty(0, dtype=np.int64)
    return np.sort(nodes_by_rejection(np.ascontiguousarray(basis.T[taken]), generator))
