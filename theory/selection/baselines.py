r"""Baselines with no theorem behind them: nodes by the size of their weights, or at random.

They keep nodes without looking at Sigma; the reconstruction of the others is the same as for
every selector, so a comparison is one of the choice of J alone.
"""

from __future__ import annotations

from typing import Any

from ..arrays import Array, as_count, as_generator, as_real, as_width, namespace
from .selection import Selection

_NONE = "None: no statement bounds the loss of nodes chosen {how}."


def select_magnitude(layer: Any, width: int, *, reader_weight: Any = None) -> Selection:
    r"""The k nodes of largest score ||W_j||_2, times ||V_j||_2 where the readers are given.

    W_j are the weights that write node j (its bias is not counted), V_j those that read it.

    Parameters
    ----------
    layer : Dense, Conv2d, or (m, ...) array
        The layer that writes the nodes, or its weight: output nodes (channels) along axis 0. A
        1-D array is taken as the norms ||W_j|| themselves.
    width : int
        k, from 1 to m.
    reader_weight : (p, m) or (p, m, kh, kw) array, or layer, optional
        The weight that reads the nodes: they lie along axis 1.

    Returns
    -------
    Selection
        `kept` by falling score, the first of equals first; `ridge` 0.

    Raises
    ------
    ValueError
        A weight that is empty, not real or not finite; widths that do not fit.
    """
    weight = as_real("layer", getattr(layer, "weight", layer))
    xp = namespace(weight)
    m = weight.shape[0]
    k = as_width(width, m)
    scores = _row_norms(weight)
    if reader_weight is not None:
        reader = as_real("reader_weight", getattr(reader_weight, "weight", reader_weight))
        if reader.ndim < 2 or reader.shape[1] != m:
            raise ValueError(
                f"reader_weight must have {m} nodes along axis 1, but has shape {reader.shape}"
            )
        axes = (1, 0, *range(2, reader.ndim))
        scores = scores * _row_norms(xp.permute_dims(xp.asarray(reader), axes))
    kept = xp.argsort(-scores, stable=True)[:k]
    return Selection(
        kept,
        xp.zeros(k, dtype=xp.float64),
        "magnitude",
        _NONE.format(how="by the size of their weights"),
    )


def select_random(m: int, width: int, *, rng: Any) -> Selection:
    """k of m nodes, every set of k equally likely; NumPy arrays, ridge 0.

    Raises
    ------
    ValueError
        m or the width is not a whole number, or the width lies outside 1..m.
    """
    m = as_count("m", m)
    k = as_width(width, m)
    kept = as_generator(rng).choice(m, size=k, replace=False)
    xp = namespace(kept)
    return Selection(kept, xp.zeros(k, dtype=xp.float64), "random", _NONE.format(how="at random"))


def _row_norms(weight: Array) -> Array:
    """Euclidean norm of every slice along axis 0."""
    xp = namespace(weight)
    return xp.linalg.vector_norm(xp.reshape(weight, (weight.shape[0], -1)), axis=1)
