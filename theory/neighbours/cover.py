r"""Covers of the inputs by training points, and what they certify (statement K7).

f: R^D -> R^K with Lipschitz constant Lip in the 2-norm, prediction argmax f, training margins

    g_i = f_{y_i}(x_i) - max_{j != y_i} f_j(x_i).

A point x of the label y_i within ||x - x_i|| < g_i/(sqrt 2 Lip) is classified rightly, as a
difference of two outputs has the Lipschitz constant sqrt 2 Lip. With dist the distance to the
nearest training point of one's own label (inf if there is none) and h(r) = P(dist <= r),

    int_0^R (1 - h) dr = E min(dist, R),      error <= E min(dist, R)/delta
    for 0 < delta <= min(R, min_i g_i/(sqrt 2 Lip)), all training points being classified rightly.

Cover complexity (Jin, Lu, Tang and Karniadakis, arXiv 1905.11427 [recalled]) is CC = (1 - TC)/CD
with the total cover TC = int_0^1 h dr and the cover difference CD = SC - MC of the means over
classes covered by their own and by other classes' training points. That the error is of order
sqrt(K) CC is an observation, not a bound. This module may import NumPy, and SciPy's distances
inside functions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import as_real, as_ridge, to_numpy
from ..errors import InapplicableError
from .harmonics import Floats


def classification_margins(outputs: Any, labels: Any) -> Floats:
    """Margins f_y(x) - max_{j != y} f_j(x), (n,); negative where the prediction is wrong.

    Parameters
    ----------
    outputs : (n, K) array
        K >= 2.
    labels : (n,) whole numbers from 0 to K-1

    Raises
    ------
    ValueError
        One output only, labels that are not whole, not as many, or out of range.
    """
    f = to_numpy(as_real("outputs", outputs, ndim=2))
    y = _labels("labels", labels, len(f))
    if f.shape[1] < 2:
        raise ValueError("a margin needs at least two outputs, but there is one")
    if np.min(y) < 0 or np.max(y) >= f.shape[1]:
        raise ValueError(f"labels go from {np.min(y)} to {np.max(y)}, outputs are {f.shape[1]}")
    rows = np.arange(len(f))
    others = f.copy()
    others[rows, y] = -np.inf
    return np.asarray(f[rows, y] - np.max(others, axis=1))


def certified_radii(margins: Any, lipschitz: float) -> Floats:
    """Radii max(g_i, 0)/(sqrt 2 Lip) within which points of the same label are classified rightly.

    Parameters
    ----------
    margins : (n,) array
        g_i of the training points; radius 0, nothing, where it is not above 0.
    lipschitz : float
        Lip > 0 of x -> f(x), 2-norm to 2-norm.

    Raises
    ------
    ValueError
        A Lipschitz constant not above 0.
    """
    g = to_numpy(as_real("margins", margins, ndim=1))
    lip = as_ridge(lipschitz, name="lipschitz", positive=True)
    return np.asarray(np.maximum(g, 0.0) / (math.sqrt(2.0) * lip))


def certified_points(points: Any, labels: Any, train: Any, train_labels: Any, radii: Any) -> Any:
    """Which points lie strictly within the radius of a training point of their label, (n,) of bool.

    Those are classified rightly, so the accuracy is at least their share (statement K7).

    Parameters
    ----------
    points : (n, D) array
    labels : (n,) whole numbers
    train : (N, D) array
    train_labels, radii : (N,)
        Of :func:`certified_radii`.

    Raises
    ------
    ValueError
        Shapes that do not fit.
    """
    x, y, centres, theirs = _sample(points, labels, train, train_labels)
    r = to_numpy(as_real("radii", radii, ndim=1))
    if len(r) != len(centres):
        raise ValueError(f"radii has {len(r)} entries, but there are {len(centres)} centres")
    within = np.zeros(len(x), dtype=bool)
    for label in np.unique(y):
        mine, own = y == label, theirs == label
        within[mine] = np.any(_distances(x[mine], centres[own]) < r[own], axis=1)
    return within


def label_distances(points: Any, labels: Any, train: Any, train_labels: Any) -> Floats:
    """Distance of each point to the nearest training point of its label, inf if there is none.

    Parameters and errors as :func:`certified_points`.
    """
    x, y, centres, theirs = _sample(points, labels, train, train_labels)
    found = np.full(len(x), np.inf)
    for label in np.unique(y):
        mine, own = y == label, theirs == label
        if np.any(own):
            found[mine] = np.min(_distances(x[mine], centres[own]), axis=1)
    return found


def cover_error_bound(distances: Any, delta: float, *, cap: float, least_radius: float) -> float:
    """Bound E min(dist, R)/delta on the error, at most 1 where it says anything (statement K7).

    Parameters
    ----------
    distances : (n,) array
        Of :func:`label_distances`; entries may be inf.
    delta : float
        0 < delta <= min(R, least certified radius).
    cap : float
        R > 0.
    least_radius : float
        min_i g_i/(sqrt 2 Lip) > 0: all training points are classified rightly.

    Raises
    ------
    InapplicableError
        A delta above min(R, least radius).
    ValueError
        Figures not above 0, distances that are negative or NaN.
    """
    level, top = as_ridge(delta, name="delta", positive=True), as_ridge(cap, name="cap")
    allowed = min(top, as_ridge(least_radius, name="least_radius"))
    if level > allowed:
        raise InapplicableError(
            f"delta must be at most the cap and every certified radius, {allowed:g}, but is "
            f"{level:g}; lower it, or leave out training points of small margin"
        )
    return float(np.mean(np.minimum(_lengths(distances), top))) / level


def total_cover(distances: Any, cap: float = 1.0) -> float:
    """Total cover int_0^R h(r) dr = R - E min(dist, R), h(r) = P(dist <= r) (statement K7).

    Parameters
    ----------
    distances : (n,) array
        Entries may be inf.
    cap : float
        R > 0.
    """
    top = as_ridge(cap, name="cap", positive=True)
    return float(np.mean(top - np.minimum(_lengths(distances), top)))


@dataclass(frozen=True)
class CoverComplexity:
    """Covers of a data set: total (TC), by own and by other classes (SC and MC)."""

    total: float
    own: float
    other: float

    @property
    def difference(self) -> float:
        """CD = SC - MC."""
        return self.own - self.other

    @property
    def complexity(self) -> float:
        """CC = (1 - TC)/CD; inf where the classes are not told apart, CD <= 0."""
        return (1.0 - self.total) / self.difference if self.difference > 0.0 else math.inf


def cover_complexity(points: Any, labels: Any, train: Any, train_labels: Any) -> CoverComplexity:
    """Cover complexity of a data set whose inputs lie in a set of diameter about 1 [recalled].

    Radii are integrated from 0 to 1. SC is the mean over classes of the cover of their points by
    their own training points, MC the mean over ordered pairs of classes of that by the other's.

    Parameters
    ----------
    points, labels, train, train_labels
        As :func:`certified_points`; two classes or more, each with points and training points.

    Raises
    ------
    ValueError
        Shapes that do not fit; fewer than two classes, or one that lacks points.
    """
    x, y, centres, theirs = _sample(points, labels, train, train_labels)
    classes = np.union1d(y, theirs)
    lacking = np.setxor1d(np.unique(y), np.unique(theirs))
    if len(classes) < 2 or len(lacking):
        raise ValueError(
            f"cover complexity needs two classes or more with points and training points, but "
            f"there are {len(classes)}, of which {len(lacking)} lack one or the other"
        )
    cover = np.empty((len(classes), len(classes)))
    for i, label in enumerate(classes):
        for j, by in enumerate(classes):
            nearest = np.min(_distances(x[y == label], centres[theirs == by]), axis=1)
            cover[i, j] = total_cover(nearest)
    own = np.diag(cover)
    pairs = len(classes) * (len(classes) - 1)
    total = total_cover(label_distances(x, y, centres, theirs))
    return CoverComplexity(total, float(np.mean(own)), float(np.sum(cover) - np.sum(own)) / pairs)


def _sample(points: Any, labels: Any, train: Any, train_labels: Any) -> tuple[Any, Any, Any, Any]:
    x = to_numpy(as_real("points", points, ndim=2))
    centres = to_numpy(as_real("train", train, ndim=2))
    if x.shape[1] != centres.shape[1]:
        raise ValueError(
            f"points have {x.shape[1]} columns, train {centres.shape[1]}; give as many"
        )
    return (
        x,
        _labels("labels", labels, len(x)),
        centres,
        _labels("train_labels", train_labels, len(centres)),
    )


def _labels(name: str, labels: Any, n: int) -> Any:
    y = to_numpy(labels)
    if y.shape != (n,) or y.dtype.kind not in "iu":
        raise ValueError(f"{name} must be {n} whole numbers, but is {y.dtype} of shape {y.shape}")
    return y


def _distances(x: Floats, centres: Floats) -> Floats:
    """Distances (n, N), by differences: those of near points keep their digits.

    Scaled by a power of two, so that no square is lost or infinite.
    """
    from scipy.spatial.distance import cdist

    largest = max(float(np.max(np.abs(points), initial=0.0)) for points in (x, centres))
    shift = math.frexp(largest)[1]
    return np.asarray(np.ldexp(cdist(np.ldexp(x, -shift), np.ldexp(centres, -shift)), shift))


def _lengths(distances: Any) -> Floats:
    d = to_numpy(as_real("distances", distances, ndim=1, finite=False))
    if not np.all(d >= 0.0):
        raise ValueError("distances must be at least 0, but some are negative or NaN")
    return np.asarray(d)
