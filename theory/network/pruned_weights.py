r"""What pruning single weights gives back: the network, and layer by layer error and bounds.

Letters: layer l takes h = x_{l-1} (patches for a convolution) to W h + b; D = W - Wh is what
pruning takes out, bh - b the change of its bias. The loss of a layer is E||D h + b - bh||_2^2,
summed over outputs and positions, h from the ORIGINAL network.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array, to_numpy
from ..bounds.bound import Bound
from .compressed import Compression
from .layers import Conv2d, Dense
from .network import Network, as_inputs, batches
from .propagation import gap
from .sites import Path, dotted, layer_inputs, parametric


@dataclass(frozen=True, eq=False)
class PrunedWeights:
    """One Dense or Conv2d layer with single weights removed.

    Attributes
    ----------
    path : tuple of int
        Place of the layer in the network.
    kept : mask of the shape of the weight
    predicted_loss : float
        E||D h + b - bh||^2 by the second moment of the original inputs, an identity (T2, T2b, T3).
    bounds : dict of Bound
        On that loss. "largest eigenvalue": lam_max ||D||_F^2, for any D. "soft sparsity": T7,
        where rows keep their largest entries.
    measured_loss : float
        The same loss by running the layer on the sample.
    accumulated_loss : float
        E||W h + b - Wh hh - bh||^2 with hh from the PRUNED network: with the errors of the layers
        before it.
    notes : tuple of str
        What a reader of the figures should know.
    """

    path: Path
    kept: NDArray[np.bool_]
    predicted_loss: float
    bounds: dict[str, Bound]
    notes: tuple[str, ...] = ()
    measured_loss: float = math.nan
    accumulated_loss: float = math.nan

    @property
    def name(self) -> str:
        """Name of the layer."""
        return f"layer {dotted(self.path)}"

    @property
    def size(self) -> int:
        """Number of weights before, biases not counted."""
        return self.kept.size

    @property
    def width(self) -> int:
        """Number of kept weights."""
        return int(np.count_nonzero(self.kept))

    @property
    def density(self) -> float:
        """Kept share of the weights."""
        return self.width / self.size


@dataclass(frozen=True)
class WeightMeasurement:
    """Loss of every layer, alone and with the errors before it, and ||f - f#||_n, on one sample."""

    losses: tuple[float, ...]
    accumulated: tuple[float, ...]
    output_error: float


@dataclass(frozen=True, eq=False)
class WeightCompression(Compression):
    """What :func:`~pruneproof.theory.prune_weights` gives: single weights are 0.

    Attributes
    ----------
    layers : tuple of PrunedWeights
        One a Dense or Conv2d layer.
    soft_sparsity_bound : Bound or None
        As `error_bound` with T7 in place of the layers' errors: what the weights' soft sparsity
        and the inputs' spectrum alone say. None where a layer has no such bound.
    """

    layers: tuple[PrunedWeights, ...]
    soft_sparsity_bound: Bound | None = None

    @property
    def nonzeros(self) -> tuple[int, int]:
        """Weights before, and kept, over all layers; biases are not counted."""
        return sum(layer.size for layer in self.layers), sum(layer.width for layer in self.layers)

    @property
    def density(self) -> float:
        """Kept share of the weights of the whole network."""
        before, after = self.nonzeros
        return after / before

    def measure(self, inputs: Any) -> WeightMeasurement:
        """Losses and output error on other inputs, such as held-out ones.

        Raises
        ------
        ValueError
            Inputs that the network cannot take.
        """
        paths = [layer.path for layer in self.layers]
        return measured(self.original, self.network, paths, as_inputs(inputs))


def measured(
    original: Network, pruned: Network, paths: Sequence[Path], x: Array
) -> WeightMeasurement:
    """Run both networks side by side, batch by batch."""
    alone, together = np.zeros(len(paths)), np.zeros(len(paths))
    total = 0.0
    for batch in batches(x):
        before, outputs = layer_inputs(original, batch)
        after, found = layer_inputs(pruned, batch)
        total += _square(outputs - found)
        for place, path in enumerate(paths):
            alone[place] += _square(gap(original, pruned, path).forward(before[path]))
            difference = _sums(original, path, before[path]) - _sums(pruned, path, after[path])
            together[place] += _square(difference)
    n = x.shape[0]
    losses = tuple(float(v) / n for v in alone)
    return WeightMeasurement(losses, tuple(float(v) / n for v in together), math.sqrt(total / n))


def _sums(network: Network, path: Path, x: Array) -> Array:
    """W x + b, before the activation."""
    layer: Dense | Conv2d = replace(parametric(network, path), activation="identity")
    return layer.forward(x)


def _square(values: Array) -> float:
    flat = to_numpy(values).reshape(-1)
    return float(flat @ flat)
