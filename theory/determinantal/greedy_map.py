r"""Greedy search for the likeliest set, max det L_JJ over |J| = k (Chen, Zhang and Zhou 2018).

Each step adds the node of largest residual variance d_j^2 = L_jj - L_jJ L_JJ^{-1} L_Jj, which is
the factor by which det L_JJ grows: a Cholesky factorisation with pivots. A step costs O(m k) and
reads one row of L. det of the best set is at most (k!)^2 times that of the greedy one (claim
determinantal.D9).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_count, as_symmetric, input_eps, to_numpy
from ..errors import InapplicableError
from .spectra import Floats


@dataclass(frozen=True, eq=False)
class MapSet:
    """Greedy set of a kernel.

    Attributes
    ----------
    kept : (k,) array
        Nodes in the order chosen.
    gains : (k,) array
        Residual variance of each node when it was chosen; descending, their product is det L_JJ.
    residual : float
        Largest residual variance of a node that is not chosen; 0 where it is rounding.
    noise : float
        Size below which a residual variance is rounding, eps m max L_jj.
    """

    kept: NDArray[np.int64]
    gains: Floats
    residual: float
    noise: float

    @property
    def log_determinant(self) -> float:
        """log det L_JJ, which neither overflows nor underflows."""
        return float(np.sum(np.log(self.gains)))

    @property
    def rank(self) -> int | None:
        """Numerical rank of the kernel where the search has exhausted it, else None."""
        return len(self.kept) if self.residual == 0.0 else None


def greedy_map(kernel: Any, size: int | None = None) -> MapSet:
    r"""Nodes added one by one, each multiplying det L_JJ by the most.

    Parameters
    ----------
    kernel : (m, m) array
        L, symmetric positive semidefinite, in any unit; ties go to the node that comes first.
    size : int, optional
        k, from 1 to the numerical rank; without it the search ends where every residual variance
        left is rounding, so that the nodes number the rank.

    Raises
    ------
    InapplicableError
        `size` exceeds the numerical rank, which the message states.
    ValueError
        Not symmetric; an entry above the root of its two variances, or a residual variance below
        -noise: not positive semidefinite. A set that ends early sees no more of the kernel.

    Notes
    -----
    Chen, Zhang and Zhou 2018. Subtractions are never continued below the noise: a residual
    variance there counts as 0.
    """
    eps = input_eps(kernel)
    matrix, tolerance = as_symmetric(kernel, name="kernel")
    left = to_numpy(matrix)
    m = left.shape[0]
    most = m if size is None else as_count("size", size, most=m)
    variance = np.array(np.diagonal(left))
    noise = eps * m * float(np.max(variance, initial=0.0))
    _check_pairs(left, variance, max(noise, tolerance))
    factor = np.zeros((m, most))
    kept: list[int] = []
    gains: list[float] = []
    while len(kept) < m:
        _check_variances(variance, max(noise, tolerance))
        node = int(np.argmax(variance))
        gain = float(variance[node])
        if gain <= noise or len(kept) == most:
            break
        t = len(kept)
        column = (left[node] - factor[:, :t] @ factor[node, :t]) / np.sqrt(gain)
        factor[:, t] = column
        variance -= column * column
        variance[node] = 0.0
        variance[kept] = 0.0
        kept.append(node)
        gains.append(gain)
    if size is not None and len(kept) < most:
        raise InapplicableError(
            f"a set of {most} nodes of positive determinant needs a kernel of rank {most}, but the "
            f"numerical rank is {len(kept)} (residual variances above {noise:.3g}); ask for at "
            "most the rank, or add a stated multiple of the identity"
        )
    rest = float(np.max(variance))
    return MapSet(np.array(kept, dtype=np.int64), np.array(gains), rest * (rest > noise), noise)


def _check_pairs(kernel: Floats, variance: Floats, tolerance: float) -> None:
    """Refuse entries that two variances do not allow, which steps on other nodes would not meet."""
    _check_variances(variance, tolerance)
    root = np.sqrt(np.maximum(variance, 0.0))
    i, j = np.unravel_index(np.argmax(np.abs(kernel) - np.outer(root, root)), kernel.shape)
    # an error of the entry, or of a variance: sqrt(tolerance) where the other variance is 0
    if abs(kernel[i, j]) > root[i] * root[j] + np.sqrt(tolerance) * (root[i] + root[j]) + tolerance:
        raise ValueError(
            f"kernel is not positive semidefinite: its entry ({i}, {j}) is {kernel[i, j]:.3g}, but "
            f"the variances allow {root[i] * root[j]:.3g}; give a positive semidefinite one"
        )


def _check_variances(variance: Floats, tolerance: float) -> None:
    smallest = float(np.min(variance))
    if smallest < -tolerance:
        raise ValueError(
            f"kernel is not positive semidefinite: given the nodes chosen, a node has the variance "
            f"{smallest:.3g}, where rounding allows {-tolerance:.3g}; give a positive semidefinite "
            "one"
        )
