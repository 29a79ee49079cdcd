"""Exact inclusions of DPPs and k-DPPs against enumeration in rationals, and their identities."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

from pruneproof.theory import (
    InapplicableError,
    Spectrum,
    degrees_of_freedom,
    inclusion_probabilities,
    log_elementary,
    log_elementary_symmetric,
    low_rank_spectrum,
    marginal_kernel,
    smoother,
)
from pruneproof.theory.determinantal.inclusion import eigenvector_inclusions

EPS = float(np.finfo(float).eps)
M = 7


def integer_kernel(rank: int, seed: int) -> np.ndarray:
    x = np.random.default_rng(seed).integers(-3, 4, size=(rank, M))
    return (x.T @ x).astype(float)


def determinant(block: list[list[Fraction]]) -> Fraction:
    """By elimination; a zero pivot of a semidefinite matrix makes it 0."""
    det = Fraction(1)
    left = [row[:] for row in block]
    for p in range(len(left)):
        if left[p][p] == 0:
            return Fraction(0)
        det *= left[p][p]
        for i in range(p + 1, len(left)):
            factor = left[i][p] / left[p][p]
            left[i] = [a - factor * b for a, b in zip(left[i], left[p])]
    return det


def enumerated(kernel: np.ndarray, size: int | None) -> np.ndarray:
    """P(i, j in J), P(i in J) on the diagonal, in rationals."""
    exact = [[Fraction(v) for v in row] for row in kernel.tolist()]
    total = Fraction(0)
    pairs = [[Fraction(0)] * M for _ in range(M)]
    for k in range(M + 1) if size is None else (size,):
        for kept in itertools.combinations(range(M), k):
            weight = determinant([[exact[i][j] for j in kept] for i in kept])
            total += weight
            for i, j in itertools.product(kept, repeat=2):
                pairs[i][j] += weight
    return np.array([[float(v / total) for v in row] for row in pairs])


@pytest.mark.parametrize("rank", [4, 7, 12])
def test_against_enumeration_in_rationals(rank: int) -> None:
    kernel = integer_kernel(rank, seed=rank)
    values = np.linalg.eigvalsh(kernel)
    present = values[values > 1e-9 * values[-1]]
    # A backward error of eps m l_1 in L moves log P by that over the smallest eigenvalue present,
    # for each of at most m of them; 8 for the steps after the factorisation.
    tolerance = 8 * EPS * M * M * present[-1] / present[0]
    for size in (None, *range(1, min(rank, M) + 1)):
        wanted = enumerated(kernel, size)
        marginals, pairs = inclusion_probabilities(kernel, size)
        np.testing.assert_allclose(pairs, wanted, rtol=0, atol=tolerance)
        np.testing.assert_array_equal(marginals, np.diagonal(pairs))


def test_marginal_kernel_is_the_smoother() -> None:
    kernel = integer_kernel(9, seed=1)
    lam = 3.0
    found = marginal_kernel(kernel / lam)
    np.testing.assert_allclose(found, smoother(kernel, lam), rtol=0, atol=32 * M * EPS)
    dof = degrees_of_freedom(kernel, lam)
    assert np.trace(found) == pytest.approx(dof, rel=32 * M * EPS, abs=0)


@pytest.mark.parametrize("decay", [0.0, 2.0, 8.0])
def test_sums_at_200_nodes(decay: float) -> None:
    """Marginals of a k-DPP sum to k, its pairs to k (k - 1); correlations are not positive.

    Spectra j^-decay: at 8 the determinants span 1e130, where taking an eigenvalue out of e_k again
    loses all digits.
    """
    m = 200
    basis = np.linalg.qr(np.random.default_rng(0).standard_normal((m, m)))[0]
    spectrum = Spectrum(np.arange(1, m + 1) ** -decay, basis)
    rounding = 8 * m * m * EPS  # probabilities up to 1, sums of m^2 of them, ratios within 4 m eps
    for k in (1, 2, 37, 150, 199, 200):
        marginals, pairs = inclusion_probabilities(spectrum, k)
        assert marginals.sum() == pytest.approx(k, rel=rounding, abs=0)
        off = pairs - np.diag(marginals)
        assert off.sum() == pytest.approx(k * (k - 1), rel=rounding, abs=rounding)
        np.testing.assert_allclose(off.sum(axis=1), (k - 1) * marginals, atol=rounding * k)
        assert (off <= np.outer(marginals, marginals) + rounding).all()


def test_eigenvectors_that_take_part_of_a_flat_and_a_steep_spectrum() -> None:
    one, two = eigenvector_inclusions(np.ones(6), 3)
    np.testing.assert_allclose(one, 0.5, rtol=64 * EPS)
    np.testing.assert_allclose(two[~np.eye(6, dtype=bool)], 3 * 2 / (6 * 5), rtol=256 * EPS)
    steep = 10.0 ** (-40.0 * np.arange(4))
    one, two = eigenvector_inclusions(steep, 2)  # e_2 = 1e-40 (1 + ...)
    np.testing.assert_allclose(one, [1.0, 1.0, 1e-40, 1e-80], rtol=64 * EPS)
    np.testing.assert_allclose(two[0, 1:], [1.0, 1e-40, 1e-80], rtol=256 * EPS)
    assert two[2, 3] == pytest.approx(1e-160, rel=256 * EPS, abs=0)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_a_k_dpp_has_no_scale(scale: float) -> None:
    kernel = integer_kernel(9, seed=3)
    spread = np.linalg.cond(kernel)
    for size in (1, 3, 7):
        one, _ = inclusion_probabilities(kernel, size)
        other, _ = inclusion_probabilities(scale * kernel, size)
        np.testing.assert_allclose(one, other, rtol=0, atol=16 * M * M * EPS * spread)


def test_low_rank_spectrum_gives_the_same_probabilities() -> None:
    b = np.random.default_rng(4).standard_normal((20, 5))
    for size in (None, 1, 5):
        thin = inclusion_probabilities(low_rank_spectrum(b), size)
        full = inclusion_probabilities(b @ b.T, size)
        np.testing.assert_allclose(
            thin[1], full[1], rtol=0, atol=1e3 * EPS * np.linalg.cond(b) ** 2
        )


def test_logarithms_of_elementary_symmetric_polynomials() -> None:
    values = np.array([3.0, 2.0, 1.0, 0.0])
    wanted = [0.0, np.log(6.0), np.log(11.0), np.log(6.0), -np.inf]
    np.testing.assert_allclose(log_elementary_symmetric(values, 4), wanted, rtol=16 * EPS)
    np.testing.assert_array_equal(
        log_elementary_symmetric(values, 2), np.asarray(log_elementary(values, 2))
    )
    with pytest.raises(ValueError, match="size must be at least 0 and at most 4, but is 5"):
        log_elementary_symmetric(values, 5)


def test_bad_input() -> None:
    kernel = np.diag([1.0, 2.0, 0.0])
    with pytest.raises(InapplicableError, match="rank 3, but the numerical rank is 2"):
        inclusion_probabilities(kernel, 3)
    with pytest.raises(ValueError, match="size must be at least 1 and at most 3, but is 0"):
        inclusion_probabilities(kernel, 0)
    with pytest.raises(ValueError, match="size must be a whole number"):
        inclusion_probabilities(kernel, 1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="kernel must be square"):
        inclusion_probabilities(np.ones((2, 3)))
    with pytest.raises(ValueError, match="kernel has 1 entries that are NaN"):
        marginal_kernel([[np.nan]])
