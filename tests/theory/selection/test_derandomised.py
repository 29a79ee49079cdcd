"""Derandomised volume sampling: its conditional means by enumeration, its promise D6 and I7."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pruneproof.theory import (
    decompose,
    information_loss,
    select_greedy,
    select_volume_derandomised,
    smoother,
    volume_residual,
    volume_ridge,
)
from pruneproof.theory.arrays import to_numpy
from pruneproof.theory.selection.derandomised import conditional_means

EPS = np.finfo(float).eps


def mixed(m: int, theta: float):
    z = np.random.default_rng(1).standard_normal((2, m))
    return z, theta * np.eye(m) + (1 - theta) * z.T @ z


def test_conditional_means_against_enumeration(family) -> None:
    m, theta = 6, 0.3
    cov = family(m)
    spectrum = decompose(cov)
    z, q = mixed(m, theta)
    for later in range(min(spectrum.rank, 4)):
        means = conditional_means(cov, q, later, spectrum.noise)
        for j in range(m):
            total = mass = 0.0
            least = np.inf
            for others in itertools.combinations([i for i in range(m) if i != j], later):
                kept = [j, *others]
                block = cov[np.ix_(kept, kept)]
                det = np.linalg.det(block)
                values = np.linalg.eigvalsh(block)
                if values[0] <= m * EPS * values[-1]:
                    continue  # a set of volume 0
                least = min(least, values[0] / values[-1])
                total += det * information_loss(cov, kept, theta=theta, output_weights=z)
                mass += det
            if mass == 0.0:
                continue
            # A determinant errs by m eps cond(block), relative; the mean is a quotient by
            # Sigma_jj of sums that err by m eps mu_1 Tr(Q Sigma).
            growth = 1 / least + spectrum.eigenvalues[0] / cov[j, j]
            tolerance = 8 * m * EPS * growth * np.sum(q * cov)
            assert means[j] == pytest.approx(total / mass, rel=0, abs=tolerance)


@pytest.mark.parametrize("theta", [1.0, 0.4, 0.0])
def test_loss_is_below_the_volume_mean_and_its_bound(family, to_backend, theta: float) -> None:
    m = 8
    cov = family(m)
    z, q = mixed(m, theta)
    spectrum = decompose(cov)
    for k in (1, 3, 6, m):
        selection = select_volume_derandomised(
            to_backend(cov), k, theta=theta, output_weights=to_backend(z)
        )
        kept = to_numpy(selection.kept)
        assert len(set(kept.tolist())) == k
        loss = information_loss(cov, kept, theta=theta, output_weights=z)
        # The residual is downdated k times; each step errs by m eps of the largest entry, and the
        # coefficients it is multiplied by have squares of mean at most k (m - k + 1) (claim X6).
        rounding = 16 * m * EPS * (1 + k * (m - k + 1)) * np.sum(q * cov)
        mean = np.sum(q * volume_residual(spectrum, k))
        ridge = volume_ridge(spectrum, k)
        assert loss <= mean + rounding
        assert mean <= ridge * np.sum(q * smoother(spectrum, ridge)) + rounding
        losses = to_numpy(selection.losses)
        assert losses[-1] == pytest.approx(loss, rel=0, abs=rounding)
        assert (np.diff(losses) <= rounding).all()
        assert to_numpy(selection.ridge).tolist() == [0.0] * k


def test_meets_the_bound_where_greedy_does_not() -> None:
    """Claim spectral.A2: greedy loses 36/5 where the bound is 95/18."""
    cov = np.array([[20.0, 0.0, 16.0], [0.0, 1.0, 0.0], [16.0, 0.0, 20.0]])
    z = np.array([[1.0, -1.0, -1.0]])
    greedy = select_greedy(cov, 2, theta=0.0, output_weights=z)
    lost = information_loss(cov, greedy.kept, theta=0.0, output_weights=z)
    assert lost == pytest.approx(36 / 5, rel=64 * EPS, abs=0)
    ours = select_volume_derandomised(cov, 2, theta=0.0, output_weights=z)
    assert sorted(ours.kept.tolist()) == [0, 2]
    assert ours.losses[-1] == pytest.approx(1.0, rel=64 * EPS, abs=0)
    assert "= 5.278 at lam = lam_vol(2) = 5 (spectral.D6)" in ours.guarantee  # 95/18


def test_the_figures_of_the_promise_by_hand() -> None:
    """mu = 3, 2, 1 at k = 2: E = 3 e_3/e_2 = 18/11, lam_vol = 3, N(3) = 1/2 + 2/5 + 1/4."""
    guarantee = select_volume_derandomised(np.diag([3.0, 2.0, 1.0]), 2).guarantee
    assert "the mean of volume sampling, 1.636 (spectral.I7" in guarantee
    assert "= 3.45 at lam = lam_vol(2) = 3 (spectral.D6)" in guarantee


def test_a_node_that_is_always_zero_comes_last() -> None:
    selection = select_volume_derandomised(np.diag([3.0, 0.0, 2.0, 1.0]), 4)
    assert sorted(selection.kept.tolist()[:3]) == [0, 2, 3]
    assert selection.kept.tolist()[3] == 1


def test_scale_does_not_matter() -> None:
    x = np.random.default_rng(2).standard_normal((20, 10))
    cov = x.T @ x
    kept = select_volume_derandomised(cov, 4).kept.tolist()
    for scale in (2.0**-500, 2.0**300):
        assert select_volume_derandomised(scale * cov, 4).kept.tolist() == kept


def test_beyond_the_rank_the_lowest_nodes_fill_up() -> None:
    v = np.array([1.0, 3.0, 2.0])
    selection = select_volume_derandomised(np.outer(v, v), 3)
    assert sorted(selection.kept.tolist()) == [0, 1, 2]
    assert selection.losses.max() <= 16 * EPS * 14.0
    assert "span the numerical rank 1" in selection.guarantee
    assert select_volume_derandomised(np.zeros((2, 2)), 1).kept.tolist() == [0]


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="width must be at least 1 and at most 3"):
        select_volume_derandomised(np.eye(3), 4)
    with pytest.raises(ValueError, match="needs output_weights"):
        select_volume_derandomised(np.eye(3), 1, theta=0.5)
    with pytest.raises(ValueError, match="not symmetric"):
        select_volume_derandomised(np.array([[1.0, 0.5], [0.0, 1.0]]), 1)
