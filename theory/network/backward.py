r"""Backward approximation: a small network read off a teacher, from the output to the input (A5).

Teacher activations H^0 = X, ..., H^L are computed once and never changed. With K_L the outputs, for
k = L..1 every node j of K_k has its teacher pre-activation g_j regressed, sparsely and with an
intercept, on the columns of H^{k-1}; K_{k-1} is the union of the columns used. Cost: one sparse
regression a kept node. Yang, Wang and Ding, arXiv 2206.05604, as in a public note of its authors
[seen, cleaned].
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_real, to_numpy
from ..errors import InapplicableError
from ..moments import second_moment
from ..sparsity.allocation import neuron_budget
from ..sparsity.dictionary import orthogonal_greedy
from ..sparsity.neuron import refit
from ..sparsity.top import top_entries
from .layers import Dense
from .network import Network, as_inputs, check_networks

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BackwardApproximation:
    """A small network beside its teacher.

    Attributes
    ----------
    network : Network
        Over the kept nodes; it reads all inputs, those that are not kept with weight 0.
    kept : tuple of arrays of int
        K_0, ..., K_L: inputs, hidden nodes layer by layer, outputs.
    edges : int
        Number of weights other than 0.
    squared_error : float
        Mean over samples of the squared norm of the difference of the outputs.
    """

    network: Network
    kept: tuple[NDArray[np.int64], ...]
    edges: int
    squared_error: float


def backward_approx(
    network: Network, inputs: Any, *, method: str = "lasso", tolerance: float = 0.1
) -> BackwardApproximation:
    """Small network whose nodes regress the teacher's on few of its nodes (A5).

    Parameters
    ----------
    network : Network
        Dense layers.
    inputs : (n, width) array
    method : {"lasso", "omp", "budget"}
        lasso: penalty `tolerance` times the least that gives 0 (scikit-learn). omp: orthogonal
        greedy steps until the rms residual is `tolerance` times the standard deviation of g_j (A9).
        budget: so many of the teacher's largest weights that soft sparsity guarantees that residual
        (A2 with the largest eigenvalue of the covariance), refitted (A6).
    tolerance : float
        In (0, 1).

    Raises
    ------
    InapplicableError
        lasso without scikit-learn.
    ValueError
        Layers other than Dense, a tolerance outside (0, 1), an unknown method.
    TypeError
        Something else than a Network.
    """
    check_networks(network=network)
    level = float(as_real("tolerance", tolerance, ndim=0))
    if not 0.0 < level < 1.0:
        raise ValueError(f"tolerance must lie strictly between 0 and 1, but is {level:g}")
    if method not in _METHODS:
        raise ValueError(f"method must be one of {', '.join(_METHODS)}, but is {method!r}")
    layers = [layer for layer in network.layers if isinstance(layer, Dense)]
    if len(layers) < len(network.layers):
        raise ValueError("backward approximation reads chains of Dense layers; give such a network")
    x = as_inputs(inputs)
    features = [to_numpy(x), *(to_numpy(h) for h in network.activations(x))]
    kept = [np.arange(layers[-1].outputs)]
    new: list[Dense] = []
    edges = 0
    for place, layer, h in reversed(list(zip(range(len(layers)), layers, features))):
        rows, bias = _METHODS[method](layer, h, kept[0], level)
        used = np.flatnonzero(np.any(rows != 0.0, axis=0))
        edges += int(np.count_nonzero(rows))
        if place == 0:
            columns = np.arange(layer.inputs)
        else:  # a layer of constants still needs one node to read
            columns = used = used if used.size else np.zeros(1, dtype=np.int64)
        new.insert(0, replace(layer, weight=rows[:, columns], bias=bias))
        kept.insert(0, used)
    small = Network(new)
    gap = features[-1] - to_numpy(small.forward(features[0]))
    return BackwardApproximation(small, tuple(kept), edges, float(np.mean(np.sum(gap**2, axis=1))))


def _lasso(
    layer: Dense, h: Floats, nodes: NDArray[np.int64], level: float
) -> tuple[Floats, Floats]:
    try:
        model = importlib.import_module("sklearn.linear_model").Lasso
    except ImportError:
        raise InapplicableError(
            "method lasso needs scikit-learn, which is not installed; install it or use omp"
        ) from None

    def regress(centred: Floats, target: Floats) -> Floats:
        least = float(np.max(np.abs(centred.T @ target))) / target.size
        if least == 0.0:
            return np.zeros(centred.shape[1])
        fit = model(alpha=level * least, fit_intercept=False, max_iter=20_000, tol=1e-6)
        return np.asarray(fit.fit(centred, target).coef_)

    return _regressed(layer, h, nodes, regress)


def _omp(layer: Dense, h: Floats, nodes: NDArray[np.int64], level: float) -> tuple[Floats, Floats]:
    def regress(centred: Floats, target: Floats) -> Floats:
        size = float(np.linalg.norm(target))
        found = orthogonal_greedy(centred, target, min(centred.shape), tolerance=level * size)
        out = np.zeros(centred.shape[1])
        out[found.kept] = found.coefficients
        return out

    return _regressed(layer, h, nodes, regress)


def _budget(
    layer: Dense, h: Floats, nodes: NDArray[np.int64], level: float
) -> tuple[Floats, Floats]:
    rows = to_numpy(layer.weight)[nodes]
    cov = second_moment(h, centered=True)
    spread = np.sqrt(np.clip(np.sum((rows @ cov) * rows, axis=1), 0.0, None))
    gain = np.sqrt(max(0.0, float(np.linalg.eigvalsh(cov)[-1])))
    moving = spread > 0.0
    counts = np.zeros(nodes.size, dtype=np.int64)
    if np.any(moving):
        counts[moving] = neuron_budget(rows[moving], gain, level * spread[moving])
    found = refit(rows, top_entries(rows, counts) & (rows != 0.0), cov)
    bias = to_numpy(layer.bias)[nodes] + (rows - found) @ np.mean(h, axis=0)
    return found, bias


def _regressed(
    layer: Dense,
    h: Floats,
    nodes: NDArray[np.int64],
    regress: Callable[[Floats, Floats], Floats],
) -> tuple[Floats, Floats]:
    """Coefficients (nodes, inputs) and intercepts of the teacher's pre-activations on h."""
    mean = np.mean(h, axis=0)
    targets = h @ to_numpy(layer.weight)[nodes].T + to_numpy(layer.bias)[nodes]
    centre = np.mean(targets, axis=0)
    rows = np.stack([regress(h - mean, g) for g in (targets - centre).T])
    return rows, centre - rows @ mean


_METHODS: dict[str, Callable[..., tuple[Floats, Floats]]] = {
    "lasso": _lasso,
    "omp": _omp,
    "budget": _budget,
}
