r"""Finite-population oracle in exact rationals.

As :mod:`.finite`, with sqrt(mu_j) rational and the rotation by Cayley's map of a rational skew
matrix A, Q = (I - A)(I + A)^{-1}, which is rational and orthogonal. Features, second moment and the
risk of a student that computes in rationals are then exact, with no rounding at all. For small
sizes: the table has 2^p m fractions. Derived [D]. This module may import theory and NumPy only.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from pruneproof.theory import Spectrum
from pruneproof.theory.arrays import as_count, as_generator

from .common import Feasibility, Floats, Risk, Sample, as_noise
from .finite import FinitePopulation, bits_for, corners, walsh
from .moments import PopulationMoment

#: NumPy array of Fractions, which adds and multiplies them exactly.
Fractions = Any


@dataclass(frozen=True, eq=False)
class RationalPopulation:
    r"""Inputs uniform on {-1, 1}^p, features Q (r_j chi_j(x)) with rational r_j = sqrt(mu_j) and Q.

    Attributes
    ----------
    roots : (m,) sequence of rationals
        sqrt(mu_j), descending, at least 0; floats are the binary fractions that they stand for.
    skew : (m, m) rows of rationals, optional
        A with A^T = -A; 0, that is no rotation, if not given.
    weights : (m,) sequence of rationals, optional
        Of the target; all 1 if not given.
    noise : float
        Standard deviation of the targets' noise.
    centered : bool
        Whether the constant function is left out, so that E phi = 0.

    Raises
    ------
    ValueError
        Roots that do not descend to 0 or above, a matrix that is not skew, other lengths.
    """

    roots: Sequence[Any]
    skew: Any = None
    weights: Any = None
    noise: float = 0.0
    centered: bool = True

    def __post_init__(self) -> None:
        roots = as_fractions("roots", self.roots, 1)
        m = len(roots)
        if m == 0 or roots[-1] < 0 or any(a < b for a, b in itertools.pairwise(roots)):
            raise ValueError("roots must be at least one, and descend to 0 or above; sort them")
        skew = as_fractions("skew", np.zeros((m, m), int) if self.skew is None else self.skew, 2)
        if skew.shape != (m, m) or np.any(skew != -skew.T):
            raise ValueError(
                f"skew must be a ({m}, {m}) matrix with A^T = -A, but has shape {skew.shape}"
            )
        weights = as_fractions("weights", [1] * m if self.weights is None else self.weights, 1)
        if len(weights) != m:
            raise ValueError(f"weights must have {m} entries, one a node, but have {len(weights)}")
        for name, value in (("roots", roots), ("skew", skew), ("weights", weights)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "noise", as_noise(self.noise))

    @property
    def eigenvalues(self) -> Fractions:
        """mu_j = r_j^2, (m,)."""
        return np.asarray(self.roots) ** 2

    @functools.cached_property
    def rotation(self) -> Fractions:
        """Q = (I - A)(I + A)^{-1}, (m, m)."""
        return cayley(self.skew)

    @functools.cached_property
    def points(self) -> Fractions:
        """All inputs as fractions, (2^p, p)."""
        return as_fractions("points", corners(bits_for(len(self.roots), self.centered)), 2)

    @functools.cached_property
    def table(self) -> Fractions:
        """Exact features of all inputs, (2^p, m)."""
        m = len(self.roots)
        chi = walsh(bits_for(m, self.centered), m, self.centered)
        return (as_fractions("chi", chi, 2) * self.roots) @ self.rotation.T

    def exact_moment(self) -> Fractions:
        """E phi phi^T, (m, m), summed over all inputs."""
        return self.table.T @ self.table / len(self.table)

    def exact_risk(self, student: Callable[[Fractions], Any]) -> Fraction:
        """E (f(x) - <weights, phi(x)>)^2 as a fraction.

        Parameters
        ----------
        student : callable
            From all inputs, a (2^p, p) array of Fractions, to 2^p rationals; floats count as the
            binary fractions that they are.

        Raises
        ------
        ValueError
            Another number of outputs, or outputs that are no numbers.
        """
        y = as_fractions("predictions of the student", student(self.points), 1)
        if len(y) != len(self.points):
            raise ValueError(f"a student must give {len(self.points)} numbers, but gave {len(y)}")
        gaps = y - self.table @ np.asarray(self.weights)
        return Fraction(np.sum(gaps * gaps)) / len(gaps)

    @functools.cached_property
    def as_floats(self) -> FinitePopulation:
        """The same teacher rounded to float64."""
        return FinitePopulation(
            self.eigenvalues.astype(float),
            self.rotation.astype(float),
            np.asarray(self.weights).astype(float),
            self.noise,
            self.centered,
        )

    def inputs(self, n: int, *, rng: Any) -> Floats:
        """Inputs (n, p) drawn evenly, with repeats."""
        return self.as_floats.inputs(n, rng=rng)

    def features(self, inputs: Any) -> Floats:
        """Features (n, m) in float64."""
        return self.as_floats.features(inputs)

    def targets(self, inputs: Any, *, rng: Any = None) -> Floats:
        """Targets (n,) in float64, noisy if there is noise and `rng` is given."""
        return self.as_floats.targets(inputs, rng=rng)

    def sample(self, n: int, *, rng: Any) -> Sample:
        """n independent samples in float64."""
        return self.as_floats.sample(n, rng=rng)

    def second_moment(self) -> PopulationMoment:
        """:meth:`exact_moment` rounded once, with its spectrum."""
        return PopulationMoment(self.exact_moment().astype(float), self.spectrum())

    def spectrum(self) -> Spectrum:
        """Exact eigenvalues and eigenvectors, each rounded once."""
        return Spectrum(self.eigenvalues.astype(float), self.rotation.astype(float))

    @property
    def feasibility(self) -> Feasibility:
        """Met exactly for every spectrum of rational roots."""
        sentence = "Walsh functions are orthonormal under the mean: met with no rounding"
        return Feasibility(True, sentence, 1.0, self.spectrum())

    def risk(self, student: Any) -> Risk:
        """Risk of a student that computes in float64, summed over all inputs."""
        return self.as_floats.risk(student)


def random_skew(m: int, *, rng: Any, numerator: int = 2, denominator: int = 3) -> Fractions:
    """Skew (m, m) matrix of fractions i/denominator, |i| <= numerator, drawn evenly."""
    rng, m = as_generator(rng), as_count("m", m)
    size = as_count("numerator", numerator)
    upper = np.triu(rng.integers(-size, size + 1, (m, m)), 1)
    skew = as_fractions("skew", upper - upper.T, 2)
    return skew / Fraction(as_count("denominator", denominator))


def cayley(skew: Fractions) -> Fractions:
    """(I - A)(I + A)^{-1} of a skew A by exact elimination; I + A is never singular.

    I + A and I - A commute, so this is the solution Q of (I + A) Q = I - A.
    """
    m = len(skew)
    eye = as_fractions("identity", np.eye(m, dtype=int), 2)
    rows = np.concatenate([eye + skew, eye - skew], axis=1)
    for c in range(m):
        # every leading block of I + A has a positive determinant, so no pivot is 0
        rows[c] = rows[c] / rows[c, c]
        for r in range(m):
            if r != c and rows[r, c]:
                rows[r] = rows[r] - rows[r, c] * rows[c]
    return rows[:, m:]


def as_fractions(name: str, values: Any, ndim: int) -> Fractions:
    """Array of Fractions with `ndim` axes; floats are the binary fractions that they stand for.

    Raises
    ------
    ValueError
        Something that is no finite number, or another number of axes.
    """
    raw = np.array(values, dtype=object)
    if raw.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} axes, but has shape {raw.shape}")
    out = np.empty(raw.shape, dtype=object)
    for place, value in np.ndenumerate(raw):
        try:
            out[place] = Fraction(value.item() if hasattr(value, "item") else value)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"{name} must be rational numbers, but one is {value!r}") from None
    return out
