r"""Which entries to drop for the least spectral norm (X7).

t entries are dropped, b_1 <= b_2 <= .. all |entries| of the (m, n) matrix, D the dropped ones:

    ||D||_2 >= max(b_t, (sum_{i<=t} b_i^2/min(m, n))^{1/2})
    magnitude/optimum <= sqrt(min(m, n, t, r c)),   r, c the most that magnitude drops in a line

Magnitude is optimal for min(m, n) = 1, for t = 1, and where the t smallest entries lie in distinct
rows and columns. Two entries have sqrt(x^2 + y^2) in one line and max(x, y) otherwise; entries of
which every two share a line all lie in one line, so the least max is found among the max(m, n) + 1
smallest entries.

Source: statement X7 [derived]. NumPy only.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_count, as_real, frobenius_norm, to_numpy
from ..bounds.bound import Bound
from ..bounds.directions import LowerBound
from .sparsify import largest_entries, largest_places

Floats = NDArray[np.float64]


def dropped_by_magnitude(weight: Any, count: int) -> Floats:
    """D of magnitude pruning: the `count` smallest entries (ties: higher index first), others 0.

    Parameters
    ----------
    weight : (m, n) array
    count : int
        t, how many are dropped.

    Raises
    ------
    ValueError
        No matrix; a count outside 1..m n.

    Notes
    -----
    Statement X7.
    """
    w, t = _matrix_and_count(weight, count)
    return np.asarray(w - largest_entries(w, w.size - t))


def dropping_floor(weight: Any, count: int) -> LowerBound:
    """Least ||D||_2 of any t dropped entries is at least this; `terms` hold the two forms.

    Parameters
    ----------
    weight : (m, n) array
    count : int
        t, from 1 to m n.

    Raises
    ------
    ValueError
        No matrix; a count out of range.

    Notes
    -----
    Statement X7 [derived].
    """
    w, t = _matrix_and_count(weight, count)
    smallest = np.partition(np.abs(w).ravel(), t - 1)[:t]
    energy = frobenius_norm(smallest) / math.sqrt(min(w.shape))
    terms = {"largest": float(smallest[t - 1]), "energy": energy}
    note = f"spectral norm of any {t} dropped entries; certain"
    return LowerBound("sparsity.X7", max(terms.values()), 0.0, terms, note)


def magnitude_ratio_bound(weight: Any, count: int) -> Bound:
    """Norm magnitude drops, over the least possible: at most sqrt(min(m, n, t, r c)).

    Parameters
    ----------
    weight : (m, n) array
    count : int
        t, how many are dropped.

    Returns
    -------
    Bound
        1 where magnitude is known to be optimal; `trivial` is sqrt(min(m, n)).

    Raises
    ------
    ValueError
        As :func:`dropping_floor`.

    Notes
    -----
    Statement X7 [derived].
    """
    w, t = _matrix_and_count(weight, count)
    cells = ~largest_places(w, w.size - t)
    lines = int(cells.sum(axis=0).max()) * int(cells.sum(axis=1).max())
    least = min(*w.shape, t, lines)
    trivial = math.sqrt(min(w.shape))
    note = f"||D||_2 of magnitude over the least for {t} dropped entries; certain"
    return Bound("sparsity.X7", math.sqrt(least), trivial, {"lines": float(lines)}, note)


def best_pair(weight: Any) -> tuple[float, tuple[int, int], tuple[int, int]]:
    """Least ||D||_2 of two dropped entries, and their places; exact.

    Parameters
    ----------
    weight : (m, n) array

    Raises
    ------
    ValueError
        No matrix, or one of a single entry.

    Notes
    -----
    Statement X7 [derived].
    """
    w = to_numpy(as_real("weight", weight, ndim=2))
    if w.size < 2:
        raise ValueError("weight has a single entry, so that no two can be dropped")
    a = np.abs(w)
    candidates = [*_pairs_in_rows(a)]
    candidates += [(x, p[::-1], q[::-1]) for x, p, q in _pairs_in_rows(a.T)]
    across = _pair_across_lines(a)
    if across is not None:
        candidates.append(across)
    return min(candidates)


def _pairs_in_rows(a: Floats) -> list[tuple[float, tuple[int, int], tuple[int, int]]]:
    """The best pair within every row."""
    if a.shape[1] < 2:
        return []
    two = np.argpartition(a, 1, axis=1)[:, :2]
    return [
        (math.hypot(a[i, j], a[i, k]), (i, int(j)), (i, int(k))) for i, (j, k) in enumerate(two)
    ]


def _pair_across_lines(a: Floats) -> tuple[float, tuple[int, int], tuple[int, int]] | None:
    """The pair of least maximum in distinct rows and columns; None of a single line."""
    few = min(a.size, max(a.shape) + 1)
    order = np.argpartition(a.ravel(), few - 1)[:few]
    order = order[np.argsort(a.ravel()[order], kind="stable")]
    rows, columns = np.unravel_index(order, a.shape)
    for later in range(1, few):
        apart = (rows[:later] != rows[later]) & (columns[:later] != columns[later])
        if apart.any():
            first = int(np.argmax(apart))
            place = int(rows[first]), int(columns[first])
            other = int(rows[later]), int(columns[later])
            return float(a[other]), place, other
    return None


def _matrix_and_count(weight: Any, count: int) -> tuple[Floats, int]:
    """Matrix on the host, and how many of its entries are dropped."""
    w = to_numpy(as_real("weight", weight, ndim=2))
    return w, as_count("count", count, most=w.size)
