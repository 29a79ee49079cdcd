r"""Online gradient descent on a committee machine, N -> infinity: ordinary differential equations.

At each step a fresh x and y = teacher(x) + sigma zeta, D = student - y, t = steps/N,

    w_k <- w_k - (eta/sqrt N) v_k g'(w_k . x/sqrt N) D x
    v_k <- v_k - (eta_v/N) g(w_k . x/sqrt N) D

moves the order parameters, with u = (-v, A) over all K + M fields a, b, by

    dR_im/dt = eta v_i sum_a u_a I3(i, m, a)
    dQ_ik/dt = eta sum_a u_a [v_i I3(i, k, a) + v_k I3(k, i, a)]
               + eta^2 v_i v_k [sum_ab u_a u_b I4(i, k, a, b) + sigma^2 J2(i, k)]
    dv_i/dt  = eta_v sum_a u_a I2(i, a)

One run of N inputs is off by O(1/sqrt N). Sources: Saad and Solla, Phys. Rev. E 52, 1995; Goldt et
al., NeurIPS 2019 [R]. This module may import NumPy, SciPy and Numba only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays import as_real, as_ridge, to_numpy
from ..errors import InapplicableError
from .integrals import DIFFERENTIABLE, as_activation, check_excited
from .order_parameters import Floats, OrderParameters

#: Overlaps and weights beyond this many times those of the start and the teacher have diverged.
DIVERGED = 1e6
#: Errors allowed to each step of the solver, relative and absolute.
RELATIVE, ABSOLUTE = 1e-9, 1e-11
#: Longest stretches in which training is followed to a fixed point, and how close it must come:
#: Newton's steps from farther off may end at a saddle, or at infinity.
FOLLOWED, CLOSE = 5, 0.01
#: Step of the differences at a fixed point; and by activation the speed left there, in learning
#: rates, and the slope, of the largest, from which on a direction is not conserved. Copies of units
#: relax at slopes of O(noise^2), which must not be taken for 0; integrals of relu err by more.
_WIDTH = 1e-3
#: Least rate * noise^4, the speed of copies beside their rest: 4e-12 left an error of 1e-3.
_RESOLVED = 2e-12
_REST = {"erf": (1e-13, 1e-11), "linear": (1e-13, 1e-11), "relu": (RELATIVE, 1e-8)}


def sgd_motion(
    order: OrderParameters,
    *,
    learning_rate: float,
    output_learning_rate: float = 0.0,
    noise: float = 0.0,
    activation: str = "erf",
) -> tuple[Floats, Floats, Floats]:
    """(dQ/dt, dR/dt, dv/dt) at `order`; arguments and errors as :func:`integrate_sgd`."""
    right = _right_hand_side(order, learning_rate, output_learning_rate, noise, activation)
    return _unpack(right(0.0, _pack(order)), order)


def integrate_sgd(
    order: OrderParameters,
    times: Any,
    *,
    learning_rate: float,
    output_learning_rate: float = 0.0,
    noise: float = 0.0,
    activation: str = "erf",
) -> list[OrderParameters]:
    """Order parameters at `times` of online gradient descent that starts from `order` at t = 0.

    Parameters
    ----------
    order : OrderParameters
    times : (n,) array
        Steps/N, at least 0 and not decreasing.
    learning_rate, output_learning_rate : float
        eta of the first and eta_v of the second layer (0: that layer stays).
    noise : float
        sigma, standard deviation of the labels' noise.
    activation : {"erf", "linear", "relu"}

    Returns
    -------
    list of OrderParameters
        One a time.

    Raises
    ------
    InapplicableError
        The motion diverges, with its time and learning rate; a relu unit of norm 0.
    ValueError
        Times that go back, a negative rate or noise, sign.
    """
    from scipy.integrate import solve_ivp

    when = to_numpy(as_real("times", times, ndim=1))
    if when[0] < 0.0 or np.any(np.diff(when) < 0.0):
        raise ValueError("times must start at 0 or later and not decrease")
    right = _right_hand_side(order, learning_rate, output_learning_rate, noise, activation)
    start = _pack(order)
    limit = DIVERGED * max(1.0, np.max(np.abs(start)), np.max(np.abs(order.T)))

    def left_over(_: float, state: Floats) -> float:
        return float(limit - np.max(np.abs(state)))

    left_over.terminal = True  # type: ignore[attr-defined]
    with np.errstate(over="ignore", invalid="ignore"):
        found = solve_ivp(
            right,
            (0.0, max(float(when[-1]), np.finfo(float).tiny)),
            start,
            method="DOP853",
            t_eval=np.unique(when),
            events=left_over,
            rtol=RELATIVE,
            atol=ABSOLUTE,
        )
    if found.status != 0:
        reached = float(found.t_events[0][0] if found.status == 1 else max(found.t, default=0.0))
        raise InapplicableError(
            f"the equations of motion diverge near t = {reached:.4g} at learning rate "
            f"{learning_rate:g} (output layer {output_learning_rate:g}); lower it"
        )
    states = found.y[:, np.searchsorted(found.t, when)].T
    return [_order_at(state, order) for state in states]


def sgd_fixed_point(
    order: OrderParameters,
    *,
    learning_rate: float,
    output_learning_rate: float = 0.0,
    noise: float = 0.0,
    activation: str = "erf",
) -> OrderParameters:
    """Fixed point that online gradient descent from `order` comes to rest at.

    The motion is followed for 50/learning_rate, and four times as long again and again, until
    least-norm Newton steps (which leave conserved quantities be) find a fixed point close by.

    Parameters
    ----------
    order, learning_rate, output_learning_rate, noise, activation
        As :func:`integrate_sgd`.

    Raises
    ------
    InapplicableError
        The motion diverges, or is not at rest after 12800/learning_rate; the speed that is left is
        in the message. Copies of units at a noise below (2e-12/learning_rate)^(1/4), where rounding
        hides the rest.
    ValueError
        As :func:`integrate_sgd`.
    """
    as_ridge(learning_rate, name="learning_rate", positive=True)
    right = _right_hand_side(order, learning_rate, output_learning_rate, noise, activation)
    near, left = order, np.inf
    still, flat = _REST[activation]
    for longer in range(FOLLOWED):
        (near,) = integrate_sgd(
            near,
            [50.0 * 4.0**longer / learning_rate],
            learning_rate=learning_rate,
            output_learning_rate=output_learning_rate,
            noise=noise,
            activation=activation,
        )
        start = _pack(near)
        free = len(start) - (0 if output_learning_rate > 0.0 else len(order.v))

        def speed(moved: Floats, rest: Floats = start[free:], free: int = free) -> Floats:
            return right(0.0, np.concatenate([moved, rest]))[:free] / learning_rate

        left = float(np.max(np.abs(speed(start[:free]))))
        found, unrest = _at_rest(speed, start[:free], flat)
        if unrest < still and np.max(np.abs(found - start[:free])) < CLOSE:
            rest = _order_at(np.concatenate([found, start[free:]]), order)
            _check_resolved(rest, learning_rate, noise, activation)
            return rest
    raise InapplicableError(
        f"training does not come to rest at learning rate {learning_rate:g}: its order parameters "
        f"still move by {left:.3g} learning rates a unit of time; start from the end of a longer "
        "integration"
    )


def _check_resolved(rest: OrderParameters, rate: float, noise: float, activation: str) -> None:
    """Refuse copies of units at so little noise that rounding hides where they rest."""
    least = (_RESOLVED / rate) ** 0.25
    if activation == "linear":  # no direction of theirs is slow: each moves or is conserved
        return
    size = np.sqrt(np.maximum(np.diag(rest.Q), 0.0))
    awake = size > 0.1 * np.max(size)  # spare units are alike as well, but not slow
    alike = np.tril(np.abs(rest.Q), -1) > (1.0 - 1e-4) * np.outer(size, size)
    if 0.0 < noise < least and np.any(alike[awake][:, awake]):
        raise InapplicableError(
            f"copies of units come to rest at speeds of O(noise^4), which rounding hides at noise "
            f"{noise:g} and learning rate {rate:g}; take a noise of at least {least:.2g}, or "
            "small_noise_error"
        )


def _at_rest(speed: Callable[[Floats], Floats], state: Floats, flat: float) -> tuple[Floats, float]:
    """Zero of the speed by least-norm Newton steps, and the largest speed left.

    Directions with a slope below `flat` of the largest are taken for conserved: differences of
    fourth order err by 1e-12. Steps are halved until the speed falls; where it does not, they end.
    """
    ways = _WIDTH * np.eye(len(state))
    now, share = speed(state), 1.0
    for _ in range(50):
        slopes = np.array([_slope(speed, state, way) for way in ways]).T
        if not np.all(np.isfinite(slopes)):
            break
        step = np.linalg.lstsq(slopes, now, rcond=flat)[0]
        share = min(1.0, 4.0 * share)
        with np.errstate(invalid="ignore"):
            moved = speed(state - share * step)
            while share > 1e-6 and not np.linalg.norm(moved) < np.linalg.norm(now):
                share /= 2.0
                moved = speed(state - share * step)
        if share <= 1e-6:
            break
        state, now = state - share * step, moved
    return state, float(np.max(np.abs(now)))


def _slope(speed: Callable[[Floats], Floats], state: Floats, way: Floats) -> Floats:
    """Change of the speed a step of _WIDTH that way, to fourth order."""
    one, two = (
        speed(state + way) - speed(state - way),
        speed(state + 2 * way) - speed(state - 2 * way),
    )
    return np.asarray((8.0 * one - two) / (12.0 * _WIDTH))


def _right_hand_side(
    order: OrderParameters,
    learning_rate: float,
    output_learning_rate: float,
    noise: float,
    activation: str,
) -> Callable[[float, Floats], Floats]:
    """Speed of the packed state, after the arguments are checked."""
    from ..kernels.committee_numba import packed_motion

    rate = as_ridge(learning_rate, name="learning_rate")
    output_rate = as_ridge(output_learning_rate, name="output_learning_rate")
    sigma = as_ridge(noise, name="noise")
    code = DIFFERENTIABLE.index(as_activation(activation, known=DIFFERENTIABLE))
    if activation == "relu":
        check_excited(order.covariance)
    k = len(order.v)
    c, u = order.covariance, order.amplitudes

    def speed(_: float, state: Floats) -> Floats:
        packed = np.ascontiguousarray(state)
        return np.asarray(packed_motion(code, c, u, k, rate, output_rate, sigma, packed))

    return speed


def _pack(order: OrderParameters) -> Floats:
    """State of the equations: lower triangle of Q, then R, then v."""
    lower = order.Q[np.tril_indices(len(order.v))]
    return np.concatenate([lower, order.R.ravel(), order.v])


def _unpack(state: Floats, order: OrderParameters) -> tuple[Floats, Floats, Floats]:
    """Q, R and v of a packed state."""
    k, m = order.R.shape
    rows, columns = np.tril_indices(k)
    q = np.empty((k, k))
    q[rows, columns] = q[columns, rows] = state[: len(rows)]
    return q, state[len(rows) : len(rows) + k * m].reshape(k, m), state[len(rows) + k * m :]


def _order_at(state: Floats, order: OrderParameters) -> OrderParameters:
    """Order parameters of a packed state."""
    q, r, v = _unpack(state, order)
    return OrderParameters(q, r, order.T, v, order.A)
