r"""Sparsifications of one weight side by side, at equal non-zeros.

For each method, D = W - Wh: ||D||_2 (W of a kernel reshaped to (out, in kh kw)), ||D||_F, and, on
inputs x of the layer, the rms errors of the layer's sums, (E ||D x||^2)^{1/2}, without and with
the bias fix b + D E x, and of the network's outputs, again without and with it. The spectral norm
matters for the worst direction and a dominant mean only: with isotropic centred inputs the layer
error is proportional to ||D||_F, which magnitude minimises (S8).

Source: statements S8, S9 [derived]. Imports NumPy and the network's layers only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..arrays import Array, as_count, as_generator, as_real, frobenius_norm, namespace, to_numpy
from ..bounds.network import mean_norm, operator_norm
from ..network.layers import Conv2d, Dense
from ..network.network import Network, as_inputs
from .sparsify import SPARSIFIERS, dropped, sparsify


@dataclass(frozen=True)
class SparsifierErrors:
    """Errors of one sparsification of one weight; NaN where no inputs or no network were given.

    Attributes
    ----------
    method : str
    nonzeros : int
        Found; of samplers it scatters about the number wanted.
    spectral, frobenius : float
        ||D||_2 and ||D||_F.
    layer, layer_fixed : float
        Rms error of the layer's sums over samples (of a convolution over positions too), without
        and with the bias fix.
    network, network_fixed : float
        Rms error of the network's outputs.
    """

    method: str
    nonzeros: int
    spectral: float
    frobenius: float
    layer: float = math.nan
    layer_fixed: float = math.nan
    network: float = math.nan
    network_fixed: float = math.nan


def compare_sparsifiers(
    subject: Any,
    nonzeros: int,
    *,
    inputs: Any = None,
    layer: int = 0,
    methods: Sequence[str] = SPARSIFIERS,
    rng: Any = None,
) -> list[SparsifierErrors]:
    """Errors of every method at equal non-zeros, one draw of each sampler.

    Parameters
    ----------
    subject : (out, in) or (out, in, kh, kw) array, or Network
    nonzeros : int
        Wanted; samplers meet it in expectation.
    inputs : array, optional
        Of a matrix the (n, in) inputs it reads; of a network its own inputs, which are needed. Not
        for a bare kernel, whose padding and stride are not known.
    layer : int
        Place of the Dense or Conv2d in the network's list of layers.
    methods : sequence of str
    rng : Generator, seed or None
        As :func:`sparsify`.

    Raises
    ------
    ValueError
        As :func:`sparsify`; inputs that do not fit, or are missing for a network; a layer with no
        weight.

    Notes
    -----
    Statements S8, S9 [derived].
    """
    found = _reader(subject, inputs, layer)
    generator = as_generator(rng)
    return [_errors(found, nonzeros, method, generator) for method in methods]


@dataclass(frozen=True)
class _Reader:
    """A layer, what it reads, and the network around it, as far as they are known."""

    layer: Dense | Conv2d
    features: Array = None
    network: Network | None = None
    place: int = 0
    inputs: Array = None

    def outputs(self, layer: Dense | Conv2d) -> Array:
        """Outputs of the network with the layer put in its place."""
        if self.network is None:
            raise AssertionError("outputs are asked for only of a network")
        layers = list(self.network.layers)
        layers[self.place] = layer
        return Network(layers).forward(self.inputs)


def _reader(subject: Any, inputs: Any, place: int) -> _Reader:
    """The layer of a weight or a network."""
    if isinstance(subject, Network):
        last = len(subject.layers) - 1
        layer = subject.layers[as_count("layer", place, least=0, most=last)]
        if not isinstance(layer, (Dense, Conv2d)):
            raise ValueError(f"layer {place} is {layer.label}, which has no weight to sparsify")
        if inputs is None:
            raise ValueError("inputs are needed to find the errors of a network; give some samples")
        x = features = as_inputs(inputs)
        for before in subject.layers[:place]:
            features = before.forward(features)
        return _Reader(layer, features, subject, place, x)
    weight = as_real("subject", subject)
    if weight.ndim == 4:
        if inputs is not None:
            raise ValueError(
                "a bare kernel has no padding or stride; give a Network of one Conv2d with inputs"
            )
        return _Reader(Conv2d(weight))
    return _Reader(Dense(weight), None if inputs is None else as_real("inputs", inputs, ndim=2))


def _errors(at: _Reader, nonzeros: int, method: str, rng: Any) -> SparsifierErrors:
    """Errors of one method."""
    weight = at.layer.weight
    sparse = sparsify(weight, nonzeros, method=method, rng=rng)
    lost = dropped(weight, sparse)
    xp = namespace(lost)
    flat = xp.reshape(lost, (lost.shape[0], -1))
    count = int((to_numpy(sparse) != 0.0).sum())
    found = SparsifierErrors(method, count, operator_norm(flat), frobenius_norm(flat))
    if at.features is None:
        return found
    bare = replace(at.layer, weight=lost, bias=None, activation="identity")
    sums = bare.forward(at.features)
    rows = _rows(sums)
    mean = xp.mean(rows, axis=0)
    found = replace(found, layer=mean_norm(rows), layer_fixed=mean_norm(rows - mean))
    if at.network is None:
        return found
    whole = at.outputs(at.layer)
    pruned = replace(at.layer, weight=sparse)
    fixed = replace(pruned, bias=at.layer.bias + mean)
    return replace(
        found,
        network=_rms(whole - at.outputs(pruned)),
        network_fixed=_rms(whole - at.outputs(fixed)),
    )


def _rows(sums: Array) -> Array:
    """Outputs as rows: a sample, or a position of a sample's image, each."""
    xp = namespace(sums)
    if sums.ndim == 4:
        sums = xp.permute_dims(sums, (0, 2, 3, 1))
    return xp.reshape(sums, (-1, sums.shape[-1]))


def _rms(difference: Array) -> float:
    """Root of the mean over samples of ||y||^2."""
    return mean_norm(namespace(difference).reshape(difference, (difference.shape[0], -1)))
