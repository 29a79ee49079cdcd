r"""Low rank plus sparse: min ||W - L - Z||_F over rank L <= r, at most s non-zeros in Z (X6).

Given L, Z holds the s largest entries of W - L; given Z, L is the truncated singular value
decomposition of W - Z. Alternating never increases the error. Z of s entries has rank at most
min(s, m, n), so that no pair has an error below (sum_{i > r + min(s, m, n)} sig_i(W)^2)^{1/2}.

Source: statement X6 [derived]. NumPy only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_count, as_real, as_ridge, frobenius_norm, to_numpy
from ..bounds.directions import LowerBound
from .sparsify import largest_entries

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LowRankSparse:
    """W ~ L + Z.

    Attributes
    ----------
    low_rank, sparse : (m, n) arrays
        L and Z.
    errors : tuple of float
        ||W - L - Z||_F after every half-step, never increasing beyond rounding.
    """

    low_rank: Floats
    sparse: Floats
    errors: tuple[float, ...]


def low_rank_plus_sparse(
    weight: Any, rank: int, nonzeros: int, *, steps: int = 100, tolerance: float = 1e-9
) -> LowRankSparse:
    """Alternating minimisation from Z = 0; a local optimum.

    Parameters
    ----------
    weight : (m, n) array
    rank : int
        r, from 0 to min(m, n).
    nonzeros : int
        s, from 0 to m n.
    steps : int
        Most rounds of both halves.
    tolerance : float
        Stops where a round lowers the error by less than this share of ||W||_F.

    Raises
    ------
    ValueError
        No matrix; a rank, a number of non-zeros, steps or a tolerance out of range.

    Notes
    -----
    Statement X6 [derived].
    """
    w, r, s = _problem(weight, rank, nonzeros)
    least = as_ridge(tolerance, name="tolerance") * frobenius_norm(w)
    low_rank, sparse = np.zeros_like(w), np.zeros_like(w)
    errors: list[float] = [frobenius_norm(w)]
    for _ in range(as_count("steps", steps)):
        before = errors[-1]
        u, sig, vt = np.linalg.svd(w - sparse, full_matrices=False)
        low_rank = (u[:, :r] * sig[:r]) @ vt[:r]
        errors.append(frobenius_norm(w - low_rank - sparse))
        sparse = largest_entries(w - low_rank, s)
        errors.append(frobenius_norm(w - low_rank - sparse))
        if before - errors[-1] <= least:
            break
    return LowRankSparse(low_rank, sparse, tuple(errors[1:]))


def low_rank_plus_sparse_floor(weight: Any, rank: int, nonzeros: int) -> LowerBound:
    """(sum_{i > r + min(s, m, n)} sig_i^2)^{1/2}, below which no pair's error falls.

    Parameters
    ----------
    weight : (m, n) array
    rank : int
        r.
    nonzeros : int
        s.

    Raises
    ------
    ValueError
        As :func:`low_rank_plus_sparse`.

    Notes
    -----
    Statement X6 [derived].
    """
    w, r, s = _problem(weight, rank, nonzeros)
    sig = np.linalg.svd(w, compute_uv=False)
    value = frobenius_norm(sig[r + min(s, *w.shape) :])
    note = f"Frobenius error of any rank {r} plus {s} entries; certain"
    return LowerBound("sparsity.X6", value, 0.0, {"norm": math.hypot(*sig)}, note)


def _problem(weight: Any, rank: int, nonzeros: int) -> tuple[Floats, int, int]:
    """Matrix on the host, rank and number of entries, in range."""
    w = to_numpy(as_real("weight", weight, ndim=2))
    r = as_count("rank", rank, least=0, most=min(w.shape))
    return w, r, as_count("nonzeros", nonzeros, least=0, most=w.size)
