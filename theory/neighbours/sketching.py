r"""Random sketches: products and autocorrelations from m random projections (statement K9).

S is m x n with independent entries of variance 1/m, normal or signs (Rademacher):

    E <Sx, Sy> = <x, y>,     Var = (||x||^2 ||y||^2 + <x, y>^2 - e sum x_i^2 y_i^2)/m,
    E tr(S C S^T) = tr C,    Var = (2/m)(||sym C||_F^2 - f sum C_ii^2),   sym C = (C + C^T)/2,

e = f = 0 for normal entries, e = 2 and f = 1 for signs. The circular autocorrelation of x at lag t
is r_t = x^T P^t x with P the shift, and by Wiener and Khinchin r = IDFT |DFT x|^2.

Source: Huang and Becker, arXiv 2007.11026 (the use); statements [derived]. This module may import
NumPy only.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays import as_count, as_generator, as_real, to_numpy
from .harmonics import Floats

LAWS = ("normal", "rademacher")


def sketch_matrix(rows: int, columns: int, *, law: str = "normal", rng: Any = None) -> Floats:
    """S with independent entries of mean 0 and variance 1/rows, (rows, columns) (statement K9).

    Parameters
    ----------
    rows, columns : int
    law : {"normal", "rademacher"}
    rng : Generator, seed or None

    Raises
    ------
    ValueError
        Sizes below 1, another law.
    """
    m, n = as_count("rows", rows), as_count("columns", columns)
    generator = as_generator(rng)
    if _known(law) == "normal":
        return np.asarray(generator.standard_normal((m, n)) / math.sqrt(m))
    return np.asarray((2.0 * generator.integers(2, size=(m, n)) - 1.0) / math.sqrt(m))


def sketched_product_variance(x: Any, y: Any, rows: int, *, law: str = "normal") -> float:
    """Variance of <Sx, Sy>, whose mean is <x, y> (statement K9).

    Parameters
    ----------
    x, y : (n,) array
    rows : int
        m.
    law : {"normal", "rademacher"}

    Raises
    ------
    ValueError
        Vectors of unequal length, no rows, another law.
    """
    a, b = to_numpy(as_real("x", x, ndim=1)), to_numpy(as_real("y", y, ndim=1))
    if len(a) != len(b):
        raise ValueError(f"x has {len(a)} entries, y {len(b)}; give vectors of one length")
    return sketched_trace_variance(np.outer(b, a), rows, law=law)


def sketched_trace_variance(matrix: Any, rows: int, *, law: str = "normal") -> float:
    """Variance of tr(S C S^T), whose mean is tr C (statement K9).

    Parameters
    ----------
    matrix : (n, n) array
        C; of lag t of an autocorrelation x^T P^t x it is P^t x x^T.
    rows : int
    law : {"normal", "rademacher"}

    Raises
    ------
    ValueError
        No square matrix, no rows, another law.
    """
    c = to_numpy(as_real("matrix", matrix, ndim=2))
    if c.shape[0] != c.shape[1]:
        raise ValueError(f"matrix must be square, but has shape {c.shape}")
    m = as_count("rows", rows)
    symmetric = (c + c.T) / 2.0
    if _known(law) == "rademacher":
        np.fill_diagonal(symmetric, 0.0)
    return 2.0 * float(np.sum(symmetric**2)) / m


def circular_autocorrelation(signal: Any) -> Floats:
    """r_t = sum_i x_i x_{i+t}, indices modulo n, t = 0..n-1: IDFT |DFT x|^2 (statement K9).

    Parameters
    ----------
    signal : (n,) array
    """
    x = to_numpy(as_real("signal", signal, ndim=1))
    return np.asarray(np.fft.irfft(np.abs(np.fft.rfft(x)) ** 2, len(x)))


def _known(law: str) -> str:
    if law not in LAWS:
        raise ValueError(f"law must be one of {', '.join(LAWS)}, but is {law!r}")
    return law
