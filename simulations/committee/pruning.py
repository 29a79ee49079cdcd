r"""Pruning a hidden layer: which units or which inputs of each unit are kept, and the refit after.

A layer has rows w_h, (H, N), and outputs v, (H,) or (p, H); p = 1 for a committee machine. A node
rule keeps k of the H units, an edge rule e of the N inputs of every unit (arXiv 2006.16617 [R]):

    random      uniform, k nodes or e edges a unit; "bernoulli": every edge with probability e/N
    importance  the largest mean |v_h|; the largest |w_hi|
    dpp         P(J) ~ det L_J, |J| = k, with L = W W^T (or the kernel handed in); for edges
                L_h = diag(w_h) Sigma_x diag(w_h), which for white inputs is diag(w_h^2): no
                repulsion, but independent draws with odds ~ w^2 given their number [D]

Equal parameters: k nodes with their p outputs are k (N + p) numbers, e edges a unit H (e + p).
Refits: the outputs of lost units by regression on the kept ones (:func:`fused_outputs`); the
weights of lost edges by regression of the unit's input on the kept inputs
(:func:`reweighted_edges`), which for white inputs changes nothing.
"""

from __future__ import annotations

import warnings
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pruneproof import theory
from pruneproof.theory.arrays import as_count, as_generator, as_real

Floats = NDArray[np.float64]
NodeRule = Literal["random", "importance", "dpp"]
EdgeRule = Literal["random", "bernoulli", "importance", "dpp"]


def keep_nodes(
    rule: NodeRule, rows: Any, outputs: Any, count: int, *, kernel: Any = None, rng: Any = None
) -> NDArray[np.int64]:
    """Kept units of a hidden layer, (count,), ascending.

    Parameters
    ----------
    rule : {"random", "importance", "dpp"}
    rows : (H, N) array
    outputs : (H,) or (p, H) array
    count : int
        k, from 1 to H.
    kernel : (H, H) array, or Spectrum with eigenvectors, optional
        L of the rule "dpp"; rows @ rows.T if not given, which is N times the expected Gram matrix
        of the pre-activations for white inputs.
    rng : seed or numpy.random.Generator

    Raises
    ------
    ValueError
        Another rule, shapes that do not fit, a count out of range; for "dpp" one above the rank.
    """
    w, v = _layer(rows, outputs)
    k, generator = as_count("count", count, most=len(w)), as_generator(rng)
    if rule == "random":
        kept = generator.choice(len(w), k, replace=False)
    elif rule == "importance":
        kept = np.argsort(-np.abs(v).mean(axis=0), kind="stable")[:k]
    elif rule == "dpp":
        drawn = theory.sample_dpp(w @ w.T if kernel is None else kernel, k, rng=generator)
        kept = np.asarray(drawn[0])
    else:
        raise ValueError(f"a node rule is one of random, importance, dpp, but not {rule!r}")
    return np.sort(kept).astype(np.int64)


def keep_edges(
    rule: EdgeRule, rows: Any, count: int, *, moment: Any = None, rng: Any = None
) -> NDArray[np.bool_]:
    """Mask (H, N) of the kept edges, `count` a unit ("bernoulli": on average).

    Parameters
    ----------
    rule : {"random", "bernoulli", "importance", "dpp"}
    rows : (H, N) array
    count : int
        e, from 0 to N.
    moment : (N, N) array, optional
        Second moment of the inputs, which only "dpp" reads; white if not given.
    rng : seed or numpy.random.Generator

    Raises
    ------
    ValueError
        Another rule, a count out of range; for "dpp" one above the rank of a unit's kernel.
    """
    w = np.asarray(as_real("rows", rows, ndim=2))
    e, generator = as_count("count", count, least=0, most=w.shape[1]), as_generator(rng)
    if rule == "bernoulli":
        return np.asarray(generator.random(w.shape) * w.shape[1] < e)
    if rule == "random":
        score = generator.random(w.shape)
    elif rule == "importance":
        score = -np.abs(w)
    elif rule == "dpp":
        return _repelling_edges(w, e, moment, generator)
    else:
        raise ValueError(
            f"an edge rule is one of random, bernoulli, importance, dpp, but not {rule!r}"
        )
    return _mask(w.shape, np.argsort(score, axis=1, kind="stable")[:, :e])


def _repelling_edges(
    w: Floats, count: int, moment: Any, rng: np.random.Generator
) -> NDArray[np.bool_]:
    kept = np.zeros((len(w), count), dtype=np.int64)
    if count == 0:
        return _mask(w.shape, kept)
    sigma = None if moment is None else np.asarray(as_real("moment", moment, ndim=2))
    for unit, (row, places) in enumerate(zip(w, kept)):
        if sigma is not None:
            places[:] = theory.sample_dpp(row[:, None] * sigma * row, count, rng=rng)[0]
        else:
            places[:] = _conditional_bernoulli(row * row, count, rng, unit)
    return _mask(w.shape, kept)


def _conditional_bernoulli(
    odds: Floats, count: int, rng: np.random.Generator, unit: int
) -> NDArray[np.int64]:
    """`count` of independent draws of these odds, given their number: a diagonal kernel's k-DPP.

    It is the first half of a k-DPP's draw, that of the eigenvectors, which here are the edges.
    """
    from pruneproof.theory.kernels.kdpp_numba import draw_eigenvectors

    present = np.flatnonzero(odds)
    if present.size < count:
        raise ValueError(
            f"unit {unit} has {present.size} inputs of weight other than 0, so that no draw of "
            f"{count} has a probability; ask for at most {present.size}"
        )
    drawn, _ = draw_eigenvectors(odds[present], count, rng.random(present.size))
    return np.asarray(present[drawn])


def fused_outputs(outputs: Any, gram: Any, kept: Any) -> Floats:
    """Outputs of the kept units with the lost ones' regression folded in, (k,) or (p, k).

    Z A_J with A_J = G_FJ G_JJ^+ of ``theory.reconstruction``: the network's own output in least
    squares; Divnet's fusion where `gram` is the activations' moment, no intercept.

    Parameters
    ----------
    outputs : (H,) or (p, H) array
    gram : (H, H) array
        G = E g(h) g(h)^T; with that of the pre-activations this is the fusion of arXiv 2006.16617's
        experiments on committee machines, not the best one.
    kept : (k,) distinct units

    Raises
    ------
    ValueError
        Shapes that do not fit, no second-moment matrix, units out of range or repeated.
    """
    v = np.asarray(as_real("outputs", outputs))
    return np.asarray(v @ theory.reconstruction(gram, kept))


def reweighted_edges(rows: Any, mask: Any, moment: Any) -> Floats:
    """Rows whose kept weights stand in for the lost ones in least squares, (H, N).

    w_J + w_D A_J a unit, J its kept inputs, D the lost ones and A_J = Sigma_DJ Sigma_JJ^+ that of
    ``theory.reconstruction``; 0 elsewhere.

    Parameters
    ----------
    rows : (H, N) array
    mask : (H, N) truth values
        Kept edges; a unit that keeps none becomes 0.
    moment : (N, N) array
        Second moment of the inputs; of white ones the identity, and then nothing changes.

    Raises
    ------
    ValueError
        Shapes that do not fit, or no second-moment matrix.
    """
    w = np.asarray(as_real("rows", rows, ndim=2))
    chosen, sigma = np.asarray(mask, dtype=bool), np.asarray(theory.as_covariance(moment))
    if chosen.shape != w.shape or sigma.shape != (w.shape[1],) * 2:
        raise ValueError(
            f"rows of shape {w.shape} need a mask of that shape and a moment of shape "
            f"{(w.shape[1],) * 2}, not {chosen.shape} and {sigma.shape}"
        )
    found = np.zeros_like(w)
    with warnings.catch_warnings():
        # an input that never varies gets the weight 0, the least, and that is meant
        warnings.simplefilter("ignore", theory.RankDeficientWarning)
        for row, keep, new in zip(w, chosen, found):
            if keep.any():
                new[keep] = row @ np.asarray(theory.reconstruction(sigma, np.flatnonzero(keep)))
    return found


def equal_edges(nodes: int, hidden: int, inputs: int, *, readers: int = 1) -> int:
    """Edges a unit that are as many parameters as `nodes` units, halves rounded up.

    (k (N + p) - H p)/H, so that the two counts are within H/2 parameters of each other. Of 6 units
    with 500 inputs, 1 to 5 nodes are 83, 166, 250, 333, 417 edges.

    Raises
    ------
    ValueError
        More nodes than units; or so few that the outputs alone are more parameters.
    """
    k = as_count("nodes", nodes, most=as_count("hidden", hidden))
    spare = k * (inputs + readers) - hidden * readers
    if spare < 0:
        raise ValueError(
            f"{k} nodes are {k * (inputs + readers)} parameters, fewer than the {hidden * readers} "
            "output weights that every edge rule keeps; keep more nodes"
        )
    return min((2 * spare + hidden) // (2 * hidden), inputs)


def unit_rows(rows: Any) -> Floats:
    """Rows divided by their norms, outputs left alone, as arXiv 2006.16617 prepares a student."""
    w = np.asarray(as_real("rows", rows, ndim=2))
    norms = np.linalg.norm(w, axis=1, keepdims=True)
    return np.asarray(np.divide(w, norms, out=np.zeros_like(w), where=norms > 0))


def _layer(rows: Any, outputs: Any) -> tuple[Floats, Floats]:
    w = np.asarray(as_real("rows", rows, ndim=2))
    v = np.atleast_2d(np.asarray(as_real("outputs", outputs)))
    if v.ndim != 2 or v.shape[1] != len(w):
        raise ValueError(
            f"a layer of {len(w)} units needs outputs of shape ({len(w)},) or (p, {len(w)}), not "
            f"{np.shape(outputs)}"
        )
    return w, v


def _mask(shape: tuple[int, ...], kept: NDArray[np.int64]) -> NDArray[np.bool_]:
    found = np.zeros(shape, dtype=bool)
    np.put_along_axis(found, kept, True, axis=1)
    return found
