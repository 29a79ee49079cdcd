"""Rational oracle: orthogonal rotations, moments and risks equal as fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruneproof.simulations.teachers import RationalPopulation, random_skew
from pruneproof.simulations.teachers.rational import as_fractions, cayley

ROOTS = [Fraction(1), Fraction(2, 3), Fraction(1, 2), Fraction(1, 7), Fraction(0)]


@given(m=st.integers(1, 6), seed=st.integers(0, 200))
def test_cayley_is_a_rational_rotation(m: int, seed: int) -> None:
    skew = random_skew(m, rng=seed)
    q = cayley(skew)
    assert np.array_equal(q.T @ q, np.eye(m, dtype=int))
    eye = np.eye(m, dtype=int)
    assert np.array_equal(q @ (eye + skew), eye - skew)


@pytest.mark.parametrize("centered", [True, False])
def test_moment_and_risk_are_the_prescribed_fractions(centered: bool) -> None:
    weights = [Fraction(k, 5) for k in range(5)]
    teacher = RationalPopulation(ROOTS, random_skew(5, rng=3), weights, centered=centered)
    q = teacher.rotation
    sigma = (q * as_fractions("mu", [r * r for r in ROOTS], 1)) @ q.T
    assert np.array_equal(teacher.exact_moment(), sigma)
    if centered:
        assert not np.any(np.sum(teacher.table, axis=0))
    w = as_fractions("w", [1, 0, -1, 2, Fraction(1, 3)], 1)
    gap = w - as_fractions("weights", weights, 1)
    risk = teacher.exact_risk(lambda x: teacher.table @ w)
    assert isinstance(risk, Fraction)
    assert risk == gap @ sigma @ gap
    assert teacher.exact_risk(lambda x: teacher.table @ as_fractions("w", weights, 1)) == 0


def test_a_relu_student_in_fractions_and_in_floats() -> None:
    teacher = RationalPopulation(ROOTS, random_skew(5, rng=1))

    def student(x):
        total = np.sum(x, axis=1)
        return total * (total > 0)

    exact = teacher.exact_risk(student)
    rounded = teacher.risk(student)
    # sums of eight squares of size at most 20, features within a few eps
    assert rounded.value == pytest.approx(float(exact), rel=1e-13, abs=0)
    assert rounded.error == 0.0
    assert exact.denominator > 1


def test_floats_are_the_same_teacher() -> None:
    teacher = RationalPopulation(ROOTS, random_skew(5, rng=2), noise=0.1)
    assert np.max(np.abs(teacher.as_floats.table - teacher.table.astype(float))) <= 1e-14
    assert teacher.spectrum().eigenvalues.tolist() == [float(r * r) for r in ROOTS]
    sigma = teacher.second_moment().matrix
    assert np.max(np.abs(sigma - teacher.as_floats.second_moment().matrix)) <= 1e-15
    sample = teacher.sample(10, rng=0)
    assert np.array_equal(sample.features, teacher.features(sample.inputs))
    assert teacher.feasibility.met


def test_refusals() -> None:
    with pytest.raises(ValueError, match="roots must be at least one, and descend"):
        RationalPopulation([1, 2])
    with pytest.raises(ValueError, match=r"A\^T = -A"):
        RationalPopulation([1, 1], [[0, 1], [1, 0]])
    with pytest.raises(ValueError, match="weights must have 2 entries"):
        RationalPopulation([1, 1], None, [1])
    with pytest.raises(ValueError, match="must be rational numbers, but one is nan"):
        RationalPopulation([1, 1], None, [1, float("nan")])
    with pytest.raises(ValueError, match="must give 2 numbers, but gave 1"):
        RationalPopulation([1]).exact_risk(lambda x: [0])
