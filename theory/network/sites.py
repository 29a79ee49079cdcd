r"""Sites: groups of channels that must be pruned together, with who writes and who reads them.

Every tensor of a network belongs to a channel space. Dense and Conv2d read one space and write a
new one; pooling keeps the space, Flatten keeps it too (each channel then owns several entries of
the vector); a residual block unites the space of what F gives with that of what it takes, so that
all layers which add into one stream share one J (Suzuki et al., arXiv 1808.08558 [R]). A site is a
space that holds neither the network's input nor its output.

For a reader with channels c, positions p and offsets (a, b) the features phi(x, p) are its INPUT,
one row a sample and position, and its output weights Z are

    Conv2d                  Z_{(o,a,b), c} = W[o, c, a, b]
    Dense after Flatten     Z_{(o,p), c}   = W[o, (c, p)]
    Dense                   Z = W.

This module may import NumPy and array-api-compat only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..arrays import Array, namespace
from .layers import Conv2d, Dense, Flatten, Layer, Residual, like
from .network import Network, check_networks

#: Place of a layer: index in the network, then inside residual blocks.
Path: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Site:
    """One group of channels that are pruned together.

    Attributes
    ----------
    name : str
        ``layer 2`` after its only writer, or ``stream 2`` after the first writer of a residual
        stream; a dot leads into a residual block.
    writers, readers : tuple of paths
        Dense and Conv2d layers whose output, or input, these channels are.
    width : int
        Number of channels m.
    """

    name: str
    writers: tuple[Path, ...]
    readers: tuple[Path, ...]
    width: int


class _Spaces:
    """Channel spaces by union-find; space 0 is the network's input."""

    def __init__(self) -> None:
        self.parent = [0]
        self.writers: list[tuple[Path, int]] = []
        self.readers: list[tuple[Path, int]] = []
        self.fixed = {0}

    def written(self, path: Path) -> int:
        """New space written by the layer at `path`."""
        space = len(self.parent)
        self.parent.append(space)
        self.writers.append((path, space))
        return space

    def root(self, space: int) -> int:
        """Representative of the space's union."""
        while self.parent[space] != space:
            space = self.parent[space]
        return space

    def unite(self, a: int, b: int) -> None:
        """Make two spaces one."""
        self.parent[self.root(b)] = self.root(a)


@dataclass(frozen=True)
class _Tensor:
    """What passes between layers: its space, and how its channels lie in it."""

    space: int
    image: bool | None = None  # None: the network's input, not known
    flattened: bool = False


def prunable_sites(network: Network) -> list[Site]:
    """Groups of channels of `network` that may be pruned, in the order they are written.

    A residual block that adds a plain vector onto a flattened image mixes two granularities; its
    channels are left alone.

    Raises
    ------
    TypeError
        Something else than a Network.
    """
    check_networks(network=network)
    spaces = _Spaces()
    last = _traced(network.layers, (), _Tensor(0), spaces)
    fixed = {spaces.root(space) for space in spaces.fixed | {last.space}}
    order = dict.fromkeys(spaces.root(space) for _, space in spaces.writers)
    return [_site(network, spaces, space) for space in order if space not in fixed]


def _traced(layers: Sequence[Layer], prefix: Path, x: _Tensor, spaces: _Spaces) -> _Tensor:
    """Follow the channel spaces through `layers`."""
    for place, layer in enumerate(layers):
        path = (*prefix, place)
        if isinstance(layer, (Dense, Conv2d)):
            spaces.readers.append((path, x.space))
            x = _Tensor(spaces.written(path), isinstance(layer, Conv2d))
        elif isinstance(layer, Flatten):
            x = _Tensor(x.space, False, x.flattened or x.image is not False)
        elif isinstance(layer, Residual):
            inner = _traced(layer.layers, path, x, spaces)
            if inner.flattened != x.flattened:
                spaces.fixed |= {x.space, inner.space}
            spaces.unite(x.space, inner.space)
    return x


def _site(network: Network, spaces: _Spaces, space: int) -> Site:
    writers = tuple(path for path, s in spaces.writers if spaces.root(s) == space)
    readers = tuple(path for path, s in spaces.readers if spaces.root(s) == space)
    kind = "layer" if len(writers) == 1 else "stream"
    width = parametric(network, writers[0]).outputs
    return Site(f"{kind} {dotted(writers[0])}", writers, readers, width)


def dotted(path: Path) -> str:
    """Path as text: 2.0 is the first layer of the residual block at 2."""
    return ".".join(str(place) for place in path)


def parametric(network: Network, path: Path) -> Dense | Conv2d:
    """Dense or Conv2d layer at `path`."""
    layers = network.layers
    for place in path[:-1]:
        block = layers[place]
        assert isinstance(block, Residual)
        layers = block.layers
    layer = layers[path[-1]]
    assert isinstance(layer, (Dense, Conv2d))
    return layer


def layer_inputs(network: Network, x: Array) -> tuple[dict[Path, Array], Array]:
    """Input of every Dense and Conv2d layer by path, and the network's output."""
    seen: dict[Path, Array] = {}
    return seen, _recorded(network.layers, (), x, seen)


def _recorded(layers: Sequence[Layer], prefix: Path, x: Array, seen: dict[Path, Array]) -> Array:
    for place, layer in enumerate(layers):
        path = (*prefix, place)
        if isinstance(layer, Residual):
            x = layer.joined(x, _recorded(layer.layers, path, x, seen))
            continue
        if isinstance(layer, (Dense, Conv2d)):
            seen[path] = x
        x = layer.forward(x)
    return x


def reader_features(layer: Dense | Conv2d, x: Array, width: int) -> Array:
    """Features of a reader's input `x`: rows are samples x positions, columns the channels."""
    xp = namespace(x)
    if isinstance(layer, Conv2d):
        x = xp.permute_dims(x, (0, 2, 3, 1))
    elif layer.inputs > width:
        x = xp.permute_dims(xp.reshape(x, (x.shape[0], width, -1)), (0, 2, 1))
    return xp.reshape(x, (-1, width))


def reader_weights(layer: Dense | Conv2d, width: int) -> Array:
    """Z of one reader, one column a channel."""
    xp = namespace(layer.weight)
    weight = layer.weight
    if isinstance(layer, Conv2d):
        weight = xp.permute_dims(weight, (0, 2, 3, 1))
    elif layer.inputs > width:
        weight = xp.permute_dims(xp.reshape(weight, (layer.outputs, width, -1)), (0, 2, 1))
    return xp.reshape(weight, (-1, width))


def site_output_weights(network: Network, site: Site) -> Array:
    """Z of a site: the weights of its readers stacked, (sum of out x positions, width)."""
    stacked = [reader_weights(layer, site.width) for layer in readers_of(network, site)]
    return namespace(stacked[0]).concat([like(stacked[0], z) for z in stacked], axis=0)


def incoming_norms(network: Network, site: Site) -> Array:
    """Norm of each node's incoming weights, over all writers of the site, (m,)."""
    first = parametric(network, site.writers[0]).weight
    xp = namespace(first)
    squares = xp.zeros(site.width, dtype=xp.float64)
    for path in site.writers:
        weight = like(first, parametric(network, path).weight)
        rows = xp.reshape(weight, (site.width, -1))
        squares = squares + xp.sum(rows * rows, axis=1)
    return xp.sqrt(squares)


def readers_of(network: Network, site: Site) -> Iterator[Dense | Conv2d]:
    """Layers that read a site."""
    return (parametric(network, path) for path in site.readers)
