"""X6, X7 and S13 against enumeration, their floors, and the iterations themselves."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from pruneproof.theory import (
    best_pair,
    dropped_by_magnitude,
    dropping_floor,
    gradient_descent_weight,
    linear_mode_strength,
    low_rank_plus_sparse,
    low_rank_plus_sparse_floor,
    magnitude_ratio_bound,
    sampled_layer_error,
)

Floats = NDArray[np.float64]


def matrix(family: str, m: int, n: int, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    if family == "flat":
        return np.ones((m, n))
    if family == "near flat":
        return np.asarray(1.0 + 1e-3 * rng.standard_normal((m, n)))
    if family == "ties":
        return np.asarray(rng.integers(0, 3, (m, n)) * 1.0)
    return np.asarray(rng.standard_normal((m, n)))


FAMILIES = st.sampled_from(["flat", "near flat", "ties", "gauss"])
SEEDS = st.integers(0, 99)


def norms_of_all(w: Floats, t: int) -> Floats:
    """||D||_2 of every t dropped entries."""
    sets = np.array(list(itertools.combinations(range(w.size), t)))
    d = np.zeros((len(sets), w.size))
    np.put_along_axis(d, sets, w.ravel()[sets], axis=1)
    return np.asarray(np.linalg.norm(d.reshape(-1, *w.shape), 2, axis=(1, 2)))


@settings(max_examples=20)
@given(FAMILIES, st.integers(1, 3), st.integers(1, 4), SEEDS, st.integers(1, 6))
def test_dropping(f: str, m: int, n: int, seed: int, wanted: int) -> None:
    """Floor <= optimum <= magnitude <= ratio bound times optimum (SVD roundings 1e-13)."""
    w = matrix(f, m, n, seed)
    t = min(wanted, w.size)
    best = norms_of_all(w, t).min()
    found = np.linalg.norm(dropped_by_magnitude(w, t), 2)
    bound = magnitude_ratio_bound(w, t)
    assert dropping_floor(w, t).value <= best * (1 + 1e-13)
    assert best <= found * (1 + 1e-13)
    assert found <= bound.value * best * (1 + 1e-13)
    if min(m, n) == 1 or t == 1:
        assert found == pytest.approx(best, rel=1e-13, abs=0)


def test_dropping_ends() -> None:
    """Both forms of the floor are met; magnitude in one row costs sqrt(t) against a diagonal."""
    assert dropping_floor(np.ones((3, 3)), 9).value == pytest.approx(
        np.linalg.norm(np.ones((3, 3)), 2) / math.sqrt(3), rel=1e-13, abs=0
    )
    diagonal = np.full((3, 3), 9.0) - 8.0 * np.eye(3)
    assert dropping_floor(diagonal, 3).value == 1.0
    assert np.linalg.norm(dropped_by_magnitude(diagonal, 3), 2) == 1.0
    assert magnitude_ratio_bound(diagonal, 3).value == 1.0
    row = np.full((4, 4), 1.0 + 1e-9)
    row[0] = 1.0
    worst = np.linalg.norm(dropped_by_magnitude(row, 4), 2) / (1.0 + 1e-9)
    assert worst == pytest.approx(magnitude_ratio_bound(row, 4).value, rel=1e-8, abs=0)


def test_magnitude_is_seldom_optimal_among_nearly_equal_entries() -> None:
    """3 x 3, three dropped: the ratio comes within 1e-4 of its bound sqrt 3 (1.66 was stated)."""
    rng = np.random.default_rng(1)
    worst = 0.0
    for _ in range(150):
        w = 1.0 + 1e-5 * rng.standard_normal((3, 3))
        ratio = np.linalg.norm(dropped_by_magnitude(w, 3), 2) / norms_of_all(w, 3).min()
        worst = max(worst, float(ratio))
    assert math.sqrt(3) - 1e-4 < worst <= math.sqrt(3) * (1 + 1e-13)


@settings(max_examples=20)
@given(FAMILIES, st.integers(1, 5), st.integers(1, 5), SEEDS)
def test_best_pair(f: str, m: int, n: int, seed: int) -> None:
    w = matrix(f, m, n, seed)
    if w.size < 2:
        with pytest.raises(ValueError, match="single entry"):
            best_pair(w)
        return
    value, p, q = best_pair(w)
    assert value == pytest.approx(norms_of_all(w, 2).min(), rel=1e-13, abs=0)
    d = np.zeros_like(w)
    d[p], d[q] = w[p], w[q]
    assert np.linalg.norm(d, 2) == pytest.approx(value, rel=1e-13, abs=0)
    assert p != q


@settings(max_examples=15)
@given(FAMILIES, st.integers(1, 6), st.integers(1, 6), SEEDS, st.integers(0, 3), st.integers(0, 9))
def test_low_rank_plus_sparse(f: str, m: int, n: int, seed: int, r: int, s: int) -> None:
    w = matrix(f, m, n, seed)
    rank, count = min(r, m, n), min(s, w.size)
    found = low_rank_plus_sparse(w, rank, count, steps=20)
    slack = 1e-13 * np.linalg.norm(w)
    assert np.linalg.matrix_rank(found.low_rank, tol=1e-10 * (1 + np.linalg.norm(w))) <= rank
    assert np.count_nonzero(found.sparse) <= count
    assert (np.diff(found.errors) <= slack).all()
    left = np.linalg.norm(w - found.low_rank - found.sparse)
    assert left == pytest.approx(found.errors[-1], rel=1e-13, abs=slack)
    assert low_rank_plus_sparse_floor(w, rank, count).value <= left + slack


def test_low_rank_plus_sparse_ends() -> None:
    w = np.diag([4.0, 3.0, 2.0, 1.0])  # floor met: ratio 1.000
    found = low_rank_plus_sparse(w, 1, 2)
    floor = low_rank_plus_sparse_floor(w, 1, 2)
    assert found.errors[-1] == pytest.approx(floor.value, rel=1e-13, abs=0)
    assert floor.value == pytest.approx(1.0, rel=1e-14, abs=0)
    rng = np.random.default_rng(0)
    hidden = np.outer(rng.standard_normal(30), rng.standard_normal(30))
    spikes = np.zeros((30, 30))
    spikes.ravel()[rng.choice(900, 20, replace=False)] = 10.0
    found = low_rank_plus_sparse(hidden + spikes, 1, 20)
    assert found.errors[-1] < 1e-6 * np.linalg.norm(hidden)


@settings(max_examples=10)
@given(st.integers(1, 3), st.integers(1, 4), SEEDS, st.integers(0, 40))
def test_gradient_descent_mode_by_mode(m: int, n: int, seed: int, steps: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 9))
    sigma = x @ x.T / 9
    start, target = rng.standard_normal((2, m, n))
    w = start.copy()
    for _ in range(steps):
        w -= 0.1 * (w - target) @ sigma
    found = gradient_descent_weight(start, target, sigma, learning_rate=0.1, steps=steps)
    assert found == pytest.approx(w, rel=1e-12, abs=1e-12)
    with pytest.raises(ValueError, match="do not fit together"):
        gradient_descent_weight(start, target, np.eye(n + 1), learning_rate=0.1, steps=1)


@pytest.mark.parametrize(("s", "u0"), [(2.0, 1e-3), (0.5, 3.0)])
def test_two_layer_mode_solves_its_flow(s: float, u0: float) -> None:
    """Balanced scalars a = b: a' = a (s - a^2), u = a^2; the solver's tolerance is 1e-11."""
    times = np.linspace(0.0, 5.0, 6)
    flow = solve_ivp(
        lambda t, a: a * (s - a**2), (0, 5), [math.sqrt(u0)], t_eval=times, rtol=1e-11, atol=1e-14
    )
    found = linear_mode_strength(times, target=s, start=u0)
    assert found == pytest.approx(flow.y[0] ** 2, rel=1e-8, abs=0)


def test_terms_by_hand() -> None:
    """Of 1, 2, .., 6 in 2 x 3 three are dropped: b_3 = 3, energy 14/2, no ratio above sqrt 2."""
    w = np.array([[6.0, -1.0, 4.0], [3.0, 5.0, -2.0]])
    floor = dropping_floor(w, 3)
    assert floor.terms["largest"] == 3.0
    assert floor.terms["energy"] == pytest.approx(math.sqrt(7.0), rel=1e-15, abs=0)
    assert magnitude_ratio_bound(w, 3).trivial == pytest.approx(math.sqrt(2.0), rel=1e-15, abs=0)
    norm = low_rank_plus_sparse_floor(w, 1, 1).terms["norm"]
    assert norm == pytest.approx(math.sqrt(91.0), rel=1e-14, abs=0)


@pytest.mark.parametrize("tolerance", [math.nan, -1.0])
def test_tolerances_that_never_stop_are_refused(tolerance: float) -> None:
    with pytest.raises(ValueError, match="tolerance must be"):
        low_rank_plus_sparse(np.eye(3), 1, 1, tolerance=tolerance)


def test_a_mode_that_falls_to_almost_nothing_follows_its_flow() -> None:
    """At s -> 0 the flow u' = 2u(s - u) has u_0/(1 + 2 u_0 t); s beside 1 was rounded away.

    The limit is off by about s t, and the formula by a few eps.
    """
    t = np.array([0.0, 1.0, 10.0])
    for target in (1e-15, 1e-300):
        found = linear_mode_strength(t, target=target, start=0.5)
        np.testing.assert_allclose(found, 0.5 / (1.0 + t), rtol=1e-13)


def test_a_variance_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="variances must be at least 0, but the smallest is -1"):
        sampled_layer_error(np.array([[1.0, -1.0]]), np.eye(2))
