"""Effective resistances against the pseudo-inverse and circuits; Foster's sum; deviations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pruneproof.theory import (
    InapplicableError,
    bipartite_laplacian,
    effective_resistances,
    laplacian_deviation,
    resistance_distribution,
    resistance_draws,
    sample_with_replacement,
)


@settings(max_examples=25)
@given(
    st.integers(1, 6),
    st.integers(1, 6),
    st.floats(0.1, 1.0),
    st.integers(0, 99),
    st.sampled_from([1.0, 1e-150, 1e150]),
)
def test_against_the_pseudo_inverse(
    m: int, n: int, density: float, seed: int, scale: float
) -> None:
    rng = np.random.default_rng(seed)
    w = rng.standard_normal((m, n)) * (rng.random((m, n)) < density)
    w += 0.05 * np.sign(w)  # weights within 1e2: the pseudo-inverse errs by some 1e-12
    found = effective_resistances(w * scale) * scale
    laplacian = bipartite_laplacian(w)
    inverse = np.linalg.pinv(laplacian, rcond=1e-12)
    for i, j in zip(*np.nonzero(w)):
        b = np.zeros(m + n)
        b[i], b[m + j] = 1.0, -1.0
        assert found[i, j] == pytest.approx(b @ inverse @ b, rel=1e-10, abs=0)
    assert (found[w == 0] == 0).all()
    components = m + n - np.linalg.matrix_rank(laplacian, tol=1e-9)
    foster = (np.abs(w) * found).sum()
    assert foster == pytest.approx(m + n - components, rel=1e-11, abs=1e-12)


def test_trees_and_parallel_wires() -> None:
    """A bridge has w R = 1; a cycle of four unit edges is 1 in parallel with 3."""
    star = np.array([[2.0, -0.5, 3.0]])
    assert effective_resistances(star) == pytest.approx(1 / np.abs(star), rel=1e-14, abs=0)
    square = effective_resistances(np.ones((2, 2)))
    assert square == pytest.approx(np.full((2, 2), 0.75), rel=1e-14, abs=0)
    assert not effective_resistances(np.zeros((2, 3))).any()


def test_deviation_of_samples() -> None:
    """0.5 at the statement's draws, which is far from reached (stated: at most .81 eps)."""
    rng = np.random.default_rng(5)
    w = rng.standard_normal((8, 9))
    bound = resistance_draws(w, 0.5)
    p = resistance_distribution(w)
    draws = int(bound.value)
    worst = max(
        laplacian_deviation(w, sample_with_replacement(w, draws, p, rng=rng)) for _ in range(30)
    )
    assert 0.1 < worst <= 0.5
    assert laplacian_deviation(w, w) == pytest.approx(0.0, abs=1e-12)
    assert laplacian_deviation(w, 1.3 * w) == pytest.approx(0.3, rel=1e-11, abs=0)
    assert laplacian_deviation(np.diag([1.0, 2.0]), np.ones((2, 2))) == math.inf


def test_draws_of_a_small_layer_exceed_its_edges() -> None:
    """n = 25, eps = .5, delta = .1: q = 1779, more than there are edges."""
    bound = resistance_draws(np.ones((12, 13)), 0.5, delta=0.1)
    assert bound.value == 1779
    assert bound.vacuous
    n = bound.terms["vertices"]

    def draws(n: float) -> float:
        return 12 * (n - 1) * math.log(20 * (n - 1))

    assert draws(n) < n * n / 4
    assert draws(n - 1) >= (n - 1) ** 2 / 4


def test_refusals() -> None:
    with pytest.raises(InapplicableError, match=r"the smallest is .* of the largest"):
        effective_resistances(2.0 ** -(9.0 * np.arange(30)).reshape(5, 6))
    with pytest.raises(ValueError, match="nothing to draw from"):
        resistance_distribution(np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"eps must be at most 1, but is 1\.5"):
        resistance_draws(np.ones((2, 2)), 1.5)
    with pytest.raises(ValueError, match="sample must have the shape"):
        laplacian_deviation(np.ones((2, 2)), np.ones((2, 3)))


def test_chances_are_weights_times_resistances() -> None:
    """w_e R_e/(N - c) of two parts, (N, c) = (7, 2); Cholesky of order 7 errs by some 1e-13."""
    w = np.zeros((3, 4))
    w[:2, :2] = [[1.0, -2.0], [0.5, 3.0]]
    w[2, 2:] = [4.0, -1.0]
    inverse = np.linalg.pinv(bipartite_laplacian(w))
    for (i, j), chance in np.ndenumerate(resistance_distribution(w)):
        b = np.eye(7)[i] - np.eye(7)[3 + j]
        assert chance == pytest.approx(abs(w[i, j]) * (b @ inverse @ b) / 5, rel=1e-12, abs=0)
