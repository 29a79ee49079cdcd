r"""Neurons on spheres and on polygons, by other ways than the theory's.

This module may import NumPy, and SciPy inside functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .sides import Floats


def _relu(t: Any) -> Any:
    return np.maximum(t, 0.0)


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {"relu": _relu, "sign": np.sign, "tanh": np.tanh}


def coefficients(dimension: int, activation: str, degrees: range) -> Floats:
    """a_l of some degrees, on each half; of the circle in the angle, where the weight is flat."""
    from scipy.special import eval_chebyt, eval_gegenbauer, roots_jacobi, roots_legendre

    half, d = (dimension - 3) / 2, dimension
    if d == 2:
        nodes, weights = roots_legendre(40 + degrees[-1])
        t = np.cos(np.pi / 4 * (nodes + 1.0))
    else:
        nodes, weights = roots_jacobi(40 + degrees[-1], half, 0.0)
        t = (nodes + 1.0) / 2.0
        weights = weights * (1.0 + t) ** half
    function = ACTIVATIONS[activation]
    found = []
    for ell in degrees:
        if d == 2:
            shape, end = eval_chebyt(ell, t), 1.0
        else:
            shape, end = eval_gegenbauer(ell, d / 2 - 1, t), eval_gegenbauer(ell, d / 2 - 1, 1.0)
        both = function(t) + (-1.0) ** ell * function(-t)
        found.append(weights @ (both * shape) / end / (2.0 * np.sum(weights)))
    return np.array(found)


def multiplicity(d: int, degree: int) -> int:
    """N(D,l) as a difference of dimensions of spaces of forms."""
    forms = [math.comb(n + d - 1, d - 1) if n >= 0 else 0 for n in (degree, degree - 2)]
    return forms[0] - forms[1]


def polygon(n: int, activation: str = "relu", shift: float = 0.0) -> Floats:
    """Neurons at inputs that are the corners of one regular polygon, (n, n), circulant."""
    values = ACTIVATIONS[activation](np.cos(2 * np.pi * np.arange(n) / n + shift))
    places = np.arange(n)
    # one value for each difference: a step next to a corner is on one side of it in every row
    return np.asarray(values[(places[:, None] - places) % n])
