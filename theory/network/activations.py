"""Elementwise activations eta by name; each has a twin for every array library.

identity, relu, tanh and erf fix 0 and are 1-Lipschitz up to the constant 2/sqrt(pi) of erf; the
logistic function does not fix 0, which the bounds over classes of networks (claims spectral.G0 to
G2) ask for and those on one network (B1 to B3, W1) do not. This module may import NumPy and
array-api-compat only.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

from ..arrays import Array, is_cupy, is_numpy, namespace, to_numpy

#: Smallest Lipschitz constant of each activation.
LIPSCHITZ: dict[str, float] = {
    "identity": 1.0,
    "relu": 1.0,
    "tanh": 1.0,
    "erf": 1.1283791670955126,  # 2 / sqrt(pi)
    "logistic": 0.25,
}


def as_activation(name: str) -> str:
    """Name of a known activation, or a sentence that lists the known ones."""
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, but is {name!r}")
    return name


def activate(name: str, x: Array) -> Array:
    """eta(x) elementwise, same shape and library as `x`; a new array unless eta is identity."""
    return ACTIVATIONS[as_activation(name)](x)


def _identity(x: Array) -> Array:
    return x


def _relu(x: Array) -> Array:
    return namespace(x).clip(x, 0.0, None)


def _tanh(x: Array) -> Array:
    return namespace(x).tanh(x)


def _erf(x: Array) -> Array:
    """Error function; the Array API has none, so other libraries pass through the host."""
    xp = namespace(x)
    if is_cupy(xp):
        return importlib.import_module("cupyx.scipy.special").erf(x)
    from scipy.special import erf

    return erf(x) if is_numpy(xp) else xp.asarray(erf(to_numpy(x)))


def _logistic(x: Array) -> Array:
    """1/(1 + exp(-x)), written by tanh so that no exponential overflows."""
    return 0.5 * (1.0 + namespace(x).tanh(0.5 * x))


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "identity": _identity,
    "relu": _relu,
    "tanh": _tanh,
    "erf": _erf,
    "logistic": _logistic,
}
