r"""Volume sampling (k-DPP): J drawn with probability proportional to det Sigma_JJ, |J| = k.

The one law of selection whose mean loss is known exactly (claim spectral.I7 [D]):

    E L^A = (k+1) e_{k+1}/e_k <= k lam_N(k)          (spectral.X1 [D]),
    E S_J <= lam_vol(k) Sigma (Sigma + lam_vol(k))^{-1}   (spectral.D5 [D]),

at ridge 0 and for every spectrum of rank at least k. A draw has two parts: which k eigenvectors
take part, by the ratios of :mod:`..elementary`, then which nodes, by the chain rule of the
projection on them. Neither forms a determinant or an e_l, so the scale of Sigma and the spread of
its eigenvalues do no harm.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array, as_generator, as_width, is_cupy, is_numpy, namespace, to_numpy
from ..elementary import present
from ..errors import InapplicableError
from ..spectrum import Spectrum, as_spectrum, volume_ridge
from .selection import Selection

#: One node in so many is drawn by the directions that are left rather than those drawn before.
_LAST = 6


def select_volume(cov: Any, width: int, *, rng: Any) -> Selection:
    r"""Nodes drawn by volume sampling: P(J) proportional to det Sigma_JJ, |J| = k, ridge 0.

    Parameters
    ----------
    cov : (m, m) array, or Spectrum with eigenvectors
        Hand in ``decompose(cov)`` for repeated draws: it is then factorised once.
    width : int
        k, from 1 to the numerical rank.
    rng : Generator, seed or None
        Passed to ``numpy.random.default_rng``.

    Returns
    -------
    Selection
        `kept` in the order drawn, `ridge` 0, and a guarantee with the mean loss in figures.

    Raises
    ------
    InapplicableError
        `width` exceeds the numerical rank: every determinant of that size is 0.
    ValueError
        Not a second-moment matrix, or a width outside 1..m.

    Notes
    -----
    Same law for every array library; the nodes drawn from one seed differ between NumPy, where
    proposals are rejected, and the others, where they are not.
    """
    spectrum = as_spectrum(cov, vectors=True)
    k = as_width(width, spectrum.size)
    if k > spectrum.rank:
        raise InapplicableError(
            f"volume sampling of {k} nodes needs rank {k}, but the numerical rank is "
            f"{spectrum.rank} (eigenvalues above {spectrum.noise:.3g}): all determinants of that "
            "size are 0; ask for a width of at most the rank"
        )
    generator = as_generator(rng)
    xp = namespace(spectrum.eigenvectors)
    mu = np.ascontiguousarray(to_numpy(present(spectrum)))
    taken, ratio = _eigenvectors(mu, k, generator.random(mu.shape), xp)
    kept = _nodes(spectrum.eigenvectors, taken, generator)
    return Selection(
        kept, xp.zeros(k, dtype=xp.float64), "volume", _guarantee(spectrum, k, (k + 1) * ratio)
    )


def _guarantee(spectrum: Spectrum, width: int, mean: float) -> str:
    ridge = volume_ridge(spectrum, width)
    return (
        f"In the mean over draws, without a ridge: E L^A = (k+1) e_(k+1)/e_k = {mean:.4g} "
        f"(spectral.I7), which is at most k lam_N(k) (spectral.X1), and E S_J <= lam Sigma (Sigma "
        f"+ lam)^(-1) at lam = lam_vol({width}) = {ridge:.4g} (spectral.D5); the loss of one draw "
        "is at most twice its mean with probability at least 1/2."
    )


def _eigenvectors(
    mu: NDArray[np.float64], width: int, uniforms: NDArray[np.float64], xp: Any
) -> tuple[NDArray[np.int64], float]:
    """Eigenvectors that take part, and rho_{k+1}: m numbers, so decided on the host."""
    if is_numpy(xp) or is_cupy(xp):
        from ..kernels.kdpp_numba import draw_eigenvectors

        taken, ratio = draw_eigenvectors(mu, width, uniforms)
        return taken, float(ratio)
    return draw_eigenvectors_plainly(mu, width, uniforms)


def _nodes(basis: Array, taken: NDArray[np.int64], rng: np.random.Generator) -> Array:
    """Nodes drawn by the projection DPP on the chosen eigenvectors."""
    xp = namespace(basis)
    k = taken.shape[0]
    if is_numpy(xp):
        return nodes_by_rejection(np.ascontiguousarray(basis.T[taken]), rng)
    rows = xp.take(basis, xp.asarray(taken), axis=1)
    uniforms = rng.random((k,))
    if is_cupy(xp):
        import cupy

        from ..kernels.kdpp_cupy import draw_nodes

        return draw_nodes(rows, cupy.asarray(uniforms), cupy)
    return draw_nodes_plainly(rows, uniforms)


def nodes_by_rejection(rows: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Compiled chain rule by exact rejection; uniforms are drawn a block at a time.

    `rows` (k, m): orthonormal, one eigenvector a line.
    """
    from ..kernels.kdpp_numba import complete_basis, draw_last_nodes, draw_nodes, row_norms

    k = rows.shape[0]
    norms = row_norms(rows)
    cumulative = np.cumsum(norms)
    drawn = np.zeros((k + 3, k))
    kept = np.empty(k, dtype=np.int64)
    block = 2 * math.ceil(k * (math.log(k) + 3.0))  # two a proposal, k H_k proposals or so
    first = k - k // _LAST
    done = 0
    while done < first:
        done = draw_nodes(rows, norms, cumulative, drawn, kept[:first], done, rng.random(block))
    if done < k:
        complete_basis(drawn, done)
    while done < k:
        done = draw_last_nodes(rows, norms, cumulative, drawn, kept, done, rng.random(block))
    return kept


def draw_eigenvectors_plainly(
    mu: NDArray[np.float64], width: int, uniforms: NDArray[np.float64]
) -> tuple[NDArray[np.int64], float]:
    """Plain twin of :func:`..kernels.kdpp_numba.draw_eigenvectors`, decision for decision."""
    table = np.zeros((mu.shape[0] + 1, width + 1))
    for i, added in enumerate(mu):
        below = table[i, :-1]
        table[i + 1] = table[i] + added
        table[i + 1, 1:] *= below / (below + added)
    taken: list[int] = []
    for i in range(mu.shape[0] - 1, -1, -1):
        left = width - len(taken)
        if left > i or (left and uniforms[i] * (table[i, left - 1] + mu[i]) < mu[i]):
            taken.append(i)
    return np.array(taken[::-1], dtype=np.int64), float(table[-1, width])


def draw_nodes_plainly(rows: Array, uniforms: NDArray[np.float64]) -> Array:
    """Chain rule of the projection DPP with every norm kept current; twin of the kernels.

    Parameters
    ----------
    rows : (m, k) array
        Orthonormal columns; row j belongs to node j.
    uniforms : (k,) host array
        One uniform number in [0, 1) a step.
    """
    xp = namespace(rows)
    m, k = rows.shape
    nodes = xp.arange(m, dtype=xp.int64)
    norms = xp.sum(rows * rows, axis=1)
    basis = xp.zeros((0, k), dtype=xp.float64)
    kept: list[int] = []
    for u in uniforms:
        cumulative = xp.cumulative_sum(norms)
        node = int(xp.sum(xp.astype(cumulative <= float(u) * cumulative[-1], xp.int64)))
        line = rows[node, :]
        for _ in range(2):  # Gram-Schmidt, twice for orthogonality at rounding
            line = line - xp.matrix_transpose(basis) @ (basis @ line)
        line = line / xp.sqrt(xp.sum(line * line))
        basis = xp.concat([basis, line[None, :]])
        projection = rows @ line
        norms = xp.clip(norms - projection * projection, 0.0, None)
        norms = xp.where(nodes == node, xp.zeros_like(norms), norms)
        kept.append(node)
    return xp.asarray(kept, dtype=xp.int64)
