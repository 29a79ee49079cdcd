r"""One layer eta(W x) of Gaussian inputs x ~ N(0, I): what the erf and ReLU teachers share.

With Q = W W^T the second moment of the features, and the risk of a student that is such a layer of
the same activation with linear output, are entries of the kernels of
:mod:`pruneproof.theory.gaussian_kernels`: E (a.phi_1 - w.phi_2)^2 is a quadratic form of the joint
moment of both layers' nodes. This module may import theory and NumPy only.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.theory import Dense, Network

from .common import Floats, Risk


def root(cov: Floats) -> Floats:
    """Symmetric square root of a covariance, (m, m); rounding below 0 is cut off."""
    values, basis = np.linalg.eigh(cov)
    return np.asarray((basis * np.sqrt(np.clip(values, 0.0, None))) @ basis.T)


def least_eigenvalue(matrix: Floats) -> tuple[float, float]:
    """Least eigenvalue, and the size of its rounding: eps m times the largest."""
    values = np.linalg.eigvalsh(matrix)
    size = max(float(values[-1]), -float(values[0]))
    return float(values[0]), float(np.finfo(float).eps) * len(matrix) * size


def is_semidefinite(matrix: Floats) -> bool:
    """Whether no eigenvalue is negative beyond rounding."""
    least, rounding = least_eigenvalue(matrix)
    return least >= -rounding


def layer_moment(activation: str, cov: Floats) -> Floats:
    """E eta(u) eta(u)^T of u ~ N(0, cov), not centred.

    Raises
    ------
    ValueError
        An activation whose moments are not known in closed form.
    """
    if activation == "identity":
        return cov
    if activation == "erf":
        return np.asarray(theory.arcsine_kernel(cov))
    if activation == "relu":
        return np.asarray(theory.arccosine_kernel(cov))
    raise ValueError(f"moments are known of identity, erf and relu units, not of {activation}")


def layer_mean(activation: str, variances: Floats) -> Floats:
    """E eta(u_i) of u_i ~ N(0, variances_i): 0 for odd eta, sqrt(Q_ii/(2 pi)) for ReLU."""
    if activation == "relu":
        return np.asarray(np.sqrt(variances / (2.0 * math.pi)))
    return np.zeros_like(variances)


def two_layers(student: Any, activation: str) -> tuple[Floats, Floats, float] | None:
    """W (k, d), v (k,) and b of a student v.eta(W x) + b with that eta; None if it is none."""
    network = getattr(student, "network", student)
    if not isinstance(network, Network) or len(network.layers) != 2:
        return None
    first, last = network.layers
    if not (isinstance(first, Dense) and isinstance(last, Dense)) or last.outputs != 1:
        return None
    plain = first.activation == activation and last.activation == "identity"
    if not plain or np.any(first.bias):
        return None
    return np.asarray(first.weight), np.asarray(last.weight)[0], float(last.bias[0])


def exact_risk(
    student: Any, weight: Floats, activation: str, weights: Floats, offset: float
) -> Risk | None:
    """E (f(x) - <weights, eta(weight x)> - offset)^2 of a :func:`two_layers` student, else None."""
    found = two_layers(student, activation)
    if found is None or found[0].shape[1] != weight.shape[1]:
        return None
    rows, v, b = found
    joint = np.concatenate([rows, weight])
    cov = joint @ joint.T
    a, shift = np.concatenate([v, -weights]), b - offset
    mean = float(a @ layer_mean(activation, np.diagonal(cov)))
    square = float(a @ layer_moment(activation, cov) @ a)
    return Risk(max(square + 2.0 * shift * mean + shift * shift, 0.0), 0.0)
