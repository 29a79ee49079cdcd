"""Generalization error of a student, half the mean squared difference to the noiseless teacher."""

from __future__ import annotations

from .integrals import gaussian_i2
from .order_parameters import OrderParameters


def generalization_error(order: OrderParameters, activation: str = "erf") -> float:
    """eps = [v'I2(Q)v - 2 v'I2(R)A + A'I2(T)A]/2."""
    k = len(order.v)
    moment = gaussian_i2(order.joint, activation)
    v, a = order.v, order.A
    error = v @ moment[:k, :k] @ v - 2 * v @ moment[:k, k:] @ a + a @ moment[k:, k:] @ a
    return 0.5 * float(error)
