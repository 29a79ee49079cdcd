r"""Compiled mini-batch gradient descent of a chain of dense layers; its NumPy twin is `plain`.

Each batch: forward, backward, then v <- momentum v + g and theta <- theta - learning_rate v, where
g is the gradient of the batch's mean loss plus decay times the weights (biases do not decay).

A chain is one vector: weight (in, out) and bias (out,), layer by layer. So stored, the products of
the way forward and of the gradient run along the rows of both factors, where BLAS is fastest. In
a layer of one output, or a batch of one row, one factor is a vector: plain loops are faster there.
What lies between the products is one pass over contiguous memory, with no temporary array.

Self-contained: imports NumPy and Numba only; nothing compiles before the first call.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from . import elementwise

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

#: Sums may be reordered (SIMD); NaN and infinity keep their meaning.
_SUMS = {"reassoc", "contract"}


@njit(cache=True, nogil=True, error_model="numpy")
def epoch(
    theta: Floats,
    velocity: Floats,
    widths: Indices,
    activations: Indices,
    inputs: Floats,
    targets: Floats,
    order: Indices,
    batch: int,
    learning_rate: float,
    momentum: float,
    decay: float,
    loss: int,
    still: Indices,
) -> float:
    """One pass over the samples in `order`; moves theta and velocity, gives the mean loss.

    theta and velocity (parameters,); widths (L + 1,); activations (L,); inputs (n, d); targets
    (n, p); order (n,). The last batch may be shorter. A batch whose loss is not finite ends the
    pass, and that loss is given back. Parameters in the places `still` have gradient 0.
    """
    room = np.empty((3, batch * np.sum(widths)))
    wanted = np.empty((batch, targets.shape[1]))
    ones = np.ones(batch)
    gradient = np.empty_like(theta)
    total = 0.0
    for start in range(0, order.shape[0], batch):
        chosen = order[start : start + batch]
        rows = chosen.shape[0]
        _gather(inputs, chosen, room[0])
        _gather(targets, chosen, wanted.reshape(-1))
        value = batch_gradient(
            theta, widths, activations, wanted[:rows], loss, room, ones[:rows], gradient
        )
        if not math.isfinite(value):
            return value
        total += rows * value
        for place in still:
            gradient[place] = 0.0
        _move(theta, velocity, gradient, widths, learning_rate, momentum, decay)
    return float(total / order.shape[0])


@njit(cache=True, nogil=True, error_model="numpy")
def _gather(source: Floats, chosen: Indices, out: Floats) -> None:
    """Copy the chosen rows, one after the other, to the front of `out`."""
    d = source.shape[1]
    for r in range(chosen.shape[0]):
        row = source[chosen[r]]
        for i in range(d):
            out[r * d + i] = row[i]


@njit(cache=True, nogil=True, error_model="numpy")
def batch_gradient(
    theta: Floats,
    widths: Indices,
    activations: Indices,
    wanted: Floats,
    loss: int,
    room: Floats,
    ones: Floats,
    gradient: Floats,
) -> float:
    """Mean loss of one batch, and its gradient in `gradient`.

    The inputs (rows, d) stand at the front of room[0]; ones (rows,) are ones. Layer l takes
    rows widths[l] places in each row of `room`: states, their derivatives by the sums (where
    they are not a function of the states), slopes d loss / d states and then d loss / d sums.
    """
    states, derivatives, slopes = room[0], room[1], room[2]
    rows, depth = wanted.shape[0], activations.shape[0]
    at = left = 0
    for layer in range(depth):
        inner, outer = widths[layer], widths[layer + 1]
        right = left + rows * inner
        end = right + rows * outer
        _times(states[left:right], theta[at : at + inner * outer], rows, states[right:end])
        at += inner * outer
        bias = theta[at : at + outer]
        at += outer
        _activate(activations[layer], bias, states[right:end], derivatives[right:end])
        left = right
    end = left + rows * widths[depth]
    value = _loss(loss, states[left:end], wanted, slopes[left:end])
    for layer in range(depth - 1, -1, -1):
        inner, outer = widths[layer], widths[layer + 1]
        end, right = left + rows * outer, left
        left = right - rows * inner
        slope = slopes[right:end]
        _descend(activations[layer], states[right:end], derivatives[right:end], slope)
        at -= outer
        _combine(ones, slope, gradient[at : at + outer])
        at -= inner * outer
        _transposed_times(states[left:right], slope, rows, gradient[at : at + inner * outer])
        if layer > 0:
            _times_transposed(slope, theta[at : at + inner * outer], rows, slopes[left:right])
    return value


@njit(cache=True, nogil=True, error_model="numpy")
def _times(states: Floats, weight: Floats, rows: int, out: Floats) -> None:
    """out (rows, outer) = states (rows, inner) weight (inner, outer), all flat."""
    inner, outer = states.shape[0] // rows, out.shape[0] // rows
    if outer == 1:
        _dots(states, weight, out)
    elif rows == 1:
        _combine(states, weight, out)
    else:
        np.dot(
            states.reshape((rows, inner)),
            weight.reshape((inner, outer)),
            out.reshape((rows, outer)),
        )


@njit(cache=True, nogil=True, error_model="numpy")
def _transposed_times(states: Floats, slope: Floats, rows: int, out: Floats) -> None:
    """out (inner, outer) = states (rows, inner)^T slope (rows, outer), all flat."""
    inner, outer = states.shape[0] // rows, slope.shape[0] // rows
    if rows == 1:
        _outer(states, slope, out)
    elif outer == 1:
        _combine(slope, states, out)
    else:
        np.dot(
            states.reshape((rows, inner)).T,
            slope.reshape((rows, outer)),
            out.reshape((inner, outer)),
        )


@njit(cache=True, nogil=True, error_model="numpy")
def _times_transposed(slope: Floats, weight: Floats, rows: int, out: Floats) -> None:
    """out (rows, inner) = slope (rows, outer) weight (inner, outer)^T, all flat."""
    inner, outer = out.shape[0] // rows, slope.shape[0] // rows
    if outer == 1:
        _outer(slope, weight, out)
    elif rows == 1:
        _dots(weight, slope, out)
    else:
        np.dot(
            slope.reshape((rows, outer)),
            weight.reshape((inner, outer)).T,
            out.reshape((rows, inner)),
        )


@njit(cache=True, nogil=True, error_model="numpy")
def _outer(u: Floats, v: Floats, out: Floats) -> None:
    """out (u, v), flat, = u v^T."""
    n = v.shape[0]
    for a in range(u.shape[0]):
        row, factor = out[a * n : (a + 1) * n], u[a]
        for b in range(n):
            row[b] = factor * v[b]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def _dots(matrix: Floats, v: Floats, out: Floats) -> None:
    """out (m,) = matrix (m, n) v (n,), the matrix flat."""
    n = v.shape[0]
    for a in range(out.shape[0]):
        row = matrix[a * n : (a + 1) * n]
        total = 0.0
        for i in range(n):
            total += row[i] * v[i]
        out[a] = total


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _combine(u: Floats, matrix: Floats, out: Floats) -> None:
    """out (n,) = u (m,) matrix (m, n), the matrix flat; eight rows at a time."""
    n, m = out.shape[0], u.shape[0]
    whole = m - m % 8
    out[:] = 0.0
    for a in range(0, whole, 8):
        u0, u1, u2, u3 = u[a], u[a + 1], u[a + 2], u[a + 3]
        u4, u5, u6, u7 = u[a + 4], u[a + 5], u[a + 6], u[a + 7]
        row = matrix[a * n : (a + 8) * n]
        for i in range(n):
            first = (u0 * row[i] + u1 * row[n + i]) + (u2 * row[2 * n + i] + u3 * row[3 * n + i])
            last = (u4 * row[4 * n + i] + u5 * row[5 * n + i]) + (
                u6 * row[6 * n + i] + u7 * row[7 * n + i]
            )
            out[i] += first + last
    for a in range(whole, m):
        row, factor = matrix[a * n : (a + 1) * n], u[a]
        for i in range(n):
            out[i] += factor * row[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _move(
    theta: Floats,
    velocity: Floats,
    gradient: Floats,
    widths: Indices,
    learning_rate: float,
    momentum: float,
    decay: float,
) -> None:
    """The step of all parameters; weights decay and biases do not."""
    at = 0
    for layer in range(widths.shape[0] - 1):
        bias = at + widths[layer] * widths[layer + 1]
        end = bias + widths[layer + 1]
        for start, stop, pull in ((at, bias, decay), (bias, end, 0.0)):
            _step(
                theta[start:stop],
                velocity[start:stop],
                gradient[start:stop],
                learning_rate,
                momentum,
                pull,
            )
        at = end


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _step(
    theta: Floats,
    velocity: Floats,
    gradient: Floats,
    learning_rate: float,
    momentum: float,
    decay: float,
) -> None:
    """v <- momentum v + g + decay theta, theta <- theta - learning_rate v, in one pass."""
    for i in range(theta.shape[0]):
        v = momentum * velocity[i] + (gradient[i] + decay * theta[i])
        velocity[i] = v
        theta[i] -= learning_rate * v


@njit(cache=True, nogil=True, error_model="numpy")
def _activate(code: int, bias: Floats, states: Floats, derivatives: Floats) -> None:
    """Add the bias to every row of `states`, and take eta of it, in place.

    erf also writes its derivatives; those of the others are functions of the states.
    """
    _shift(bias, 0.0 if code == 1 else -math.inf, states)
    if code == 2:
        elementwise.tanh(1.0, states)
    elif code == 3:
        elementwise.erf(states, derivatives)
    elif code == 4:
        elementwise.tanh(0.5, states)
        for i in range(states.shape[0]):
            states[i] = 0.5 * (1.0 + states[i])


@njit(cache=True, nogil=True, error_model="numpy")
def _shift(bias: Floats, least: float, states: Floats) -> None:
    """Add the bias to every row of `states`, and raise what is below `least` to it."""
    outer = bias.shape[0]
    for start in range(0, states.shape[0], outer):
        row = states[start : start + outer]
        for i in range(outer):
            z = row[i] + bias[i]
            # A NaN must stay one, so that a divergence is seen.
            row[i] = least if z < least else z


@njit(cache=True, nogil=True, error_model="numpy")
def _descend(code: int, states: Floats, derivatives: Floats, slopes: Floats) -> None:
    """Multiply `slopes` by eta' in place; that of relu at 0 is 0."""
    if code == 1:
        for i in range(slopes.shape[0]):
            slopes[i] = 0.0 if states[i] <= 0.0 else slopes[i]
    elif code == 2:
        for i in range(slopes.shape[0]):
            slopes[i] *= 1.0 - states[i] * states[i]
    elif code == 3:
        for i in range(slopes.shape[0]):
            slopes[i] *= derivatives[i]
    elif code == 4:
        for i in range(slopes.shape[0]):
            slopes[i] *= states[i] * (1.0 - states[i])


@njit(cache=True, nogil=True, error_model="numpy")
def _loss(code: int, outputs: Floats, wanted: Floats, slopes: Floats) -> float:
    """Mean loss of a batch, its derivative by the outputs in `slopes`; outputs flat (rows p,)."""
    rows = wanted.shape[0]
    if code == 0:
        total = _squared(outputs, wanted.reshape(-1), slopes)
    elif code == 1:
        total = _logistic(outputs, wanted.reshape(-1), slopes)
    else:
        total = _softmax(outputs, wanted, slopes)
    for i in range(slopes.shape[0]):
        slopes[i] /= rows
    return float(total / rows)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def _squared(f: Floats, y: Floats, slopes: Floats) -> float:
    total = 0.0
    for i in range(f.shape[0]):
        slopes[i] = f[i] - y[i]
        total += slopes[i] * slopes[i]
    return 0.5 * total


@njit(cache=True, nogil=True, error_model="numpy")
def _logistic(f: Floats, y: Floats, slopes: Floats) -> float:
    total = 0.0
    for i in range(f.shape[0]):
        total += max(f[i], 0.0) + math.log1p(math.exp(-abs(f[i]))) - y[i] * f[i]
        slopes[i] = 0.5 * (1.0 + math.tanh(0.5 * f[i])) - y[i]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _softmax(outputs: Floats, wanted: Floats, slopes: Floats) -> float:
    rows, p = wanted.shape
    total = 0.0
    for r in range(rows):
        f, y, slope = outputs[r * p : (r + 1) * p], wanted[r], slopes[r * p : (r + 1) * p]
        top = np.max(f)
        mass = 0.0
        for i in range(p):
            slope[i] = math.exp(f[i] - top)
            mass += slope[i]
        for i in range(p):
            total += y[i] * (top + math.log(mass) - f[i])
            slope[i] = slope[i] / mass - y[i]
    return total
