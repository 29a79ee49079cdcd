r"""Layers of a feed-forward network, frozen and validated when they are made.

Dense       y = eta(W x + b),                    W (out, in)
Conv2d      y = eta(W * x + b),                  W (out, in, kh, kw), zero padding
BatchNorm   y = eta(scale (x - mean)/sqrt(variance + epsilon) + shift), folded into the layer before
AvgPool2d, MaxPool2d, Flatten                    no parameters
Residual    y = eta(x + F(x)),                   F a list of layers

Vectors come as (n, width), images as (n, channels, height, width); Flatten makes channel-major
vectors (channel, row, column). Pooling and BatchNorm have modules of their own. Arrays of any
Array API library; weights follow the library of the inputs. This module may import NumPy and
array-api-compat only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..arrays import Array, as_real, namespace
from .activations import activate, as_activation
from .batch_norm import BatchNorm
from .common import check_window, like, set_checked
from .convolution import as_pair, convolve
from .pooling import AvgPool2d, MaxPool2d


def _checked_bias(name: str, bias: Any, weight: Array) -> Array:
    """Bias (out,), zeros if there is none."""
    xp = namespace(weight)
    if bias is None:
        return xp.zeros(weight.shape[0], dtype=xp.float64)
    bias = as_real(f"{name} bias", bias, ndim=1)
    if bias.shape[0] != weight.shape[0]:
        raise ValueError(
            f"{name} bias must have {weight.shape[0]} entries, one an output, but has "
            f"{bias.shape[0]}"
        )
    return like(weight, bias)


@dataclass(frozen=True, eq=False)
class Dense:
    """Fully connected layer y = eta(W x + b).

    Attributes
    ----------
    weight : (out, in) array
        Real and finite; integer and float32 entries are raised to float64.
    bias : (out,) array, optional
        Zeros if not given.
    activation : str
        identity, relu, tanh, erf or logistic.

    Raises
    ------
    ValueError
        Shapes that do not fit, entries that are not finite, an unknown activation.
    """

    weight: Array
    bias: Array = None
    activation: str = "identity"

    def __post_init__(self) -> None:
        weight = as_real("Dense weight", self.weight, ndim=2)
        set_checked(self, weight=weight, bias=_checked_bias("Dense", self.bias, weight))
        as_activation(self.activation)

    @property
    def inputs(self) -> int:
        """Number of input nodes."""
        return int(self.weight.shape[1])

    @property
    def outputs(self) -> int:
        """Number of output nodes."""
        return int(self.weight.shape[0])

    @property
    def label(self) -> str:
        """Name and widths, for messages."""
        return f"Dense({self.inputs} -> {self.outputs})"

    @property
    def parameter_count(self) -> int:
        """Entries of the weight and the bias."""
        return self.outputs * (self.inputs + 1)

    def forward(self, x: Array) -> Array:
        """Outputs (n, out) of inputs (n, in)."""
        if x.ndim != 2 or x.shape[1] != self.inputs:
            hint = "; put a Flatten before it" if x.ndim == 4 else ""
            raise ValueError(
                f"{self.label} needs inputs of shape (n, {self.inputs}), but got {x.shape}{hint}"
            )
        weight = like(x, self.weight)
        sums = x @ namespace(x).matrix_transpose(weight) + like(x, self.bias)
        return activate(self.activation, sums)


@dataclass(frozen=True, eq=False)
class Conv2d:
    """Convolution (cross-correlation, no flip) of images with zero padding.

    Attributes
    ----------
    weight : (out, in, kh, kw) array
    bias : (out,) array, optional
        Zeros if not given.
    activation : str
    padding, stride : int or pair of int
        Vertical and horizontal; padding at least 0, stride at least 1.

    Raises
    ------
    ValueError
        As :class:`Dense`; a padding or stride that is not a whole number or out of range.
    """

    weight: Array
    bias: Array = None
    activation: str = "identity"
    padding: Any = 0
    stride: Any = 1

    def __post_init__(self) -> None:
        weight = as_real("Conv2d weight", self.weight, ndim=4)
        set_checked(
            self,
            weight=weight,
            bias=_checked_bias("Conv2d", self.bias, weight),
            padding=as_pair("Conv2d padding", self.padding, least=0),
            stride=as_pair("Conv2d stride", self.stride, least=1),
        )
        as_activation(self.activation)

    @property
    def inputs(self) -> int:
        """Number of input channels."""
        return int(self.weight.shape[1])

    @property
    def outputs(self) -> int:
        """Number of output channels."""
        return int(self.weight.shape[0])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the kernel."""
        return int(self.weight.shape[2]), int(self.weight.shape[3])

    @property
    def label(self) -> str:
        """Name, channels and kernel, for messages."""
        return f"Conv2d({self.inputs} -> {self.outputs}, {self.size[0]} x {self.size[1]})"

    @property
    def parameter_count(self) -> int:
        """Entries of the weight and the bias."""
        return self.outputs * (self.inputs * self.size[0] * self.size[1] + 1)

    def forward(self, x: Array) -> Array:
        """Images (n, out, height', width') of images (n, in, height, width)."""
        check_window(self.label, x, self.size, self.padding)
        if x.shape[1] != self.inputs:
            raise ValueError(
                f"{self.label} needs images of {self.inputs} channels, but got shape {x.shape}"
            )
        sums = convolve(x, like(x, self.weight), self.padding, self.stride)
        return activate(self.activation, sums + like(x, self.bias)[None, :, None, None])


@dataclass(frozen=True, eq=False)
class Flatten:
    """Images (n, channels, height, width) to vectors (n, channels height width), channel-major."""

    @property
    def label(self) -> str:
        """Name, for messages."""
        return "Flatten()"

    @property
    def parameter_count(self) -> int:
        """Flattening has none."""
        return 0

    def forward(self, x: Array) -> Array:
        """Vectors; vectors pass unchanged."""
        return namespace(x).reshape(x, (x.shape[0], -1))


@dataclass(frozen=True, eq=False)
class Residual:
    """Residual block y = eta(x + F(x)), F the layers in order; F must keep the shape.

    Attributes
    ----------
    layers : sequence of layers
        At least one; batch normalisations are folded in when the block is made.
    activation : str
        Applied to the sum.
    """

    layers: Sequence[Layer]
    activation: str = "identity"

    def __post_init__(self) -> None:
        set_checked(self, layers=folded(self.layers))
        as_activation(self.activation)

    @property
    def label(self) -> str:
        """Name and contents, for messages."""
        return f"Residual({', '.join(layer.label for layer in self.layers)})"

    @property
    def parameter_count(self) -> int:
        """Sum over the layers inside."""
        return sum(layer.parameter_count for layer in self.layers)

    def forward(self, x: Array) -> Array:
        """eta(x + F(x))."""
        inner = x
        for layer in self.layers:
            inner = layer.forward(inner)
        return self.joined(x, inner)

    def joined(self, x: Array, inner: Array) -> Array:
        """eta(x + inner), after the check that the inner layers kept the shape."""
        if inner.shape != x.shape:
            raise ValueError(
                f"{self.label} must keep the shape of its inputs, but turned {x.shape} into "
                f"{inner.shape}"
            )
        return activate(self.activation, x + inner)


Layer: TypeAlias = Dense | Conv2d | AvgPool2d | MaxPool2d | Flatten | BatchNorm | Residual


def folded(layers: Any) -> tuple[Layer, ...]:
    """Layers in order with each BatchNorm folded into the Dense or Conv2d before it.

    Raises
    ------
    ValueError
        No layers; a BatchNorm that does not follow a Dense or Conv2d of identity activation and
        of its own width.
    TypeError
        Something that is not a layer.
    """
    if isinstance(layers, (str, bytes)) or not isinstance(layers, Sequence):
        raise TypeError(f"layers must be a list of layers, but is {type(layers).__name__}")
    if len(layers) == 0:
        raise ValueError("layers is empty; give at least one layer")
    out: list[Layer] = []
    for place, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            raise TypeError(
                f"layers[{place}] is not a layer but {type(layer).__name__}; give Dense, Conv2d, "
                "AvgPool2d, MaxPool2d, Flatten, BatchNorm or Residual"
            )
        if isinstance(layer, BatchNorm):
            layer = layer.folded_into(_before(layer, out))
            out.pop()
        out.append(layer)
    return tuple(out)


def _before(norm: BatchNorm, layers: list[Layer]) -> Dense | Conv2d:
    """Layer which a BatchNorm is folded into, or one sentence why there is none."""
    layer = layers[-1] if layers else None
    if not isinstance(layer, (Dense, Conv2d)):
        after = "comes first" if layer is None else f"follows {layer.label}"
        raise ValueError(
            f"{norm.label} {after}, but can only be folded into a Dense or Conv2d right before it"
        )
    if layer.activation != "identity":
        raise ValueError(
            f"{norm.label} follows {layer.label} with activation {layer.activation}; give that "
            "layer the identity and the BatchNorm the activation that comes after it"
        )
    if layer.outputs != norm.channels:
        raise ValueError(
            f"{norm.label} has {norm.channels} channels, but {layer.label} before it gives "
            f"{layer.outputs}"
        )
    return layer


__all__ = [
    "AvgPool2d",
    "BatchNorm",
    "Conv2d",
    "Dense",
    "Flatten",
    "Layer",
    "MaxPool2d",
    "Residual",
    "folded",
    "like",
]
