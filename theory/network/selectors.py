"""Choosing the nodes of a site by any method of :mod:`pruneproof.theory.selection`, by name.

All methods are asked the same question: k of m nodes, for the mixed loss of the site's second
moment and output weights. What each choice guarantees is in ``Selection.guarantee``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arrays import Array, namespace
from ..selection.selection import Selection
from ..spectrum import Spectrum, fixed_point_ridge

#: Chance that the draws of ``best_of`` miss their guarantee.
BEST_OF_DELTA = 0.05


@dataclass(frozen=True, eq=False)
class Question:
    """One site: k nodes are wanted.

    Attributes
    ----------
    cov : (m, m) array
    spectrum : Spectrum
        Of `cov`, with eigenvectors.
    output_weights : (p, m) array
    width : int
    theta, ridge : float
    weight_norms : (m,) array
        Norm of each node's incoming weights, over all writers.
    rng : numpy Generator
    """

    cov: Array
    spectrum: Spectrum
    output_weights: Array
    width: int
    theta: float
    ridge: float
    weight_norms: Array
    rng: np.random.Generator = field(repr=False)

    @property
    def mixture(self) -> dict[str, Any]:
        """theta and Z as keywords."""
        return {"theta": self.theta, "output_weights": self.output_weights}

    @property
    def ranked_width(self) -> int:
        """Width, at most the rank: more nodes have determinant 0, and rank nodes lose nothing."""
        return max(1, min(self.width, self.spectrum.rank))

    @property
    def sampling_ridge(self) -> float:
        """lam of leverage sampling: the ridge given, else lam_N(k), where N(lam) = k.

        From k = rank on lam_N is 0, and the rounding level of the spectrum stands in for it.
        """
        if self.ridge > 0.0:
            return self.ridge
        return max(fixed_point_ridge(self.spectrum, 0.0, self.width), self.spectrum.noise)

    @property
    def sampling_ridge_source(self) -> str:
        """Where `sampling_ridge` comes from, in words."""
        if self.ridge > 0.0:
            return "as given"
        if self.width < self.spectrum.rank:
            return "lam_N(width), as none was given"
        return "the rounding level, as lam_N(width) is 0 from the rank on"


def selected(method: str, question: Question) -> Selection:
    """Choice of nodes by the named method, with the ridges tau to reconstruct them with.

    tau is the method's own for leverage sampling (lam k q_j / multiplicity), else `ridge` on every
    node. A site that keeps all its nodes asks no method, except leverage sampling, whose k draws
    repeat nodes.
    """
    m = question.cov.shape[0]
    xp = namespace(question.cov)
    if question.width == m and method != "leverage":
        kept = xp.arange(m, dtype=xp.int64)
        guarantee = "all nodes are kept: nothing was chosen"
        return Selection(kept, xp.full(m, question.ridge, dtype=xp.float64), method, guarantee)
    return METHODS[method](question)


def node_ridge(method: str, question: Question, selection: Selection) -> Array:
    """tau of the reconstruction, (k,)."""
    if method == "leverage":
        return selection.ridge
    xp = namespace(question.cov)
    return xp.full(selection.width, question.ridge, dtype=xp.float64)


def as_method(method: str) -> str:
    """Name of a known method, or a sentence that lists the known ones."""
    if not isinstance(method, str) or method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, but is {method!r}")
    return method


def _greedy(q: Question) -> Selection:
    from ..selection.greedy import select_greedy

    return select_greedy(q.cov, q.width, ridge=q.ridge, **q.mixture)


def _backward(q: Question) -> Selection:
    from ..selection.removal import select_backward

    return select_backward(q.cov, q.width, ridge=q.ridge, **q.mixture)


def _exchange(q: Question) -> Selection:
    from ..selection.exchange import select_exchange

    return select_exchange(q.cov, q.width, ridge=q.ridge, **q.mixture)


def _leverage(q: Question) -> Selection:
    from ..selection.leverage import select_leverage

    return select_leverage(q.cov, q.width, q.sampling_ridge, rng=q.rng)


def _volume(q: Question) -> Selection:
    from ..selection.volume import select_volume

    return select_volume(q.spectrum, q.ranked_width, rng=q.rng)


def _derandomised(q: Question) -> Selection:
    from ..selection.derandomised import select_volume_derandomised

    return select_volume_derandomised(q.cov, q.ranked_width, **q.mixture)


def _best_of(q: Question) -> Selection:
    from ..selection.best_of import select_best_of

    return select_best_of(q.cov, q.ranked_width, delta=BEST_OF_DELTA, rng=q.rng, **q.mixture)


def _magnitude(q: Question) -> Selection:
    from ..selection.baselines import select_magnitude

    return select_magnitude(q.weight_norms, q.width)


def _random(q: Question) -> Selection:
    from ..selection.baselines import select_random

    return select_random(q.cov.shape[0], q.width, rng=q.rng)


#: The methods that :func:`~pruneproof.theory.compress` knows.
METHODS: dict[str, Callable[[Question], Selection]] = {
    "greedy": _greedy,
    "backward": _backward,
    "exchange": _exchange,
    "best_of": _best_of,
    "derandomised": _derandomised,
    "volume": _volume,
    "leverage": _leverage,
    "magnitude": _magnitude,
    "random": _random,
}
