r"""One call for every sparsification of a weight, at a wanted number of non-zeros.

Methods: magnitude (keeps the largest entries, exactly as many), and the unbiased samplers
threshold-poisson, uniform, quantise, l1, l2, hybrid, row-l1 and effective-resistance, whose number
of non-zeros has the wanted mean. Those that draw with replacement draw as often as it takes for
that mean. quantise is dense; for fewer non-zeros its signs are then sampled uniformly.

Beside them `mean_removed`: D - mean(D) 1 1^T in place of D = W - Wh, a rank-one correction which
takes ||D||_F^2 down by (1^T D 1)^2/(mn) and, where small entries share a sign, most of ||D||_2
(S9).

Source: statements B1 to B8, S9, X6 [derived]. This module may import NumPy and theory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array, as_count, as_generator, as_real, namespace, to_numpy
from ..sparsity.top import top_entries
from .probabilities import DISTRIBUTIONS
from .resistance import resistance_distribution
from .samplers import (
    draws_for_nonzeros,
    quantised_sample,
    sample_with_replacement,
    threshold_poisson,
    uniform_sample,
)

Floats = NDArray[np.float64]


def sparsify(weight: Any, nonzeros: int, *, method: str, rng: Any = None) -> Array:
    """Weight with about `nonzeros` non-zeros, by one of SPARSIFIERS.

    Deterministic methods (magnitude) keep exactly `nonzeros` entries, ties by the lower index;
    the samplers do so in expectation (those with replacement to within one draw) and are unbiased.
    From the number of non-zeros of the weight on, all of it is kept (not so by quantise, which
    makes zeros non-zero).

    Parameters
    ----------
    weight : (out, in) or (out, in, kh, kw) array
        A kernel is treated as the matrix (out, in kh kw).
    nonzeros : int
        From 1 to the number of entries.
    method : str
        magnitude, threshold-poisson, uniform, quantise, l1, l2, hybrid, row-l1 or
        effective-resistance.
    rng : Generator, seed or None
        Passed to ``numpy.random.default_rng``; magnitude does not draw.

    Returns
    -------
    array
        In the shape and library of `weight`.

    Raises
    ------
    ValueError
        A weight that is empty, not finite or neither a matrix nor a kernel; `nonzeros` out of
        range; an unknown method.
    InapplicableError
        Drawing with replacement would take over 2^62 draws.

    Notes
    -----
    Statements B1 to B5, B8 [derived].
    """
    if method not in SPARSIFIERS:
        raise ValueError(f"method must be one of {', '.join(SPARSIFIERS)}, but is {method!r}")
    original = as_real("weight", weight)
    if original.ndim not in (2, 4):
        raise ValueError(
            f"weight must have shape (out, in) or (out, in, kh, kw), but has {original.shape}"
        )
    count = as_count("nonzeros", nonzeros, most=int(np.prod(original.shape)))
    w = to_numpy(original).reshape(original.shape[0], -1)
    if method != "quantise" and count >= np.count_nonzero(w):
        found = w.copy()
    elif method == "magnitude":
        found = largest_entries(w, count)
    else:
        found = _SAMPLERS[method](w, count, as_generator(rng))
    return namespace(original).asarray(found.reshape(original.shape))


def largest_entries(weight: Floats, count: int) -> Floats:
    """Exactly `count` largest entries by magnitude, ties by the lower index, the others 0; O(N)."""
    return np.where(largest_places(weight, count), weight, 0.0)


def largest_places(weight: Floats, count: int) -> NDArray[np.bool_]:
    """Where :func:`largest_entries` keeps; `count` from 0 to the number of entries."""
    return np.asarray(top_entries(weight.ravel(), count).reshape(weight.shape))


def removed_mean(weight: Any, sparse: Any) -> float:
    """Mean entry of D = W - Wh, the c of the correction Wh + c 1 1^T.

    Parameters
    ----------
    weight, sparse : arrays of one shape
        W and Wh.

    Raises
    ------
    ValueError
        Shapes that differ, entries that are not finite.

    Notes
    -----
    Statement S9 [derived].
    """
    return float(to_numpy(dropped(weight, sparse)).mean())


def mean_removed(weight: Any, sparse: Any) -> Array:
    """Wh + mean(D) 1 1^T: what is left of D has mean 0. A rank-one term, stored as one number.

    Parameters
    ----------
    weight, sparse : arrays of one shape
        W and Wh.

    Raises
    ------
    ValueError
        Shapes that differ, entries that are not finite.

    Notes
    -----
    Statements S9, X6 [derived].
    """
    return as_real("sparse", sparse) + removed_mean(weight, sparse)


def dropped(weight: Any, sparse: Any) -> Array:
    """D = W - Wh.

    Raises
    ------
    ValueError
        Shapes that differ, entries that are not finite.
    """
    w, wh = as_real("weight", weight), as_real("sparse", sparse)
    if w.shape != wh.shape:
        raise ValueError(f"sparse must have the shape {w.shape} of weight, but has {wh.shape}")
    return w - wh


def _uniform(w: Floats, count: int, rng: np.random.Generator) -> Floats:
    return uniform_sample(w, count / np.count_nonzero(w), rng=rng)


def _quantise(w: Floats, count: int, rng: np.random.Generator) -> Floats:
    return uniform_sample(quantised_sample(w, rng=rng), count / w.size, rng=rng)


def _resistance(w: Floats, count: int, rng: np.random.Generator) -> Floats:
    distribution = resistance_distribution(w)
    draws = draws_for_nonzeros(distribution, count)
    return sample_with_replacement(w, draws, distribution, rng=rng)


def _drawn(name: str) -> Callable[[Floats, int, np.random.Generator], Floats]:
    def sample(w: Floats, count: int, rng: np.random.Generator) -> Floats:
        distribution = DISTRIBUTIONS[name](w, count)
        draws = draws_for_nonzeros(distribution, count)
        return sample_with_replacement(w, draws, distribution, rng=rng)

    return sample


_SAMPLERS: dict[str, Callable[[Floats, int, np.random.Generator], Floats]] = {
    "threshold-poisson": lambda w, count, rng: threshold_poisson(w, count, rng=rng),
    "uniform": _uniform,
    "quantise": _quantise,
    **{name: _drawn(name) for name in DISTRIBUTIONS},
    "effective-resistance": _resistance,
}

#: Methods of :func:`sparsify`.
SPARSIFIERS = ("magnitude", *_SAMPLERS)
