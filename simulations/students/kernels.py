r"""Compiled mini-batch gradient descent of a chain of dense layers; its NumPy twin is `plain`.

Each batch: forward, backward, then v <- momentum v + g and theta <- theta - learning_rate v, where
g is the gradient of the batch's mean loss plus decay times the weights (biases do not decay). The
matrix products are BLAS calls; everything between them is one pass over contiguous memory, with no
temporary array. A chain is one vector: weight (out, in) and bias (out,), layer by layer.

Self-contained: imports NumPy and Numba only; nothing compiles before the first call.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

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
) -> float:
    """One pass over the samples in `order`; moves theta and velocity, gives the mean loss.

    theta and velocity (parameters,); widths (L + 1,); activations (L,); inputs (n, d); targets
    (n, p); order (n,). The last batch may be shorter. A batch whose loss is not finite ends the
    pass, and that loss is given back.
    """
    room = batch * np.sum(widths)
    sums, states, slopes = np.empty(room), np.empty(room), np.empty(room)
    wanted = np.empty((batch, targets.shape[1]))
    gradient = np.empty_like(theta)
    d = inputs.shape[1]
    total = 0.0
    for start in range(0, order.shape[0], batch):
        rows = min(batch, order.shape[0] - start)
        for r in range(rows):
            states[r * d : (r + 1) * d] = inputs[order[start + r]]
            wanted[r] = targets[order[start + r]]
        value = batch_gradient(
            theta, widths, activations, wanted[:rows], decay, loss, sums, states, slopes, gradient
        )
        if not math.isfinite(value):
            return value
        total += rows * value
        _move(theta, velocity, gradient, learning_rate, momentum)
    return float(total / order.shape[0])


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def _move(
    theta: Floats, velocity: Floats, gradient: Floats, learning_rate: float, momentum: float
) -> None:
    for i in range(theta.shape[0]):
        velocity[i] = momentum * velocity[i] + gradient[i]
        theta[i] -= learning_rate * velocity[i]


@njit(cache=True, nogil=True, error_model="numpy")
def batch_gradient(
    theta: Floats,
    widths: Indices,
    activations: Indices,
    wanted: Floats,
    decay: float,
    loss: int,
    sums: Floats,
    states: Floats,
    slopes: Floats,
    gradient: Floats,
) -> float:
    """Mean loss of one batch, and its gradient (with the decay of the weights) in `gradient`.

    The inputs (rows, d) stand at the front of `states`. Layer l of the three buffers takes
    rows widths[l] places: sums before the activation, states after it, slopes d loss / d sums.
    """
    rows, depth = wanted.shape[0], activations.shape[0]
    at = left = 0
    for layer in range(depth):
        inner, outer = widths[layer], widths[layer + 1]
        right = left + rows * inner
        end = right + rows * outer
        weight = theta[at : at + outer * inner].reshape((outer, inner))
        at += outer * inner
        np.dot(
            states[left:right].reshape((rows, inner)),
            weight.T,
            sums[right:end].reshape((rows, outer)),
        )
        _activate(activations[layer], sums[right:end], theta[at : at + outer], states[right:end])
        at += outer
        left = right
    end = left + rows * widths[depth]
    value = _loss(loss, states[left:end], wanted, slopes[left:end])
    for layer in range(depth - 1, -1, -1):
        inner, outer = widths[layer], widths[layer + 1]
        end, right = left + rows * outer, left
        left = right - rows * inner
        _descend(activations[layer], sums[right:end], states[right:end], slopes[right:end])
        slope = slopes[right:end].reshape((rows, outer))
        at -= outer
        _column_sums(slope, gradient[at : at + outer])
        at -= outer * inner
        flat = theta[at : at + outer * inner]
        step = gradient[at : at + outer * inner]
        np.dot(slope.T, states[left:right].reshape((rows, inner)), step.reshape((outer, inner)))
        if decay != 0.0:
            for i in range(outer * inner):
                step[i] += decay * flat[i]
        if layer > 0:
            np.dot(slope, flat.reshape((outer, inner)), slopes[left:right].reshape((rows, inner)))
    return value


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def _column_sums(slope: Floats, out: Floats) -> None:
    out[:] = 0.0
    for r in range(slope.shape[0]):
        row = slope[r]
        for i in range(row.shape[0]):
            out[i] += row[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _activate(code: int, sums: Floats, bias: Floats, states: Floats) -> None:
    """Add the bias to every row of `sums`, in place, and write eta of it to `states`."""
    outer = bias.shape[0]
    for start in range(0, sums.shape[0], outer):
        z, state = sums[start : start + outer], states[start : start + outer]
        for i in range(outer):
            z[i] += bias[i]
            state[i] = z[i]
    if code == 1:
        for i in range(states.shape[0]):
            # A NaN must stay one, so that a divergence is seen.
            states[i] = 0.0 if states[i] < 0.0 else states[i]
    elif code == 2:
        for i in range(states.shape[0]):
            states[i] = math.tanh(states[i])
    elif code == 3:
        for i in range(states.shape[0]):
            states[i] = math.erf(states[i])
    elif code == 4:
        for i in range(states.shape[0]):
            states[i] = 0.5 * (1.0 + math.tanh(0.5 * states[i]))


@njit(cache=True, nogil=True, error_model="numpy")
def _descend(code: int, sums: Floats, states: Floats, slopes: Floats) -> None:
    """Multiply `slopes` by eta' in place; that of relu at 0 is 0."""
    if code == 1:
        for i in range(slopes.shape[0]):
            slopes[i] = 0.0 if sums[i] <= 0.0 else slopes[i]
    elif code == 2:
        for i in range(slopes.shape[0]):
            slopes[i] *= 1.0 - states[i] * states[i]
    elif code == 3:
        for i in range(slopes.shape[0]):
            slopes[i] *= 1.1283791670955126 * math.exp(-sums[i] * sums[i])  # 2/sqrt(pi)
    elif code == 4:
        for i in range(slopes.shape[0]):
            slopes[i] *= states[i] * (1.0 - states[i])


@njit(cache=True, nogil=True, error_model="numpy")
def _loss(code: int, outputs: Floats, wanted: Floats, slopes: Floats) -> float:
    """Mean loss of a batch, its derivative by the outputs in `slopes`; both flat (rows p,)."""
    rows, p = wanted.shape
    total = 0.0
    for r in range(rows):
        f, y, slope = outputs[r * p : (r + 1) * p], wanted[r], slopes[r * p : (r + 1) * p]
        if code == 0:
            for i in range(p):
                slope[i] = f[i] - y[i]
                total += 0.5 * slope[i] * slope[i]
        elif code == 1:
            for i in range(p):
                total += max(f[i], 0.0) + math.log1p(math.exp(-abs(f[i]))) - y[i] * f[i]
                slope[i] = 0.5 * (1.0 + math.tanh(0.5 * f[i])) - y[i]
        else:
            top = np.max(f)
            mass = 0.0
            for i in range(p):
                slope[i] = math.exp(f[i] - top)
                mass += slope[i]
            for i in range(p):
                total += y[i] * (top + math.log(mass) - f[i])
                slope[i] = slope[i] / mass - y[i]
    for i in range(rows * p):
        slopes[i] /= rows
    return float(total / rows)
