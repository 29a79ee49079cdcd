r"""Sparsity-informed adaptive pruning (SAP): how much to prune in a round, from the PQ index (A8).

Per scope (a neuron's row, a layer, the whole net), from the d_t weights not pruned yet,

    r_t = ceil(N_{p,q} (1+eta)^{-q/(q-p)}),   f = min(max(gamma (1 - r_t/d_t), 0), beta),
    c_t = floor(d_t f),   theta = the (c_t+1)-th smallest |w|,   prune |w| < theta (ties survive).

Between the rounds the network is reset and trained anew; that is the caller's. Without training
(T11 [derived], eta = 0, 0 <= gamma <= 1) d_t never rises nor falls below 1, and SAP stops exactly
where floor(d_t min(gamma (1 - ceil(N)/d_t), beta)) = 0 or nothing lies below theta: it finds no
limit of compression but flattens the weights until N > d - 1.

Diao, Wang et al., ICLR 2023, Algorithm 1 and the authors' public code [seen]; the ceiling and the
lower clamp are in the code only. N is taken as N (1 - 1e-9) under the ceiling, as flat weights give
d (1 + 1e-16) in floating point. This module may import NumPy and theory.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import as_count, as_real, as_ridge, to_numpy
from .indices import as_orders, log_effective_numbers

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
#: What is taken off N before it is rounded up.
_ROUNDING = 1e-9
#: Weights that are compared together.
_BLOCK = 2**16


def sap_count(
    weights: Any,
    *,
    p: float = 0.5,
    q: float = 1.0,
    eta: float = 0.0,
    gamma: float = 1.0,
    beta: float = 0.9,
) -> int:
    r"""Number c_t of weights that one round of SAP prunes among those of one scope.

    Parameters
    ----------
    weights : array of any shape
        The d_t weights of the scope that are not pruned yet (zeros count).
    p, q : float
        0 < p < q < inf; .5 and 1, or 1 and 2, are the authors' choices.
    eta : float
        Slack of the retained mass, at least 0.
    gamma : float
        Scaling of the rate, at least 0.
    beta : float
        Largest share that one round prunes, in [0, 1].

    Returns
    -------
    int
        0 where all weights are 0.

    Raises
    ------
    ValueError
        Orders, eta, gamma or beta out of range, weights that are not finite.

    Notes
    -----
    Algorithm A8 [seen]. Pruning to r_t does not make the lost p-mass at most eta: T10 is necessary
    only, see :func:`~pruneproof.theory.sufficient_count`.
    """
    settings = _settings(p, q, eta, gamma, beta)
    sizes = np.abs(to_numpy(as_real("weights", weights))).reshape(-1)
    return _count(sizes, *settings)


def sap_step(
    weights: Any,
    mask: Any = None,
    *,
    scope: str = "global",
    p: float = 0.5,
    q: float = 1.0,
    eta: float = 0.0,
    gamma: float = 1.0,
    beta: float = 0.9,
) -> list[Mask]:
    """Masks after one round of SAP on all layers of a network.

    Parameters
    ----------
    weights : sequence of (rows, d) arrays
        One a layer, as they are after training.
    mask : sequence of masks, optional
        What is left before the round; everything if not given.
    scope : {"neuron", "layer", "global"}
        Whether sparsity is judged row by row, layer by layer, or over all weights.
    p, q, eta, gamma, beta
        As :func:`sap_count`.

    Returns
    -------
    list of masks
        Never more than before. A scope whose weights are all 0 is left as it is.

    Raises
    ------
    ValueError
        As :func:`sap_count`; an unknown scope, shapes that do not fit.
    """
    settings = _settings(p, q, eta, gamma, beta)
    layers = [to_numpy(as_real(f"weights[{i}]", w, ndim=2)) for i, w in enumerate(weights)]
    masks = _masks(layers, mask)
    scope = as_scope(scope)
    if scope == "global":
        level = _threshold(layers, masks, settings)
        return [_above(w, m, level) for w, m in zip(layers, masks)]
    if scope == "layer":
        return [_above(w, m, _threshold([w], [m], settings)) for w, m in zip(layers, masks)]
    return [
        np.stack([_above(w, m, _threshold([w], [m], settings)) for w, m in zip(*layer)])
        for layer in zip(layers, masks)
    ]


def sap_path(weights: Any, rounds: int, **settings: float) -> NDArray[np.int64]:
    """Numbers d_t of weights left by SAP without training, from d_0 on, until it stops (T11).

    Parameters
    ----------
    weights : array of any shape
        One scope.
    rounds : int
        At most so many.
    **settings
        p, q, eta, gamma, beta of :func:`sap_count`.

    Returns
    -------
    (t + 1,) array of int
        The last entry is where it stopped, if before `rounds`.

    Raises
    ------
    ValueError
        As :func:`sap_count`.
    """
    left = np.sort(np.abs(to_numpy(as_real("weights", weights))).reshape(-1))
    sizes = [left.size]
    for _ in range(as_count("rounds", rounds, least=0)):
        if left.size == 0:
            break
        count = sap_count(left, **settings)
        first = int(np.searchsorted(left, left[count])) if count < left.size else left.size
        if first == 0:
            break
        left = left[first:]
        sizes.append(left.size)
    return np.array(sizes)


def as_scope(scope: str) -> str:
    """Scope by name, or a sentence that lists the known ones."""
    if scope not in ("neuron", "layer", "global"):
        raise ValueError(f"scope must be neuron, layer or global, but is {scope!r}")
    return scope


def _threshold(weights: list[Floats], masks: list[Mask], settings: tuple[float, ...]) -> float:
    """theta of one scope, 0 where nothing is pruned, inf where everything is."""
    parts = [np.abs(w).reshape(-1) if m.all() else np.abs(w[m]) for w, m in zip(weights, masks)]
    sizes = parts[0] if len(parts) == 1 else np.concatenate(parts)
    count = _count(sizes, *settings)
    if count == 0:
        return 0.0
    if count >= sizes.size:  # gamma > 1 or eta > 0 with beta = 1
        return math.inf
    sizes.partition(count)  # in place: an array of our own
    return float(sizes[count])


def _above(weight: Floats, mask: Mask, level: float) -> Mask:
    """What survives the threshold, ties included; by blocks that stay in cache."""
    if level == 0.0:
        return mask
    flat, before = weight.reshape(-1), mask.reshape(-1)
    after = np.empty(flat.size, dtype=bool)
    for start in range(0, flat.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        np.greater_equal(np.abs(flat[part]), level, out=after[part])
        after[part] &= before[part]
    return after.reshape(mask.shape)


def _count(sizes: Floats, p: float, q: float, eta: float, gamma: float, beta: float) -> int:
    d = sizes.size
    log_number = float(log_effective_numbers(sizes, p, q)) if d else -math.inf
    if log_number == -math.inf:
        return 0
    number = math.exp(log_number - q / (q - p) * math.log1p(eta))
    needed = math.ceil(number * (1.0 - _ROUNDING))
    # d (1 - r/d) may round below d - r, which would stop a round too early; so may d beta
    return math.floor(min(max(gamma * (d - needed), 0.0), beta * d) * (1.0 + 1e-12))


def _settings(
    p: float, q: float, eta: float, gamma: float, beta: float
) -> tuple[float, float, float, float, float]:
    as_orders(p, q)
    if q == math.inf:
        raise ValueError("q must be finite for SAP, but is inf")
    if not 0.0 <= beta <= 1.0:
        raise ValueError(f"beta must lie in [0, 1], but is {beta:g}")
    return p, q, as_ridge(eta, name="eta"), as_ridge(gamma, name="gamma"), beta


def _masks(layers: list[Floats], mask: Any) -> list[Mask]:
    if mask is None:
        return [np.ones(w.shape, dtype=bool) for w in layers]
    masks = [to_numpy(m) for m in mask]
    if [m.shape for m in masks] != [w.shape for w in layers]:
        raise ValueError("mask must hold one mask a layer, of the shape of its weights")
    return [m.astype(bool) for m in masks]
