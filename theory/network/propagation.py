r"""How the errors of pruned weights add up at the output of a network (T6, T7).

x_l = phi_l(W_l x_{l-1} + b_l), xh_l the same with Wh_l, bh_l; phi_l rho_l-Lipschitz; ||.|| the root
of E||.||_2^2 and r_l(x) = ||(W_l - Wh_l) x + b_l - bh_l||:

    (A) ||x_L - xh_L|| <= sum_l [prod_{k>l} rho_k ||Wh_k||_2] rho_l r_l(x_{l-1})       any Wh, bh
    (B) the same with ||W_k||_2 and PRUNED activations, r_l(xh_{l-1})
    (C) with ||W_k||_2 and original activations: FALSE, error/bound up to 1.144 on the witness
    (D) with || |W_k| ||_2 (entrywise) and original activations, if |Wh_k| <= |W_k| entrywise

A bias fix bh_l = b_l + D_l mu_l turns D x into D (x - mu) in (A), (B), (D), for any mu. The maximum
norm with largest absolute row sums may stand for the Euclidean one. Proof: add and subtract,
Minkowski [derived]; claims sparsity.I-4A to I-4D.

Beyond chains [derived, the same proof]: a residual block passes on e + e_F times its Lipschitz
constant; average pooling has norm at most sqrt(cover/(kh kw)), maximum pooling Lipschitz constant
sqrt(cover), with cover = ceil(kh/sh) ceil(kw/sw) windows over a pixel; a convolution with zero
padding and any stride is part of a circular one on n + k - 1 points, hence of at most its norm.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..arrays import Array, namespace, to_numpy
from ..bounds.bound import Bound
from ..bounds.network import operator_norm
from ..errors import InapplicableError
from ..sparsification.convolution import convolution_singular_values
from .activations import LIPSCHITZ
from .layers import AvgPool2d, Conv2d, Dense, Layer, MaxPool2d, Residual, like
from .network import Network, as_inputs, batches, check_networks
from .rebuild import parametric_paths
from .sites import Path, dotted, layer_inputs, parametric

#: Operator norm of a layer at a path.
Norm = Callable[[Path], float]


def output_error(original: Network, pruned: Network, inputs: Any, *, norm: str = "2") -> float:
    """Root of the mean over samples of ||f - f#||^2, Euclidean ("2") or maximum norm ("inf").

    Raises
    ------
    ValueError
        Inputs that the networks cannot take, networks of different outputs, an unknown norm.
    TypeError
        Something else than a Network.
    """
    as_norm(norm)
    check_networks(original=original, pruned=pruned)
    x = as_inputs(inputs)
    total = math.hypot(
        *(_norm(original.forward(batch) - pruned.forward(batch), norm) for batch in batches(x))
    )
    return total / math.sqrt(x.shape[0])


def propagated_error_bound(
    original: Network, pruned: Network, inputs: Any, *, form: str = "A", norm: str = "2"
) -> Bound:
    r"""Bound on the output error of a network with pruned weights (T6).

    Parameters
    ----------
    original, pruned : Network
        The same layers but for their weights and biases.
    inputs : (n, ...) array
        The sample behind E.
    form : {"A", "B", "C", "D"}
        As above; "C" is no bound, and stands here to be refuted.
    norm : {"2", "inf"}

    Returns
    -------
    Bound
        On :func:`~pruneproof.theory.output_error`; trivial value the norm of the original's
        output. The terms are what each layer adds.

    Raises
    ------
    InapplicableError
        Form "D" with a weight that pruning enlarged.
    ValueError
        Networks that differ in more than weights, inputs they cannot take, an unknown form or norm.
    TypeError
        Something else than a Network.
    """
    as_norm(norm)
    if form not in ("A", "B", "C", "D"):
        raise ValueError(f"form must be A, B, C or D, but is {form!r}")
    check_networks(original=original, pruned=pruned)
    x = as_inputs(inputs)
    paths = _same_paths(original, pruned)
    if form == "D":
        _check_shrunk(original, pruned, paths)
    local, size = dict.fromkeys(paths, 0.0), 0.0
    for batch in batches(x):
        seen, outputs = layer_inputs(original, batch)
        size = math.hypot(size, _norm(outputs, norm))
        if form == "B":
            seen, _ = layer_inputs(pruned, batch)
        for path in paths:
            error = _norm(gap(original, pruned, path).forward(seen[path]), norm)
            local[path] = math.hypot(local[path], error)
    root = math.sqrt(x.shape[0])
    errors = {path: total / root for path, total in local.items()}
    shapes = {path: seen[path].shape for path in paths}
    network = pruned if form == "A" else original
    terms = amplified_terms(network, errors, shapes, norm=norm, absolute=form == "D")
    note = f"{'root mean squared' if norm == '2' else 'maximum-norm'} error of the output; certain"
    if form == "C":
        note = "no bound: the refuted reading"
    return Bound(f"sparsity.T6{form}", sum(terms.values()), size / root, terms, note)


def amplified_terms(
    network: Network,
    errors: Mapping[Path, float],
    shapes: Mapping[Path, Sequence[int]],
    *,
    norm: str = "2",
    absolute: bool = False,
) -> dict[str, float]:
    """What the error of each layer's sums comes to at the output, by the layers' norms.

    Parameters
    ----------
    network : Network
        Whose weights amplify.
    errors : mapping of paths to r_l
    shapes : mapping of paths to the shapes of the layers' inputs
    norm : {"2", "inf"}
    absolute : bool
        Norms of |W| in place of those of W.
    """
    norms = {p: _layer_norm(parametric(network, p), shapes[p], norm, absolute) for p in shapes}
    found = _through(network.layers, (), {}, errors, norms, norm)
    return {f"layer {dotted(path)}": found.get(path, 0.0) for path in errors}


def gap(original: Network, pruned: Network, path: Path) -> Dense | Conv2d:
    """The linear layer (W - Wh) x + b - bh."""
    before, after = parametric(original, path), parametric(pruned, path)
    weight = before.weight - like(before.weight, after.weight)
    bias = before.bias - like(before.bias, after.bias)
    return replace(before, weight=weight, bias=bias, activation="identity")


def spectral_reading_witness(z: float = 1.0) -> tuple[Network, Network, Array]:
    r"""Networks and input on which reading (C) of T6 fails, with error/bound = 1.6180/||W_2||_2.

    x_0 = (1, 1), W_1 = [[v_1, 0], [v_2, -v_2]], W_2 = [[1, 1], [1, -z]], v the first right singular
    vector of [[1, 1], [1, 0]]; pruning keeps -v_2 of W_1 and all of W_2 but -z. D_2 x_1 = 0, and
    zeroing -z RAISES the norm: 1.14412 at z = 1, 1.14400 at z = .999.
    """
    lower = np.array([[1.0, 1.0], [1.0, 0.0]])
    v = np.linalg.svd(lower)[2][0]
    first = np.array([[v[0], 0.0], [v[1], -v[1]]])
    kept = np.array([[0.0, 0.0], [0.0, -v[1]]])
    second = np.array([[1.0, 1.0], [1.0, -float(z)]])
    return (
        Network([Dense(first), Dense(second)]),
        Network([Dense(kept), Dense(lower)]),
        np.ones((1, 2)),
    )


def _padded_norm(weight: Any, image: Sequence[int]) -> float:
    """Norm of the circular convolution on (h + kh - 1, w + kw - 1) points.

    It is at least that of the same kernel on (h, w) images with zeros around, any stride (S11).
    """
    kernel = to_numpy(weight)
    rows, columns = (int(n) + k - 1 for n, k in zip(image, kernel.shape[2:], strict=True))
    return float(convolution_singular_values(kernel, (rows, columns))[0])


def as_norm(norm: str) -> str:
    """Norm by name, or a sentence that lists the known ones."""
    if norm not in ("2", "inf"):
        raise ValueError(f'norm must be "2" or "inf", but is {norm!r}')
    return norm


def _through(
    layers: Sequence[Layer],
    prefix: Path,
    carried: Mapping[Path, float],
    errors: Mapping[Path, float],
    norms: Mapping[Path, float],
    norm: str,
) -> dict[Path, float]:
    """Error terms behind `layers`, given those before them."""
    terms = dict(carried)
    for place, layer in enumerate(layers):
        path = (*prefix, place)
        factor = 1.0
        if isinstance(layer, (Dense, Conv2d)):
            rho = LIPSCHITZ[layer.activation]
            terms = {p: rho * norms[path] * term for p, term in terms.items()}
            if path in errors:
                terms[path] = rho * errors[path]
        elif isinstance(layer, Residual):
            inner = _through(layer.layers, path, terms, errors, norms, norm)
            rho = LIPSCHITZ[layer.activation]
            terms = {p: rho * (terms.get(p, 0.0) + term) for p, term in inner.items()}
        elif norm == "2" and isinstance(layer, (AvgPool2d, MaxPool2d)):
            factor = _pooling_norm(layer)
        terms = {p: factor * term for p, term in terms.items()}
    return terms


def _pooling_norm(layer: AvgPool2d | MaxPool2d) -> float:
    (kh, kw), (sh, sw) = layer.size, layer.stride
    cover = math.ceil(kh / sh) * math.ceil(kw / sw)
    return math.sqrt(cover / (kh * kw) if isinstance(layer, AvgPool2d) else cover)


def _layer_norm(layer: Dense | Conv2d, shape: Sequence[int], norm: str, absolute: bool) -> float:
    weight = namespace(layer.weight).abs(layer.weight) if absolute else layer.weight
    if norm == "inf":  # a row of a convolution at the border is part of one inside
        return float(np.max(np.sum(np.abs(to_numpy(weight)).reshape(layer.outputs, -1), axis=1)))
    return operator_norm(weight) if weight.ndim == 2 else _padded_norm(weight, shape[2:])


def _norm(values: Array, norm: str) -> float:
    """Root of the sum over samples of the squared norm; squares of parts of the largest entry."""
    rows = np.abs(to_numpy(values)).reshape(values.shape[0], -1)
    largest = float(np.max(rows))
    if largest == 0.0 or not math.isfinite(largest):
        return largest
    parts = rows / largest
    squares = np.sum(parts**2) if norm == "2" else np.sum(np.max(parts, axis=1) ** 2)
    return largest * math.sqrt(float(squares))


def _same_paths(original: Network, pruned: Network) -> list[Path]:
    paths = parametric_paths(original)
    if paths != parametric_paths(pruned):
        raise ValueError("original and pruned must have the same layers, but their layers differ")
    for path in paths:
        before, after = parametric(original, path), parametric(pruned, path)
        if before.label != after.label or before.activation != after.activation:
            raise ValueError(
                f"layer {dotted(path)} is {before.label} before and {after.label} after pruning; "
                "only weights and biases may differ"
            )
    return paths


def _check_shrunk(original: Network, pruned: Network, paths: Sequence[Path]) -> None:
    for path in paths:
        before, after = (np.abs(to_numpy(parametric(n, path).weight)) for n in (original, pruned))
        worst = float(np.max(after - before))
        if worst > 0.0:
            raise InapplicableError(
                f"form D needs |pruned| <= |original| entrywise, but layer {dotted(path)} has a "
                f"weight enlarged by {worst:.3g}; use form A, which holds after refitting too"
            )
