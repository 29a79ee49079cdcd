"""Degrees of freedom of a sample, by listing every sample of small populations."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pruneproof.theory import (
    degrees_of_freedom,
    dof_deviation,
    dof_lower_tail,
    dof_upper_tail,
    dof_variance_bound,
    expected_dof_sandwich,
    population_leverage,
)

Floats = NDArray[np.float64]


def all_samples(points: Floats, chances: Floats, n: int, lam: float) -> tuple[Floats, Floats]:
    """N_hat and probability of every sequence of n points; row i of `points` serves draw i."""
    drawn = np.array(list(itertools.product(range(points.shape[1]), repeat=n)))
    probability = np.prod(chances[drawn], axis=1)
    x = points[np.arange(n) % len(points), drawn] / math.sqrt(n)
    gram = x @ np.swapaxes(x, 1, 2)  # in sample space, apart from the theory's route
    found = np.trace(np.linalg.solve(gram + lam * np.eye(n), gram), axis1=1, axis2=2)
    return found, probability


def population(seed: int, kinds: int, p: int, m: int, spread: float) -> tuple[Floats, Floats]:
    """Points (kinds, p, m) of lengths over many orders, and their chances."""
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((kinds, p, m)) * np.exp(
        spread * rng.standard_normal((kinds, p, 1))
    )
    return points, rng.dirichlet(np.full(p, 0.5))


@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 5),
    spread=st.floats(0.0, 5.0),
    log_ridge=st.floats(-6.0, 3.0),
    delta=st.floats(1e-3, 0.99),
    alike=st.booleans(),
)
def test_tails_and_variance_by_listing(
    seed: int, n: int, spread: float, log_ridge: float, delta: float, alike: bool
) -> None:
    """Independent samples, each with points of its own unless `alike`."""
    lam = math.exp(log_ridge)
    points, chances = population(seed, 1 if alike else n, 3, 3, spread)
    found, probability = all_samples(points, chances, n, lam)
    mean = float(probability @ found)
    # sums of at most 243 terms, each within its own condition 1 + |x|^2/lam of eps
    slack = 1e-13 * (1 + float(np.max(points**2)) * 9 / lam)
    assert probability @ (found - mean) ** 2 <= dof_variance_bound(mean, n).value + slack
    for t in (*np.linspace(0.0, 2.0 * n, 9)[1:], *dof_deviation(mean, delta)):
        above = float(np.sum(probability[found >= mean + t + slack]))
        below = float(np.sum(probability[found <= mean - t - slack]))
        assert above <= dof_upper_tail(mean, t) * (1 + 1e-12)
        assert below <= dof_lower_tail(mean, t) * (1 + 1e-12)


@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 5),
    spread=st.floats(0.0, 5.0),
    log_ridge=st.floats(-6.0, 3.0),
)
def test_mean_lies_in_its_sandwich(seed: int, n: int, spread: float, log_ridge: float) -> None:
    lam = math.exp(log_ridge)
    points, chances = population(seed, 1, 3, 2, spread)
    found, probability = all_samples(points, chances, n, lam)
    cov = points[0].T @ (points[0] * chances[:, None])
    largest = population_leverage(cov, points[0], lam)
    by_hand = np.einsum("pi,pi->p", points[0] @ np.linalg.inv(cov + lam * np.eye(2)), points[0])
    condition = 1 + float(np.max(points**2)) / lam
    assert largest == pytest.approx(float(np.max(by_hand)), rel=1e-13 * condition + 1e-12)
    low, high = expected_dof_sandwich(cov, lam, n, largest)
    mean, slack = float(probability @ found), 1e-13 * condition
    assert low - slack <= mean <= high + slack
    assert low == pytest.approx(high / (1 + largest / n), rel=1e-14)


def test_both_ends_of_the_mean_and_the_variance_are_approached() -> None:
    # one point only: N_hat = N_P always, the upper end; with n -> oo the lower end as well
    one = np.array([[3.0, 4.0]])
    cov = one.T @ one
    dof = degrees_of_freedom(cov, 5.0)
    low, high = expected_dof_sandwich(cov, 5.0, 10**6, population_leverage(cov, one, 5.0))
    assert high == pytest.approx(dof, rel=1e-14)
    assert low > (1 - 1e-6) * dof
    # one draw from many axes
    m, lam = 1000, 0.5
    low, _ = expected_dof_sandwich(np.eye(m) / m, lam, 1, 1 / (1 / m + lam))
    assert low / (1 / (1 + lam)) > 1 - 1 / m
    # one rare point of great length: N_hat is nearly a coin, of variance p (1 - p)
    found, probability = all_samples(np.array([[[0.0], [1e4]]]), np.array([1 - 1e-4, 1e-4]), 1, 1.0)
    mean = float(probability @ found)
    variance = float(probability @ (found - mean) ** 2)
    assert variance / dof_variance_bound(mean, 1).value > 1 - 2e-4


@given(mean=st.floats(0.01, 1e3), delta=st.floats(1e-6, 0.999))
def test_deviations_are_where_the_tails_reach_delta(mean: float, delta: float) -> None:
    below, above = dof_deviation(mean, delta)
    assert dof_upper_tail(mean, above) == pytest.approx(delta, rel=1e-9)
    expected = 0.0 if below > mean else delta
    assert dof_lower_tail(mean, below) == pytest.approx(expected, rel=1e-9)
    assert above > below


def test_binomial_counts_keep_to_the_tails_and_come_near() -> None:
    """Orthogonal points of great length, drawn or not: N_hat is a count, nearly Poisson.

    The exponent is right to first order: log P/log bound is close to 1 for t of a few deviations.
    """
    from scipy.stats import poisson

    for mean in (0.3, 4.0, 100.0, 10_000.0):
        for t in np.linspace(0.2, 8.0, 40) * math.sqrt(mean):
            above, below = poisson.sf(np.ceil(mean + t) - 1, mean), poisson.cdf(mean - t, mean)
            assert above <= dof_upper_tail(mean, t)
            assert below <= dof_lower_tail(mean, t)
    t = 800.0
    assert poisson.logsf(10_000 + t - 1, 10_000) > 1.15 * math.log(dof_upper_tail(10_000, t))
    assert poisson.logcdf(10_000 - t, 10_000) > 1.15 * math.log(dof_lower_tail(10_000, t))


def test_more_than_the_mean_is_safe_above() -> None:
    for t in (0.5, 3.0):
        for more in (0.1, 5.0):
            assert dof_upper_tail(2.0 + more, t) >= dof_upper_tail(2.0, t + more)


def test_tails_without_a_deviation_say_nothing() -> None:
    for tail in (dof_upper_tail, dof_lower_tail):
        assert tail(3.0, 0.0) == tail(0.0, 0.0) == 1.0
        assert tail(0.0, 1e-3) < 1.0
    assert dof_upper_tail(3.0, 1.5) == pytest.approx(math.exp(-2.25 / 7), rel=1e-15, abs=0)
    assert dof_lower_tail(3.0, 1.5) == pytest.approx(math.exp(-2.25 / 6), rel=1e-15, abs=0)
    assert dof_lower_tail(3.0, 3.0) == pytest.approx(math.exp(-1.5), rel=1e-15, abs=0)
    assert dof_lower_tail(3.0, 3.001) == 0.0


def test_variance_bound_beats_the_trivial_one_when_the_rank_is_larger() -> None:
    assert not dof_variance_bound(3.0, 10).vacuous
    assert dof_variance_bound(3.0, 10).trivial == 21.0
    assert dof_variance_bound(3.5, 4).vacuous


def test_figures_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="expected_dof is 5, above the rank 4"):
        dof_variance_bound(5.0, 4)
    with pytest.raises(ValueError, match=r"largest_leverage 0\.1 is below N\(lam\) = 1"):
        expected_dof_sandwich(np.eye(2), 1.0, 3, 0.1)
    with pytest.raises(ValueError, match="points have 3 entries each, but cov has 2 rows"):
        population_leverage(np.eye(2), np.ones((4, 3)), 1.0)
    with pytest.raises(ValueError, match="delta"):
        dof_deviation(1.0, 1.0)
    with pytest.raises(ValueError, match="deviation"):
        dof_upper_tail(1.0, -1.0)


def test_rounding_is_not_taken_for_a_leverage_too_small() -> None:
    """One long point: N_P and N_inf are both 1 to rounding, which the ridge enlarges 4e8-fold."""
    for seed in range(50):
        point = 400.0 * np.random.default_rng(seed).standard_normal((1, 3))
        cov = point.T @ point
        ends = expected_dof_sandwich(cov, 1e-3, 1, population_leverage(cov, point, 1e-3))
        assert ends == pytest.approx((0.5, 1.0), abs=1e-6)


def test_backends_agree(to_backend: Any) -> None:
    points = np.random.default_rng(0).standard_normal((6, 3))
    cov = points.T @ points / 6
    found = population_leverage(to_backend(cov), to_backend(points), 0.1)
    assert found == pytest.approx(population_leverage(cov, points, 0.1), rel=1e-13)
    ends = expected_dof_sandwich(to_backend(cov), 0.1, 7, found)
    assert list(ends) == pytest.approx(list(expected_dof_sandwich(cov, 0.1, 7, found)), rel=1e-13)


def test_an_enormous_deviation_has_no_chance() -> None:
    assert dof_upper_tail(3.0, 1e300) == 0.0
