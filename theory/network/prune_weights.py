r"""Pruning single weights of a whole network, with its theory beside it.

Each Dense layer, and each Conv2d layer as the matrix of its output channels' kernels, loses weights
by one of the methods of :mod:`.weight_masks`; then the kept ones may be refitted (A6), and the bias
takes up the mean of what is lost (A7), from the original network's inputs. Per layer the error is
predicted (T2, T2b, T3), bounded (T7) and measured; for the network T6 (A) adds the layers up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..arrays import Array, as_generator, as_real, namespace, to_numpy
from ..bounds.bound import Bound
from ..moments import MomentAccumulator
from ..sparsity.adaptive import as_scope
from ..sparsity.layer import soft_sparsity_bound
from ..sparsity.neuron import Floats, bias_fix, pruning_error
from ..sparsity.neuron import refit as refitted
from .convolution import output_size, pad, windows
from .layers import Conv2d, Dense
from .network import Network, as_inputs, batches, check_networks
from .propagation import amplified_terms, propagated_error_bound
from .pruned_weights import PrunedWeights, WeightCompression, measured
from .rebuild import parametric_paths, with_layers
from .sites import Path, layer_inputs, parametric
from .weight_masks import BY_SIZE, BY_WEIGHTED_SIZE, Task, pruned_rows


def prune_weights(
    network: Network,
    inputs: Any,
    density: float,
    *,
    method: str = "magnitude",
    scope: str = "global",
    bias_fix: bool = True,
    refit: bool = False,
    rng: Any = None,
) -> WeightCompression:
    """Remove single weights of every Dense and Conv2d layer, down to a share of them.

    Parameters
    ----------
    network : Network
    inputs : (n, width) or (n, channels, height, width) array
        The sample behind means and second moments.
    density : float
        Share of the weights to keep, in (0, 1]; biases are not counted. Numbers of weights are
        rounded to the nearest whole one, at least 1.
    method : str
        magnitude, weighted-magnitude (|w| times the rms of its input), adaptive, sap or obs, or a
        method of :func:`~pruneproof.theory.sparsify`: threshold-poisson, uniform, quantise, l1, l2,
        hybrid, row-l1, effective-resistance.
    scope : {"global", "layer", "neuron"}
        Where the share is kept: over the whole network, in every layer, in every row. For sap the
        scope is where sparsity is judged, and the share is the whole network's; its rounds may stop
        before they reach it, and the notes then say so.
    bias_fix : bool
        Add D mu to the biases, mu the mean of the original inputs: removes the square of the mean
        error exactly (T2b).
    refit : bool
        Best coefficients on the kept weights, by the original second moment (T3); obs refits
        anyway.
    rng : seed or Generator
        For the methods that draw.

    Returns
    -------
    WeightCompression
        A :class:`~pruneproof.theory.Compression` of :class:`~pruneproof.theory.PrunedWeights`.

    Raises
    ------
    InapplicableError
        obs where the second moment of the inputs that no others determine is singular to rounding.
    ValueError
        No layer with weights, a density outside (0, 1], an unknown method or scope, a method that
        has no such scope, inputs that the network cannot take.

    Notes
    -----
    Algorithms A2 to A8, statements T2, T2b, T3, T6 (A), T7 and X1 [derived]. One pass over the
    inputs, and a (d, d) moment a layer. The weights are chosen on the host, in NumPy.
    """
    x = as_inputs(inputs)
    share = _as_density(density)
    scope, generator = as_scope(scope), as_generator(rng)
    readings = _readings(network, x)
    moments = [r.covariance if bias_fix else r.second_moment for r in readings]
    sizes = [np.sqrt(np.diag(r.second_moment)) for r in readings]
    task = Task([r.rows for r in readings], moments, sizes, [], share, scope, generator)
    if method == "adaptive":
        task = replace(task, gains=_gains(network, readings))
    after = pruned_rows(method, task)
    masks = [w != 0.0 for w in after]
    if refit and method != "obs":
        after = [refitted(r.rows, m, g) for r, m, g in zip(readings, masks, moments)]
    new = {r.path: r.pruned(w, bias_fix) for r, w in zip(readings, after)}
    pruned = with_layers(network, new)
    layers = [
        _described(r, w, m, g, method, refit, bias_fix)
        for r, w, m, g in zip(readings, after, masks, moments)
    ]
    if method == "sap":
        layers = _noted_stop(layers, task.count(task.total))
    return _measured(network, pruned, layers, readings, x)


@dataclass(frozen=True, eq=False)
class Reading:
    """One layer as a matrix of rows, with the moments of what it reads.

    Attributes
    ----------
    path : tuple of int
    layer : Dense or Conv2d
    shape : tuple of int
        Of its input, batch first.
    positions : int
        Output positions of one sample; 1 of a Dense layer.
    second_moment, covariance : (d, d) arrays
        Over samples and positions.
    mean : (d,) array
    """

    path: Path
    layer: Dense | Conv2d
    shape: tuple[int, ...]
    positions: int
    second_moment: Floats
    covariance: Floats
    mean: Floats

    @property
    def rows(self) -> Floats:
        """Weights, one row an output."""
        return to_numpy(self.layer.weight).reshape(self.layer.outputs, -1)

    def pruned(self, rows: Floats, fixed: bool) -> Dense | Conv2d:
        """The layer with other weights, its bias fixed or not."""
        weight, bias = self.layer.weight, self.layer.bias
        xp = namespace(weight)
        new = xp.asarray(rows.reshape(weight.shape))
        if fixed:
            bias = bias + xp.asarray(bias_fix(self.rows, rows, self.mean))
        return replace(self.layer, weight=new, bias=bias)


def patches(layer: Dense | Conv2d, x: Array) -> Array:
    """What every output position of a layer reads, (n positions, d), in the order of its weight."""
    if isinstance(layer, Dense):
        return x
    xp = namespace(x)
    x = pad(x, layer.padding)
    seen = xp.stack(list(windows(x, layer.size, layer.stride)), axis=0)
    seen = xp.permute_dims(seen, (1, 3, 4, 2, 0))  # sample, row, column, channel, offset
    return xp.reshape(seen, (-1, layer.inputs * layer.size[0] * layer.size[1]))


def _readings(network: Network, x: Array) -> list[Reading]:
    """Moments of the inputs of every layer, in one pass over the original network."""
    check_networks(network=network)
    paths = parametric_paths(network)
    if not paths:
        raise ValueError("the network has no Dense or Conv2d layer, so there is nothing to prune")
    layers = {path: parametric(network, path) for path in paths}
    sums = {
        path: MomentAccumulator(int(np.prod(layer.weight.shape[1:])))
        for path, layer in layers.items()
    }
    shifts: dict[Path, Array] = {}
    for batch in batches(x):
        seen, _ = layer_inputs(network, batch)
        for path, layer in layers.items():
            features = patches(layer, seen[path])
            if path not in shifts:
                shifts[path] = _provisional_mean(features)
            sums[path].update(features - shifts[path])
    shapes = {path: tuple(seen[path].shape) for path in paths}
    readings = []
    for path, layer in layers.items():
        mean = to_numpy(sums[path].mean + shifts[path])
        cov = to_numpy(sums[path].covariance)
        many = _positions(layer, shapes[path])
        moment = cov + np.outer(mean, mean)
        readings.append(Reading(path, layer, shapes[path], many, moment, cov, mean))
    return readings


def _provisional_mean(features: Array) -> Array:
    """Mean of the first batch: centring then loses no digits, and constants are exactly so."""
    xp = namespace(features)
    first = features[0, :]
    constant = xp.all(features == first, axis=0)
    return xp.where(constant, first, xp.mean(features, axis=0))


def _positions(layer: Dense | Conv2d, shape: Sequence[int]) -> int:
    if isinstance(layer, Dense):
        return 1
    padded = (shape[2] + 2 * layer.padding[0], shape[3] + 2 * layer.padding[1])
    return int(np.prod(output_size(padded, layer.size, layer.stride)))


def _gains(network: Network, readings: Sequence[Reading]) -> list[float]:
    """What an error of 1 in each layer's sums comes to at the output, by the original norms."""
    ones = {r.path: np.sqrt(float(r.positions)) for r in readings}
    return list(amplified_terms(network, ones, {r.path: r.shape for r in readings}).values())


def _described(
    reading: Reading,
    after: Floats,
    mask: np.ndarray[Any, np.dtype[np.bool_]],
    moment: Floats,
    method: str,
    refit: bool,
    fixed: bool,
) -> PrunedWeights:
    """Predicted loss of one layer and the bounds on it, summed over positions."""
    before, many = reading.rows, reading.positions
    predicted = many * float(np.sum(pruning_error(before, after, moment)))
    trivial = many * float(np.sum(pruning_error(before, np.zeros_like(before), moment)))
    top = max(0.0, float(np.linalg.eigvalsh(moment)[-1]))
    removed = float(np.sum((before - after) ** 2))
    note = "mean squared error of the layer's sums, over all outputs and positions; certain"
    terms = {"largest_eigenvalue": top, "removed": removed, "positions": float(many)}
    bounds = {
        "largest eigenvalue": Bound("sparsity.T2", many * top * removed, trivial, terms, note)
    }
    notes = []
    if method in (*BY_SIZE, *BY_WEIGHTED_SIZE):
        counts = np.sum(mask, axis=1)
        weighted = method in BY_WEIGHTED_SIZE
        sizes = np.sqrt(np.diag(reading.second_moment)) if weighted else None
        found = soft_sparsity_bound(before, counts, moment, sizes=sizes)
        terms = {**found.terms, "positions": float(many)}
        bounds["soft sparsity"] = Bound("sparsity.T7", many * found.value, trivial, terms, note)
    else:
        notes.append(f"{method} does not keep each row's largest weights: T7 says nothing of it")
    if fixed:
        notes.append("bias fixed: covariances stand for second moments")
    if refit or method == "obs":
        notes.append("kept weights refitted: bounds of T7 are on the larger error without refit")
    empty = int(np.sum(~np.any(mask, axis=1)))
    if empty:
        notes.append(f"{empty} of {mask.shape[0]} rows keep no weight and are constant")
    weight = reading.layer.weight
    return PrunedWeights(reading.path, mask.reshape(weight.shape), predicted, bounds, tuple(notes))


def _noted_stop(layers: Sequence[PrunedWeights], target: int) -> list[PrunedWeights]:
    """The layers, with a note where SAP kept more weights than were asked for (T11)."""
    left = sum(layer.width for layer in layers)
    if left <= target:
        return list(layers)
    note = f"SAP stopped at {left} weights of the network, above the {target} asked for"
    return [replace(layer, notes=(*layer.notes, note)) for layer in layers]


def _measured(
    network: Network,
    pruned: Network,
    layers: Sequence[PrunedWeights],
    readings: Sequence[Reading],
    x: Array,
) -> WeightCompression:
    """Run both networks, and put the bounds on the output beside what is found."""
    found = measured(network, pruned, [layer.path for layer in layers], x)
    done = tuple(
        replace(layer, measured_loss=alone, accumulated_loss=together)
        for layer, alone, together in zip(layers, found.losses, found.accumulated)
    )
    bound = propagated_error_bound(network, pruned, x)
    soft = None
    if all("soft sparsity" in layer.bounds for layer in layers):
        errors = {p.path: float(np.sqrt(p.bounds["soft sparsity"].value)) for p in layers}
        terms = amplified_terms(pruned, errors, {r.path: r.shape for r in readings})
        note = "root mean squared error of the output by T7 and T6 (A); certain"
        soft = Bound("sparsity.T7", sum(terms.values()), bound.trivial, terms, note)
    return WeightCompression(
        original=network,
        network=pruned,
        layers=done,
        output_error=found.output_error,
        error_bound=bound,
        error_bound_note=bound.note,
        soft_sparsity_bound=soft,
    )


def _as_density(density: Any) -> float:
    share = float(as_real("density", density, ndim=0))
    if not 0.0 < share <= 1.0:
        raise ValueError(f"density must be above 0 and at most 1, but is {share:g}")
    return share
