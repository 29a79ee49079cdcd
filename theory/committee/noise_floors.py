r"""Error at which online gradient descent with a constant rate and label noise comes to rest.

Beside a student that equals its teacher, with G_k = v_k g'(field_k), H_ik = E G_i G_k and the
overlaps q (K, K) of what the rows deviate by, sigma -> 0 makes the motion linear:

    H q + q H = eta [sigma^2 H + W(q)],   W(q)_ik = sum_jl E[G_i G_k G_j G_l] q_jl,   eps = Tr(Hq)/2

The second layer's own noise is of a lower order in 1/N. There is a solution for eta below the
critical rate eta_c, at which the largest eigenvalue of q -> eta L^{-1} W(q), L = H . + . H,
reaches 1. eta -> 0 leaves q = (eta sigma^2/2) I, the floor

    f = (eta sigma^2/4) sum_k v_k^2 E g'(field_k)^2,    f <= eps <= f/(1 - eta/eta_c)

as eps = (eta sigma^2/2) h.(1 - eta S)^{-1} h, f = (eta sigma^2/2) h.h with h = L^{-1/2} H and
S = L^{-1/2} W L^{-1/2} semidefinite. For T_mm = 1 it is

    erf, v = A = 1, L spare units                (eta sigma^2/(2 pi)) (L + M/sqrt 3)
    erf, z copies of each unit, v_k = A_m/z      eta sigma^2 A^2 M/(2 pi sqrt 3 z)

Linear units with v = A = 1 have K eta sigma^2/(4 - 2 K eta) exactly, at any noise, and the critical
rate 2/K. Source: forms as in Goldt et al., NeurIPS 2019 [R]; constants and equation derived [D].
This module may import NumPy and Numba only.
"""

from __future__ import annotations

import itertools

import numpy as np

from ..arrays import as_count, as_ridge
from ..errors import InapplicableError
from .generalization import generalization_error
from .integrals import gaussian_j2
from .order_parameters import SLACK, Floats, OrderParameters

#: Slopes below this share of the largest belong to directions that do not change the student.
_FLAT = 1e-10


def noise_floor(
    order: OrderParameters, *, learning_rate: float, noise: float, activation: str = "erf"
) -> float:
    """Leading term in eta and sigma of the error at rest, (eta sigma^2/4) sum_k v_k^2 J2(k, k).

    Parameters
    ----------
    order : OrderParameters
        The noiseless fixed point: a student that equals its teacher. A spare unit is a zero row.
    learning_rate : float
        eta of the first layer.
    noise : float
        sigma.
    activation : {"erf", "linear", "relu"}

    Returns
    -------
    float
        eps without label noise. For small noise the truth is at most 1/(1 - eta/critical) times
        that: at eta = .5, two erf units and three spare ones, 3 times; see
        :func:`small_noise_error`.

    Raises
    ------
    InapplicableError
        The student differs from its teacher, as one of fewer units does; relu with a spare unit.
    ValueError
        A negative rate or noise, sign.
    """
    rate, variance = _rate_and_variance(learning_rate, noise)
    _check_equal(order, activation)
    return rate * variance / 4.0 * float(order.v**2 @ np.diag(gaussian_j2(order.Q, activation)))


def small_noise_error(
    order: OrderParameters, *, learning_rate: float, noise: float, activation: str = "erf"
) -> float:
    """Error at rest for sigma -> 0 at any learning rate below the critical one.

    Relative error O(sigma^2), of relu O(sigma); of erf units at eta = .2 it was 7e-4 at sigma = .1
    with single units, 2e-2 with copies of units. Costs K^6.

    Parameters
    ----------
    order, learning_rate, noise, activation
        As :func:`noise_floor`.

    Raises
    ------
    InapplicableError
        As :func:`noise_floor`; a learning rate of at least :func:`critical_learning_rate`.
    ValueError
        As :func:`noise_floor`.
    """
    rate, variance = _rate_and_variance(learning_rate, noise)
    critical = critical_learning_rate(order, activation)
    if rate >= critical:
        raise InapplicableError(
            f"online gradient descent does not stay beside its teacher at learning rate "
            f"{rate:g}: it must be below {critical:.4g}"
        )
    slopes, drift, spread = _linear_motion(order, activation)
    q = np.linalg.lstsq(drift - rate * spread, rate * variance * slopes.ravel(), rcond=_FLAT)[0]
    return float(slopes.ravel() @ q) / 2.0


def critical_learning_rate(order: OrderParameters, activation: str = "erf") -> float:
    """Learning rate from which on the noise of the data drives a student off its teacher.

    Parameters
    ----------
    order : OrderParameters
        A student that equals its teacher.
    activation : {"erf", "linear", "relu"}
        Of linear units with v = 1 it is 2/K.

    Raises
    ------
    InapplicableError, ValueError
        As :func:`noise_floor`.
    """
    _check_equal(order, activation)
    _, drift, spread = _linear_motion(order, activation)
    gains = np.linalg.eigvals(np.linalg.pinv(drift, rcond=_FLAT) @ spread)
    return 1.0 / float(np.max(np.abs(gains)))


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
    rate, variance = _rate_and_variance(learning_rate, noise)
    if k * rate >= 2.0:
        raise InapplicableError(
            f"{k} linear units diverge at learning rate {rate:g}: it must be below 2/{k} = "
            f"{2.0 / k:g}"
        )
    return k * rate * variance / (4.0 - 2.0 * k * rate)


def _rate_and_variance(learning_rate: float, noise: float) -> tuple[float, float]:
    """eta > 0 and sigma^2."""
    rate = as_ridge(learning_rate, name="learning_rate", positive=True)
    return rate, as_ridge(noise, name="noise") ** 2


def _check_equal(order: OrderParameters, activation: str) -> None:
    """Refuse a student that differs from its teacher, with its error."""
    error = generalization_error(order, activation)
    if error > SLACK * float(order.A @ order.A):
        raise InapplicableError(
            f"noise floors are those of a student which equals its teacher, but this one of "
            f"{len(order.v)} units (teacher {len(order.A)}) has the error {error:.3g}"
        )


def _linear_motion(order: OrderParameters, activation: str) -> tuple[Floats, Floats, Floats]:
    """H (K, K), and q -> Hq + qH and q -> W(q) as matrices (K^2, K^2)."""
    v, identity = order.v, np.eye(len(order.v))
    slopes = np.outer(v, v) * gaussian_j2(order.Q, activation)
    drift = np.kron(slopes, identity) + np.kron(identity, slopes)
    four = _four_gradients(order.Q, activation) * np.multiply.outer(np.outer(v, v), np.outer(v, v))
    return slopes, drift, four.reshape(drift.shape)


def _four_gradients(q: Floats, activation: str) -> Floats:
    """E g'(i) g'(k) g'(j) g'(l), (K, K, K, K).

    erf (4/pi^2) det(I + C_S)^{-1/2} with the four fields S, repeats and all; linear 1; relu the
    probability that all are positive.
    """
    k = len(q)
    if activation == "linear":
        return np.ones((k,) * 4)
    fields = np.moveaxis(np.indices((k,) * 4), 0, -1)
    if activation == "erf":
        blocks = q[fields[..., :, None], fields[..., None, :]]
        return np.asarray(4.0 / np.pi**2 / np.sqrt(np.linalg.det(np.eye(4) + blocks)))
    from ..kernels.committee_numba import all_positive

    found = np.empty((k,) * 4)
    for four in itertools.combinations_with_replacement(range(k), 4):
        chance = all_positive(q, np.array(four))
        for mirrored in set(itertools.permutations(four)):
            found[mirrored] = chance
    return found
