"""Networks with some Dense or Conv2d layers replaced, and the paths of those layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from .layers import Conv2d, Dense, Layer, Residual
from .network import Network
from .sites import Path


def parametric_paths(network: Network) -> list[Path]:
    """Paths of all Dense and Conv2d layers, in the order they are run."""
    return list(_paths(network.layers, ()))


def _paths(layers: Sequence[Layer], prefix: Path) -> Iterator[Path]:
    for place, layer in enumerate(layers):
        if isinstance(layer, (Dense, Conv2d)):
            yield (*prefix, place)
        elif isinstance(layer, Residual):
            yield from _paths(layer.layers, (*prefix, place))


def with_layers(network: Network, new: Mapping[Path, Dense | Conv2d]) -> Network:
    """`network` with the layers at some paths replaced."""
    return Network(_replaced(network.layers, (), new))


def _replaced(
    layers: Sequence[Layer], prefix: Path, new: Mapping[Path, Dense | Conv2d]
) -> list[Layer]:
    out: list[Layer] = []
    for place, layer in enumerate(layers):
        path = (*prefix, place)
        if isinstance(layer, Residual):
            layer = replace(layer, layers=_replaced(layer.layers, path, new))
        out.append(new.get(path, layer))
    return out
