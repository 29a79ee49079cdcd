"""Network: a frozen chain of layers, its forward pass and activations.

f(x) = layer_L(... layer_1(x)); phi^l, the features that layer l reads, are the outputs of the
layers before it (Suzuki et al., arXiv 1808.08558, written for any chain of layers). A network
whose layers do not chain is refused when it is made, as far as this can be seen without an input.
This module may import NumPy and array-api-compat only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..arrays import Array, as_real
from .layers import AvgPool2d, Conv2d, Dense, Flatten, Layer, MaxPool2d, Residual, folded

#: Samples that go through a network together where only sums over samples are wanted.
BATCH_SIZE = 256


@dataclass(frozen=True, eq=False)
class Network:
    """Feed-forward network: layers in order.

    Attributes
    ----------
    layers : tuple of layers
        Batch normalisations are folded in when the network is made.

    Raises
    ------
    ValueError
        Layers that do not chain: the sentence names the two layers and their widths.
    TypeError
        Something that is not a layer.

    Notes
    -----
    What Flatten gives depends on the image size, so a Dense behind it is only checked to be a
    multiple of the channels; the rest is checked when an input arrives.
    """

    layers: Sequence[Layer]

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", folded(self.layers))
        _chained(self.layers, _Flow(), "")

    @property
    def parameter_count(self) -> int:
        """Number of weights and biases."""
        return sum(layer.parameter_count for layer in self.layers)

    def forward(self, x: Any) -> Array:
        """Outputs of inputs (n, width) or (n, channels, height, width), in the library of `x`.

        Raises
        ------
        ValueError
            Inputs that are empty, not finite, not real, or not of the shape the layers need.
        """
        y = as_inputs(x)
        for layer in self.layers:
            y = layer.forward(y)
        return y

    def activations(self, x: Any) -> list[Array]:
        """Output of every layer in order; the last one is ``forward(x)``."""
        y = as_inputs(x)
        out = []
        for layer in self.layers:
            y = layer.forward(y)
            out.append(y)
        return out


def check_networks(**networks: Any) -> None:
    """Refuse what is no Network, by the name of its argument."""
    for name, network in networks.items():
        if not isinstance(network, Network):
            raise TypeError(f"{name} must be a Network, but is {type(network).__name__}")


def as_inputs(x: Any) -> Array:
    """Inputs of a network: real, finite, at least one sample, two or four axes."""
    x = as_real("inputs", x)
    if x.ndim not in (2, 4):
        raise ValueError(
            "inputs must have shape (n, width) or (n, channels, height, width), but have shape "
            f"{x.shape}"
        )
    return x


def batches(x: Array) -> Iterator[Array]:
    """Inputs in slices of BATCH_SIZE samples."""
    for start in range(0, x.shape[0], BATCH_SIZE):
        yield x[start : min(start + BATCH_SIZE, x.shape[0]), ...]


@dataclass(frozen=True)
class _Flow:
    """What is known, without an input, of what passes from one layer to the next."""

    image: bool | None = None  # None: not known
    channels: int | None = None
    flattened: bool = False  # each channel spreads over several entries of a vector
    source: str = "the input"


def _chained(layers: Sequence[Layer], flow: _Flow, prefix: str) -> _Flow:
    """Follow what flows through `layers`, and refuse layers that do not chain."""
    for place, layer in enumerate(layers):
        path = f"{prefix}{place}"
        name = f"layer {path}, {layer.label},"
        if isinstance(layer, Dense):
            _reads_vector(name, layer, flow)
            flow = _Flow(False, layer.outputs, False, name)
        elif isinstance(layer, Conv2d):
            _reads_image(name, flow)
            _reads_channels(name, layer.inputs, flow)
            flow = _Flow(True, layer.outputs, False, name)
        elif isinstance(layer, (AvgPool2d, MaxPool2d)):
            _reads_image(name, flow)
            flow = replace(flow, image=True)
        elif isinstance(layer, Flatten):
            flow = replace(flow, image=False, flattened=flow.image is not False)
        elif isinstance(layer, Residual):
            flow = _residual(name, layer, flow, path)
    return flow


def _residual(name: str, layer: Residual, flow: _Flow, path: str) -> _Flow:
    """Follow a residual block, whose inner layers must give back what they took."""
    if flow.image is None:  # the block reads the input: what its first layer needs tells
        flow = _needed(layer.layers, flow)
    inner = _chained(layer.layers, flow, f"{path}.")
    if flow.image is not None and inner.image is not flow.image:
        raise ValueError(f"{name} takes {_kind(flow)} but its layers give {_kind(inner)}")
    before, after = flow.channels, inner.channels
    if before is None or after is None:
        return inner
    fits = after % before == 0 if flow.flattened and not inner.flattened else after == before
    if not fits:
        raise ValueError(
            f"{name} must keep its width, but takes {before} from {flow.source} and its layers "
            f"give {after}"
        )
    return replace(inner, source=name)


def _needed(layers: Sequence[Layer], flow: _Flow) -> _Flow:
    """What the first reading layer asks of an unknown input."""
    first = layers[0]
    if isinstance(first, Dense):
        return replace(flow, image=False, channels=first.inputs)
    if isinstance(first, Conv2d):
        return replace(flow, image=True, channels=first.inputs)
    if isinstance(first, Residual):
        return _needed(first.layers, flow)
    if isinstance(first, (AvgPool2d, MaxPool2d)):
        return replace(_needed(layers[1:], flow) if layers[1:] else flow, image=True)
    return flow


def _kind(flow: _Flow) -> str:
    return "images" if flow.image else "vectors"


def _reads_vector(name: str, layer: Dense, flow: _Flow) -> None:
    if flow.image:
        raise ValueError(
            f"{name} needs vectors, but {flow.source} gives images; put a Flatten between"
        )
    if flow.flattened and flow.channels is not None:
        if layer.inputs % flow.channels:
            raise ValueError(
                f"{name} needs {layer.inputs} inputs, which is no multiple of the {flow.channels} "
                f"channels that {flow.source} gives through Flatten"
            )
    else:
        _reads_channels(name, layer.inputs, flow)


def _reads_image(name: str, flow: _Flow) -> None:
    if flow.image is False:
        raise ValueError(f"{name} needs images, but {flow.source} gives vectors")


def _reads_channels(name: str, needed: int, flow: _Flow) -> None:
    if flow.channels is not None and flow.channels != needed:
        raise ValueError(f"{name} needs {needed} inputs, but {flow.source} gives {flow.channels}")
