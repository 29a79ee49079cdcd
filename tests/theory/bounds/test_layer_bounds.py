"""Floors and ceilings of one layer against every choice of nodes, and their equality cases."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pruneproof.theory import (
    Bound,
    InapplicableError,
    LowerBound,
    converse_floor,
    decompose,
    degrees_of_freedom,
    determinant_bound,
    dof_bound,
    doubled_dof_bound,
    floor,
    information_loss,
    reconstruction,
    reconstruction_norm_bound,
    residual,
    ridge_for_degrees_of_freedom,
    smoother,
    tail_bound,
    volume_bound,
)

M = 6
EPS = float(np.finfo(np.float64).eps)
CEILINGS = (dof_bound, volume_bound, doubled_dof_bound)


def subsets(k: int, m: int = M) -> list[tuple[int, ...]]:
    return list(combinations(range(m), k))


def rounding(trivial: float) -> float:
    """Losses and bounds are sums of about m^2 products of size at most the trivial loss."""
    return 16 * M**2 * EPS * trivial


def output_weights(seed: int, rows: int, m: int = M) -> NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal((rows, m))


@pytest.mark.parametrize("theta", [0.0, 0.3, 1.0])
def test_the_best_choice_lies_between_floor_and_ceilings(family: Any, theta: float) -> None:
    for seed in range(2):
        cov, z = family(M, seed), output_weights(seed, 1 + 2 * seed)
        mixture = {"theta": theta, "output_weights": z}
        for k in range(1, M + 1):
            losses = [information_loss(cov, j, **mixture) for j in subsets(k)]
            lower = floor(cov, k, **mixture)
            uppers = [ceiling(cov, k, **mixture) for ceiling in CEILINGS]
            trivial = theta * np.trace(cov) + (1 - theta) * np.trace(z @ cov @ z.T)
            slack = rounding(trivial)
            assert lower.value <= min(losses) + slack
            for upper in uppers:
                assert min(losses) <= upper.value + slack, upper
                assert upper.trivial == pytest.approx(trivial, rel=1e-12)
                parts = upper.terms["input"] + upper.terms["output"] if theta < 1 else None
                assert parts is None or upper.value == parts


def test_the_best_input_loss_is_within_the_tail_bound(family: Any) -> None:
    cov = family(M, 3)
    for k in range(1, M + 1):
        best = min(information_loss(cov, j) for j in subsets(k))
        assert best <= tail_bound(cov, k).value + rounding(np.trace(cov))


@given(
    seed=st.integers(0, 1000),
    m=st.integers(2, 5),
    decay=st.floats(0.0, 3.0),
    data=st.data(),
)
def test_volume_means_obey_every_ceiling_in_every_direction(
    seed: int, m: int, decay: float, data: Any
) -> None:
    """E S_J by enumeration, weights det Sigma_JJ: X1's 4/3, D5 and X6, for one random reader."""
    rng = np.random.default_rng(seed)
    u = np.linalg.qr(rng.standard_normal((m, m)))[0]
    cov = (u * np.exp(-decay * np.arange(m))) @ u.T
    cov = (cov + cov.T) / 2
    k = data.draw(st.integers(1, m - 1))
    chosen = subsets(k, m)
    weights = np.array([np.linalg.det(cov[np.ix_(j, j)]) for j in chosen])
    weights /= weights.sum()
    mean = sum(p * residual(cov, j) for p, j in zip(weights, chosen))
    # Conditioning of the smallest minor, e^{decay (m-1)} at most 1e6, multiplies rounding.
    slack = 1e-13 * np.exp(decay * (m - 1))
    lam = ridge_for_degrees_of_freedom(cov, k)
    assert np.trace(mean) <= dof_bound(cov, k).value * (1 + slack)
    gap = 4 / 3 * lam * smoother(cov, lam) - mean
    assert np.linalg.eigvalsh(gap)[0] >= -slack
    z = rng.standard_normal((1, m))
    for ceiling in CEILINGS:
        bound = ceiling(cov, k, theta=0.0, output_weights=z)
        assert (z @ mean @ z.T).item() <= bound.value * (1 + slack)
    sizes = [np.sum(np.linalg.solve(cov[np.ix_(j, j)], cov[list(j)]) ** 2) for j in chosen]
    assert weights @ sizes <= reconstruction_norm_bound(cov, k).value * (1 + slack)


def test_largest_determinant_bounds_every_direction(family: Any) -> None:
    cov = family(M, 1)
    spectrum = decompose(cov)
    for k in range(1, min(spectrum.rank, M - 1) + 1):
        best = max(subsets(k), key=lambda j: np.linalg.slogdet(cov[np.ix_(j, j)])[1])
        coefficients = reconstruction(cov, best)
        largest = np.linalg.eigvalsh(residual(cov, best))[-1]
        bound = determinant_bound(cov, k)
        assert largest <= bound.value + rounding(np.trace(cov))
        # Rounding of A is amplified by the condition of the block, at most 1/noise.
        condition = np.linalg.cond(cov[np.ix_(best, best)])
        assert np.max(np.abs(coefficients)) <= 1 + 100 * M * EPS * condition


def test_flat_second_moments_attain_floor_and_dof_bound() -> None:
    m = 12
    for k in range(1, m):
        cov = 3.0 * np.eye(m)
        exact = information_loss(cov, range(k))
        assert exact == pytest.approx(3.0 * (m - k), rel=1e-13)
        assert floor(cov, k).value == pytest.approx(exact, rel=1e-13)
        assert dof_bound(cov, k).value == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("m", [2, 7, 50])
def test_flat_ratios_at_one_node_are_exact(m: int) -> None:
    """D6: 1 - 1/m^2. D7: (m - 1)/(m - 1/2), which tends to 1."""
    loss = information_loss(np.eye(m), [0])
    assert loss / volume_bound(np.eye(m), 1).value == pytest.approx(1 - 1 / m**2, rel=1e-12)
    ratio = loss / doubled_dof_bound(np.eye(m), 1).value
    assert ratio == pytest.approx((m - 1) / (m - 0.5), rel=1e-12)


def test_four_thirds_is_needed_in_a_single_direction() -> None:
    """One eigenvalue lam among k equal ones at N(lam) = k: exact rationals tend to 4/3."""
    k, lam = 40, Fraction(1)
    p = Fraction(2 * k - 1, 2 * k)
    others = lam * p / (1 - p)
    # m = k + 1: e_k(mu_-i) = others^k, e_k(mu) = others^k + k lam others^(k-1).
    mean = lam / (1 + k * lam / others)
    mu = np.array([float(others)] * k + [1.0])
    z = np.eye(k + 1)[-1:]
    bound = dof_bound(np.diag(mu), k, theta=0.0, output_weights=z)
    assert bound.terms["ridge"] == pytest.approx(1.0, rel=1e-12)
    assert 0.75 * bound.value < float(mean) <= bound.value
    assert float(mean) / (0.75 * bound.value) > 1.30


@given(seed=st.integers(0, 1000), k=st.integers(1, 10), lam=st.floats(1e-6, 1e3))
def test_converse_is_below_the_tail(seed: int, k: int, lam: float) -> None:
    mu = np.sort(np.random.default_rng(seed).pareto(0.7, 10))[::-1]
    bound = converse_floor(mu, lam, k)
    assert bound.value <= floor(mu, k).value + 1e-13 * lam * 10
    assert bound.vacuous == (degrees_of_freedom(mu, lam) <= k)


def test_converse_is_attained_in_the_limit() -> None:
    mu = np.array([1e12, 1e12, 1e-9, 1e-9, 1e-9])
    assert converse_floor(mu, 1.0, 2).value == pytest.approx(3e-9, rel=1e-2)


def test_ladder_of_one_power_law() -> None:
    """floor <= X1 <= D6 and X1 <= D7: the least ridge is X1's."""
    mu = np.arange(1, 301) ** -2.0
    for k in (1, 5, 40, 200, 299):
        sharp, volume, doubled = (ceiling(mu, k) for ceiling in CEILINGS)
        assert floor(mu, k).value < sharp.value < min(volume.value, doubled.value)
        assert sharp.terms["ridge"] < volume.terms["ridge"]
        assert not sharp.vacuous


def test_a_bound_that_says_no_more_than_the_trivial_value_is_vacuous() -> None:
    assert all(Bound("", value, 1.0).vacuous for value in (1.0, 1.5, np.nan, np.inf))
    assert not Bound("", 0.999, 1.0).vacuous
    assert all(LowerBound("", value, 0.0).vacuous for value in (0.0, -0.1, np.nan, -np.inf))
    assert not LowerBound("", 1e-9, 0.0).vacuous


def test_at_full_rank_nothing_is_lost() -> None:
    x = np.random.default_rng(0).standard_normal((4, 9))
    cov = x.T @ x
    assert dof_bound(cov, 4).value == 0.0
    assert volume_bound(cov, 5).value == 0.0
    assert floor(cov, 4).value <= decompose(cov).noise * 9


def test_all_backends_agree(to_backend: Any) -> None:
    cov, z = np.diag([3.0, 2.0, 1.0, 0.5]) + 0.1, output_weights(0, 2, 4)
    for bound in (*CEILINGS, floor):
        here = bound(to_backend(cov), 2, theta=0.4, output_weights=to_backend(z))
        there = bound(cov, 2, theta=0.4, output_weights=z)
        assert here.value == pytest.approx(there.value, rel=1e-12)
        assert bound(to_backend(cov), 2).value == pytest.approx(bound(cov, 2).value, rel=1e-12)


def test_bad_input_is_said_in_words() -> None:
    cov = np.diag([1.0, 1.0, 0.0])
    with pytest.raises(InapplicableError, match="rank is 2"):
        reconstruction_norm_bound(cov, 3)
    with pytest.raises(ValueError, match="eigenvectors are needed"):
        dof_bound([1.0, 0.5], 1, theta=0.5, output_weights=np.ones((1, 2)))
    with pytest.raises(ValueError, match="output_weights"):
        volume_bound(cov, 1, theta=0.5)
    with pytest.raises(ValueError, match="width must be at least 1 and at most 3, but is 4"):
        floor(cov, 4)


def test_terms_trivial_values_and_words_by_hand() -> None:
    """mu = 4, 2, 1, 1: tail 1 + 1 at k = 2; lam_vol(2) = 8/2; N(2) = 2/3 + 1/2 + 2/3 = 11/6."""
    mu = np.array([4.0, 2.0, 1.0, 1.0])
    lower, tail = floor(mu, 2), tail_bound(mu, 2)
    assert (lower.value, lower.trivial, lower.terms) == (2.0, 0.0, {"tail": 2.0})
    assert (tail.value, tail.trivial, tail.terms) == (6.0, 8.0, {"tail": 2.0})
    converse = converse_floor(mu, 2.0, 1)
    assert converse.value == pytest.approx(2 * 5 / 6, rel=8 * EPS, abs=0)
    expected = {"ridge": 2.0, "degrees_of_freedom": 11 / 6}
    assert converse.terms == pytest.approx(expected, rel=8 * EPS, abs=0)
    size, largest = reconstruction_norm_bound(mu, 2), determinant_bound(mu, 2)
    assert (size.value, size.terms) == (6.0, {"kept": 2.0, "others": 4.0})
    assert (largest.value, largest.trivial) == (5.0, 4.0)
    assert largest.terms == {"factor": 5.0, "next_eigenvalue": 1.0}
    volume = volume_bound(mu, 2)
    dof = 1 / 2 + 1 / 3 + 2 / 5
    assert volume.terms == pytest.approx({"ridge": 4.0, "input": 4 * dof}, rel=8 * EPS, abs=0)
    for bound in (dof_bound(mu, 2), volume, tail):
        assert bound.note.startswith("some 2 nodes (volume sampling, in the mean)")
    for bound in (lower, floor(mu, 2), converse_floor(mu, 2.0, 2)):
        assert bound.note.startswith("every choice of 2 distinct nodes")
    assert doubled_dof_bound(mu, 2).note.startswith("some 2 = 2 N(lam) nodes")
    assert "over volume-sampled J of 2 nodes" in size.note
    assert "at the 2 nodes of largest determinant" in largest.note
