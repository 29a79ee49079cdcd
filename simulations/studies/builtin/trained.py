r"""Students of a teacher of six ReLU nodes: f*(x) = sum_j a_j relu(w_j . x) + c, x in R^10.

Teacher 10-6-1, student 10-100-100-1. w_j and a_j are Gaussian, a and c set so that under
x ~ N(0, I) the target has mean 0 and a given variance, exactly, by the arc-cosine kernel. Regimes
are those of `students.initial`; a lazy network of scale alpha takes steps 1/alpha^2 as long.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pruneproof import theory
from pruneproof.simulations.students import Student, initial, train
from pruneproof.simulations.students.initialisation import Regime
from pruneproof.theory import Dense, Network

from .layers import Floats

INPUTS, NODES, WIDTH = 10, 6, 100
#: Standard deviation of the noise on targets.
NOISE = 0.3
_STEP, _LAZINESS = 0.01, 10.0


def relu_teacher(variance: float, rng: Any) -> Network:
    """Teacher 10-6-1 whose outputs have mean 0 and this variance under x ~ N(0, I)."""
    w = rng.standard_normal((NODES, INPUTS))
    a = rng.standard_normal(NODES)
    q = w @ w.T
    a *= math.sqrt(variance / float(a @ theory.arccosine_kernel(q, centered=True) @ a))
    mean = np.sqrt(np.diag(q) / (2.0 * math.pi)) @ a
    return Network([Dense(w, activation="relu"), Dense(a[None, :], np.array([-mean]))])


def untrained(regime: Regime, rng: Any) -> Network:
    """Student 10-100-100-1 at initialisation."""
    scale = _LAZINESS if regime == "lazy" else None
    return initial((INPUTS, WIDTH, WIDTH, 1), "relu", regime=regime, scale=scale, rng=rng)


def trained(
    start: Network,
    x: Floats,
    y: Floats,
    *,
    regime: Regime,
    decay: float,
    visits: float,
    masks: Sequence[Any] | None = None,
    rng: Any,
) -> Student:
    """Student after at least `visits` gradients of single samples, in batches of 32."""
    step = _STEP / _LAZINESS**2 if regime == "lazy" else _STEP
    epochs = math.ceil(visits / len(x))
    return train(
        start, x, y, epochs=epochs, learning_rate=step, weight_decay=decay, masks=masks, rng=rng
    )


def outputs(network: Network, x: Floats) -> Floats:
    """Outputs (n,) of a network of one output."""
    return np.asarray(network.forward(x))[:, 0]


def mean_square(difference: Floats) -> float:
    """Mean of the squares."""
    return float(np.mean(difference**2))
