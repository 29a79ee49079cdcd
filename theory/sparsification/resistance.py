r"""Effective resistances of the weights of a layer (B8), and what sampling by them preserves (S12).

A matrix W (m, n) is a bipartite graph: m + n vertices, its rows and columns, an edge of weight
w_e = |w_ij| for every non-zero entry, b_e = +1 and -1 at its ends. With c components,

    L = sum_e w_e b_e b_e^T,   R_e = b_e^T L^+ b_e,   sum_e w_e R_e = m + n - c   (Foster)

q draws with p_e = w_e R_e/(m + n - c) give Lt = sum over draws w_e b_e b_e^T/(q p_e), E Lt = L, and
(1 - eps) L <= Lt <= (1 + eps) L with probability 1 - delta from q = 3 (N - 1) ln(2 (N - 1)/delta)
/eps^2 on, N = m + n (matrix Chernoff). With U = sum over components 1 1^T/size, L + U is invertible
and (L + U)^{-1} = L^+ + U, which no b_e sees.

Source: statements B8, S12; Spielman and Srivastava 2011, constant [derived]. SciPy where used.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_probability, as_real, as_ridge, to_numpy
from ..bounds.bound import Bound
from ..errors import InapplicableError

Floats = NDArray[np.float64]

#: Relative error of Foster's sum from which on the resistances are refused.
_FOSTER = 1e-6


def bipartite_laplacian(weight: Any) -> Floats:
    r"""L of the rows and columns of a matrix, edges of weight |w_ij|, (m + n, m + n).

    Parameters
    ----------
    weight : (m, n) array

    Raises
    ------
    ValueError
        No matrix, empty or not finite.

    Notes
    -----
    Statement B8.
    """
    a = np.abs(to_numpy(as_real("weight", weight, ndim=2)))
    return np.block([[np.diag(a.sum(axis=1)), -a], [-a.T, np.diag(a.sum(axis=0))]])


def component_projector(weight: Any) -> tuple[Floats, int]:
    """U = sum over connected components of 1 1^T/size, and their number c; lone vertices count.

    Parameters
    ----------
    weight : (m, n) array

    Raises
    ------
    ValueError
        As :func:`bipartite_laplacian`.

    Notes
    -----
    Statement B8 [derived].
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    w = to_numpy(as_real("weight", weight, ndim=2))
    rows, columns = np.nonzero(w)
    size = sum(w.shape)
    edges = csr_array((np.ones(rows.size), (rows, columns + w.shape[0])), shape=(size, size))
    count, label = connected_components(edges, directed=False)
    same = label[:, None] == label[None, :]
    return same / np.bincount(label)[label], int(count)


def effective_resistances(weight: Any) -> Floats:
    r"""R_e of every non-zero entry, (m, n); 0 where the entry is 0. Costs O((m + n)^3).

    Parameters
    ----------
    weight : (m, n) array

    Returns
    -------
    (m, n) array
        In units of 1/weight.

    Raises
    ------
    ValueError
        As :func:`bipartite_laplacian`.
    InapplicableError
        Weights so far apart that rounding spoils Foster's sum by over 1e-6.

    Notes
    -----
    Statement B8; Spielman and Srivastava 2011.
    """
    w = to_numpy(as_real("weight", weight, ndim=2))
    largest = float(np.max(np.abs(w)))
    if largest == 0.0:
        return np.zeros(w.shape)
    with np.errstate(over="ignore"):  # of weights below 1e-308
        return np.asarray(_resistances(w / largest) / largest)


def resistance_distribution(weight: Any) -> Floats:
    """p_e = w_e R_e/(m + n - c), the drawing distribution of Spielman and Srivastava, (m, n).

    Parameters
    ----------
    weight : (m, n) array

    Raises
    ------
    ValueError
        As :func:`bipartite_laplacian`; a weight of zeros.
    InapplicableError
        As :func:`effective_resistances`.

    Notes
    -----
    Statement B8; Spielman and Srivastava 2011.
    """
    w = np.abs(to_numpy(as_real("weight", weight, ndim=2)))
    if not w.any():
        raise ValueError("weight has no non-zero entry, so there is nothing to draw from")
    scaled = w / w.max()
    shares = scaled * _resistances(scaled)
    return np.asarray(shares / shares.sum())


def laplacian_deviation(weight: Any, sample: Any) -> float:
    """Least eps with (1 - eps) L <= Lt <= (1 + eps) L of a matrix and its sparsification.

    Infinite where the sample has an edge that joins two components.

    Parameters
    ----------
    weight, sample : (m, n) arrays
        W and its sparsification.

    Raises
    ------
    ValueError
        Shapes that differ; as :func:`bipartite_laplacian`.

    Notes
    -----
    Statement S12 [derived].
    """
    from scipy.linalg import eigh

    w = to_numpy(as_real("weight", weight, ndim=2))
    b = to_numpy(as_real("sample", sample, ndim=2))
    if w.shape != b.shape:
        raise ValueError(f"sample must have the shape {w.shape} of weight, but has {b.shape}")
    projector, _ = component_projector(w)
    m = w.shape[0]
    if np.any(b[projector[:m, m:] == 0.0]):
        return math.inf
    scale = float(np.max(np.abs(w))) or 1.0
    # On the components' indicators both forms are U, of eigenvalue 1.
    ratios = eigh(
        bipartite_laplacian(b / scale) + projector,
        bipartite_laplacian(w / scale) + projector,
        eigvals_only=True,
    )
    return float(np.max(np.abs(ratios - 1.0)))


def resistance_draws(weight: Any, eps: float, *, delta: float = 0.1) -> Bound:
    r"""Draws q = 3 (N - 1) ln(2 (N - 1)/delta)/eps^2 that preserve L to 1 +- eps.

    Parameters
    ----------
    weight : (m, n) array
        N = m + n.
    eps : float
        In (0, 1].
    delta : float
        Failure probability in (0, 1).

    Returns
    -------
    Bound
        `value` the draws, `trivial` the number of edges: keeping all of them is exact, so the
        statement is vacuous below N ln N/eps^2 edges. `terms["vertices"]` is the N from which on a
        square matrix with no zero has enough edges.

    Raises
    ------
    ValueError
        As :func:`bipartite_laplacian`; eps outside (0, 1].

    Notes
    -----
    Statement S12 (constant [derived]).
    """
    w = to_numpy(as_real("weight", weight, ndim=2))
    target = as_ridge(eps, name="eps", positive=True)
    if target > 1.0:
        raise ValueError(f"eps must be at most 1, but is {target:g}")
    chance = as_probability("delta", delta)

    def draws(vertices: float) -> float:
        others = vertices - 1.0
        return 3.0 * others * math.log(2.0 * others / chance) / target**2

    needed = 2.0
    while draws(needed) >= needed**2 / 4.0:
        needed *= 2.0
    low, high = needed / 2.0, needed
    while high - low > 0.5:
        middle = (low + high) / 2.0
        low, high = (middle, high) if draws(middle) >= middle**2 / 4.0 else (low, middle)
    note = f"draws by effective resistance for eps = {target:g} w.p. >= 1 - {chance:g}"
    terms = {"vertices": float(math.ceil(high))}
    value = math.ceil(draws(float(sum(w.shape))))
    return Bound("sparsity.S12", value, float(np.count_nonzero(w)), terms, note)


def _resistances(w: Floats) -> Floats:
    """R_e of a matrix of largest entry 1, or one sentence on what rounding has made of them."""
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    projector, count = component_projector(w)
    wanted = sum(w.shape) - count
    found, m = math.inf, w.shape[0]
    try:
        factor = cho_factor(bipartite_laplacian(w) + projector, lower=True)
        inverse = cho_solve(factor, np.eye(sum(w.shape)))
        own = np.diag(inverse)
        across = own[:m, None] + own[None, m:] - inverse[:m, m:] - inverse[m:, :m].T
        resistances = np.where(w != 0.0, np.maximum(across, 0.0), 0.0)
        found = float(np.sum(np.abs(w) * resistances))
    except LinAlgError:
        pass
    if not abs(found - wanted) <= _FOSTER * wanted:
        least = float(np.abs(w[w != 0.0]).min())
        raise InapplicableError(
            f"effective resistances need weights nearer to each other: the smallest is {least:.2g} "
            f"of the largest, and sum w R is {found:.9g} where it must be {wanted}; drop the "
            "smallest entries first"
        )
    return np.asarray(resistances)
