"""Elementary symmetric polynomials against exact rationals, and I7 against enumeration."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from pruneproof.theory import (
    decompose,
    elementary_ratios,
    log_elementary,
    ridge_for_degrees_of_freedom,
    smoother,
    volume_loss,
    volume_residual,
    volume_ridge,
)
from pruneproof.theory.arrays import to_numpy
from pruneproof.theory.elementary import exclusion, exclusions, ratios

EPS = np.finfo(float).eps
M = 12

SPECTRA = {
    "random": np.random.default_rng(0).random(M) + 0.01,
    "flat": np.ones(M),
    "graded": np.exp(-3.0 * np.arange(M)),
    "gap": np.concatenate([1e8 * np.arange(1.0, 7.0), 1e-8 * np.arange(1.0, 7.0)]),
    "steep": 10.0 ** (-10.0 * np.arange(M)),
    "tiny": 1e-200 * np.random.default_rng(1).random(M),
    "huge": 1e200 * np.random.default_rng(2).random(M),
}


def exact(mu: list[Fraction], order: int) -> list[Fraction]:
    e = [Fraction(1)] + [Fraction(0)] * order
    for x in mu:
        for ell in range(order, 0, -1):
            e[ell] += x * e[ell - 1]
    return e


@pytest.mark.parametrize("name", SPECTRA)
def test_ratios_against_rationals(name: str) -> None:
    mu = np.sort(SPECTRA[name])[::-1]
    e = exact([Fraction(float(x)) for x in mu], M)
    wanted = np.array([float(e[ell] / e[ell - 1]) for ell in range(1, M + 1)])
    # Four roundings a step, never amplified: 4 m eps (module docstring).
    np.testing.assert_allclose(elementary_ratios(mu, M), wanted, rtol=4 * M * EPS)
    for k in range(1, M):
        wanted_loss = float((k + 1) * e[k + 1] / e[k])
        assert volume_loss(mu, k) == pytest.approx(wanted_loss, rel=4 * (M + 1) * EPS, abs=0)


@pytest.mark.filterwarnings("error")  # not even the branch that is not taken may overflow
@pytest.mark.parametrize("name", SPECTRA)
def test_exclusion_against_rationals(name: str) -> None:
    mu = np.sort(SPECTRA[name])[::-1]
    rational = [Fraction(float(x)) for x in mu]
    e = exact(rational, M)
    rho = ratios(mu, M)
    table = exclusions(mu, rho)
    # At most M steps, each adding the error 4 m eps of one ratio and 3 roundings, none of them
    # amplified; the branch chosen turns p <= 1/2 into 1 - p, which at most keeps the error.
    tolerance = M * (4 * M + 3) * EPS
    for k in range(1, M):
        single = exclusion(mu, rho, k)
        for i in range(M):
            wanted = float(exact(rational[:i] + rational[i + 1 :], M)[k] / e[k])
            assert single[i] == pytest.approx(wanted, rel=tolerance, abs=0)
            assert table[k, i] == pytest.approx(wanted, rel=tolerance, abs=0)
    assert (table[0] == 1).all()
    assert (table[M] == 0).all()


def test_exclusion_of_many_spectra_at_once() -> None:
    """Spectra whose branches part at different places: as each by itself, to the same error."""
    stack = np.sort(np.stack([SPECTRA[name] for name in ("flat", "graded", "gap", "steep")]))[
        :, ::-1
    ]
    rho = np.stack([ratios(mu, M) for mu in stack])
    for k in range(M + 1):
        together = exclusion(stack, rho.T[:, :, None], k)
        for row, mu, r in zip(together, stack, rho):
            tolerance = 2 * M * (4 * M + 3) * EPS  # that of each against rationals, twice
            np.testing.assert_allclose(row, exclusion(mu, r, k), rtol=tolerance)


def test_logarithms_of_polynomials_that_underflow() -> None:
    m, order = 240, 100
    mu = np.exp(-0.2 * np.arange(m))
    # Integers n_i with mu_i = n_i / 2^shift exactly.
    shift = 53 + math.ceil(0.2 * m / math.log(2))
    whole = [int(Fraction(float(x)) * 2**shift) for x in mu]
    e = [1] + [0] * order
    for x in whole:
        for ell in range(order, 0, -1):
            e[ell] += x * e[ell - 1]
    log2 = [math.log2(v >> max(v.bit_length() - 64, 0)) + max(v.bit_length() - 64, 0) for v in e]
    wanted = (np.array(log2) - shift * np.arange(order + 1)) * math.log(2)
    assert wanted[-1] < math.log(np.finfo(float).tiny)  # e_order itself is no float64
    # A sum of `order` logs, each ratio within 4 m eps, and roundings of a sum of that size.
    bound = order * 4 * m * EPS + order * EPS * abs(wanted[-1])
    np.testing.assert_allclose(log_elementary(mu, order), wanted, rtol=0, atol=bound)
    assert log_elementary(mu, 0).tolist() == [0.0]


def test_zeros_are_dropped() -> None:
    mu = np.array([3.0, 2.0, 0.0, 0.0])
    np.testing.assert_allclose(elementary_ratios(mu, 4), [5.0, 6 / 5, 0.0, 0.0])
    np.testing.assert_allclose(log_elementary(mu, 3), [0.0, np.log(5.0), np.log(6.0), -np.inf])
    assert volume_loss(mu, 2) == 0.0
    assert volume_loss(mu, 3) == 0.0
    assert (volume_residual(np.diag(mu), 2) == 0).all()


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_fast_decay_at_any_scale(scale: float) -> None:
    mu = np.exp(-0.2 * np.arange(784))
    rho = elementary_ratios(scale * mu, 784)
    assert np.isfinite(rho).all()
    assert (rho > 0).all()
    np.testing.assert_allclose(rho, scale * elementary_ratios(mu, 784), rtol=8 * 784 * EPS)


def test_mean_residual_against_enumeration_in_rationals() -> None:
    rng = np.random.default_rng(5)
    x = rng.integers(-3, 4, size=(9, 5))
    cov = (x.T @ x).astype(float)
    m = 5
    exact_cov = [[Fraction(int(v)) for v in row] for row in x.T @ x]
    # Eigenvalues err by eps m mu_1, which the ratios see relative to the smallest of them.
    mu = np.linalg.eigvalsh(cov)
    tolerance = 8 * EPS * m * mu[-1] * mu[-1] / mu[0]
    for k in (1, 2, 3, 4):
        total, mean = Fraction(0), np.zeros((m, m))
        mean_exact = [[Fraction(0)] * m for _ in range(m)]
        for kept in itertools.combinations(range(m), k):
            det, left = eliminated(exact_cov, kept)
            total += det
            for i, j in itertools.product(range(m), repeat=2):
                mean_exact[i][j] += det * left[i][j]
        for i, j in itertools.product(range(m), repeat=2):
            mean[i, j] = float(mean_exact[i][j] / total)
        np.testing.assert_allclose(volume_residual(cov, k), mean, rtol=0, atol=tolerance)
        assert volume_loss(cov, k) == pytest.approx(np.trace(mean), abs=m * tolerance)


def eliminated(
    cov: list[list[Fraction]], kept: tuple[int, ...]
) -> tuple[Fraction, list[list[Fraction]]]:
    """det Sigma_JJ and S_J by elimination; a zero pivot makes the determinant 0."""
    left = [row[:] for row in cov]
    det = Fraction(1)
    for p in kept:
        pivot = left[p][p]
        if pivot == 0:
            return Fraction(0), left
        det *= pivot
        column = [row[p] for row in left]
        left = [
            [v - column[i] * column[j] / pivot for j, v in enumerate(row)]
            for i, row in enumerate(left)
        ]
    return det, left


def test_mean_residual_is_below_its_bounds(family, to_backend) -> None:
    m = 9
    cov = family(m)
    spectrum = decompose(to_backend(cov))
    rounding = EPS * m * m * np.trace(cov)
    for k in range(1, m + 1):
        mean = to_numpy(volume_residual(spectrum, k))
        assert np.trace(mean) == pytest.approx(volume_loss(spectrum, k), abs=rounding)
        ridge = volume_ridge(spectrum, k)
        gap = ridge * to_numpy(smoother(spectrum, ridge)) - mean  # D5
        assert np.linalg.eigvalsh(gap)[0] >= -rounding
        if k < spectrum.rank:
            root = ridge_for_degrees_of_freedom(spectrum, k)
            assert volume_loss(spectrum, k) <= k * root + rounding  # X1
        else:
            assert (mean == 0).all()


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="at least 0, but the smallest is -1"):
        elementary_ratios(np.array([1.0, -1.0]), 1)
    with pytest.raises(ValueError, match="order must be at least 1 and at most 2, but is 3"):
        elementary_ratios(np.ones(2), 3)
    for ask in (volume_loss, volume_residual):
        for width in (0, 3):
            with pytest.raises(ValueError, match="width must be at least 1 and at most 2"):
                ask(np.eye(2), width)
    with pytest.raises(ValueError, match="order must be at least 0 and at most 2, but is 3"):
        log_elementary(np.ones(2), 3)
    with pytest.raises(ValueError, match="eigenvectors are needed"):
        volume_residual(np.ones(2), 1)
