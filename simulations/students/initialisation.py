r"""Networks at initialisation: standard, small (feature learning) and lazy.

standard   W_ij ~ N(0, g/in), g = 2 before relu (He et al., arXiv 1502.01852) and 1 otherwise;
           biases 0, a linear last layer with g = 1.
small      the standard draw times `scale` < 1 in every layer. A relu network without biases is
           positively homogeneous, so its function is scaled by scale^depth and the weights must
           turn towards the data before anything is fitted: features are learned.
lazy       the function is alpha h with alpha = `scale` > 1 and h = 0 at the start (Chizat, Oyallon
           and Bach, arXiv 1812.07956): the last layer of the standard draw is multiplied by alpha,
           and the nodes under it come in pairs (j, j + m/2) of equal incoming and opposite
           outgoing weights, so that the initial function is 0 up to rounding. The tangent kernel
           grows as alpha^2: train with a learning rate of order 1/alpha^2, and the weights
           under the last layer move by a relative amount of order 1/alpha only.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from pruneproof.theory import Dense, Network

from .student import Floats

Regime = Literal["standard", "small", "lazy"]

#: Factor of every weight (small) and of the last layer (lazy) where none is given.
SCALES: dict[str, float] = {"standard": 1.0, "small": 0.3, "lazy": 10.0}


def initial(
    widths: Sequence[int],
    activation: str,
    *,
    regime: Regime = "standard",
    scale: float | None = None,
    rng: Any,
) -> Network:
    """Fully connected network at initialisation, its last layer linear.

    Parameters
    ----------
    widths : sequence of int
        Inputs, hidden widths, outputs; at least two numbers.
    activation : str
        Of every layer but the last.
    regime : {"standard", "small", "lazy"}
        See the module.
    scale : float, optional
        Factor of the regime, positive and finite; 0.3 (small) and 10 (lazy) if not given. The
        standard regime has none.
    rng : seed or numpy.random.Generator

    Raises
    ------
    ValueError
        Fewer than two widths or one below 1; an unknown regime or activation; a scale out of
        range; lazy with no hidden layer, or an odd width under the last layer.
    """
    sizes = [operator.index(width) for width in widths]
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"widths must be two or more numbers of at least 1, but are {sizes}")
    factor = _as_scale(regime, scale)
    generator = np.random.default_rng(rng)
    last = len(sizes) - 2
    layers: list[Dense] = []
    for place, (inner, outer) in enumerate(itertools.pairwise(sizes)):
        gain = 2.0 if activation == "relu" and place < last else 1.0
        weight = generator.standard_normal((outer, inner)) * math.sqrt(gain / inner)
        if regime == "small":
            weight *= factor
        layers.append(Dense(weight, activation=activation if place < last else "identity"))
    return Network(_paired(layers, factor) if regime == "lazy" else layers)


def _as_scale(regime: str, scale: float | None) -> float:
    if regime not in SCALES:
        raise ValueError(f"regime must be one of {', '.join(SCALES)}, but is {regime!r}")
    if scale is None:
        return SCALES[regime]
    if regime == "standard":
        raise ValueError(f"the standard regime has no scale, but got {scale}; take small or lazy")
    if not (math.isfinite(scale) and scale > 0):
        raise ValueError(f"scale must be positive and finite, but is {scale}")
    return float(scale)


def _paired(layers: list[Dense], factor: float) -> list[Dense]:
    """The lazy pair of last layers: equal incoming, opposite outgoing weights, times `factor`."""
    if len(layers) < 2:
        raise ValueError("the lazy regime pairs hidden nodes; give at least three widths")
    width = layers[-1].inputs
    if width % 2:
        raise ValueError(
            f"the lazy regime pairs the nodes under the last layer, but there are {width}; give an "
            "even width"
        )
    inner: Floats = layers[-2].weight[: width // 2]
    outer: Floats = layers[-1].weight[:, : width // 2] * factor
    return [
        *layers[:-2],
        Dense(np.concatenate([inner, inner]), activation=layers[-2].activation),
        Dense(np.concatenate([outer, -outer], axis=1)),
    ]
