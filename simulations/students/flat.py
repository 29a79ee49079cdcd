"""A fully connected network as one vector of parameters, and back.

The vector holds, layer by layer, the weight transposed, (in, out) row by row, and then the bias
(out,): what the training kernels move.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruneproof.theory import Dense, Network
from pruneproof.theory.arrays import to_numpy

from .student import Floats

#: Numbers by which the kernels know activations and losses.
ACTIVATIONS = {"identity": 0, "relu": 1, "tanh": 2, "erf": 3, "logistic": 4}
LOSSES = {"squared": 0, "logistic": 1, "softmax": 2}


@dataclass(frozen=True, eq=False)
class Shape:
    """What a parameter vector does not say.

    Attributes
    ----------
    widths : (L + 1,) int64 array
        Inputs, hidden widths, outputs.
    activations : (L,) int64 array
        Numbers of ACTIVATIONS.
    """

    widths: NDArray[np.int64]
    activations: NDArray[np.int64]


def flatten(network: Network) -> tuple[Floats, Shape]:
    """Fresh parameter vector of a chain of Dense layers, and its shape.

    Raises
    ------
    ValueError
        A layer that is not Dense.
    """
    parts = []
    for place, layer in enumerate(network.layers):
        if not isinstance(layer, Dense):
            raise ValueError(
                f"layer {place} is {layer.label}; only chains of Dense layers can be trained here"
            )
        parts += [to_numpy(layer.weight).T.ravel(), to_numpy(layer.bias)]
    layers = [layer for layer in network.layers if isinstance(layer, Dense)]
    widths = [layers[0].inputs, *(layer.outputs for layer in layers)]
    codes = [ACTIVATIONS[layer.activation] for layer in layers]
    return np.concatenate(parts), Shape(
        np.array(widths, dtype=np.int64), np.array(codes, dtype=np.int64)
    )


def pruned_places(masks: Sequence[Any] | None, shape: Shape) -> NDArray[np.int64]:
    """Places in the parameter vector of the weights whose mask is false; none without masks.

    Raises
    ------
    ValueError
        Not one mask a layer, or one of another shape than its (out, in) weight.
    TypeError
        A mask of other than truth values.
    """
    if masks is None:
        return np.empty(0, dtype=np.int64)
    if len(masks) != len(shape.activations):
        raise ValueError(
            f"the network has {len(shape.activations)} layers, but there are {len(masks)} masks; "
            "give one a layer"
        )
    free = []
    for place, mask in enumerate(map(to_numpy, masks)):
        inner, outer = shape.widths[place : place + 2]
        if mask.shape != (outer, inner):
            raise ValueError(
                f"masks[{place}] must have the shape ({outer}, {inner}) of its weight, but has "
                f"{mask.shape}"
            )
        if mask.dtype != np.bool_:
            raise TypeError(f"masks[{place}] must hold truth values, but holds {mask.dtype}")
        free += [mask.T.ravel(), np.ones(outer, dtype=bool)]
    return np.flatnonzero(~np.concatenate(free))


def rebuild(theta: Floats, shape: Shape) -> Network:
    """Network of a parameter vector; its arrays are copies."""
    names = list(ACTIVATIONS)
    layers = []
    at = 0
    for place, code in enumerate(shape.activations):
        inner, outer = int(shape.widths[place]), int(shape.widths[place + 1])
        weight = theta[at : at + outer * inner].reshape(inner, outer).T.copy()
        bias = theta[at + outer * inner : at + outer * (inner + 1)].copy()
        layers.append(Dense(weight, bias, names[code]))
        at += outer * (inner + 1)
    return Network(layers)
