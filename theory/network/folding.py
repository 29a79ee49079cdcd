r"""Folding: the reconstruction phi ~ A phi_J + c goes into the readers, J into the writers.

    readers   W#[o, j, .] = sum_c W[o, c, .] A[c, j],   b#[o] = b[o] + sum_{c, .} W[o, c, .] c_c
    writers   rows J of W# and b#

where "." runs over the kernel's offsets, or over the positions that Flatten gave each channel
(Suzuki et al., arXiv 1808.08558 [R]; the affine constant [D]). For a convolution A acts as a
1 x 1 convolution, which commutes exactly with zero padding; c does not. This module may import
NumPy and array-api-compat only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..arrays import Array, namespace
from ..objective import affine_offset, factorised
from .layers import Conv2d, Dense, Layer, Residual, like
from .network import Network
from .site_moments import ReaderMoments
from .sites import Path


@dataclass(frozen=True, eq=False)
class ReaderFold:
    """Reconstruction phi ~ A phi_J + c that one reader folds in.

    Attributes
    ----------
    reader : ReaderMoments
        Who reads, with which second moment and output weights.
    kept : (k,) integer array
    coefficients : (m, k) array
        A.
    offset : (m,) array
        c; zeros where the reconstruction is not affine.
    rank : int
        Rank of Sigma_JJ + I_tau; below k a pseudo-inverse was used.
    input_loss, output_loss : float
        Tr S_J and Tr Z S_J Z^T of this reader.
    """

    reader: ReaderMoments
    kept: Array
    coefficients: Array
    offset: Array
    rank: int
    input_loss: float
    output_loss: float

    def residual_features(self, features: Array) -> Array:
        """Rows phi - A phi_J - c of rows phi."""
        xp = namespace(features)
        a, index = like(features, self.coefficients), like(features, self.kept)
        return (
            features
            - xp.take(features, index, axis=1) @ xp.matrix_transpose(a)
            - like(features, self.offset)
        )


def folded_reader(reader: ReaderMoments, kept: Array, tau: Array) -> ReaderFold:
    """Best reconstruction from the kept nodes for one reader, by its own second moment.

    All nodes kept without a ridge need no reconstruction: A is then the identity, also where the
    second moment is singular.
    """
    cov, z = reader.cov, reader.output_weights
    xp = namespace(cov)
    m, k = cov.shape[0], kept.shape[0]
    if k == m and not bool(xp.any(tau > 0)):
        a = xp.take(xp.eye(m, dtype=xp.float64), kept, axis=1)
        return ReaderFold(reader, kept, a, xp.zeros(m, dtype=xp.float64), m, 0.0, 0.0)
    a, y, rank = factorised(cov, kept, tau)
    residual = cov - xp.matrix_transpose(y) @ y
    offset = affine_offset(reader.mean, kept, a) if reader.centered else xp.zeros_like(reader.mean)
    return ReaderFold(reader, kept, a, offset, rank, *loss_parts(residual, z))


def loss_parts(residual: Array, output_weights: Array) -> tuple[float, float]:
    """Tr S and Tr Z S Z^T, every summand clipped at 0."""
    xp = namespace(residual)
    inputs = xp.clip(xp.linalg.diagonal(residual), 0.0, None)
    outputs = xp.clip(xp.sum((output_weights @ residual) * output_weights, axis=1), 0.0, None)
    return float(xp.sum(inputs)), float(xp.sum(outputs))


def folded_network(
    network: Network, folds: Mapping[Path, ReaderFold], rows: Mapping[Path, Array]
) -> Network:
    """Pruned network: each reader takes its reconstruction in, each writer keeps its rows.

    Parameters
    ----------
    folds : mapping of reader paths
    rows : mapping of writer paths to kept rows
    """
    return Network(_folded(network.layers, (), folds, rows))


def _folded(
    layers: Sequence[Layer],
    prefix: Path,
    folds: Mapping[Path, ReaderFold],
    rows: Mapping[Path, Array],
) -> list[Layer]:
    out: list[Layer] = []
    for place, layer in enumerate(layers):
        path = (*prefix, place)
        if isinstance(layer, Residual):
            layer = replace(layer, layers=_folded(layer.layers, path, folds, rows))
        if isinstance(layer, (Dense, Conv2d)) and path in folds:
            layer = reading(layer, folds[path])
        if isinstance(layer, (Dense, Conv2d)) and path in rows:
            layer = writing(layer, rows[path])
        out.append(layer)
    return out


def reading(layer: Dense | Conv2d, fold: ReaderFold) -> Dense | Conv2d:
    """Layer that reads phi_J as `layer` would read A phi_J + c."""
    a = fold.coefficients
    xp = namespace(a)
    m, k = a.shape
    weight = like(a, layer.weight)
    spread = xp.reshape(weight, (layer.outputs, m, -1))  # a channel owns offsets or positions
    combined = xp.permute_dims(xp.tensordot(spread, a, axes=((1,), (0,))), (0, 2, 1))
    shape = (layer.outputs, -1) if isinstance(layer, Dense) else (layer.outputs, k, *layer.size)
    bias = like(a, layer.bias) + xp.sum(spread, axis=2) @ fold.offset
    return replace(layer, weight=xp.reshape(combined, shape), bias=bias)


def writing(layer: Dense | Conv2d, kept: Array) -> Dense | Conv2d:
    """Layer that computes the kept outputs only."""
    xp = namespace(layer.weight)
    index = like(layer.weight, kept)
    return replace(
        layer,
        weight=xp.take(layer.weight, index, axis=0),
        bias=xp.take(like(layer.weight, layer.bias), index),
    )
