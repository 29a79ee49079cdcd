"""Plain NumPy twins of the compiled steps: the same updates, written as formulas.

They are what the kernels are tested against and timed against; the signatures are the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

Floats = NDArray[np.float64]


def drawer(rng: np.random.Generator) -> Callable[[Floats], object]:
    """A function that fills arrays with NumPy's normal numbers; the twin of that in `normals`."""
    fast = np.random.Generator(np.random.SFC64(rng.integers(0, 2**32, size=4).tolist()))
    return lambda out: fast.standard_normal(out=out)


def descend(
    w: Floats,
    v: Floats,
    x: Floats,
    y: Floats,
    rate: float,
    output_rate: float,
    code: int,
    limit: float,
) -> int:
    """Take a step a row of `x`; see the function of this name in `kernels`."""
    n = w.shape[1]
    for step, (row, label) in enumerate(zip(x, y)):
        h = w @ row
        g = value(code, h)
        gap = float(v @ g - label)
        if not abs(gap) <= limit:
            return step
        w -= np.outer(rate / n * gap * v * derivative(code, h), row)
        v -= output_rate / n * gap * g
    return len(x)


def descend_overlaps(
    c: Floats,
    v: Floats,
    a: Floats,
    factor: Floats,
    z: Floats,
    rest: Floats,
    noise: Floats,
    n: float,
    rate: float,
    output_rate: float,
    code: int,
    limit: float,
) -> int:
    """Steps on the overlaps; see the function of this name in `kernels`, which fills half of c."""
    m = len(a)
    for step, (draw, chi, s) in enumerate(zip(z, rest, noise)):
        lower = np.tril(c)
        h = np.linalg.cholesky(lower + np.tril(c, -1).T) @ draw
        r, h = h[:m], h[m:]
        g = value(code, h)
        gap = float(v @ g - a @ value(code, r) - s)
        if not abs(gap) <= limit:
            return step
        move, square = rate * gap * v * derivative(code, h), chi + draw @ draw
        v -= output_rate / n * gap * g
        c[m:, :m] -= np.outer(move, r) / n
        cross = np.outer(move, h) + np.outer(h, move)
        c[m:, m:] += np.tril(np.outer(move, move) * (square / n) - cross) / n
    return len(z)


def value(code: int, h: Floats) -> Floats:
    """g(h): erf(h/sqrt 2), h, max(h, 0)."""
    if code == 0:
        return np.asarray(erf(h / math.sqrt(2.0)))
    return h if code == 1 else np.maximum(h, 0.0)


def derivative(code: int, h: Floats) -> Floats:
    """g'(h); that of relu at 0 is 0."""
    if code == 0:
        return np.asarray(math.sqrt(2.0 / math.pi) * np.exp(-0.5 * h * h))
    return np.ones_like(h) if code == 1 else (h > 0).astype(np.float64)
