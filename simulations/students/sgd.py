r"""Training by mini-batch gradient descent with momentum (Polyak 1964) and weight decay.

Each epoch draws a fresh order of the samples from `rng` and takes the batches one after the other:
v <- momentum v + g, theta <- theta - learning_rate v, g the gradient of

    (1/|batch|) sum_i loss(f(x_i), y_i) + weight_decay |weights|^2 / 2,

biases not decayed. Losses: squared |f - y|^2 / 2; logistic log(1 + e^f) - y f, y in {0, 1}; softmax
log sum_c e^{f_c} - f_y. With the squared loss, one linear layer, centred data and weight decay
lambda, the point of rest is ridge regression with ridge lambda.

The same seed gives the same student, on one BLAS thread to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from pruneproof.theory import Network
from pruneproof.theory.arrays import as_count

from .flat import ACTIVATIONS, LOSSES, Shape, flatten, pruned_places, rebuild
from .student import Floats, Student, as_sample, squared_loss

Loss = Literal["squared", "logistic", "softmax"]

#: A loss this many times that of the start, and of the zero function, is taken for a divergence.
RUNAWAY = 1e8


def train(
    network: Network,
    inputs: Any,
    targets: Any,
    *,
    epochs: int,
    batch: int = 32,
    learning_rate: float = 0.05,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
    loss: Loss = "squared",
    masks: Sequence[Any] | None = None,
    rng: Any,
) -> Student:
    """Train a chain of Dense layers, starting from `network`, which is left as it is.

    Parameters
    ----------
    network : theory.Network
        Dense layers only; the last one linear for the logistic and softmax losses.
    inputs : (n, d) array
    targets : (n,) or (n, p) array
        Numbers; 0 and 1 for the logistic loss (one output); labels 0 ... p - 1 of shape (n,) for
        the softmax loss (p outputs).
    epochs, batch : int
        At least 1; a batch larger than n is the whole sample.
    learning_rate : float
        Positive.
    momentum : float
        In [0, 1).
    weight_decay : float
        At least 0.
    loss : {"squared", "logistic", "softmax"}
    masks : sequence of (out, in) arrays of truth values, optional
        One a layer: weights where it is false start as 0 and stay so. Biases are free.
    rng : seed or numpy.random.Generator
        Orders the samples.

    Returns
    -------
    Student
        `losses` holds, for each epoch, the mean over the samples of the loss that each had when
        its batch was met.

    Raises
    ------
    ValueError
        Arguments out of range, targets that do not fit the network or the loss, a layer that is
        not Dense, masks that do not fit; and a training that diverges, with its epoch and learning
        rate.
    """
    from .kernels import epoch

    return trained(
        epoch,
        network,
        inputs,
        targets,
        epochs=epochs,
        batch=batch,
        learning_rate=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
        loss=loss,
        masks=masks,
        rng=rng,
    )


def trained(
    epoch: Callable[..., float],
    network: Network,
    inputs: Any,
    targets: Any,
    *,
    epochs: int,
    batch: int,
    learning_rate: float,
    momentum: float,
    weight_decay: float,
    loss: str,
    masks: Sequence[Any] | None = None,
    rng: Any,
) -> Student:
    """:func:`train` by the pass over the samples that is given: compiled, or its plain twin."""
    theta, shape = flatten(network)
    still = pruned_places(masks, shape)
    theta[still] = 0.0
    x, y = as_sample(inputs, targets)
    wanted = _as_targets(y, loss, shape)
    if x.shape[1] != shape.widths[0]:
        raise ValueError(f"the network reads {shape.widths[0]} inputs, but got {x.shape[1]}")
    turns, size = as_count("epochs", epochs), as_count("batch", batch)
    rate, inertia, decay = _as_step(learning_rate, momentum, weight_decay)
    generator = np.random.default_rng(rng)
    x, wanted = np.array(x, order="C"), np.array(wanted, order="C")  # one type for the kernel
    rows = min(size, len(x))

    def one_pass(velocity: Floats, order: Any, rate: float) -> float:
        with np.errstate(over="ignore", invalid="ignore"):  # a divergence is told below
            return epoch(
                theta,
                velocity,
                shape.widths,
                shape.activations,
                x,
                wanted,
                order,
                rows,
                rate,
                inertia,
                decay,
                LOSSES[loss],
                still,
            )

    before = one_pass(np.zeros_like(theta), np.arange(len(x)), 0.0)  # the loss of the start
    limit = _largest_loss(before, x, wanted, loss)
    velocity = np.zeros_like(theta)
    losses = np.empty(turns)
    for turn in range(turns):
        losses[turn] = one_pass(velocity, generator.permutation(len(x)), rate)
        sound = math.isfinite(losses[turn]) and losses[turn] <= limit
        if not (sound and np.isfinite(theta).all()):
            raise ValueError(
                f"training diverged in epoch {turn + 1} of {turns}: the loss became "
                f"{losses[turn]:.3g}, from {before:.3g}, at learning rate {rate:g}; take a smaller "
                "one (a lazy network of scale alpha asks for about 1/alpha^2 of the usual)"
            )
    return Student(rebuild(theta, shape), losses)


def _largest_loss(before: float, x: Floats, wanted: Floats, loss: str) -> float:
    """Loss above which training has diverged; a start whose own loss is not finite is refused."""
    if not math.isfinite(before):
        raise ValueError(
            f"the loss is {before} before the first step: inputs up to {np.max(np.abs(x)):.3g}, "
            f"targets up to {np.max(np.abs(wanted)):.3g} and this start are too large for float64; "
            "scale them down"
        )
    return RUNAWAY * max(before, _loss_of_zero(wanted, loss)) or math.inf


def _loss_of_zero(wanted: Floats, loss: str) -> float:
    """Loss of the function 0; the logarithm of the number of classes in classification."""
    if loss == "squared":
        return squared_loss(np.zeros_like(wanted), wanted)
    return math.log(max(2, wanted.shape[1]))


def _as_step(
    learning_rate: float, momentum: float, weight_decay: float
) -> tuple[float, float, float]:
    if not (math.isfinite(learning_rate) and learning_rate > 0):
        raise ValueError(f"learning_rate must be positive and finite, but is {learning_rate}")
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum must be in [0, 1), but is {momentum}")
    if not (math.isfinite(weight_decay) and weight_decay >= 0):
        raise ValueError(f"weight_decay must be finite and at least 0, but is {weight_decay}")
    return float(learning_rate), float(momentum), float(weight_decay)


def _as_targets(y: Floats, loss: str, shape: Shape) -> Floats:
    """Targets (n, p) as the kernels take them: softmax labels become indicator rows."""
    if loss not in LOSSES:
        raise ValueError(f"loss must be one of {', '.join(LOSSES)}, but is {loss!r}")
    outputs = int(shape.widths[-1])
    if loss != "squared" and shape.activations[-1] != ACTIVATIONS["identity"]:
        raise ValueError(f"the {loss} loss reads scores; give the last layer the identity")
    if y.shape[1] != (1 if loss == "softmax" else outputs):
        raise ValueError(
            f"the network has {outputs} outputs, but the targets have {y.shape[1]} columns"
            + ("; give labels of shape (n,)" if loss == "softmax" else "")
        )
    if loss == "logistic" and (outputs != 1 or not np.isin(y, (0.0, 1.0)).all()):
        raise ValueError(
            f"the logistic loss needs one output and targets 0 or 1, but there are {outputs} "
            f"outputs and targets from {y.min():g} to {y.max():g}"
        )
    if loss != "softmax":
        return y
    if outputs < 2 or not np.isin(y, np.arange(outputs)).all():
        raise ValueError(
            f"the softmax loss needs two outputs or more and labels 0 ... p - 1, but there are "
            f"{outputs} outputs and labels from {y.min():g} to {y.max():g}"
        )
    return np.eye(outputs)[y[:, 0].astype(np.int64)]
