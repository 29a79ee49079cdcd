r"""Singular values of convolutions (B7) beside those of the reshaped kernel (S10, S11).

K (o, i, k, k'), stride 1, a grid of n x n' positions, n >= k. The circular convolution is block
diagonal in the Fourier basis: its singular values are those of the symbols P(u, v) (o, i), the
two-dimensional DFT of K padded by zeros, together. A real K has P(-u, -v) = conj P(u, v), so that
half the frequencies do. With R = K reshaped to (o, i k k') and Rt to (i, o k k'), axes swapped,

    max(||R||_2, ||Rt||_2) <= ||circular||_2 <= sqrt(k k') min(||R||_2, ||Rt||_2)
    sum over (u, v) of ||P||_F^2 = n n' ||K||_F^2

both ends of the first attained. Zero padding on n positions ('same') is a compression of the
circular convolution on any N >= n + floor(k/2) (per axis), not of that on n. Over all frequencies
||P|| is at most its largest value on a grid over cos(pi (k - 1)/(2 N)) an axis, N > k - 1 (Ehlich
and Zeller). ||conv(K) - conv(Kh)||_2 <= sqrt(k k') ||R - Rh||_2.

Source: statements B7, S10 (Sedghi, Gupta, Long 2019 [recalled]; ends [derived]), S11 [derived].
Imports NumPy and SciPy's FFT only.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_count, as_real, frobenius_norm, to_numpy
from ..bounds.bound import Bound
from ..bounds.network import operator_norm
from ..errors import InapplicableError

Floats = NDArray[np.float64]
_Places: TypeAlias = list[tuple[int, int]]

#: Entries of the zero-padded operator that are still formed densely.
_DENSE_ENTRIES = 2**26


def convolution_symbols(kernel: Any, grid: int | tuple[int, int]) -> NDArray[np.complex128]:
    """P(u, v) of all frequencies, (n, n', out, in).

    Parameters
    ----------
    kernel : (out, in, kh, kw) array
    grid : int or (height, width)

    Raises
    ------
    ValueError
        No kernel (out, in, kh, kw), or a grid smaller than it.

    Notes
    -----
    Statement B7; Sedghi, Gupta and Long 2019.
    """
    k, sizes = _kernel_and_grid(kernel, grid)
    return np.moveaxis(np.fft.fft2(k, s=sizes), (2, 3), (0, 1))


def convolution_singular_values(
    kernel: Any, grid: int | tuple[int, int], *, padding: str = "circular"
) -> Floats:
    """Singular values of a convolution of stride 1, descending.

    Parameters
    ----------
    kernel : (out, in, kh, kw) array
        Correlation or convolution: the singular values are the same.
    grid : int or (height, width)
        Positions of the image, at least as many as the kernel has.
    padding : {"circular", "zero"}
        Circular costs out in n^2 log n + n^2 out in min(out, in). Zero padding to the same size has
        no such form: its operator is formed densely, up to 2^26 entries.

    Returns
    -------
    (height width min(out, in),) array

    Raises
    ------
    ValueError
        No kernel, a grid smaller than it, another padding.
    InapplicableError
        Zero padding of an operator of over 2^26 entries; :func:`convolution_norm_bound` bounds its
        norm.

    Notes
    -----
    Statements S10 (Sedghi, Gupta and Long 2019), S11.
    """
    k, (rows, columns) = _kernel_and_grid(kernel, grid)
    if padding == "zero":
        return np.asarray(np.linalg.svd(zero_padded_operator(k, (rows, columns)), compute_uv=False))
    if padding != "circular":
        raise ValueError(f"padding must be circular or zero, but is {padding!r}")
    half = np.moveaxis(np.fft.rfft2(k, s=(rows, columns)), (2, 3), (0, 1))
    real, paired = _frequency_classes(rows, columns)
    found = [np.linalg.svd(half[u, v].real, compute_uv=False) for u, v in real]
    if paired:
        u, v = np.array(paired).T
        found.append(np.repeat(np.linalg.svd(half[u, v], compute_uv=False).ravel(), 2))
    return np.sort(np.concatenate(found))[::-1]


def _frequency_classes(rows: int, columns: int) -> tuple[_Places, _Places]:
    """Frequencies of a real kernel: those equal to their negative, and one of each other pair."""
    real: _Places = []
    paired: _Places = []
    for v in range(columns // 2 + 1):
        alone = v == 0 or 2 * v == columns
        for u in range(rows // 2 + 1 if alone else rows):
            itself = alone and (u == 0 or 2 * u == rows)
            (real if itself else paired).append((u, v))
    return real, paired


def zero_padded_operator(kernel: Any, grid: int | tuple[int, int]) -> Floats:
    """Matrix (out n n', in n n') of the correlation with zeros around, outputs as large as inputs.

    An even kernel reads floor((k - 1)/2) positions before and floor(k/2) after.

    Parameters
    ----------
    kernel : (out, in, kh, kw) array
    grid : int or (height, width)

    Raises
    ------
    ValueError
        As :func:`convolution_symbols`.
    InapplicableError
        Over 2^26 entries.

    Notes
    -----
    Statement S11 [derived].
    """
    return _operator(*_kernel_and_grid(kernel, grid), circular=False)


def circular_operator(kernel: Any, grid: int | tuple[int, int]) -> Floats:
    """Matrix (out n n', in n n') of the circular correlation; arguments and errors as above."""
    return _operator(*_kernel_and_grid(kernel, grid), circular=True)


def reshaped_norms(kernel: Any) -> tuple[float, float]:
    """Spectral norms of R (out, in kh kw) and Rt (in, out kh kw).

    Parameters
    ----------
    kernel : (out, in, kh, kw) array

    Raises
    ------
    ValueError
        No kernel (out, in, kh, kw).

    Notes
    -----
    Statement S10 [derived].
    """
    k = to_numpy(as_real("kernel", kernel, ndim=4))
    swapped = np.moveaxis(k, 1, 0)
    return (
        operator_norm(k.reshape(k.shape[0], -1)),
        operator_norm(swapped.reshape(k.shape[1], -1)),
    )


def convolution_norm_bound(
    kernel: Any, grid: int | tuple[int, int], *, padding: str = "circular"
) -> Bound:
    r"""Upper bound sqrt(kh kw) min(||R||_2, ||Rt||_2) on the norm of a convolution of stride 1.

    Parameters
    ----------
    kernel : (out, in, kh, kw) array
    grid : int or (height, width)
    padding : {"circular", "zero"}
        Holds for both.

    Returns
    -------
    Bound
        `trivial` is ||K||_F sqrt(kh kw); `terms` hold the lower end max(||R||_2, ||Rt||_2) (of
        circular padding) and, as `grid`, the sharper largest ||P|| on a grid that has room for the
        padding.

    Raises
    ------
    ValueError
        As :func:`convolution_singular_values`.

    Notes
    -----
    Statements S10, S11 [derived]: the trivial value is what ||R||_2 <= ||K||_F leaves of it, so
    the bound is vacuous only for a reshaped kernel of rank one.
    """
    k, sizes = _kernel_and_grid(kernel, grid)
    if padding not in ("circular", "zero"):
        raise ValueError(f"padding must be circular or zero, but is {padding!r}")
    rows, columns = k.shape[2:]
    if padding == "zero":
        sizes = (sizes[0] + rows // 2, sizes[1] + columns // 2)
    ends = reshaped_norms(k)
    spread = math.sqrt(rows * columns)
    terms = {"lower": max(ends), "grid": float(convolution_singular_values(k, sizes)[0])}
    if padding == "zero":
        del terms["lower"]
    note = f"spectral norm of the convolution with {padding} padding; certain"
    return Bound("sparsity.S10", spread * min(ends), spread * frobenius_norm(k), terms, note)


def all_frequencies_bound(kernel: Any, grid: int | tuple[int, int]) -> Bound:
    r"""Largest ||P|| over all frequencies, from a grid: its maximum/cos(pi (k - 1)/(2 N)) an axis.

    Bounds the convolution on every larger image, whatever its size.

    Parameters
    ----------
    kernel : (out, in, kh, kw) array
    grid : int or (height, width)
        N > k - 1 of each axis.

    Returns
    -------
    Bound
        `trivial` is sqrt(kh kw) ||K||_F; `terms` hold the grid's maximum and the factor.

    Raises
    ------
    ValueError
        As :func:`convolution_symbols`.

    Notes
    -----
    Statement S11 [derived], Ehlich and Zeller 1964: equality for k = 2, N odd, K = (1, -1).
    """
    k, sizes = _kernel_and_grid(kernel, grid)
    factor = 1.0
    for length, n in zip(k.shape[2:], sizes):
        factor /= math.cos(math.pi * (length - 1) / (2 * n))
    largest = float(convolution_singular_values(k, sizes)[0])
    trivial = math.sqrt(math.prod(k.shape[2:])) * frobenius_norm(k)
    terms = {"grid": largest, "factor": factor}
    note = "largest singular value of P over all frequencies; certain"
    return Bound("sparsity.S11", factor * largest, trivial, terms, note)


def _kernel_and_grid(kernel: Any, grid: int | tuple[int, int]) -> tuple[Floats, tuple[int, int]]:
    """Kernel on the host, and the grid as a pair with room for it."""
    k = to_numpy(as_real("kernel", kernel, ndim=4))
    pair = grid if isinstance(grid, tuple | list) else (grid, grid)
    if len(pair) != 2:
        raise ValueError(f"grid must be a whole number or a pair, but is {grid!r}")
    height, width = (as_count("grid", size) for size in pair)
    if height < k.shape[2] or width < k.shape[3]:
        raise ValueError(
            f"grid {height} x {width} is smaller than the {k.shape[2]} x {k.shape[3]} kernel"
        )
    return k, (height, width)


def _operator(k: Floats, sizes: tuple[int, int], *, circular: bool) -> Floats:
    """Dense operator: entry (o, p), (i, q) is K[o, i, a, b] where q = p + (a, b) - before."""
    out, channels, kh, kw = k.shape
    rows, columns = sizes
    places = rows * columns
    if out * channels * places**2 > _DENSE_ENTRIES:
        raise InapplicableError(
            f"the operator has {out * channels * places**2:.2g} entries, over the 2^26 that are "
            "formed densely; use a smaller grid, or bound its norm by convolution_norm_bound"
        )
    operator = np.zeros((out, rows, columns, channels, rows, columns))
    y, x = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    for a in range(kh):
        for b in range(kw):
            p, q = y + a - (kh - 1) // 2, x + b - (kw - 1) // 2
            inside = (p >= 0) & (p < rows) & (q >= 0) & (q < columns) | circular
            at = y[inside], x[inside], p[inside] % rows, q[inside] % columns
            operator[:, at[0], at[1], :, at[2], at[3]] += k[:, :, a, b]
    return operator.reshape(out * places, channels * places)
