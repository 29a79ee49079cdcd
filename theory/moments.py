r"""Second moments of a layer: Sigma = (1/n) sum_i phi(x_i) phi(x_i)^T, dense and streaming.

Sigma is NOT centred unless ``centered=True`` (docs/statements.md 1). The streaming form holds
one m x m triangle, is fed chunk by chunk, and merges exactly: the sums of two halves add.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .arrays import Array, Namespace, as_count, as_real, check_finite, is_numpy, namespace


def second_moment(features: Any, *, centered: bool = False) -> Array:
    r"""Second moment Sigma = (1/n) X^T X of the rows of X, or the covariance.

    Parameters
    ----------
    features : (n, m) array
        One sample a row; units of the activations.
    centered : bool
        Subtract the mean first: Sigma = (1/n) sum (x - mean)(x - mean)^T, divided by n, not n-1.

    Returns
    -------
    (m, m) array
        Units of the activations squared.

    Raises
    ------
    ValueError
        `features` is empty, not finite, not real or not two-dimensional.

    Notes
    -----
    Suzuki et al., arXiv 1808.08558, with P_n the empirical mean [R].
    """
    x = as_real("features", features, ndim=2)
    xp = namespace(x)
    if centered:
        x = x - xp.mean(x, axis=0, keepdims=True)
    return xp.matrix_transpose(x) @ x / x.shape[0]


class MomentAccumulator:
    r"""Second moment of a stream in O(m^2) memory.

    Feed it with :meth:`update`, join two with :meth:`merge`, read :attr:`second_moment`,
    :attr:`covariance`, :attr:`mean` and :attr:`count` at any time. It holds
    sum_i phi_i phi_i^T (one triangle for NumPy, where BLAS `syrk` adds in place) and sum_i phi_i;
    merging adds both, so any split of the data gives the same moment up to the rounding of the
    sums, eps * count * max|phi|^2. The covariance is a difference, so its absolute error is of
    order eps * ||second_moment||.

    Parameters
    ----------
    m : int
        Number of nodes.
    """

    def __init__(self, m: int) -> None:
        self.m = as_count("m", m)
        self.count = 0
        self._xp: Namespace | None = None
        self._products: Array = None
        self._sum: Array = None

    def update(self, features: Any) -> None:
        """Add the rows of `features`, an (n, m) array.

        Raises
        ------
        ValueError
            The chunk has another number of columns, another array library, or is not finite; the
            accumulator is then unchanged.
        """
        x = as_real("features", features, ndim=2, finite=False)
        if x.shape[1] != self.m:
            raise ValueError(f"features must have {self.m} columns, but have shape {x.shape}")
        xp = namespace(x)
        with np.errstate(over="ignore", invalid="ignore"):  # one pass serves the sums and the gate
            column_sums = xp.sum(x, axis=0)
            finite = math.isfinite(float(xp.sum(column_sums)))
        if not finite:
            check_finite("features", x)
        self._join(xp)
        if self._products is None:
            self._start(xp)
        if is_numpy(xp):
            self._products = _add_products(self._products, x)
        else:
            self._products = self._products + xp.matrix_transpose(x) @ x
        self._sum = self._sum + column_sums
        self.count += x.shape[0]

    def merge(self, other: MomentAccumulator) -> None:
        """Add what `other` has seen; `other` is unchanged.

        Raises
        ------
        TypeError
            `other` is no MomentAccumulator.
        ValueError
            `other` counts another number of nodes, or arrays of another library.
        """
        if not isinstance(other, MomentAccumulator):
            raise TypeError(f"merge takes a MomentAccumulator, not a {type(other).__name__}")
        if other.m != self.m:
            raise ValueError(f"cannot merge moments of {other.m} nodes into moments of {self.m}")
        if other._xp is None:
            return
        xp = self._join(other._xp)
        if self._products is None:
            self._start(xp)
        self._products = self._products + other._products
        self._sum = self._sum + other._sum
        self.count += other.count

    @property
    def mean(self) -> Array:
        """Mean of the rows, (m,)."""
        self._require_rows()
        return self._sum / self.count

    @property
    def second_moment(self) -> Array:
        """Uncentred second moment (1/n) sum phi phi^T, (m, m)."""
        self._require_rows()
        if self._xp is not None and is_numpy(self._xp):
            return _mirror_upper(self._products, self.count)
        return self._products / self.count

    @property
    def covariance(self) -> Array:
        """Centred second moment (divided by n), (m, m)."""
        moment = self.second_moment
        mean = self.mean
        moment -= mean[:, None] * mean[None, :]
        return moment

    def _start(self, xp: Namespace) -> None:
        if is_numpy(xp):  # column order is what BLAS updates in place
            self._products = np.zeros((self.m, self.m), order="F")
        else:
            self._products = xp.zeros((self.m, self.m), dtype=xp.float64)
        self._sum = xp.zeros(self.m, dtype=xp.float64)

    def _join(self, xp: Namespace) -> Namespace:
        if self._xp is None:
            self._xp = xp
        if xp is not self._xp:
            raise ValueError(
                f"this accumulator holds arrays of {self._xp.__name__}, not {xp.__name__}; "
                "convert the chunk first"
            )
        return xp

    def _require_rows(self) -> None:
        if self.count == 0:
            raise ValueError("no rows have been added yet; call update first")


def _add_products(products: Array, x: Array) -> Array:
    """Upper triangle of products + x^T x, in place: one BLAS syrk, no temporary."""
    from scipy.linalg.blas import dsyrk

    a = np.ascontiguousarray(x).T
    return dsyrk(1.0, a, beta=1.0, c=products, overwrite_c=1)


def _mirror_upper(products: Array, count: int, block: int = 128) -> Array:
    """Full symmetric matrix of an upper triangle over zeros, divided by count, block by block."""
    full = products / count
    m = full.shape[0]
    for start in range(0, m, block):
        stop = min(start + block, m)
        corner = full[start:stop, start:stop]
        full[start:stop, start:stop] = corner + np.triu(corner, 1).T
        full[stop:, start:stop] = full[start:stop, stop:].T
    return full
