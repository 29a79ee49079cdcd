"""The greedy likeliest set against determinants, its rank, and bad input."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from pruneproof.theory import InapplicableError, greedy_map

EPS = float(np.finfo(float).eps)


def spread_kernel(m: int, seed: int) -> np.ndarray:
    x = np.random.default_rng(seed).standard_normal((2 * m, m)) * np.arange(1, m + 1) ** -0.5
    return x.T @ x


def test_each_node_multiplies_the_determinant_by_the_most() -> None:
    kernel = spread_kernel(12, seed=0)
    found = greedy_map(kernel, 6)
    kept: list[int] = []
    before = 1.0
    for node, gain in zip(found.kept.tolist(), found.gains):
        dets = {
            j: np.linalg.det(kernel[np.ix_([*kept, j], [*kept, j])])
            for j in range(12)
            if j not in kept
        }
        assert node == max(dets, key=lambda j: dets[j])
        # Determinants of well-conditioned blocks of 6: 100 roundings.
        assert gain == pytest.approx(dets[node] / before, rel=1e-12, abs=0)
        before = dets[node]
        kept.append(node)
    assert (np.diff(found.gains) <= 0).all()
    assert found.log_determinant == pytest.approx(math.log(before), rel=1e-12, abs=0)
    assert found.rank is None
    assert found.residual > found.noise


def test_within_the_factor_of_the_best() -> None:
    """Best det / greedy det <= (k!)^2 (determinantal.D9)."""
    for seed in range(20):
        kernel = spread_kernel(8, seed)
        for k in (1, 2, 3):
            best = max(
                np.linalg.det(kernel[np.ix_(s, s)]) for s in itertools.combinations(range(8), k)
            )
            ratio = best / math.exp(greedy_map(kernel, k).log_determinant)
            assert 1 - 1e-12 <= ratio <= math.factorial(k) ** 2


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_ill_conditioned_kernel_at_any_scale(scale: float) -> None:
    m = 784
    basis = np.linalg.qr(np.random.default_rng(2).standard_normal((m, m)))[0]
    kernel = (basis * (scale * np.exp(-0.2 * np.arange(m)))) @ basis.T
    kernel = (kernel + kernel.T) / 2
    found = greedy_map(kernel)
    assert found.rank == len(found.kept) == len(set(found.kept.tolist()))
    assert 100 < found.rank < 200  # exp(-.2 i) ends at the noise m eps of the largest at i = 150
    assert (found.gains > found.noise).all()
    assert found.residual == 0.0
    assert len(greedy_map(kernel, 100).kept) == 100
    with pytest.raises(InapplicableError, match=f"numerical rank is {found.rank}"):
        greedy_map(kernel, 300)


def test_rank_of_copies() -> None:
    rows = np.repeat(np.random.default_rng(1).standard_normal((3, 5)), 4, axis=0)
    found = greedy_map(rows @ rows.T)
    assert found.rank == 3
    assert len({int(j) // 4 for j in found.kept}) == 3
    assert greedy_map(np.zeros((2, 2))).rank == 0
    assert greedy_map(np.eye(3), 3).rank == 3


def test_every_library(to_backend) -> None:
    kernel = spread_kernel(6, seed=3)
    assert greedy_map(to_backend(kernel), 3).kept.tolist() == greedy_map(kernel, 3).kept.tolist()


def test_bad_input() -> None:
    with pytest.raises(InapplicableError, match="rank 3, but the numerical rank is 2"):
        greedy_map(np.diag([1.0, 2.0, 0.0]), 3)
    with pytest.raises(ValueError, match="size must be at least 1 and at most 2, but is 3"):
        greedy_map(np.eye(2), 3)
    with pytest.raises(ValueError, match=r"kernel is not positive semidefinite: .* variance -15"):
        greedy_map(1.9 * np.eye(3) - 0.9)
    with pytest.raises(ValueError, match="kernel must be square"):
        greedy_map(np.ones((2, 3)))


@pytest.mark.parametrize("kernel", [[[0, 1], [1, 0]], [[2, 0, 0], [0, 0, 1], [0, 1, 0]]])
def test_indefinite_where_no_step_looks(kernel: list[list[float]]) -> None:
    """Nodes of variance 0 are never chosen, so no residual variance tells on them."""
    with pytest.raises(
        ValueError, match=r"not positive semidefinite: its entry .* is 1, but .* 0;"
    ):
        greedy_map(np.array(kernel, dtype=float))
