"""Comparisons: what counts as equal, as at most, as below in the semidefinite order."""

import math

import numpy as np
import pytest

from pruneproof.proofs_check.sides import ROUNDING, Sides, at_most, equal, loewner, together


def test_identities_hold_within_rounding_only() -> None:
    tolerance = ROUNDING * 4 * 10.0
    assert equal(1.0, 1.0 + 0.9 * tolerance, scale=10.0, size=4).hold
    assert not equal(1.0, 1.0 + 1.1 * tolerance, scale=10.0, size=4).hold
    assert equal(1.0, 1.5, scale=10.0, size=4).ratio == pytest.approx(0.05)
    matrices = equal(np.eye(2), 2 * np.eye(2), scale=1.0, size=2)
    assert (matrices.lhs, matrices.rhs) == (pytest.approx(math.sqrt(2)), 0.0)
    assert not equal(np.ones((2, 3)), np.ones((3, 2)), scale=1.0, size=2).hold


def test_inequalities_and_their_ratio() -> None:
    assert at_most(1.0, 2.0, scale=1.0, size=1).ratio == pytest.approx(0.5)
    broken = at_most(2.0, 1.0, scale=1.0, size=1)
    assert not broken.hold
    assert broken.ratio == pytest.approx(2.0)
    assert at_most(0.0, 0.0, scale=0.0, size=1).ratio == 0.0
    assert at_most(1.0, -1.0, scale=0.0, size=1).ratio == math.inf


def test_loewner_order_sees_every_direction() -> None:
    upper = np.diag([1.0, 1e-6])
    below = loewner(np.diag([0.5, 0.9e-6]), upper, scale=1.0, size=2)
    assert below.hold
    assert below.ratio == pytest.approx(0.9, rel=1e-6, abs=0)
    above = loewner(np.diag([0.5, 1.1e-6]), upper, scale=1.0, size=2)
    assert not above.hold
    assert above.ratio == pytest.approx(1.1, rel=1e-6, abs=0)


@pytest.mark.parametrize("compare", [equal, at_most])
def test_nan_never_holds(compare: object) -> None:
    for lhs, rhs in ((math.nan, 1.0), (1.0, math.nan)):
        assert not compare(lhs, rhs, scale=1.0, size=1).hold  # type: ignore[operator]


def test_together_shows_a_part_that_fails_else_the_tightest_like_the_first() -> None:
    loose = at_most(1.0, 2.0, scale=1.0, size=1, part="loose")
    tight = at_most(1.9, 2.0, scale=1.0, size=1, part="tight")
    same = equal(1.0, 1.0, scale=1.0, size=1, part="same")
    wrong = equal(1.0, 2.0, scale=1.0, size=1, part="wrong")
    assert together(loose, tight, same).part == "tight"
    assert together(same, loose, tight).part == "same"
    assert together(loose, wrong, tight).part == "wrong"
    assert isinstance(together(loose), Sides)
