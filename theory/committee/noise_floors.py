r"""Error at which online gradient descent with a constant rate and label noise comes to rest.

Near a noiseless fixed point of error 0 the weights are an Ornstein-Uhlenbeck process of stationary
covariance (eta sigma^2/2) I on the range of the Hessian H of eps, so eps = tr(H) eta sigma^2/4:

    eps = (eta sigma^2/4) sum_k v_k^2 E g'(field_k)^2 (1 + O(eta) + O(eta sigma^2))

(first layer trained, or both: the second one's noise is of a lower order in 1/N). It is a limit,
sigma -> 0 before eta -> 0: at eta = .5 of erf units the truth can be 3 times that. With T_mm = 1,

    erf, v = A = 1, L spare units                (eta sigma^2/(2 pi)) (L + M/sqrt 3)
    erf, z copies of each unit, v_k = A_m/z      eta sigma^2 A^2 M/(2 pi sqrt 3 z)
    linear, v = A = 1                            K eta sigma^2/(4 - 2 K eta)  exactly, K eta < 2

Source: form as in Goldt et al., NeurIPS 2019 [R], constants derived [D]. This module may import
NumPy only.
"""

from __future__ import annotations

import numpy as np

from ..arrays import as_count, as_ridge
from ..errors import InapplicableError
from .generalization import generalization_error
from .integrals import gaussian_j2
from .order_parameters import SLACK, OrderParameters


def noise_floor(
    order: OrderParameters, *, learning_rate: float, noise: float, activation: str = "erf"
) -> float:
    """Leading term in eta and sigma of the error at rest, (eta sigma^2/4) sum_k v_k^2 J2(k, k).

    Parameters
    ----------
    order : OrderParameters
        The noiseless fixed point: a student that equals the teacher. A spare unit is a zero row.
    learning_rate : float
        eta of the first layer.
    noise : float
        sigma.
    activation : {"erf", "linear", "relu"}

    Returns
    -------
    float
        eps without label noise.

    Raises
    ------
    InapplicableError
        The student differs from the teacher (so fewer units than the teacher's); relu with a spare
        unit.
    ValueError
        A negative rate or noise, sign.
    """
    rate = as_ridge(learning_rate, name="learning_rate", positive=True)
    sigma = as_ridge(noise, name="noise")
    slopes = np.diag(gaussian_j2(order.Q, activation))
    error = generalization_error(order, activation)
    teacher = float(order.A @ order.A)
    if error > SLACK * teacher:
        raise InapplicableError(
            f"the noise floor is that of a student which equals its teacher, but this one of "
            f"{len(order.v)} units (teacher {len(order.A)}) has the error {error:.3g}"
        )
    return rate * sigma**2 / 4.0 * float(order.v**2 @ slopes)


def linear_noise_floor(units: int, *, learning_rate: float, noise: float) -> float:
    """Error at rest of K linear units with v = A = 1: K eta sigma^2/(4 - 2 K eta), exactly.

    Parameters
    ----------
    units : int
        K.
    learning_rate : float
        eta of the first layer, below 2/K.
    noise : float
        sigma.

    Raises
    ------
    InapplicableError
        K eta of at least 2, where training diverges.
    ValueError
        A negative rate or noise.
    """
    k = as_count("units", units)
    rate = as_ridge(learning_rate, name="learning_rate", positive=True)
    if k * rate >= 2.0:
        raise InapplicableError(
            f"{k} linear units diverge at learning rate {rate:g}: it must be below 2/{k} = "
            f"{2.0 / k:g}"
        )
    return k * rate * as_ridge(noise, name="noise") ** 2 / (4.0 - 2.0 * k * rate)
