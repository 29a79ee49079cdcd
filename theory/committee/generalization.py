r"""Generalization error of a student, from its order parameters alone.

    eps = E (student - teacher)^2/2 = [v^T I2(Q) v - 2 v^T I2(R) A + A^T I2(T) A]/2 = u^T I2(C) u/2

with u = (-v, A), C of all K + M fields, against the teacher without its label noise: half the
squared error on noisy labels is sigma^2/2 more. Source: Saad and Solla, Phys. Rev. E 52, 1995 [R].
This module may import NumPy only.
"""

from __future__ import annotations

from .integrals import second_moments
from .order_parameters import OrderParameters


def generalization_error(order: OrderParameters, activation: str = "erf") -> float:
    """eps = E (student - teacher)^2/2 over x ~ N(0, I_N), without label noise.

    Parameters
    ----------
    order : OrderParameters
    activation : {"erf", "linear", "relu", "sign"}
        g of student and teacher.

    Returns
    -------
    float
        At least 0.

    Raises
    ------
    ValueError
        Another activation.
    """
    u = order.amplitudes
    return max(float(u @ second_moments(order.covariance, activation) @ u) / 2.0, 0.0)
