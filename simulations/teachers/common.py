r"""What every teacher shares: a sample, a risk, a word on feasibility, and the gates of arguments.

A teacher is a law of inputs x in R^d, features phi(x) in R^m with a controlled second moment, and
targets y = <weights, phi(x)> + noise. The risk of a student f is R(f) = E (f(x) - <weights,
phi(x)>)^2, without the noise, whose variance adds to it. This module may import theory and NumPy
only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pruneproof.theory import Spectrum
from pruneproof.theory.arrays import as_count, as_generator, as_real, as_ridge

Floats = NDArray[np.float64]

#: Numbers held at a time by Monte Carlo: 128 MB of float64.
_CHUNK = 2**24


@dataclass(frozen=True, eq=False)
class Sample:
    """Samples of a teacher: inputs (n, d), features (n, m), targets (n,)."""

    inputs: Floats
    features: Floats
    targets: Floats


@dataclass(frozen=True)
class Risk:
    """Risk of a student: `value`, with the standard `error` of Monte Carlo, 0 where it is exact."""

    value: float
    error: float


@dataclass(frozen=True, eq=False)
class Feasibility:
    """Whether the prescribed spectrum was met.

    Attributes
    ----------
    met : bool
        The achieved second moment is `scale` times the prescribed one, up to rounding.
    sentence : str
        What was done, in words.
    scale : float
        Factor on the prescribed second moment.
    achieved : Spectrum
        Exact spectrum of the teacher as it is.
    """

    met: bool
    sentence: str
    scale: float
    achieved: Spectrum


class Teacher(Protocol):
    """Methods that every teacher has."""

    def inputs(self, n: int, *, rng: Any) -> Floats:
        """Inputs (n, d)."""

    def features(self, inputs: Any) -> Floats:
        """Features (n, m) of inputs."""

    def targets(self, inputs: Any, *, rng: Any = None) -> Floats:
        """Targets (n,) of inputs; noisy only if there is noise and `rng` is given."""


def drawn(teacher: Teacher, n: int, rng: Any) -> Sample:
    """n samples of a teacher, inputs and noise from one stream."""
    rng = as_generator(rng)
    x = teacher.inputs(as_count("n", n), rng=rng)
    return Sample(x, teacher.features(x), teacher.targets(x, rng=rng))


def noisy(clean: Floats, noise: float, rng: Any) -> Floats:
    """Targets with Gaussian noise of standard deviation `noise`, if there is any and an `rng`."""
    if rng is None or noise == 0.0:
        return clean
    return clean + noise * as_generator(rng).standard_normal(clean.shape)


def predictions(student: Any, inputs: Floats) -> Floats:
    """Outputs (n,) of a student, which has `.forward(inputs)` or is called.

    Raises
    ------
    TypeError
        Neither.
    ValueError
        Outputs that are not one finite number an input.
    """
    forward: Callable[[Floats], Any] = getattr(student, "forward", student)
    if not callable(forward):
        raise TypeError(
            f"a student needs .forward(inputs) or to be called, but a {type(student).__name__} "
            "has neither"
        )
    y = as_real("predictions of the student", forward(inputs))
    if y.shape not in ((len(inputs),), (len(inputs), 1)):
        raise ValueError(
            f"a student must give one number an input, but gave shape {y.shape} for {len(inputs)} "
            "inputs"
        )
    return np.asarray(y).reshape(-1)


def mean_risk(teacher: Teacher, student: Any, points: Floats) -> Risk:
    """Exact risk where x is uniform on the rows of `points`: a finite sum."""
    errors = predictions(student, points) - teacher.targets(points)
    return Risk(math.fsum((errors**2).tolist()) / len(points), 0.0)


def monte_carlo_risk(teacher: Teacher, student: Any, draws: int, rng: Any) -> Risk:
    """Mean squared error over `draws` fresh inputs, with its standard error."""
    rng, n = as_generator(rng), as_count("draws", draws, least=2)
    pieces, done = [], 0
    chunk = max(1, _CHUNK // teacher.inputs(1, rng=np.random.default_rng(0)).shape[1])
    while done < n:
        x = teacher.inputs(min(chunk, n - done), rng=rng)
        pieces.append((predictions(student, x) - teacher.targets(x)) ** 2)
        done += len(x)
    squares = np.concatenate(pieces)
    return Risk(float(np.mean(squares)), float(np.std(squares, ddof=1) / math.sqrt(n)))


def as_eigenvalues(eigenvalues: Any) -> Floats:
    """Prescribed spectrum, (m,): finite, at least 0, descending.

    Raises
    ------
    ValueError
        Otherwise.
    """
    return np.array(Spectrum(as_real("eigenvalues", eigenvalues, ndim=1)).eigenvalues)


def as_weights(weights: Any, m: int) -> Floats:
    """Weights of the target on the features, (m,); all 1 if none are given.

    Raises
    ------
    ValueError
        Another length.
    """
    if weights is None:
        return np.ones(m)
    w = np.array(as_real("weights", weights, ndim=1))
    if len(w) != m:
        raise ValueError(f"weights must have {m} entries, one a node, but have {len(w)}")
    return w


def as_rotation(rotation: Any, m: int) -> Floats:
    """Orthogonal (m, m) matrix whose columns are the eigenvectors; the identity if none is given.

    Raises
    ------
    ValueError
        Another shape, or Q^T Q off the identity by more than 1e-12.
    """
    if rotation is None:
        return np.eye(m)
    q = np.array(as_real("rotation", rotation, ndim=2))
    if q.shape != (m, m):
        raise ValueError(f"rotation must have shape ({m}, {m}), but has {q.shape}")
    fault = float(np.max(np.abs(q.T @ q - np.eye(m))))
    if fault > 1e-12:
        raise ValueError(
            f"rotation must be orthogonal, but Q^T Q is off the identity by {fault:.3g}; give "
            "haar_rotation(m, rng=...) or the Q of numpy.linalg.qr"
        )
    return q


def as_noise(noise: Any) -> float:
    """Standard deviation of the targets' noise, at least 0."""
    return as_ridge(noise, name="noise")


def as_points(inputs: Any, d: int) -> Floats:
    """Inputs (n, d).

    Raises
    ------
    ValueError
        Another shape.
    """
    x = np.asarray(as_real("inputs", inputs, ndim=2))
    if x.shape[1] != d:
        raise ValueError(f"this teacher's inputs have {d} columns, but these have {x.shape[1]}")
    return x


def haar_rotation(m: int, *, rng: Any) -> Floats:
    """Orthogonal matrix drawn evenly: Q of a Gaussian matrix, R's diagonal made positive.

    Source: Mezzadri, math-ph/0609050 (the signs matter).
    """
    m = as_count("m", m)
    q, r = np.linalg.qr(as_generator(rng).standard_normal((m, m)))
    return np.asarray(q * np.sign(np.diagonal(r)))
