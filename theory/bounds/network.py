r"""A chain of layers: how the errors of single layers add up at the output.

Letters: phi^1 = x, phi^{l+1} = eta(W^l phi^l + b^l), f = W^L phi^L + b^L, eta elementwise and
1-Lipschitz; ||g||_n^2 the empirical mean of ||g(x_i)||^2; J_l kept nodes, A_l their
reconstruction, W#^l = W^l_{J_{l+1}} A_l, with all inputs and all outputs kept.

    B1   ||f - f#||_n <= sum_l (prod_{l'>l} ||W#^{l'}||_op) r_l,
         r_l = ||W^l_{J_{l+1}} (phi^l - A_l phi^l_{J_l})||_n
    B2   r_l^2 <= L^theta_tau(J_l)/(theta/||W^l||_op^2 + 1 - theta)
    B4   a convolution: mean squared error <= kh kw L^B_tau(J), over input positions
    W1   ||f - f_r||_n <= sum_l (prod_{l'>l} ||W_r^{l'}||_op) sigma_{r_l+1}(W^l) ||phi^l||_n

Deterministic, for any nodes and any ridges; claims spectral.* [D]. Works on plain arrays, one
weight matrix a layer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import (
    Array,
    as_count,
    as_kept,
    as_real,
    as_ridge,
    as_theta,
    frobenius_norm,
    namespace,
    to_numpy,
)
from ..errors import InapplicableError
from .bound import Bound


def layer_errors(
    weights: Sequence[Any],
    features: Sequence[Any],
    kept: Sequence[Any],
    coefficients: Sequence[Any],
    offsets: Sequence[Any] | None = None,
) -> list[float]:
    r"""Errors r_l = ||W^l_{J_{l+1}} (phi^l - A_l phi^l_{J_l} - c_l)||_n that the layers add.

    Parameters
    ----------
    weights : sequence of (m_{l+1}, m_l) arrays
        W^l of the pruned layers in order; after the last one all outputs are kept.
    features : sequence of (n, m_l) arrays
        phi^l, the inputs of those layers in the UNPRUNED network.
    kept : sequence of (k_l,) distinct node indices
        J_l; repeats must be merged first (columns of A added).
    coefficients : sequence of (m_l, k_l) arrays
        A_l.
    offsets : sequence of (m_l,) arrays, optional
        Constants c_l of an affine reconstruction.

    Returns
    -------
    list of float
        Units of the outputs of each layer.

    Raises
    ------
    ValueError
        Sequences of unequal length, shapes that do not fit, repeated nodes.
    """
    same_length(weights=weights, features=features, kept=kept, coefficients=coefficients)
    if offsets is not None:
        same_length(weights=weights, offsets=offsets)
    errors = []
    for place in range(len(weights)):
        w = as_real("weights", weights[place], ndim=2)
        phi = as_real("features", features[place], ndim=2)
        a = as_real("coefficients", coefficients[place], ndim=2)
        xp = namespace(phi)
        index = xp.asarray(as_kept(kept[place], phi.shape[1]))
        if a.shape != (phi.shape[1], index.shape[0]) or w.shape[1] != phi.shape[1]:
            raise ValueError(
                f"layer {place}: weights {w.shape}, features {phi.shape}, {index.shape[0]} kept "
                f"nodes and coefficients {a.shape} do not fit"
            )
        gap = phi - xp.take(phi, index, axis=1) @ xp.matrix_transpose(a)
        if offsets is not None:
            gap = gap - as_real("offsets", offsets[place], ndim=1)
        if place + 1 < len(weights):
            w = xp.take(w, xp.asarray(as_kept(kept[place + 1], w.shape[0])), axis=0)
        errors.append(mean_norm(gap @ xp.matrix_transpose(w)))
    return errors


def network_error_bound(
    compressed_weights: Sequence[Any], errors: Sequence[float], *, trivial: float = math.inf
) -> Bound:
    r"""Output error of the pruned chain: sum_l (prod_{l'>l} ||W#^{l'}||_op) r_l.

    Parameters
    ----------
    compressed_weights : sequence of (k_{l+1}, k_l) arrays
        W#^l of the layers that `errors` names, in order, the last layer last.
    errors : sequence of float
        r_l of :func:`layer_errors`, or bounds on them (:func:`mixed_layer_bound`, its root).
    trivial : float
        ||f||_n, the error of the zero network, where it is known.

    Returns
    -------
    Bound
        On ||f - f#||_n; the terms are what each layer adds. Equality: one pruned layer.

    Raises
    ------
    ValueError
        Lengths differ, weights that do not chain, a negative error.

    Notes
    -----
    Claim spectral.B1 [D]. The operator norms of the COMPRESSED weights must be measured: without
    ridge they can exceed those of the weights (claim spectral.X6 bounds them for volume sampling).
    """
    same_length(compressed_weights=compressed_weights, errors=errors)
    norms = [operator_norm(w) for w in as_chain(compressed_weights)]
    sizes = [as_ridge(r, name="errors") for r in errors]
    terms = amplified(norms, sizes)
    note = "||f - f#||_n of the pruned network; certain, on the data that gave the errors"
    return Bound("spectral.B1", sum(terms.values()), trivial, terms, note)


def mixed_layer_bound(
    loss: float,
    weight_norm: float,
    theta: float,
    *,
    next_kept: Any = None,
    trivial: float = math.inf,
) -> Bound:
    r"""Squared layer error from the mixed loss: r^2 <= L^theta_tau(J)/(theta/||W||^2 + 1 - theta).

    Parameters
    ----------
    loss : float
        L^theta_tau(J) of the layer, with Z = W, or a bound on it.
    weight_norm : float
        ||W||_op of the weights that read the layer.
    theta : float
    next_kept : sequence of int, optional
        J_{l+1}, so that the premise "no repeats" is checked.
    trivial : float
        Tr W Sigma W^T, the layer's squared output, where it is known.

    Raises
    ------
    InapplicableError
        W = 0, or repeats in `next_kept` (the statement then fails, by factors above 2).
    ValueError
        Negative loss or norm, theta outside [0, 1], a `next_kept` that is no flat list.

    Notes
    -----
    Claim spectral.B2 [D]. For one J it is smallest at theta = 0 (claim spectral.X7).
    """
    theta = as_theta(theta)
    value = as_ridge(loss, name="loss")
    norm = as_ridge(weight_norm, name="weight_norm")
    if norm == 0.0:
        raise InapplicableError("the mixed bound needs W != 0, but weight_norm is 0")
    if next_kept is not None:
        nodes = to_numpy(as_real("next_kept", next_kept, ndim=1))
        repeats = nodes.size - np.unique(nodes).size
        if repeats:
            raise InapplicableError(
                f"the next layer keeps {repeats} nodes more than once; merge repeats first"
            )
    share = theta / norm / norm + 1.0 - theta
    note = "r^2 = ||W_J' (phi - A phi_J)||_n^2 for any distinct rows J'; certain"
    return Bound("spectral.B2", value / share, trivial, {"loss": value, "share": share}, note)


def convolution_bound(
    output_loss: float,
    kernel_size: tuple[int, int],
    *,
    positions: tuple[int, int] | None = None,
    padding: str = "zero",
    trivial: float = math.inf,
) -> Bound:
    r"""Squared error of a convolution after channel pruning: kh kw L^B_tau(J).

    Parameters
    ----------
    output_loss : float
        L^B_tau(J) with Sigma averaged over samples and input positions and Z the kernel's
        (out kh kw, channels) matrix.
    kernel_size : (kh, kw)
    positions : (inputs, outputs), optional
        Numbers of positions of one image before and after. The statement divides the sum over
        outputs by the number of INPUT positions; with `positions` the bound is on the mean over
        output positions, which at stride > 1 is larger by inputs/outputs.
    padding : {"zero", "circular", "valid"}
    trivial : float
        Mean squared output, where it is known.

    Raises
    ------
    InapplicableError
        Padding that repeats pixels ("replicate", "reflect", ...): the statement is then false.
    ValueError
        Negative loss, sizes that are not whole numbers of at least 1.

    Notes
    -----
    Claim spectral.B4 [D], any stride and dilation: Cauchy-Schwarz over the kh kw offsets, each of
    which reads every input position at most once.
    """
    if padding not in ("zero", "circular", "valid"):
        raise InapplicableError(
            f"padding {padding!r} reads input positions more than once an offset, where the bound "
            "fails; use zero, circular or no padding"
        )
    loss = as_ridge(output_loss, name="output_loss")
    height, width = _pair("kernel_size", kernel_size)
    offsets = as_count("kernel height", height) * as_count("kernel width", width)
    ratio = 1.0
    if positions is not None:
        before, after = _pair("positions", positions)
        ratio = as_count("input positions", before) / as_count("output positions", after)
    terms = {"loss": loss, "offsets": float(offsets), "positions": ratio}
    per = "input" if positions is None else "output"
    note = f"squared error of the convolution, mean over samples and {per} positions; certain"
    return Bound("spectral.B4", offsets * ratio * loss, trivial, terms, note)


def _pair(name: str, numbers: Any) -> tuple[Any, Any]:
    try:
        first, second = numbers
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be two whole numbers, but is {numbers!r:.60}") from None
    return first, second


def low_rank_bound(
    weights: Sequence[Any],
    ranks: Sequence[int],
    features: Sequence[Any],
    *,
    trivial: float = math.inf,
) -> Bound:
    r"""Output error of weights truncated to low rank, layer by layer.

    sum_l (prod_{l'>l} ||W_r^{l'}||_op) sigma_{r_l+1}(W^l) ||phi^l||_n, sigma beyond full rank 0.

    Parameters
    ----------
    weights : sequence of (m_{l+1}, m_l) arrays
        W^1..W^L of the whole chain.
    ranks : sequence of int
        r_l >= 0 of each best low-rank approximation; at full rank nothing is lost.
    features : sequence of (n, m_l) arrays
        phi^1..phi^L of the original network.
    trivial : float
        ||f||_n, where it is known.

    Raises
    ------
    ValueError
        Lengths differ, weights that do not chain, a negative rank.

    Notes
    -----
    Claim spectral.W1 [D]. Biases are kept.
    """
    same_length(weights=weights, ranks=ranks, features=features)
    norms, sizes = [], []
    for w, rank, phi in zip(as_chain(weights), ranks, features):
        singular = to_numpy(namespace(w).linalg.svdvals(w))
        r = as_count("rank", rank, least=0)
        norms.append(float(singular[0]) if r else 0.0)
        lost = float(singular[r]) if r < singular.size else 0.0
        sizes.append(lost * mean_norm(as_real("features", phi, ndim=2)))
    terms = amplified(norms, sizes)
    note = "||f - f_r||_n of the chain with truncated weights; certain, on these data"
    return Bound("spectral.W1", sum(terms.values()), trivial, terms, note)


def amplified(norms: Sequence[float], sizes: Sequence[float]) -> dict[str, float]:
    """Terms (prod_{l'>l} norm_{l'}) size_l, named by their place in the sequence."""
    terms, amplification = {}, 1.0
    for place in range(len(sizes) - 1, -1, -1):
        terms[f"layer {place}"] = amplification * sizes[place]
        amplification *= norms[place]
    return dict(reversed(terms.items()))


def mean_norm(rows: Array) -> float:
    """||g||_n of the rows g(x_i)."""
    return frobenius_norm(rows) / math.sqrt(rows.shape[0])


def operator_norm(weight: Array) -> float:
    """Largest singular value."""
    return float(namespace(weight).linalg.matrix_norm(weight, ord=2))


def as_chain(weights: Sequence[Any]) -> list[Array]:
    """Weight matrices of which each reads what the one before gives."""
    arrays = [as_real("weights", w, ndim=2) for w in weights]
    for place in range(1, len(arrays)):
        if arrays[place].shape[1] != arrays[place - 1].shape[0]:
            raise ValueError(
                f"weights do not chain: place {place} reads {arrays[place].shape[1]} features, "
                f"but the one before gives {arrays[place - 1].shape[0]}"
            )
    return arrays


def same_length(**sequences: Sequence[Any]) -> None:
    """Refuse sequences of unequal length, or empty ones."""
    lengths = {name: len(items) for name, items in sequences.items()}
    if len(set(lengths.values())) > 1 or 0 in lengths.values():
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ValueError(f"one entry a layer is needed in each sequence, but lengths are: {found}")
