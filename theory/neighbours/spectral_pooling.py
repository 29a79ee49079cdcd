r"""Spectral pooling: keep some frequencies of a signal, and what that loses (statement K6).

X = DFT of x, unitary; S a set of frequencies, conjugate-symmetric (f in S exactly if -f is), so
that the kept part y of a real signal is real:

    ||x - y||^2 = sum_{f not in S} |X_f|^2                                            (identity).

At an even size the Nyquist frequency of the small grid stands for both +m/2 and -m/2 of the large
one: both are kept and averaged (which is the real part of keeping one). The real part of any filter
is no further from a real signal than the filter's output is. For a stationary process with power
spectrum p, E ||x - y||^2 = sum_{f not in S} p_f, and the best linear map of rank |S| (Karhunen and
Loeve) loses the n - |S| least p: a low pass is best exactly if every kept p_f is at least every
dropped one, as for 1/f inputs, and is not for band-pass ones.

Source: Rippel, Snoek and Adams 2015 (pooling); statements [derived]. This module may import NumPy
only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_count, as_real, to_numpy
from .harmonics import Floats


def low_frequencies(size: int | Sequence[int], kept: int | Sequence[int]) -> NDArray[np.bool_]:
    """Mask, in the order of ``np.fft``, of the frequencies |f| <= kept/2 of a grid, each axis.

    Conjugate-symmetric: of an even `kept` below the size both Nyquist frequencies belong, so that
    ``kept + 1`` frequencies do.

    Parameters
    ----------
    size, kept : int, or one int for each axis
        0 < kept <= size.

    Raises
    ------
    ValueError
        Not as many sizes as axes, or a number kept out of range.
    """
    sizes, keeps = _shape("size", size), _shape("kept", kept)
    if len(sizes) != len(keeps):
        raise ValueError(f"size has {len(sizes)} axes, kept {len(keeps)}; give one number for each")
    mask = np.ones((), dtype=bool)
    for n, m in zip(sizes, keeps):
        frequency = np.abs(np.fft.fftfreq(n, 1.0 / n))
        mask = mask[..., None] & (2 * frequency <= as_count("kept", m, most=n))
    return np.asarray(mask)


def spectral_filter(signal: Any, kept: Any) -> Floats:
    """Part of a real signal on the kept frequencies, the real part of the filter's output.

    Parameters
    ----------
    signal : array of any number of axes
    kept : mask of the same shape, in the order of ``np.fft``
        Any; where it is not conjugate-symmetric the output was complex.

    Raises
    ------
    ValueError
        A mask of another shape.
    """
    x = to_numpy(as_real("signal", signal))
    return np.asarray(np.fft.ifftn(np.where(_mask(kept, x.shape), np.fft.fftn(x), 0.0)).real)


def discarded_energy(signal: Any, kept: Any) -> float:
    """sum |X_f|^2 over the frequencies not kept, of the unitary DFT (statement K6).

    The squared error of :func:`spectral_filter`: exactly if the mask is conjugate-symmetric, else
    at most this. Parameters and errors as there.
    """
    x = to_numpy(as_real("signal", signal))
    dropped = ~_mask(kept, x.shape)
    return float(np.sum(np.abs(np.fft.fftn(x, norm="ortho")[dropped]) ** 2))


def spectral_pool(signal: Any, shape: int | Sequence[int]) -> Floats:
    """Signal on a smaller grid with the same low frequencies (Rippel, Snoek and Adams).

    The DFT is cropped to its lowest frequencies; on an even axis the two Nyquist frequencies are
    averaged, so the result is real. The mean of the signal stays.

    Parameters
    ----------
    signal : array
    shape : int, or one int for each axis
        At most the size of the axis.

    Returns
    -------
    array of that shape

    Raises
    ------
    ValueError
        Not as many sizes as axes, or a size out of range.
    """
    x = to_numpy(as_real("signal", signal))
    sizes = _shape("shape", shape)
    if len(sizes) != x.ndim:
        raise ValueError(
            f"shape has {len(sizes)} axes, the signal {x.ndim}; give one size for each"
        )
    spectrum = np.fft.fftn(x, norm="forward")
    for axis, m in enumerate(sizes):
        spectrum = _cropped(spectrum, axis, as_count("shape", m, most=x.shape[axis]))
    return np.asarray(np.fft.ifftn(spectrum, norm="forward").real)


def pooling_error(power: Any, kept: Any) -> tuple[float, float]:
    """Mean squared error of a filter on a stationary process, and the least of its rank (K6).

    Parameters
    ----------
    power : array
        p_f = E |X_f|^2 >= 0 of the unitary DFT, in the order of ``np.fft``.
    kept : mask of the same shape

    Returns
    -------
    error, least : float
        sum of p over the dropped frequencies, and of the as many least p (Karhunen and Loeve);
        equal exactly if no dropped p exceeds a kept one.

    Raises
    ------
    ValueError
        A mask of another shape, a negative p.
    """
    p = to_numpy(as_real("power", power))
    if float(np.min(p)) < 0.0:
        raise ValueError(f"power must be at least 0, but its smallest entry is {np.min(p):g}")
    dropped = ~_mask(kept, p.shape)
    least = np.sort(p.ravel())[: int(np.sum(dropped))]
    return float(np.sum(np.sort(p[dropped]))), float(np.sum(least))


def _cropped(spectrum: Any, axis: int, m: int) -> Any:
    """Lowest m frequencies along an axis, in the order of ``np.fft``."""
    n = spectrum.shape[axis]
    if m == n:
        return spectrum
    frequency = np.fft.fftfreq(m, 1.0 / m).astype(int)
    low = np.take(spectrum, frequency % n, axis=axis)
    if m % 2 == 0:
        edge = [slice(None)] * spectrum.ndim
        edge[axis] = slice(m // 2, m // 2 + 1)
        low[tuple(edge)] = np.take(spectrum, [m // 2, -(m // 2)], axis=axis).mean(
            axis, keepdims=True
        )
    return low


def _shape(name: str, sizes: int | Sequence[int]) -> tuple[int, ...]:
    listed = sizes if isinstance(sizes, Sequence) else (sizes,)
    return tuple(as_count(name, size) for size in listed)


def _mask(kept: Any, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = to_numpy(kept)
    if mask.shape != shape or mask.dtype != bool:
        raise ValueError(
            f"kept must be a mask of shape {shape}, but is {mask.dtype} of shape {mask.shape}"
        )
    return mask
