r"""Optimal brain surgeon, exactly: removal of weights with refit of the rest (X1).

For f = w.h, G = E h h^T > 0, removed entries C:

    least error e(C) = w_C^T [(G^{-1})_CC]^{-1} w_C = the refitted error of T3,
    attained at w - (G^{-1})_{:,C} [(G^{-1})_CC]^{-1} w_C;
    one weight: w_j^2/(G^{-1})_jj = w_j^2 G_jj (1 - R_j^2), R_j the uncentred multiple correlation.

One at a time with M = G^{-1}: error += w_j^2/M_jj, w -= M_{:,j} w_j/M_jj,
M -= M_{:,j} M_{j,:}/M_jj; the increments sum to e(C) in any order and M_SS stays G_SS^{-1}.
LeCun, Denker and Solla 1990; Hassibi and Stork 1993 [recalled]; identities [derived].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_count, as_kept, as_real, to_numpy
from ..errors import InapplicableError
from .neuron import Floats, moment_of


def obs_saliencies(weight: Any, cov: Any) -> Floats:
    """Least error w_j^2/(G^{-1})_jj of removing each weight alone and refitting the rest, (d,).

    Parameters
    ----------
    weight : (d,) array
    cov : (d, d) array, positive definite

    Raises
    ------
    InapplicableError
        A singular G.
    ValueError
        Shapes that do not fit, no second-moment matrix.
    """
    row = to_numpy(as_real("weight", weight, ndim=1))
    return row**2 / np.diag(inverse_moment(moment_of(cov, row.size)))


def obs_removal(weight: Any, cov: Any, removed: Any) -> tuple[Floats, float]:
    """Weights after the entries `removed` are taken out and the rest refitted, and the error e(C).

    Parameters and errors as :func:`obs_saliencies`; `removed` distinct indices.
    """
    row = to_numpy(as_real("weight", weight, ndim=1))
    out = as_kept(removed, row.size)
    inverse = inverse_moment(moment_of(cov, row.size))
    solved = np.linalg.solve(inverse[np.ix_(out, out)], row[out])
    after = row - inverse[:, out] @ solved
    after[out] = 0.0
    return after, float(row[out] @ solved)


def obs_path(weight: Any, cov: Any, removals: int) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Greedy surgeon: `removals` times remove the entry of least w_j^2/M_jj and refit.

    Parameters
    ----------
    weight : (d,) array
    cov : (d, d) array, positive definite
    removals : int
        From 0 to d.

    Returns
    -------
    order : (removals,) array of int
    increments : (removals,) array
        What each removal adds to the error; their sum is the refitted error.
    weight : (d,) array
        Refitted.

    Raises
    ------
    InapplicableError
        A singular G.
    ValueError
        Shapes that do not fit, a count out of range.
    """
    row = to_numpy(as_real("weight", weight, ndim=1))
    count = as_count("removals", removals, least=0, most=row.size)
    inverse = inverse_moment(moment_of(cov, row.size))
    return surgeon(row, inverse, count)


def surgeon(row: Floats, inverse: Floats, count: int) -> tuple[NDArray[np.int64], Floats, Floats]:
    """:func:`obs_path` from the inverse moment, which is not modified."""
    w, m = row.copy(), inverse.copy()
    alive = np.ones(w.size, dtype=bool)
    order, increments = np.empty(count, dtype=np.int64), np.empty(count)
    for step in range(count):
        pivots = np.where(alive, np.diag(m), 1.0)
        scores = np.where(alive, w * w / pivots, np.inf)
        j = int(np.argmin(scores))
        order[step], increments[step] = j, scores[j]
        column = m[:, j] / m[j, j]
        w -= column * w[j]
        m -= np.outer(column, m[j])
        alive[j] = False
        w[~alive] = 0.0
    return order, increments, w


def inverse_moment(moment: Floats) -> Floats:
    """G^{-1}, or a sentence by how much it is singular; the inputs' units do not matter."""
    sizes = np.sqrt(np.diag(moment))
    if np.all(sizes > 0.0):
        scaled = moment / np.outer(sizes, sizes)
        values, vectors = np.linalg.eigh(scaled)
        if values[0] > moment.shape[0] * np.finfo(np.float64).eps * values[-1]:
            return np.asarray((vectors / values) @ vectors.T / np.outer(sizes, sizes))
        figure = f"the smallest eigenvalue of its correlations is {values[0]:.3g}"
    else:
        figure = f"{int(np.sum(sizes == 0.0))} inputs are always 0"
    raise InapplicableError(
        f"the optimal surgeon needs an invertible second moment, but {figure}; give more samples, "
        "or remove inputs that others determine (refit works with any moment)"
    )
