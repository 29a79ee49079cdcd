r"""Generalization bounds of one network, next to each other and to the held-out one.

    held-out   class labels: Clopper and Pearson's limit; numbers: E g^2 <= 2 mean g^2 + ... (G3)
    Occam      the network with weights of 16 bits, at the price of its code (K8)
    G1 slow    every network of a dyadic class that holds this one, ramp loss at margin 1
    G2 fast    one output and squared loss only

Each holds with probability 95 %; Occam and G1 hold for all audited widths at once, as their number
is paid for. What they take as known in advance: no input is longer than the longest one seen, and
for numbers no target is longer than the longest one seen, M, to which outputs are projected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruneproof.theory.arrays import to_numpy
from pruneproof.theory.bounds.bound import Bound
from pruneproof.theory.bounds.generalization import fast_bound, slow_bound
from pruneproof.theory.bounds.held_out import held_out_bound, holdout_transfer_bound, occam_bound
from pruneproof.theory.bounds.margin import classification_bound
from pruneproof.theory.bounds.network_class import NetworkClass
from pruneproof.theory.network.activations import LIPSCHITZ, activate
from pruneproof.theory.network.layers import Conv2d, Dense, Layer, Residual
from pruneproof.theory.network.network import Network

from .audit_data import Claimed
from .scoring import Task

DELTA = 0.05
MARGIN = 1.0
BITS = 16


def generalization_bounds(
    network: Network,
    task: Task,
    inputs: NDArray[Any],
    test_inputs: NDArray[Any],
    choices: int,
) -> tuple[Claimed, ...]:
    """Bounds on the error rate (labels) or the squared loss (numbers) of `network`.

    Parameters
    ----------
    network : Network
    task : Task
    inputs, test_inputs : arrays
        Rows the bounds are computed from.
    choices : int
        Number of networks among which the data choose.
    """
    if task.classify:
        found = _of_labels(network, task, inputs, test_inputs, choices)
    else:
        found = _of_numbers(network, task, inputs, test_inputs, choices)
    return tuple(
        Claimed(name, bound.statement, bound.value, bound.trivial, bound.vacuous, bound.note)
        for name, bound in found
    )


def _of_labels(
    network: Network, task: Task, x: NDArray[Any], test_x: NDArray[Any], choices: int
) -> list[tuple[str, Bound]]:
    wrong = round((1.0 - task.scored(network.forward(test_x), task.test_targets)) * len(test_x))
    found = [("held-out", held_out_bound(wrong, len(test_x), delta=DELTA))]
    risk = 1.0 - task.scored(rounded(network).forward(x), task.targets)
    found.append(("Occam", _occam(network, risk, len(x), choices)))
    around = network_class(network, x, choices)
    if around is not None:
        logits = network.forward(x)
        slow = classification_bound(logits, task.targets, around, margin=MARGIN, delta=DELTA)
        found.append(("G1 slow", _of_short_inputs(slow, around)))
    return found


def _of_numbers(
    network: Network, task: Task, x: NDArray[Any], test_x: NDArray[Any], choices: int
) -> list[tuple[str, Bound]]:
    rows = np.concatenate([task.targets, task.test_targets])
    m = float(np.max(np.linalg.norm(rows, axis=1)))
    if m == 0.0:
        return []
    given = f"for outputs projected onto ||f|| <= {m:.4g}, the longest target seen"

    def risk(of: Network, inputs: NDArray[Any], targets: NDArray[Any]) -> float:
        return task.scored(_projected(of.forward(inputs), m), targets)

    held_out = risk(network, test_x, task.test_targets)
    found = [
        ("held-out", holdout_transfer_bound(held_out, len(test_x), bound=2.0 * m, delta=DELTA)),
        (
            "Occam",
            _scaled(
                _occam(
                    network,
                    risk(rounded(network), x, task.targets) / (4.0 * m * m),
                    len(x),
                    choices,
                ),
                4.0 * m * m,
            ),
        ),
    ]
    around = network_class(network, x, choices)
    if around is None:
        return _noted(found, given)
    empirical = risk(network, x, task.targets)
    slow = slow_bound(
        empirical, around, len(x), loss_bound=4.0 * m * m, lipschitz=4.0 * m, delta=DELTA
    )
    found.append(("G1 slow", _of_short_inputs(slow, around)))
    if around.widths[-1] == 1:
        # E_n(f) = Psi_n(f) - Psi_n(f*) is not known, but is at most Psi_n(f)
        fast = fast_bound(empirical, around, len(x), output_bound=m, delta=DELTA, clipped=True)
        found.append(("G2 fast", _of_short_inputs(fast, around)))
    return _noted(found, given)


def _noted(found: list[tuple[str, Bound]], given: str) -> list[tuple[str, Bound]]:
    """Bounds that say what they take as known."""
    return [(name, replace(bound, note=f"{bound.note}; {given}")) for name, bound in found]


def _of_short_inputs(bound: Bound, around: NetworkClass) -> Bound:
    given = f"if no input is longer than {around.radius:.4g}, the longest seen"
    return replace(bound, note=f"{bound.note}; {given}")


def _occam(network: Network, risk: float, n: int, choices: int) -> Bound:
    """K8 for the network with rounded weights, no place of a weight being chosen."""
    size = network.parameter_count
    bound = occam_bound(risk, n, size=size, nonzeros=size, bits=BITS, delta=DELTA / choices)
    return replace(bound, note=f"with {BITS}-bit weights: {bound.note}")


def _scaled(bound: Bound, factor: float) -> Bound:
    return replace(bound, value=bound.value * factor, trivial=bound.trivial * factor)


def _projected(outputs: NDArray[Any], radius: float) -> NDArray[Any]:
    """Outputs moved onto the ball of `radius` where they lie outside it."""
    norms = np.linalg.norm(outputs, axis=1, keepdims=True)
    shrunk: NDArray[Any] = outputs * np.minimum(1.0, radius / np.maximum(norms, radius))
    return shrunk


def network_class(network: Network, x: NDArray[Any], choices: int) -> NetworkClass | None:
    """Dyadic class that holds a chain of Dense layers, its choice paid for.

    None for other networks, and for activations that are not 1-Lipschitz with eta(0) = 0: the
    bounds do not speak of them.
    """
    weights, biases = [], []
    for layer in network.layers:
        if not isinstance(layer, Dense) or not _contracts(layer.activation):
            return None
        weights.append(layer.weight)
        biases.append(layer.bias)
    radius = float(np.max(np.linalg.norm(x, axis=1)))
    return NetworkClass.from_weights(weights, biases, radius, width_choices=choices)


def _contracts(activation: str) -> bool:
    at_zero = float(activate(activation, np.zeros(1))[0])
    return LIPSCHITZ[activation] <= 1.0 and at_zero == 0.0


def rounded(network: Network) -> Network:
    """Network with every weight and bias rounded to the nearest number of 16 bits."""
    return Network(_rounded(network.layers))


def _rounded(layers: Sequence[Layer]) -> list[Layer]:
    out: list[Layer] = []
    for layer in layers:
        if isinstance(layer, Residual):
            layer = replace(layer, layers=_rounded(layer.layers))
        elif isinstance(layer, (Dense, Conv2d)):
            layer = replace(layer, weight=_half(layer.weight), bias=_half(layer.bias))
        out.append(layer)
    return out


def _half(values: Any) -> NDArray[np.float64]:
    most = float(np.finfo(np.float16).max)
    halves = np.clip(to_numpy(values), -most, most).astype(np.float16)
    return np.asarray(halves, dtype=np.float64)
