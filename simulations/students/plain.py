"""Plain NumPy twin of the compiled training kernel: the same update, written as formulas.

It is what the kernel is tested against and timed against; the signatures are the same.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, expit, log_expit, log_softmax

from .student import Floats

Indices = NDArray[np.int64]


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
    """One pass over the samples in `order`; see the function of this name in `kernels`."""
    total = 0.0
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        value, gradient = batch_gradient(
            theta, widths, activations, inputs[rows], targets[rows], decay, loss
        )
        if not np.isfinite(value):
            return value
        total += len(rows) * value
        gradient[still] = 0.0
        velocity *= momentum
        velocity += gradient
        theta -= learning_rate * velocity
    return total / len(order)


def batch_gradient(
    theta: Floats,
    widths: Indices,
    activations: Indices,
    x: Floats,
    y: Floats,
    decay: float,
    loss: int,
) -> tuple[float, Floats]:
    """Mean loss of a batch, and the gradient of the loss plus decay |weights|^2 / 2."""
    weights, biases = _views(theta, widths)
    gradient = np.empty_like(theta)
    weight_steps, bias_steps = _views(gradient, widths)
    sums, states = [x], [x]
    for weight, bias, code in zip(weights, biases, activations):
        sums.append(states[-1] @ weight + bias)
        states.append(_activate(code, sums[-1]))
    value, slope = _loss(loss, states[-1], y)
    for layer in range(len(weights) - 1, -1, -1):
        slope = slope * _derivative(activations[layer], sums[layer + 1], states[layer + 1])
        weight_steps[layer][:] = states[layer].T @ slope + decay * weights[layer]
        bias_steps[layer][:] = slope.sum(axis=0)
        if layer > 0:
            slope = slope @ weights[layer].T
    return value, gradient


def _views(theta: Floats, widths: Indices) -> tuple[list[Floats], list[Floats]]:
    """Weights (in, out) and biases inside a parameter vector."""
    weights, biases = [], []
    at = 0
    for inner, outer in itertools.pairwise(widths):
        weights.append(theta[at : at + outer * inner].reshape(inner, outer))
        biases.append(theta[at + outer * inner : at + outer * (inner + 1)])
        at += outer * (inner + 1)
    return weights, biases


def _activate(code: int, z: Floats) -> Floats:
    if code == 1:
        return np.maximum(z, 0.0)
    if code == 2:
        return np.tanh(z)
    if code == 3:
        return np.asarray(erf(z))
    return np.asarray(expit(z)) if code == 4 else z


def _derivative(code: int, z: Floats, state: Floats) -> Floats | float:
    if code == 1:
        return (z > 0).astype(np.float64)
    if code == 2:
        return 1.0 - state**2
    if code == 3:
        return np.asarray(2.0 / np.sqrt(np.pi) * np.exp(-(z**2)))
    return state * (1.0 - state) if code == 4 else 1.0


def _loss(code: int, f: Floats, y: Floats) -> tuple[float, Floats]:
    """Mean loss of outputs (rows, p), and its derivative by them."""
    rows = len(f)
    if code == 0:
        return 0.5 * float(np.sum((f - y) ** 2)) / rows, (f - y) / rows
    if code == 1:
        losses = -y * log_expit(f) - (1.0 - y) * log_expit(-f)
        return float(np.sum(losses)) / rows, (expit(f) - y) / rows
    logs = log_softmax(f, axis=1)
    return -float(np.sum(y * logs)) / rows, (np.exp(logs) - y) / rows
