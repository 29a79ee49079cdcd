"""Generators of networks, convolutions and populations, with plain forward passes beside them.

The forward passes are written out on arrays (loops over kernel offsets for convolutions), apart
from those of the theory. This module may import NumPy only.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .generators import FAMILIES, Choice, Layer, Real, Space, Whole, layer, samples
from .sides import Floats

#: Elementwise, 1-Lipschitz, 0 at 0.
ACTIVATIONS: dict[str, Callable[[Floats], Floats]] = {
    "identity": lambda x: x,
    "relu": lambda x: np.maximum(x, 0.0),
    "tanh": np.tanh,
}

CHAINS: Space = {
    "depth": Whole(2, 4),
    "width": Whole(1, 8),
    "keep": Real(0.0, 1.0),
    "activation": Choice(("identity", "relu", "tanh")),
    "log10_ridge": Real(-6.0, 1.0),
    "ridged": Choice((False, True)),
    "aligned": Choice((False, True)),
    "seed": Whole(0, 65535),
}


@dataclass(frozen=True, eq=False)
class Chain:
    """Fully connected network, its inputs, and the kept nodes of its hidden layers.

    Attributes
    ----------
    weights, biases : lists of (m_{l+1}, m_l) and (m_{l+1},) arrays
    activation : str
        Between layers; the last layer is linear.
    inputs : (n, m_1) array
    kept : list of index arrays
        J_l of the hidden layers.
    node_ridges : list of arrays
        tau on J_l.
    """

    weights: list[Floats]
    biases: list[Floats]
    activation: str
    inputs: Floats
    kept: list[np.ndarray[Any, np.dtype[np.int64]]]
    node_ridges: list[Floats]

    def features(self) -> list[Floats]:
        """phi^1..phi^L, what each layer reads, and the output f."""
        return chain_features(self.weights, self.biases, self.activation, self.inputs)


def chain_features(
    weights: Sequence[Floats], biases: Sequence[Floats], activation: str, inputs: Floats
) -> list[Floats]:
    """Inputs of every layer in order, and last the output."""
    found = [inputs]
    for place, (w, b) in enumerate(zip(weights, biases)):
        x = np.einsum("ni,oi->no", found[-1], w) + b
        found.append(x if place == len(weights) - 1 else ACTIVATIONS[activation](x))
    return found


def mean_norm(rows: Floats) -> float:
    """||g||_n of the rows g(x_i)."""
    return float(np.sqrt(np.sum(rows**2) / len(rows)))


def operator_norm(matrix: Floats) -> float:
    """Largest singular value."""
    return float(np.linalg.svd(matrix, compute_uv=False)[0])


def chain(
    rng: np.random.Generator,
    *,
    depth: int = 3,
    width: int = 5,
    keep: float = 0.5,
    activation: str = "relu",
    log10_ridge: float = -2.0,
    ridged: bool = False,
    aligned: bool = False,
) -> Chain:
    """Network of `depth` layers; `aligned` ones have weights of rank one along one positive axis.

    Each hidden layer keeps the share `keep` of its nodes, at least one.
    """
    sizes = [3] + [width + int(rng.integers(3)) for _ in range(depth - 1)] + [2]
    inputs = rng.standard_normal((12, 3))
    weights = [rng.standard_normal((o, i)) / np.sqrt(i) for i, o in itertools.pairwise(sizes)]
    biases = [0.3 * rng.standard_normal(o) for o in sizes[1:]]
    if aligned:
        axes = [np.ones(size) / np.sqrt(size) for size in sizes]
        weights = [np.outer(axes[i + 1], axes[i]) * 1.5 for i in range(depth)]
        biases = [0.3 * axis for axis in axes[1:]]
        inputs = np.abs(inputs[:, :1]) * axes[0]
    hidden = sizes[1:-1]
    kept = [rng.permutation(m)[: max(1, round(keep * m))] for m in hidden]
    ridges = [ridged * 10.0**log10_ridge * rng.lognormal(size=len(nodes)) for nodes in kept]
    return Chain(weights, biases, activation, inputs, kept, ridges)


IMAGES: Space = {
    "channels": Whole(1, 5),
    "k": Whole(1, 4),
    "outputs": Whole(1, 3),
    "height": Whole(1, 3),
    "width": Whole(1, 3),
    "padding": Whole(0, 2),
    "stride": Whole(1, 3),
    "log10_ridge": Real(-6.0, 1.0),
    "ridged": Choice((False, True)),
    "seed": Whole(0, 65535),
}


@dataclass(frozen=True, eq=False)
class Images:
    """Images (n, c, h, w) read by a convolution (o, c, kh, kw), and kept channels."""

    pixels: Floats
    kernel: Floats
    padding: int
    stride: int
    kept: np.ndarray[Any, np.dtype[np.int64]]
    tau: Floats

    @property
    def features(self) -> Floats:
        """Channel vectors at all positions of all samples, one a row."""
        return np.moveaxis(self.pixels, 1, -1).reshape(-1, self.pixels.shape[1])


def images(
    rng: np.random.Generator,
    *,
    channels: int = 3,
    k: int = 2,
    outputs: int = 2,
    height: int = 3,
    width: int = 3,
    padding: int = 1,
    stride: int = 1,
    log10_ridge: float = -2.0,
    ridged: bool = False,
) -> Images:
    """Three images of 4 x 5 pixels with correlated channels; height and width are the kernel's."""
    mixing = rng.standard_normal((channels, channels)) + np.eye(channels)
    pixels = np.einsum("dc,nchw->ndhw", mixing, rng.standard_normal((3, channels, 4, 5)))
    kernel = rng.standard_normal((outputs, channels, height, width))
    kept = rng.permutation(channels)[: min(k, channels)]
    tau = ridged * 10.0**log10_ridge * rng.lognormal(size=len(kept))
    return Images(pixels, kernel, padding, stride, kept, tau)


def convolution(pixels: Floats, kernel: Floats, padding: int, stride: int) -> Floats:
    """Cross-correlation with zero padding, one kernel offset after the other."""
    padded = np.pad(pixels, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    kh, kw = kernel.shape[2:]
    rows = (padded.shape[2] - kh) // stride + 1
    columns = (padded.shape[3] - kw) // stride + 1
    out = np.zeros((len(pixels), len(kernel), rows, columns))
    for a in range(kh):
        for b in range(kw):
            window = padded[:, :, a : a + rows * stride : stride, b : b + columns * stride : stride]
            out += np.einsum("oc,nchw->nohw", kernel[:, :, a, b], window)
    return out


POPULATIONS: Space = {
    "family": Choice(FAMILIES),
    "m": Whole(1, 8),
    "k": Whole(1, 5),
    "log10_ridge": Real(-3.0, 2.0),
    "nodes": Choice(("none", "even", "uneven")),
    "outputs": Whole(1, 4),
    "seed": Whole(0, 65535),
}


@dataclass(frozen=True, eq=False)
class Population:
    """A sample, and the finite population behind it."""

    sample: Layer
    everything: Floats


def population(rng: np.random.Generator, *, log10_scale: float = 0.3, **given: Any) -> Population:
    """Sample of one structured family in a population that holds larger members of it as well."""
    sample = layer(rng, **given)
    others = 10.0**log10_scale * samples(rng, given.get("family", "flat"), sample.m)
    return Population(sample, np.concatenate([sample.features, others]))
